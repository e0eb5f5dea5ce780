// The kernels of one instruction set as a library for the tests.
#include "kernels/functions.hpp"

extern "C" __attribute__((visibility("default"))) const void* rnndyn_test_kernels();

extern "C" const void* rnndyn_test_kernels() { return &rnndyn::kernels::native_functions(); }

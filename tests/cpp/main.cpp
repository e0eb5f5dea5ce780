// The tests, with the kernels of the baseline or, where RNNDYN_TEST_KERNELS names a library of them
// (see CMakeLists.txt), with those of RNNDYN_TEST_INSTRUCTION_SET. Returns 77 where the machine
// does not have it.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#if defined(__unix__)
#include <dlfcn.h>
#endif

#include "kernels/functions.hpp"

namespace {

constexpr int kSkipped = 77;

#if defined(__unix__) && defined(__x86_64__)
bool has(const std::string& instruction_set) {
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                    __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
  if (instruction_set == "avx2") return avx2;
  return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

// Whether the kernels that are named are in use now.
bool use_kernels(const char* library, const std::string& instruction_set) {
  void* handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
  void* symbol = handle == nullptr ? nullptr : dlsym(handle, "rnndyn_test_kernels");
  if (symbol == nullptr) {
    std::fprintf(stderr, "%s\n", dlerror());
    return false;
  }
  const auto table = reinterpret_cast<const void* (*)()>(symbol);
  rnndyn::kernels::use_functions(*static_cast<const rnndyn::kernels::Functions*>(table()));
  return rnndyn::kernels::functions().instruction_set == instruction_set;
}
#endif

}  // namespace

int main(int argc, char** argv) {
#if defined(__unix__) && defined(__x86_64__)
  if (const char* library = std::getenv("RNNDYN_TEST_KERNELS")) {
    const char* instruction_set = std::getenv("RNNDYN_TEST_INSTRUCTION_SET");
    if (instruction_set == nullptr || !has(instruction_set)) return kSkipped;
    if (!use_kernels(library, instruction_set)) return 1;
  }
#endif
  return doctest::Context(argc, argv).run();
}

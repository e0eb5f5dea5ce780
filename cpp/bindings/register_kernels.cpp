// Which instruction sets this processor (and operating system) can run, and the choice among them.
#include <string>
#include <vector>

#include "kernels/functions.hpp"
#include "register.hpp"

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

namespace rnndyn::bindings {
namespace {

// Best first. Kernels for the baseline are part of the core.
pybind11::list supported_instruction_sets() {
  pybind11::list names;
#if defined(_MSC_VER) && defined(_M_X64)
  int leaf1[4], leaf7[4];
  __cpuidex(leaf1, 1, 0);
  __cpuidex(leaf7, 7, 0);
  const bool os_saves_avx = (leaf1[2] >> 27 & 1) != 0;
  const unsigned long long saved = os_saves_avx ? _xgetbv(0) : 0;
  const bool avx2 = (saved & 6) == 6 && (leaf1[2] >> 12 & 1) && (leaf7[1] >> 5 & 1);
  const int avx512 = 1 << 16 | 1 << 17 | 1 << 30 | static_cast<int>(1U << 31);
  if (avx2 && (saved & 0xe6) == 0xe6 && (leaf7[1] & avx512) == avx512) names.append("avx512");
  if (avx2) names.append("avx2");
#elif defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt")) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
      names.append("avx512");
    }
    names.append("avx2");
  }
#endif
  names.append("baseline");
  return names;
}

void use_kernels(const pybind11::capsule& functions) {
  kernels::use_functions(*static_cast<const kernels::Functions*>(
      PyCapsule_GetPointer(functions.ptr(), kernels::kCapsuleName)));
}

}  // namespace

void register_kernels(pybind11::module_& module) {
  module.def("supported_instruction_sets", &supported_instruction_sets);
  module.def("use_kernels", &use_kernels, pybind11::arg("functions"));
  module.def("instruction_set_in_use", [] { return kernels::functions().instruction_set; });
}

}  // namespace rnndyn::bindings

// Tells which builds of the core this processor (and operating system) can run. Compiled for the
// baseline only, so that it loads everywhere.
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

namespace {

// Best first. The names are those of the extension modules.
std::vector<std::string> supported_instruction_sets() {
  std::vector<std::string> names;
#if defined(_MSC_VER) && defined(_M_X64)
  int leaf1[4], leaf7[4];
  __cpuidex(leaf1, 1, 0);
  __cpuidex(leaf7, 7, 0);
  const bool os_saves_avx = (leaf1[2] >> 27 & 1) != 0;
  const unsigned long long saved = os_saves_avx ? _xgetbv(0) : 0;
  const bool avx2 = (saved & 6) == 6 && (leaf1[2] >> 12 & 1) && (leaf7[1] >> 5 & 1);
  const int avx512 = 1 << 16 | 1 << 17 | 1 << 30 | static_cast<int>(1U << 31);
  if (avx2 && (saved & 0xe6) == 0xe6 && (leaf7[1] & avx512) == avx512) names.emplace_back("avx512");
  if (avx2) names.emplace_back("avx2");
#elif defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt")) {
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")) {
      names.emplace_back("avx512");
    }
    names.emplace_back("avx2");
  }
#endif
  names.emplace_back("baseline");
  return names;
}

}  // namespace

PYBIND11_MODULE(_cpu, module) {
  module.def("supported_instruction_sets", &supported_instruction_sets);
}

#include "kernels/orbits.hpp"

#include <cmath>

#include "kernels/pack.hpp"

namespace rnndyn::kernels {
namespace {

// Registers that are summed at once, where there are 16 or 32 of them.
constexpr int kPacks = kNativeLanes >= 8 ? 4 : 8 / (kNativeLanes / 2);
constexpr int kTogether = kPacks * kNativeLanes;
static_assert(kOrbits % kTogether == 0);

void combine(const OrbitRows& rows, std::size_t row, const double* values, double* out) {
  const std::size_t begin = rows.first[row];
  const std::size_t end = rows.first[row + 1];
  for (int lane = 0; lane < kOrbits; lane += kTogether) {
    Pack<kNativeLanes> sums[kPacks];
    RNNDYN_UNROLL
    for (int c = 0; c < kPacks; ++c) sums[c] = rows.constants[row] - Pack<kNativeLanes>{};
    for (std::size_t term = begin; term < end; ++term) {
      const double factor = rows.coefficient[term];
      const double* from = values + rows.offset[term] + lane;
      RNNDYN_UNROLL
      for (int c = 0; c < kPacks; ++c) {
        Pack<kNativeLanes> pack;
        load<kNativeLanes>(pack, from + c * kNativeLanes);
        sums[c] += factor * pack;
      }
    }
    RNNDYN_UNROLL
    for (int c = 0; c < kPacks; ++c) {
      store<kNativeLanes>(sums[c], out + lane + c * kNativeLanes);
    }
  }
}

}  // namespace

void step_orbits(const OrbitTables& tables, double* from, double* to, double limit,
                 double* beyond) {
  for (std::size_t unit = 0; unit < tables.n_units; ++unit) {
    double* out = from + (tables.n_states + unit) * kOrbits;
    combine(tables.units, unit, from, out);
    for (int lane = 0; lane < kOrbits; ++lane) out[lane] = out[lane] > 0.0 ? out[lane] : 0.0;
  }
  for (std::size_t i = 0; i < tables.n_states; ++i) {
    double* out = to + i * kOrbits;
    combine(tables.states, i, from, out);
    // Written so that NaN is beyond, too.
    for (int lane = 0; lane < kOrbits; ++lane) {
      beyond[lane] = std::abs(out[lane]) <= limit ? beyond[lane] : 1.0;
    }
  }
}

std::uint32_t near_center(const double* row, double center, double half_width) {
  // Integers as wide as the numbers, whose union the compiler can take in registers.
  std::int64_t near[kOrbits];
  std::int64_t any = 0;
  for (int lane = 0; lane < kOrbits; ++lane) {
    near[lane] = std::abs(row[lane] - center) <= half_width ? 1 : 0;
    any |= near[lane];
  }
  if (any == 0) return 0;
  std::uint32_t bits = 0;
  for (int lane = 0; lane < kOrbits; ++lane) bits |= static_cast<std::uint32_t>(near[lane]) << lane;
  return bits;
}

}  // namespace rnndyn::kernels

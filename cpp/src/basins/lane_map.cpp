#include "lane_map.hpp"

#include <cmath>

namespace rnndyn {

#if defined(__GNUC__)
// Vectors are passed between functions of this file only, all compiled with the same flags.
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

LaneMap::LaneMap(const CanonicalMap& map)
    : n_states_(static_cast<std::size_t>(map.n_states())),
      n_units_(static_cast<std::size_t>(map.n_relevant_units())) {
  const Index m = map.n_states();
  std::vector<Index> relevant;
  for (Index unit = 0; unit < map.n_units(); ++unit) {
    if (get_bit(map.relevant_units().data(), unit)) relevant.push_back(unit);
  }
  for (const Index unit : relevant) {
    units_.add_constant(map.h2()(unit));
    for (Index j = 0; j < m; ++j) units_.add_term(j, map.w2()(unit, j));
    units_.end_row();
  }
  for (Index i = 0; i < m; ++i) {
    states_.add_constant(map.h1()(i));
    for (Index j = 0; j < m; ++j) states_.add_term(j, map.a()(i, j));
    Index row = m;
    for (const Index unit : relevant) states_.add_term(row++, map.w1()(i, unit));
    states_.end_row();
  }
}

std::size_t LaneMap::buffer_size() const {
  return (n_states_ + n_units_) * static_cast<std::size_t>(kOrbits);
}

Index LaneMap::n_terms() const {
  return static_cast<Index>(units_.offset.size() + states_.offset.size() + n_states_ + n_units_);
}

void LaneMap::Rows::add_constant(double value) {
  constants.insert(constants.end(), static_cast<std::size_t>(kOrbits), value);
}

void LaneMap::Rows::add_term(Index row, double value) {
  if (value == 0.0) return;
  offset.push_back(static_cast<std::size_t>(row) * static_cast<std::size_t>(kOrbits));
  coefficient.push_back(value);
}

void LaneMap::Rows::combine(std::size_t row, const double* values, double* out) const {
  constexpr int n_packs = kOrbits / kNativeLanes;
  Pack<kNativeLanes> sums[n_packs];
  RNNDYN_UNROLL
  for (int c = 0; c < n_packs; ++c) {
    load<kNativeLanes>(sums[c], constants.data() + row * kOrbits + c * kNativeLanes);
  }
  for (std::size_t term = first[row]; term < first[row + 1]; ++term) {
    const double factor = coefficient[term];
    const double* from = values + offset[term];
    RNNDYN_UNROLL
    for (int c = 0; c < n_packs; ++c) {
      Pack<kNativeLanes> pack;
      load<kNativeLanes>(pack, from + c * kNativeLanes);
      sums[c] += factor * pack;
    }
  }
  RNNDYN_UNROLL
  for (int c = 0; c < n_packs; ++c) store<kNativeLanes>(sums[c], out + c * kNativeLanes);
}

void LaneMap::step(double* from, double* to, double limit, double* beyond) const {
  for (std::size_t unit = 0; unit < n_units_; ++unit) {
    double* out = from + (n_states_ + unit) * kOrbits;
    units_.combine(unit, from, out);
    for (int lane = 0; lane < kOrbits; ++lane) out[lane] = out[lane] > 0.0 ? out[lane] : 0.0;
  }
  for (std::size_t i = 0; i < n_states_; ++i) {
    double* out = to + i * kOrbits;
    states_.combine(i, from, out);
    // Written so that NaN is beyond, too.
    for (int lane = 0; lane < kOrbits; ++lane) {
      beyond[lane] = std::abs(out[lane]) <= limit ? beyond[lane] : 1.0;
    }
  }
}

}  // namespace rnndyn

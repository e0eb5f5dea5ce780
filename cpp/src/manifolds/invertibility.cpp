#include "rnndyn/invertibility.hpp"

#include <utility>

#include "exact/exact_matrix.hpp"
#include "manifolds/polytope.hpp"
#include "rnndyn/regions.hpp"
#include "rnndyn/rounding.hpp"
#include "rnndyn/smooth/shooting.hpp"

namespace rnndyn {
namespace {

// Products of words that one determinant may cost: some seconds.
constexpr double kEffort = 1e9;

// How far rounding may have moved the entries of a Jacobian, whatever the region.
Matrix jacobian_radius(const CanonicalMap& map) {
  Matrix size = map.a().cwiseAbs();
  if (map.n_units() > 0) size += map.w1().cwiseAbs() * map.w2().cwiseAbs();
  return size.array() * (gamma(static_cast<double>(map.n_units()) + 2.0) * kOutward) + kUnderflow;
}

ExactMatrix exact_jacobian(const CanonicalMap& map, const Word* region, ExactEffort& effort) {
  ExactMatrix jacobian(map.a());
  std::vector<Index> on;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(region, i)) on.push_back(i);
  }
  Matrix columns(map.n_states(), static_cast<Index>(on.size()));
  Matrix rows(static_cast<Index>(on.size()), map.n_states());
  for (std::size_t k = 0; k < on.size(); ++k) {
    columns.col(static_cast<Index>(k)) = map.w1().col(on[k]);
    rows.row(static_cast<Index>(k)) = map.w2().row(on[k]);
  }
  const ExactMatrix rest = product(ExactMatrix(columns), ExactMatrix(rows), effort);
  for (Index r = 0; r < jacobian.rows(); ++r) {
    for (Index c = 0; c < jacobian.cols(); ++c) jacobian(r, c) += rest(r, c);
  }
  return jacobian;
}

std::int8_t sign_of_determinant(const CanonicalMap& map, const Word* region, const Matrix& radius,
                                Control* control) {
  // det J = det(I - (I - J)).
  const Index m = map.n_states();
  const Matrix rest = Matrix::Identity(m, m) - map.jacobian(region);
  const Matrix error = radius + kUnitRoundoff * rest.cwiseAbs();
  const int sign = smooth::certified_sign({rest}, {error});
  if (sign != 0) return static_cast<std::int8_t>(sign);
  ExactEffort effort(kEffort, control);
  const int exact = determinant_sign(exact_jacobian(map, region, effort), effort);
  return effort.exhausted() ? kUnknownSign : static_cast<std::int8_t>(exact);
}

}  // namespace

std::optional<RegionDeterminants> region_determinants(const CanonicalMap& map, std::size_t limit,
                                                      int n_threads, Control* control) {
  auto regions = nonempty_regions(map, limit, control);
  if (!regions) return std::nullopt;
  const std::size_t words = map.words_per_region();
  const std::size_t n = regions->size() / words;
  const Index m = map.n_states();
  RegionDeterminants found;
  found.regions = std::move(*regions);
  found.signs.assign(n, 0);
  found.interiors = Matrix::Zero(m, static_cast<Index>(n));
  found.radii = Vector::Zero(static_cast<Index>(n));
  const Matrix radius = jacobian_radius(map);
  // Points of regions are as easy to find anywhere; a box would cut regions off.
  const Vector reach = Vector::Constant(m, 1e12 * (1.0 + map.largest_entry()));
  std::vector<char> done(n, 0);
  parallel_for(n, n_threads, [&](std::size_t i, int) {
    if (control->stop_requested()) return;
    try {
      const Word* region = found.regions.data() + i * words;
      found.signs[i] = sign_of_determinant(map, region, radius, control);
      Polytope inside;
      inside.equations = Rows(m, 0);
      inside.inequalities = affine_step(map, region, reach).border;
      settle(inside, reach, control);
      found.interiors.col(static_cast<Index>(i)) = inside.interior;
      found.radii(static_cast<Index>(i)) = inside.radius;
      done[i] = 1;
    } catch (const Stopped&) {
      // It is thrown again below, from a place that it may leave.
    }
  });
  for (const char one : done) {
    if (one == 0) throw Stopped();
  }
  return found;
}

}  // namespace rnndyn

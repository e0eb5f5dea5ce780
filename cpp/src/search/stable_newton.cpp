#include <algorithm>
#include <cmath>

#include "cycles/cyclic_system.hpp"
#include "search/newton_kernel.hpp"

namespace rnndyn {

kernels::PreactivationReach reach_of(const CanonicalMap& map) {
  if (map.n_units() == 0) return {};
  const Matrix w1 = map.w1().cwiseAbs();
  kernels::PreactivationReach reach;
  const Vector rows = map.w2().cwiseAbs().rowwise().sum();
  reach.scale = rows.maxCoeff();
  reach.shift = map.h2().cwiseAbs().maxCoeff();
  reach.slope = (map.a().cwiseAbs().rowwise().sum() + w1 * rows).maxCoeff();
  reach.offset = (map.h1().cwiseAbs() + w1 * map.h2().cwiseAbs()).maxCoeff();
  reach.weight = w1.rowwise().sum().maxCoeff();
  return reach;
}

namespace {

Itinerary as_itinerary(const CanonicalMap& map, const Word* regions, Index order) {
  Itinerary itinerary(order, map.words_per_region());
  std::copy_n(regions, itinerary.bits.size(), itinerary.bits.begin());
  return itinerary;
}

// Follows the true map from each segment's first point and writes the regions met.
NewtonStatus follow_segments(const CanonicalMap& map, const CyclicSystem& system,
                             const Matrix& points, const Itinerary& itinerary, Word* next) {
  if (!points.allFinite()) return NewtonStatus::diverged;
  const double threshold =
      reach_of(map).negligible(points.cwiseAbs().maxCoeff(), CyclicSystem::kSegmentGrowth);
  bool same = true;
  Vector z;
  for (Index t = 0; t < itinerary.order; ++t) {
    if (system.starts_segment(t)) z = points.col(t);
    const Vector p = map.preactivation(z);
    if (!p.allFinite()) return NewtonStatus::diverged;
    Word* out = next + static_cast<std::size_t>(t) * itinerary.words;
    std::fill_n(out, itinerary.words, Word{0});
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      const bool now = get_bit(itinerary.at(t), i);
      const bool bit = std::abs(p(i)) <= threshold ? now : p(i) > 0.0;
      set_bit(out, i, bit);
      same = same && bit == now;
    }
    z = map.a() * z + map.w1() * p.cwiseMax(0.0) + map.h1();
  }
  return same ? NewtonStatus::settled : NewtonStatus::moved;
}

}  // namespace

NewtonStatus iterate_stably(const CanonicalMap& map, const Word* regions, Index order, Word* next,
                            Control* control) {
  const Itinerary itinerary = as_itinerary(map, regions, order);
  const CyclicSystem system(map, itinerary, control);
  const Matrix points = system.solve(system.offsets());
  if (!points.allFinite()) return iterate_singular(map, regions, order, next, control);
  return follow_segments(map, system, points, itinerary, next);
}

NewtonStatus iterate_singular(const CanonicalMap& map, const Word* regions, Index order, Word* next,
                              Control* control) {
  const Itinerary itinerary = as_itinerary(map, regions, order);
  const CyclicSystem system(map, itinerary, control);
  const Index nullity = std::max<Index>(1, system.nullity());
  const Matrix points = system.solve(system.offsets(), nullity);
  const NewtonStatus status = follow_segments(map, system, points, itinerary, next);
  return status == NewtonStatus::diverged ? status : NewtonStatus::singular;
}

}  // namespace rnndyn

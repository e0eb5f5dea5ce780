#include <algorithm>

#include "../cycles/cyclic_system.hpp"
#include "newton_kernel.hpp"

namespace rnndyn {

PreactivationReach::PreactivationReach(const CanonicalMap& map) : scale(0.0), shift(0.0) {
  if (map.n_units() == 0) return;
  scale = map.w2().cwiseAbs().rowwise().sum().maxCoeff();
  shift = map.h2().cwiseAbs().maxCoeff();
}

NewtonStatus iterate_stably(const CanonicalMap& map, const Word* itinerary, Index order,
                            Word* next) {
  Itinerary wanted(order, map.words_per_region());
  std::copy_n(itinerary, wanted.bits.size(), wanted.bits.begin());
  const CyclicSystem system(map, wanted);
  const Matrix points = system.solve(system.offsets());
  if (!points.allFinite()) return NewtonStatus::singular;
  const PreactivationReach reach(map);
  const double threshold = reach.negligible(points.cwiseAbs().maxCoeff(), CyclicSystem::kSegmentGrowth);
  bool same = true;
  Vector z;
  for (Index t = 0; t < order; ++t) {
    if (system.starts_segment(t)) z = points.col(t);
    const Vector p = map.preactivation(z);
    if (!p.allFinite()) return NewtonStatus::diverged;
    const Word* now = wanted.at(t);
    Word* out = next + static_cast<std::size_t>(t) * map.words_per_region();
    std::fill(out, out + map.words_per_region(), Word{0});
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      const bool bit = std::abs(p(i)) <= threshold ? get_bit(now, i) : p(i) > 0.0;
      set_bit(out, i, bit);
      same = same && bit == get_bit(now, i);
    }
    z = map.a() * z + map.w1() * p.cwiseMax(0.0) + map.h1();
  }
  return same ? NewtonStatus::settled : NewtonStatus::moved;
}

}  // namespace rnndyn

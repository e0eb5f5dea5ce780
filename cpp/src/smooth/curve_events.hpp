// Where in a tube a curve bifurcates.
#pragma once

#include "rnndyn/cycles.hpp"
#include "smooth/tube.hpp"

namespace rnndyn::smooth {

Index n_unstable(const Multipliers& multipliers);
// The real multiplier that is nearest to -1, plus 1; not a number without one.
double flip_distance(const SmoothPath& path, Index order, const Vector& x);

// The signs of what vanishes at a fold or flip are proved to differ at `begin` and `end`.
CurveEvent locate_fold(const SmoothPath& path, const Tube& tube, Index order,
                       const PathPoint& begin, const PathPoint& end);
CurveEvent locate_flip(const SmoothPath& path, const Tube& tube, Index order,
                       const PathPoint& begin, const PathPoint& end);
// Whether the curve turns strictly between s = 0 and s = 1.
bool fold_is_inside(const Tube& tube, const PathPoint& begin, const PathPoint& end);
// Adds the events of pairs that pass the unit circle; false where they do not explain the change of
// stability.
bool locate_neimark_sacker(const SmoothPath& path, const Tube& tube, Index order,
                           const PathPoint& begin, const PathPoint& end, std::size_t node,
                           Curve& curve);

}  // namespace rnndyn::smooth

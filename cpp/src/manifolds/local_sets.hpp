// Around the points of a cycle: the states that follow its regions for ever and come closer to it,
// forwards in time (stable) or backwards (unstable).
#pragma once

#include <vector>

#include "manifolds/polytope.hpp"

namespace rnndyn {

struct LocalSets {
  ManifoldRefusal refusal = ManifoldRefusal::none;
  std::vector<Polytope> at;  // one for each point of the cycle; none where it leaves the box
  bool too_thin = false;     // or where one is thinner than rounding allows to see
};

LocalSets local_sets(const std::vector<AffineStep>& around, const Matrix& points,
                     double error_bound, const ManifoldOptions& options, const Vector& reach,
                     Control* control);

}  // namespace rnndyn

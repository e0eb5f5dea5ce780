// Images of pieces of affine sets under a step of the map.
#pragma once

#include "manifolds/polytope.hpp"

namespace rnndyn {

// The image of a settled set on which the step is one to one; equations with a row more than
// those of the set where it is not. The rounding errors of the rows are estimates.
Polytope pushed_forward(const Polytope& set, const AffineStep& step);

}  // namespace rnndyn

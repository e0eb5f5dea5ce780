// Fixed points where gates are closed.
#pragma once

#include "rnndyn/smooth/verify.hpp"

namespace rnndyn::smooth {

// What the equations of fixed points say about a state at which Newton's method has come to rest.
struct AtRest {
  // No fixed point has its h near, or `point` is the only one.
  bool decided = false;
  Matrix point;  // N x 1; empty where there is none
  Verified verified;
};

// Where an update gate z or forget gate f is 1 up to rounding errors, so is a unit's own
// multiplier, and |F(z) - z| is 0 up to rounding errors in a whole region. But z and f are below 1
// whatever the state, so that h = z h + (1 - z) m is h = m, and c = f c + i g is c = i g / (1 - f):
// equations in which that factor is gone. det(I - DF) is the product of all 1 - z or 1 - f, which
// are positive, and det(I - DPhi) of these, as elimination of the c shows.
AtRest decide_at_rest(const SmoothMap& map, const Matrix& point);

}  // namespace rnndyn::smooth

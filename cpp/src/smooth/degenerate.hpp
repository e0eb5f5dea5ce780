// Degenerate cycles: where a multiplier is 1 the network stands still, within rounding errors, in a
// whole neighbourhood, and Newton's method ends anywhere in it.
#pragma once

#include "rnndyn/smooth/verify.hpp"

namespace rnndyn::smooth {

// Whether all points between two solutions (N x k) that are close to each other solve the equations
// within rounding errors, or as well as solutions with this residual, so that the two cannot be
// told from each other.
bool stands_between(const SmoothMap& map, const Matrix& a, const Matrix& b, double residual);

// The direction in which a solution changes its equations least, with largest coordinate 1.
Matrix direction_of_rest(const SmoothMap& map, const Matrix& points);

struct Neighbourhood {
  Matrix centre;  // N x k
  // Largest change of a coordinate up to its ends; infinite where no end is near.
  double reach = 0.0;
};

// The part of the line through two solutions on which the network stands still so.
Neighbourhood neighbourhood_of(const SmoothMap& map, const Matrix& a, const Matrix& b,
                               double residual);

}  // namespace rnndyn::smooth

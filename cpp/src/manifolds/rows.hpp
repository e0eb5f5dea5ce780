// Rows of equations and inequalities, carried through steps of the map with their rounding errors.
//
// As the states keep to a box, |x| <= reach, what a step does to a normal is at once a bound of
// what it does to the row as a whole. Errors of several steps therefore add up, like the residuals
// of a linear program over all steps, and are not multiplied by the sizes of the Jacobians.
#pragma once

#include <vector>

#include "rnndyn/manifolds.hpp"

namespace rnndyn {

// The map in one region, and how large the terms are of which its numbers are sums.
struct AffineStep {
  std::vector<Word> region;
  Matrix jacobian;
  Vector offset;
  Matrix jacobian_size;
  Vector offset_size;
  Rows border;  // normals z <= values in the closed region, rows of length 1
};

AffineStep affine_step(const CanonicalMap& map, const Word* region, const Vector& reach);

Rows joined(const Rows& first, const Rows& second);
Rows chosen(const Rows& rows, const std::vector<Index>& which);
// The rows { lower <= x <= upper }.
Rows box_rows(const Vector& lower, const Vector& upper);

// The conditions on z that say that its image fulfils these: rows . (J z + c).
Rows pulled_back(const Rows& rows, const AffineStep& step, const Vector& reach);
// The rows combined: those of `matrix` times `rows`.
Rows combined(const Matrix& matrix, const Rows& rows, const Vector& reach);
// Rows that say the same of the states of an affine set, with normals inside it: what grows along
// the expanding directions is no part of what they say. The equations are orthonormal.
void project(Rows& rows, const Rows& equations, const Vector& reach);
// Each row divided by its length. Rows of zeros stay.
void normalize(Rows& rows, const Vector& reach);

}  // namespace rnndyn

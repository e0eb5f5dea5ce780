// Whether equations and inequalities have common solutions, and which inequalities matter.
#pragma once

#include <vector>

#include "manifolds/rows.hpp"

namespace rnndyn {

enum class Contents {
  some,      // it has a point well inside all inequalities
  none,      // proved to be empty, within `reach`, for the exact rows
  undecided  // thinner than rounding allows to see
};

struct Polytope {
  Rows equations;     // made orthonormal by settle()
  Rows inequalities;  // made irredundant, of length 1 and orthogonal to the equations
  Vector interior;
  double radius = 0.0;
};

// An orthonormal parametrisation origin + basis y of the solutions of orthonormal equations.
struct Frame {
  Vector origin;
  Matrix basis;
};
Frame frame_of(const Rows& equations);

// Makes the equations orthonormal. Where they depend on each other, nothing but whether they
// contradict each other can be said.
Contents orthonormalize(Rows& equations, const Vector& reach);

// Looks for a point inside, removes what is redundant, and turns the rest into the affine set.
// `reach` bounds |x| in every coordinate.
Contents settle(Polytope& polytope, const Vector& reach, Control* control);

// Whether no |x| <= reach fulfils all rows: the multipliers (>= 0) of the inequalities prove it,
// with those of the equations that fit them best and with all rounding errors (Farkas' lemma).
bool proves_empty(const Polytope& polytope, const Vector& multipliers, const Vector& reach);

// Whether an inequality x cuts off nothing of the polytope, but for rounding.
bool redundant_for(const Polytope& polytope, const Eigen::RowVectorXd& normal, double value,
                   Control* control);

}  // namespace rnndyn

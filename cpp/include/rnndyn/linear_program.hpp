// Small dense linear programs over free variables: enough to clip affine sets to a region and to
// tell which regions of an arrangement of hyperplanes are not empty.
#pragma once

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

struct LinearProgramResult {
  bool bounded = true;
  double value = 0.0;  // of the objective at `point`; meaningless where not bounded
  Vector point;
  // A multiplier >= 0 for each row, zero but where the row holds with equality at `point`: the
  // objective is their combination of the rows. Empty where not bounded.
  Vector multipliers;
};

// Maximises objective . x subject to g x <= b, x free. The origin must be feasible (b >= 0).
// Throws Stopped when the control says stop, and so does deepest_point().
LinearProgramResult maximize(const Vector& objective, const Matrix& g, const Vector& b,
                             Control* control = nullptr);

// The point of {g x <= b} deepest inside, measured in the rows' own lengths and at most `cap`:
// maximises t <= cap subject to g_i x + |g_i| t <= b_i. `value` is t; it is negative where the set
// is empty, and then the multipliers prove it (Farkas' lemma). Rows of zeros must have been dealt
// with by the caller.
LinearProgramResult deepest_point(const Matrix& g, const Vector& b, double cap,
                                  Control* control = nullptr);

}  // namespace rnndyn

// Exact points of sets of linear inequalities.
#pragma once

#include <optional>
#include <vector>

#include "exact/exact_matrix.hpp"

namespace rnndyn {

enum class InteriorKind { empty, face, interior };

struct Interior {
  InteriorKind kind = InteriorKind::empty;
  std::vector<Dyadic> point;  // over `denominator`; of an interior
  Dyadic denominator;
  std::vector<Index> equalities;  // of a face: rows that vanish on all of the set; at least one
};

// About {a : forms(i, 0) + sum_j forms(i, j + 1) a_j >= 0 for all rows i}, in which no row is
// constant: a point where all rows are positive, or rows that vanish wherever none is negative. The
// point is the deepest, measured by the size of each row's largest coefficient, up to depth `cap`.
// nullopt when the effort is exhausted.
std::optional<Interior> find_interior(const ExactMatrix& forms, const Dyadic& cap,
                                      ExactEffort& effort);

}  // namespace rnndyn

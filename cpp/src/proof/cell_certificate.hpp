// Bounds that follow from multipliers of rows, with every rounding error accounted for.
#pragma once

#include <cstdint>
#include <vector>

#include "proof/cell_cover.hpp"
#include "proof/cell_program.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {

// Of sums with so many roundings along any path: 4 more for the evaluation of the bound.
constexpr double gamma_of(double n_operations) { return gamma(n_operations + 4.0); }

// The proofs keep a few vectors of states on the stack.
inline constexpr Index kMostStates = 128;

// An upper bound of  sign * g_row . x  over all x with  |x| <= size  and  lower <= g x <= upper,
// where lower and upper are the program's bounds and g[i] is the i-th row in exact numbers. It
// follows by weak duality from the present dictionary: with d the coefficients of the row,
//   g_row x = sum_j d_j (g_j x) + (g_row - sum_j d_j g_j) x.
double certified_upper(const CellProgram& program, Index row, double sign, const double* const* g,
                       const double* size);

// What the proofs about words of cells need to know of a cover, computed once.
class WordCertificate {
 public:
  // `size` bounds |z_j| in every cell.
  WordCertificate(const CellCover& cover, Vector size);

  // Whether the multipliers of the present dictionary's stuck row prove that no orbit passes the
  // cells word[0 ... n] in turn. Row t * faces + f of the program stands for T_f z_t, t = 0 ... n;
  // rows from `first_closing` on stand for the coordinates of z_n - z_0, which then has to vanish.
  // The sum of rows is carried back from step n to step 0 by the transposed Jacobians, never as a
  // product of matrices; what rounding leaves at each step is bounded by the size of z_t there.
  bool refutes(const CellProgram& program, const std::int32_t* word, Index n,
               Index first_closing) const;

 private:
  const CellCover* cover_;
  Vector size_;
  std::vector<double> face_size_;  // |T_f| size
  double lost_;                    // to underflow at one step
};

}  // namespace rnndyn

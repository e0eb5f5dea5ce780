// Q R factorisation of a block of tangent vectors.
#pragma once

#include <memory>
#include <vector>

#include "kernels/tangent/layer.hpp"

namespace rnndyn::lyapunov {

// How far the fast factorisation may go, by precision.
template <class Real>
struct Tolerance {
  static constexpr bool is_double = sizeof(Real) == 8;
  // Part of the longest column that projection may leave of any: below it, too few digits are
  // right.
  static constexpr double smallest_remainder = is_double ? 1e-7 : 1e-4;
  // Squared ratio of pivots within a panel below which a second round follows.
  static constexpr double second_round = is_double ? 1e-3 : 3e-2;
  // And below which the Gram matrix has no digits left.
  static constexpr double breakdown = is_double ? 1e-14 : 1e-5;
  // Deviation of Q^T Q from the identity that is good enough on the way (errors of orthogonality do
  // not add up), good enough where growth is read off, and beyond repair by a second pass.
  static constexpr double orthogonal = is_double ? 1e-8 : 1e-2;
  static constexpr double precisely_orthogonal = is_double ? 1e-10 : 1e-4;
  static constexpr double hopeless = 0.1;
  // ln of the condition that the choice of the interval aims at: the smallest growth then has a
  // relative error of about 1e-10 (double) or 2e-5 (single).
  static constexpr double aimed_log_condition = is_double ? 13.8 : 6.0;
};

// Orthonormal columns with the spans of a block's. Keeps its buffers.
template <class Real>
class Orthonormalizer {
 public:
  struct Outcome {
    bool finite = true;        // else the block holds numbers that are not; nothing was done
    bool householder = false;  // the fast way would have lost too many digits
    Index rank = 0;            // columns that are left
    // ln of the condition of the block, as seen from the diagonal of R, from what projection took
    // from the columns, and from the orthogonality that was lost.
    double log_condition = 0.0;
  };

  Orthonormalizer() = default;
  Orthonormalizer(const Orthonormalizer&) = delete;
  Orthonormalizer& operator=(const Orthonormalizer&) = delete;
  virtual ~Orthonormalizer() = default;

  // `q` receives orthonormal columns with the spans of the leading columns of `block`, and
  // log_diagonal[j] = ln R_jj. A column that depends on those before it is taken out: the columns
  // behind it move up, and the last one becomes zero, with ln R_jj = -inf.
  // `precise` asks for orthogonality to the last digits.
  virtual Outcome run(View<Real> block, View<Real> q, double* log_diagonal, bool precise,
                      int n_threads) = 0;
};

// For blocks of up to this many rows and columns.
template <class Real>
std::unique_ptr<Orthonormalizer<Real>> make_orthonormalizer(Index rows, Index columns,
                                                            ParallelFor parallel);

// Householder's method with the rows in order of size, in double precision whatever the block's:
// rows of very different size keep their own digits (A. J. Cox, N. J. Higham, "Stability of
// Householder QR factorization for weighted least squares problems", 1998), so that a growth of
// exactly zero can be told from one that is only very small. The entries of the block are taken to
// have rounding errors of `roundoff` relative to the largest of their row.
struct HouseholderFactors {
  Eigen::MatrixXd q;             // (rows, columns); zero beyond the rank
  Eigen::VectorXd log_diagonal;  // -inf beyond the rank
  Index rank;
};
HouseholderFactors householder_factors(const Eigen::MatrixXd& block, double roundoff);

}  // namespace rnndyn::lyapunov

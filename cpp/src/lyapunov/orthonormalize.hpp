// Q R factorisation of a block of tangent vectors.
#pragma once

#include <vector>

#include "lyapunov/product.hpp"

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

// Block modified Gram-Schmidt with Cholesky Q R of the panels. All its work is products of
// matrices, and mostly one round is enough: projecting panel by panel loses digits like the
// condition of the block, not like its square as one Cholesky Q R of the whole would (Å. Björck,
// "Numerics of Gram-Schmidt orthogonalization", Linear Algebra Appl. 197, 1994). A second pass
// follows where a probe shows that too much orthogonality was lost. Keeps its buffers.
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

  // For blocks of up to this many rows and columns.
  Orthonormalizer(Index rows, Index columns);

  // `q` receives orthonormal columns with the spans of the leading columns of `block`, and
  // log_diagonal[j] = ln R_jj. A column that depends on those before it is taken out: the columns
  // behind it move up, and the last one becomes zero, with ln R_jj = -inf.
  // `precise` asks for orthogonality to the last digits.
  Outcome run(View<Real> block, View<Real> q, double* log_diagonal, bool precise, int n_threads);

 private:
  // Both return false where the fast way cannot do it.
  bool factor_fast(View<Real> q, double* log_diagonal, double& error, bool precise, int n_threads);
  bool factor_by_panels(View<Real> q, double* log_diagonal, int n_threads);
  double orthogonality_error(View<Real> q);
  bool factor_panel(View<Real> panel, double* log_diagonal);
  // One Cholesky Q R; returns the smallest squared ratio of a pivot to its column, 0 on breakdown.
  double cholesky_round(View<Real> panel, double* log_diagonal);
  void project(View<Real> panel, View<Real> rest, int n_threads);

  Index panel_columns_;
  PackedMatrix<Real> transposed_, tall_;
  Block<Real> gram_, coefficients_;
  Eigen::Matrix<Real, -1, -1> factor_;
  std::vector<Real> row_;
  Eigen::Matrix<Real, -1, 1> probe_, image_, deviation_;
  std::vector<double> second_diagonal_;
  std::vector<double> norms_;
};

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

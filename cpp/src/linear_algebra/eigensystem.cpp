#include <cmath>
#include <limits>

#include "linear_algebra/decompositions.hpp"

namespace rnndyn::dense {

// The rows of the inverse of the matrix of right eigenvectors are the left ones. For a pair
// p +- i q the columns p and q take the place of the two complex ones, so that all is real: the row
// of p + i q is then half that of p minus i times half that of q.
Eigensystem eigensystem(const Matrix& a) {
  const Index n = a.rows();
  const Eigen::EigenSolver<Matrix> solver(a);
  Eigensystem result;
  result.values = solver.eigenvalues();
  Matrix vectors = solver.pseudoEigenvectors();
  // Imaginary parts of rounding size do not make a pair.
  const auto is_pair = [&](Index i) {
    const double real = std::abs(result.values(i).real());
    return i + 1 < n &&
           std::abs(result.values(i).imag()) > 2.0 * std::numeric_limits<double>::epsilon() * real;
  };
  for (Index i = 0; i < n; ++i) {
    const Index width = is_pair(i) ? 2 : 1;
    vectors.middleCols(i, width) /= vectors.middleCols(i, width).norm();
    i += width - 1;
  }
  const Matrix left = inverse(vectors);
  result.conditions.resize(n);
  for (Index i = 0; i < n; ++i) {
    if (is_pair(i)) {
      result.conditions.segment(i, 2).setConstant(0.5 * left.middleRows(i, 2).norm());
      ++i;
    } else {
      result.conditions(i) = left.row(i).norm();
    }
  }
  return result;
}

}  // namespace rnndyn::dense

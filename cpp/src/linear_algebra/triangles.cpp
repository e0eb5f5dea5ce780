#include "linear_algebra/decompositions.hpp"

namespace rnndyn::dense {

void solve_triangle(const ConstMatrixRef& triangle, Triangle which, MatrixRef right) {
  switch (which) {
    case Triangle::lower:
      triangle.triangularView<Eigen::Lower>().solveInPlace(right);
      break;
    case Triangle::unit_lower:
      triangle.triangularView<Eigen::UnitLower>().solveInPlace(right);
      break;
    case Triangle::upper:
      triangle.triangularView<Eigen::Upper>().solveInPlace(right);
      break;
  }
}

std::optional<Matrix> cholesky(const ConstMatrixRef& symmetric) {
  const Eigen::LLT<Matrix> factored(symmetric);
  // Eigen does not take a NaN for a failure.
  if (factored.info() != Eigen::Success || !factored.matrixLLT().diagonal().allFinite()) {
    return std::nullopt;
  }
  return Matrix(factored.matrixL());
}

}  // namespace rnndyn::dense

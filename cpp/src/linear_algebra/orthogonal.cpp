#include "linear_algebra/decompositions.hpp"

template class Eigen::HouseholderQR<rnndyn::Matrix>;
template class Eigen::ColPivHouseholderQR<rnndyn::Matrix>;

namespace rnndyn::dense {

Matrix solve(const Eigen::ColPivHouseholderQR<Matrix>& factored, const ConstMatrixRef& right) {
  return factored.solve(right);
}

void apply_adjoint(const Eigen::HouseholderQR<Matrix>& factored, MatrixRef rows) {
  rows.applyOnTheLeft(factored.householderQ().adjoint());
}

void orthogonal_factors(const ConstMatrixRef& a, Matrix& q, Matrix& r) {
  const Eigen::HouseholderQR<Matrix> factored(a);
  r = factored.matrixQR().triangularView<Eigen::Upper>();
  q = factored.householderQ();
}

}  // namespace rnndyn::dense

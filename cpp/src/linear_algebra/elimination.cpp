#include "linear_algebra/decompositions.hpp"

namespace rnndyn::dense {

Matrix solve(const ConstMatrixRef& a, const ConstMatrixRef& right) {
  return a.partialPivLu().solve(right);
}

Matrix inverse(const ConstMatrixRef& a) { return a.partialPivLu().inverse(); }

Eigen::PartialPivLU<Matrix> factored(const ConstMatrixRef& a) { return a.partialPivLu(); }
Matrix solve(const Eigen::PartialPivLU<Matrix>& factored, const ConstMatrixRef& right) {
  return factored.solve(right);
}

}  // namespace rnndyn::dense

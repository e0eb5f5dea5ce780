#include "map/decompositions.hpp"

namespace rnndyn::dense {

void multiply(const ConstMatrixRef& a, const ConstMatrixRef& b, MatrixRef out) {
  out.noalias() = a * b;
}

void subtract_product(const ConstMatrixRef& a, const ConstMatrixRef& b, MatrixRef out) {
  out.noalias() -= a * b;
}

Matrix product(const ConstMatrixRef& a, const ConstMatrixRef& b) { return a * b; }

Matrix transposed_product(const ConstMatrixRef& a, const ConstMatrixRef& b) {
  return a.transpose() * b;
}

Matrix product_transposed(const ConstMatrixRef& a, const ConstMatrixRef& b) {
  return a * b.transpose();
}

Vector apply(const ConstMatrixRef& a, const ConstVectorRef& x) { return a * x; }

Vector apply_transposed(const ConstMatrixRef& a, const ConstVectorRef& x) {
  return a.transpose() * x;
}

}  // namespace rnndyn::dense

#include "kernels/functions.hpp"
#include "linear_algebra/decompositions.hpp"

namespace rnndyn::dense {
namespace {

using kernels::Transposed;

// out = alpha a b, or out + alpha a b.
void multiply(Transposed transposed, double alpha, const ConstMatrixRef& a, const ConstMatrixRef& b,
              MatrixRef out, bool add) {
  const Index depth = transposed == Transposed::left ? a.rows() : a.cols();
  kernels::functions().dense.multiply(out.rows(), out.cols(), depth, transposed, alpha, a.data(),
                                      a.outerStride(), b.data(), b.outerStride(), out.data(),
                                      out.outerStride(), add);
}

}  // namespace

void multiply(const ConstMatrixRef& a, const ConstMatrixRef& b, MatrixRef out) {
  multiply(Transposed::none, 1.0, a, b, out, false);
}

void subtract_product(const ConstMatrixRef& a, const ConstMatrixRef& b, MatrixRef out) {
  multiply(Transposed::none, -1.0, a, b, out, true);
}

Matrix product(const ConstMatrixRef& a, const ConstMatrixRef& b) {
  Matrix out(a.rows(), b.cols());
  multiply(Transposed::none, 1.0, a, b, out, false);
  return out;
}

Matrix transposed_product(const ConstMatrixRef& a, const ConstMatrixRef& b) {
  Matrix out(a.cols(), b.cols());
  multiply(Transposed::left, 1.0, a, b, out, false);
  return out;
}

Matrix product_transposed(const ConstMatrixRef& a, const ConstMatrixRef& b) {
  Matrix out(a.rows(), b.rows());
  multiply(Transposed::right, 1.0, a, b, out, false);
  return out;
}

Vector apply(const ConstMatrixRef& a, const ConstVectorRef& x) {
  Vector out = Vector::Zero(a.rows());
  kernels::functions().dense.multiply_vector(a.rows(), a.cols(), a.data(), a.outerStride(),
                                             x.data(), out.data());
  return out;
}

Vector apply_transposed(const ConstMatrixRef& a, const ConstVectorRef& x) {
  Matrix out(a.cols(), 1);
  multiply(Transposed::left, 1.0, a, x, out, false);
  return out;
}

}  // namespace rnndyn::dense

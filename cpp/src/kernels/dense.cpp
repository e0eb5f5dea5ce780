// Eigen's blocked routines, on memory that others own. The only kernel that uses Eigen.
#include "kernels/dense.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

namespace rnndyn::kernels {
namespace {

using Stride = Eigen::OuterStride<>;
using Constant = Eigen::Map<const Eigen::MatrixXd, 0, Stride>;
using Variable = Eigen::Map<Eigen::MatrixXd, 0, Stride>;

template <class A, class B>
void store_product(const A& a, const B& b, Variable& c, bool add) {
  if (add) {
    c.noalias() += a * b;
  } else {
    c.noalias() = a * b;
  }
}

}  // namespace

void multiply(Index m, Index n, Index k, const double* a, Index lda, const double* b, Index ldb,
              bool transpose_b, double* c, Index ldc, bool add) {
  const Constant left(a, m, k, Stride(lda));
  Variable out(c, m, n, Stride(ldc));
  if (transpose_b) {
    store_product(left, Constant(b, n, k, Stride(ldb)).transpose(), out, add);
  } else {
    store_product(left, Constant(b, k, n, Stride(ldb)), out, add);
  }
}

void multiply_vector(Index m, Index n, const double* a, Index lda, const double* x, double* y) {
  Eigen::Map<Eigen::VectorXd>(y, m).noalias() +=
      Constant(a, m, n, Stride(lda)) * Eigen::Map<const Eigen::VectorXd>(x, n);
}

void factor(Index n, double* a, Index* rows) {
  Eigen::Map<Eigen::MatrixXd> matrix(a, n, n);
  const Eigen::PartialPivLU<Eigen::Ref<Eigen::MatrixXd>> lu(matrix);
  std::copy_n(lu.permutationP().indices().data(), n, rows);
}

void solve(Index n, const double* lu, const Index* rows, double* x) {
  const Eigen::Map<const Eigen::MatrixXd> factors(lu, n, n);
  Eigen::VectorXd permuted(n);
  for (Index i = 0; i < n; ++i) permuted(rows[i]) = x[i];
  factors.triangularView<Eigen::UnitLower>().solveInPlace(permuted);
  factors.triangularView<Eigen::Upper>().solveInPlace(permuted);
  std::copy_n(permuted.data(), n, x);
}

double largest(Index m, Index n, const double* a, Index lda) {
  double result = 0.0;
  for (Index j = 0; j < n; ++j) {
    const double* column = a + j * lda;
    double sum = 0.0;  // of zeros, unless something is not finite
    double top = 0.0;
    for (Index i = 0; i < m; ++i) {
      const double size = std::abs(column[i]);
      top = size > top ? size : top;
      sum += column[i] - column[i];
    }
    if (sum != 0.0) return std::numeric_limits<double>::infinity();
    result = std::max(result, top);
  }
  return result;
}

}  // namespace rnndyn::kernels

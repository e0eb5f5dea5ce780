// Eigen's blocked routines, on memory that others own. The only kernel that uses Eigen.
#include "kernels/dense.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/pack.hpp"

namespace rnndyn::kernels {
namespace {

using Stride = Eigen::OuterStride<>;
using Constant = Eigen::Map<const Eigen::MatrixXd, 0, Stride>;
using Variable = Eigen::Map<Eigen::MatrixXd, 0, Stride>;

}  // namespace

namespace {

// Entry by entry: below this sum of the three sizes the general product spends its time on choosing
// blocks and packing them.
constexpr Index kFewEntries = 20;

void multiply_few(Index m, Index n, Index k, Transposed transposed, double alpha, const double* a,
                  Index lda, const double* b, Index ldb, double* c, Index ldc) {
  const Index a_row = transposed == Transposed::left ? lda : 1;
  const Index a_column = transposed == Transposed::left ? 1 : lda;
  const Index b_row = transposed == Transposed::right ? ldb : 1;
  const Index b_column = transposed == Transposed::right ? 1 : ldb;
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < m; ++i) {
      double sum = 0.0;
      for (Index l = 0; l < k; ++l) {
        sum += a[i * a_row + l * a_column] * b[l * b_row + j * b_column];
      }
      c[i + j * ldc] += alpha * sum;
    }
  }
}

}  // namespace

void multiply(Index m, Index n, Index k, Transposed transposed, double alpha, const double* a,
              Index lda, const double* b, Index ldb, double* c, Index ldc, bool add) {
  Variable out(c, m, n, Stride(ldc));
  if (!add) out.setZero();
  if (m + n + k < kFewEntries) {
    return multiply_few(m, n, k, transposed, alpha, a, lda, b, ldb, c, ldc);
  }
  const bool left = transposed == Transposed::left;
  const bool right = transposed == Transposed::right;
  const Constant first(a, left ? k : m, left ? m : k, Stride(lda));
  const Constant second(b, right ? n : k, right ? k : n, Stride(ldb));
  if (left) {
    out.noalias() += alpha * (first.transpose() * second);
  } else if (right) {
    out.noalias() += alpha * (first * second.transpose());
  } else {
    out.noalias() += alpha * (first * second);
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
  // x - x is not zero where x is not finite, which a comparison would pass over.
  double top = 0.0, bad = 0.0;
  Index first = 0;  // row from which on numbers are taken one by one
#if defined(__GNUC__)
  using Reals = Pack<kNativeLanes>;
  Reals tops[2] = {}, bads[2] = {};
  first = m / (2 * kNativeLanes) * (2 * kNativeLanes);
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < first; i += 2 * kNativeLanes) {
      for (int half = 0; half < 2; ++half) {
        Reals x;
        load<kNativeLanes>(x, a + j * lda + i + half * kNativeLanes);
        const Reals size = x < 0.0 ? -x : x;
        tops[half] = size > tops[half] ? size : tops[half];
        bads[half] += x - x;
      }
    }
  }
  for (int lane = 0; lane < kNativeLanes; ++lane) {
    top = std::max({top, tops[0][lane], tops[1][lane]});
    bad += bads[0][lane] + bads[1][lane];
  }
#endif
  for (Index i = first; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      const double x = a[j * lda + i];
      top = std::max(top, std::abs(x));
      bad += x - x;
    }
  }
  return bad == 0.0 ? top : std::numeric_limits<double>::infinity();
}

void scale_columns(Index m, Index n, const double* a, const double* factors, double* c) {
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < m; ++i) c[j * m + i] = factors[j] * a[j * m + i];
  }
}

}  // namespace rnndyn::kernels

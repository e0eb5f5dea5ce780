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

void solve(Index n, const double* lu, const Index* rows, Index columns, double* x, Index ldx) {
  const Eigen::Map<const Eigen::MatrixXd> factors(lu, n, n);
  const auto solve_in = [&]<class Columns>(Columns permuted) {
    Variable out(x, n, columns, Stride(ldx));
    for (Index i = 0; i < n; ++i) permuted.row(rows[i]) = out.row(i);
    factors.triangularView<Eigen::UnitLower>().solveInPlace(permuted);
    factors.triangularView<Eigen::Upper>().solveInPlace(permuted);
    out = permuted;
  };
  // A vector is solved for in place, without the packing of blocks.
  if (columns == 1) {
    solve_in(Eigen::VectorXd(n));
  } else {
    solve_in(Eigen::MatrixXd(n, columns));
  }
}

template <class Real>
Real largest(Index m, Index n, const Real* a, Index lda) {
  // x - x is not zero where x is not finite, which a comparison would pass over.
  Real top{}, bad{};
  Index first = 0;  // row from which on numbers are taken one by one
#if defined(__GNUC__)
  constexpr Index kLanes = kLanesOf<Real>;
  using Reals = NativePack<Real>;
  Reals tops[2] = {}, bads[2] = {};
  const auto look = [&](const Reals& x, int half) {
    const Reals size = x < Real{} ? -x : x;
    tops[half] = size > tops[half] ? size : tops[half];
    bads[half] += x - x;
  };
  if (m >= kLanes) {
    first = m;
    for (Index j = 0; j < n; ++j) {
      const Real* column = a + j * lda;
      Index i = 0;
      for (; i + 2 * kLanes <= m; i += 2 * kLanes) {
        look(load_pack<Real>(column + i), 0);
        look(load_pack<Real>(column + i + kLanes), 1);
      }
      if (i + kLanes < m) look(load_pack<Real>(column + i), 0);
      if (i < m) look(load_pack<Real>(column + m - kLanes), 1);  // some numbers once more
    }
  }
  for (Index lane = 0; lane < kLanes; ++lane) {
    top = std::max({top, tops[0][lane], tops[1][lane]});
    bad += bads[0][lane] + bads[1][lane];
  }
#endif
  for (Index i = first; i < m; ++i) {
    for (Index j = 0; j < n; ++j) {
      const Real x = a[j * lda + i];
      top = std::max(top, std::abs(x));
      bad += x - x;
    }
  }
  return bad == Real{} ? top : std::numeric_limits<Real>::infinity();
}

template <class Real>
void scale_columns(Index m, Index n, const Real* a, const Real* factors, Real* c) {
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < m; ++i) c[j * m + i] = factors[j] * a[j * m + i];
  }
}

template double largest<double>(Index, Index, const double*, Index);
template float largest<float>(Index, Index, const float*, Index);
template void scale_columns<double>(Index, Index, const double*, const double*, double*);
template void scale_columns<float>(Index, Index, const float*, const float*, float*);

}  // namespace rnndyn::kernels

#include "exact/exact_matrix.hpp"

#include <utility>

namespace rnndyn {

ExactMatrix::ExactMatrix(const Eigen::Ref<const Matrix>& values)
    : ExactMatrix(values.rows(), values.cols()) {
  for (Index r = 0; r < rows_; ++r) {
    for (Index c = 0; c < cols_; ++c) (*this)(r, c) = Dyadic(values(r, c));
  }
}

ExactMatrix product(const ExactMatrix& a, const ExactMatrix& b, ExactEffort& effort) {
  ExactMatrix result(a.rows(), b.cols());
  for (Index r = 0; r < a.rows(); ++r) {
    for (Index j = 0; j < a.cols() && !effort.exhausted(); ++j) {
      if (a(r, j).is_zero()) continue;
      for (Index c = 0; c < b.cols(); ++c) {
        if (b(j, c).is_zero()) continue;
        effort.spend(a(r, j), b(j, c));
        result(r, c) += a(r, j) * b(j, c);
      }
    }
  }
  return result;
}

namespace {

// One step of fraction-free Gauss-Jordan elimination with the pivot (row, col): all divisions
// leave no remainder (E. H. Bareiss, Math. Comp. 22, 565, 1968).
void eliminate(ExactMatrix& a, Index row, Index col, const Dyadic& previous, ExactEffort& effort) {
  const Dyadic pivot = a(row, col);
  for (Index i = 0; i < a.rows() && !effort.exhausted(); ++i) {
    if (i == row) continue;
    const Dyadic factor = a(i, col);
    for (Index j = 0; j < a.cols(); ++j) {
      const bool plain = factor.is_zero() || a(row, j).is_zero();
      if (plain && a(i, j).is_zero()) continue;
      effort.spend(pivot, a(i, j));
      Dyadic value = pivot * a(i, j);
      if (!plain) {
        effort.spend(factor, a(row, j));
        value = value - factor * a(row, j);
      }
      effort.spend(value, previous);
      a(i, j) = value.over_divisor(previous);
    }
  }
}

// Brings a shortest entry of a column, from a row on, into that row; -1 where all are zero, else
// whether rows changed places.
int bring_pivot(ExactMatrix& a, Index row, Index col) {
  Index best = -1;
  for (Index r = row; r < a.rows(); ++r) {
    if (a(r, col).is_zero()) continue;
    if (best < 0 || a(r, col).length() < a(best, col).length()) best = r;
  }
  if (best < 0 || best == row) return best < 0 ? -1 : 0;
  for (Index c = 0; c < a.cols(); ++c) std::swap(a(row, c), a(best, c));
  return 1;
}

}  // namespace

int determinant_sign(ExactMatrix matrix, ExactEffort& effort) {
  // The last pivot is the determinant, but for the exchanges of rows.
  Dyadic pivot(1.0);
  int sign = 1;
  for (Index k = 0; k < matrix.cols(); ++k) {
    const int moved = bring_pivot(matrix, k, k);
    if (moved < 0) return 0;
    if (moved > 0) sign = -sign;
    eliminate(matrix, k, k, pivot, effort);
    if (effort.exhausted()) return 0;
    pivot = matrix(k, k);
  }
  return sign * pivot.sign();
}

std::optional<AffineSolutions> solve_exactly(const ExactMatrix& matrix,
                                             const std::vector<Dyadic>& right,
                                             ExactEffort& effort) {
  const Index n = matrix.cols();
  ExactMatrix a(matrix.rows(), n + 1);
  for (Index r = 0; r < a.rows(); ++r) {
    for (Index c = 0; c < n; ++c) a(r, c) = matrix(r, c);
    a(r, n) = right[static_cast<std::size_t>(r)];
  }
  Dyadic denominator(1.0);
  std::vector<Index> pivots;  // column of the pivot of each row
  std::vector<Index> free;
  for (Index col = 0; col < n; ++col) {
    const auto row = static_cast<Index>(pivots.size());
    if (bring_pivot(a, row, col) < 0) {
      free.push_back(col);
      continue;
    }
    eliminate(a, row, col, denominator, effort);
    if (effort.exhausted()) return std::nullopt;
    denominator = a(row, col);
    pivots.push_back(col);
  }
  for (auto r = static_cast<Index>(pivots.size()); r < a.rows(); ++r) {
    if (!a(r, n).is_zero()) return std::nullopt;
  }
  const bool negative = denominator.sign() < 0;
  AffineSolutions result{ExactMatrix(n, 1 + static_cast<Index>(free.size())),
                         negative ? -denominator : denominator};
  for (std::size_t r = 0; r < pivots.size(); ++r) {
    const auto row = static_cast<Index>(r);
    result.solutions(pivots[r], 0) = negative ? -a(row, n) : a(row, n);
    for (std::size_t f = 0; f < free.size(); ++f) {
      result.solutions(pivots[r], static_cast<Index>(f) + 1) =
          negative ? a(row, free[f]) : -a(row, free[f]);
    }
  }
  for (std::size_t f = 0; f < free.size(); ++f) {
    result.solutions(free[f], static_cast<Index>(f) + 1) = result.denominator;
  }
  return result;
}

}  // namespace rnndyn

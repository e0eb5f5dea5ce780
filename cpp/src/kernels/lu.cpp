#include "kernels/lu.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/outer_tile.hpp"

namespace rnndyn::kernels {
namespace {

constexpr Index kPanel = kTileColumns;  // columns that are factored together
constexpr Index kBlock = 8;             // rows of a triangle that is solved number by number

// y -= sum_k a[k] * (x + k * stride), k < kBlock, rows from `begin` to `end`; packs may run over
// the end, into the room there.
template <class Real>
void subtract_block(const Real* a, const Real* x, Index stride, Index begin, Index end, Real* y) {
  for (Index i = begin; i < end; i += kLanesOf<Real>) {
    NativePack<Real> sum = load_pack<Real>(y + i);
    RNNDYN_UNROLL
    for (Index k = 0; k < kBlock; ++k) sum -= a[k] * load_pack<Real>(x + k * stride + i);
    store_pack<Real>(sum, y + i);
  }
}

// The row from `begin` on with the largest modulus, which becomes `size`; what follows row n is
// zero. Row n where all are zero or not numbers.
template <class Real>
Index largest_row(const Real* y, Index begin, Index n, Real& size) {
#if defined(__GNUC__)
  constexpr int kLanes = kLanesOf<Real>;
  NativePack<Real> tops = {};
  for (Index i = begin; i < n; i += kLanes) {
    const NativePack<Real> x = load_pack<Real>(y + i);
    const NativePack<Real> absolute = x < Real{} ? -x : x;
    tops = absolute > tops ? absolute : tops;
  }
  Real halves[kLanes];
  store_pack<Real>(tops, halves);
  RNNDYN_UNROLL
  for (int half = kLanes / 2; half > 0; half /= 2) {
    RNNDYN_UNROLL
    for (int l = 0; l < half; ++l) halves[l] = std::max(halves[l], halves[l + half]);
  }
  size = halves[0];
  const NativePack<Real> top = size - NativePack<Real>{};
  for (Index i = begin; i < n; i += kLanes) {
    const NativePack<Real> x = load_pack<Real>(y + i);
    const unsigned lanes = equal_lanes<Real>(x < Real{} ? -x : x, top);
    if (lanes != 0) return std::min(n, i + std::countr_zero(lanes));
  }
  return n;
#else
  Index best = n;
  size = Real{};
  for (Index i = begin; i < n; ++i) {
    if (!(std::abs(y[i]) > size)) continue;
    best = i;
    size = std::abs(y[i]);
  }
  return best;
#endif
}

// Rows `row` to `row + kPanel` of U in some columns, from what L left of them: the triangle of L is
// at `triangle`, and minus the result goes to `factors`, row by row, as well.
template <class Real>
void solve_triangle(const Real* triangle, Index stride, Index width, Real* columns, Real* factors) {
  using Row = PackOf<Real, static_cast<int>(kTileColumns)>;
  Row u[kPanel] = {};
  alignas(64) Real numbers[kPanel * kTileColumns] = {};
  for (Index c = 0; c < width; ++c) {
    RNNDYN_UNROLL
    for (Index r = 0; r < kPanel; ++r) numbers[r * kTileColumns + c] = columns[c * stride + r];
  }
  std::memcpy(u, numbers, sizeof(u));
  RNNDYN_UNROLL
  for (Index l = 0; l < kPanel; ++l) {
    RNNDYN_UNROLL
    for (Index r = l + 1; r < kPanel; ++r) u[r] -= triangle[l * stride + r] * u[l];
  }
  std::memcpy(numbers, u, sizeof(u));
  RNNDYN_UNROLL
  for (Index r = 0; r < kPanel; ++r) u[r] = Real{-1} * u[r];
  std::memcpy(factors, u, sizeof(u));
  for (Index c = 0; c < width; ++c) {
    RNNDYN_UNROLL
    for (Index r = 0; r < kPanel; ++r) columns[c * stride + r] = numbers[r * kTileColumns + c];
  }
}

// Columns `first` to `first + width` of U above row `first`, and what they leave below.
template <class Real>
void eliminate(Index n, Index first, Index width, Real* a, Index stride, const Index* swaps) {
  constexpr Index kHeight = kTilePacks * kLanesOf<Real>;
  Real* columns = a + first * stride;
  for (Index c = 0; c < width; ++c) {
    Real* y = columns + c * stride;
    for (Index k = 0; k < first; ++k) std::swap(y[k], y[swaps[k]]);
  }
  alignas(64) Real factors[kPanel * kTileColumns];
  for (Index k = 0; k < first; k += kPanel) {
    solve_triangle(a + k * stride + k, stride, width, columns + k, factors);
    Index row = k + kPanel;
    const Vectors<Real> left{factors, kTileColumns};
    const auto right = [&](Index first_row) {
      return Vectors<Real>{a + k * stride + first_row, stride};
    };
    for (; row + kHeight <= n; row += kHeight) {
      add_narrow_tile<Real, kTilePacks, false>(width, kPanel, left, right(row), columns + row,
                                               stride);
    }
    for (; row < n; row += kLanesOf<Real>) {
      add_narrow_tile<Real, 1, false>(width, kPanel, left, right(row), columns + row, stride);
    }
  }
}

// Pivots of columns `first` to `first + width`, which nothing before is left to be taken from. `l`
// has room for a column.
template <class Real>
Real factor_panel(Index n, Index first, Index width, Real* a, Index stride, Index* swaps, Real* l) {
  Real smallest = std::numeric_limits<Real>::infinity();
  Real* columns = a + first * stride;
  for (Index c = 0; c < width; ++c) {
    const Index j = first + c;
    Real* y = columns + c * stride;
    Real size{};
    const Index pivot = largest_row(y, j, n, size);
    if (!(size > Real{})) return Real{};
    smallest = std::min(smallest, size);
    swaps[j] = pivot;
    if (pivot != j) {
      for (Index i = 0; i < width; ++i) {
        std::swap(columns[i * stride + j], columns[i * stride + pivot]);
      }
    }
    // Packs always begin in the same rows: one that was written is read again as it is.
    const Index begin = j / kLanesOf<Real> * kLanesOf<Real>;
    const Real inverse = Real{1} / y[j];
    for (Index i = begin; i < n; i += kLanesOf<Real>) {
      const NativePack<Real> x = load_pack<Real>(y + i);
      NativePack<Real> scaled = inverse * x;
      NativePack<Real> kept = scaled;
      if (i == begin) {
        kept = split_after<Real>(j - begin, x, scaled);
        scaled = split_after<Real>(j - begin, NativePack<Real>{}, scaled);
      }
      store_pack<Real>(kept, y + i);
      store_pack<Real>(scaled, l + i);
    }
    for (Index i = c + 1; i < width; ++i) {
      Real* other = columns + i * stride;
      const Real u = other[j];
      for (Index r = begin; r < n; r += kLanesOf<Real>) {
        NativePack<Real> to = load_pack<Real>(other + r);
        to -= u * load_pack<Real>(l + r);
        store_pack<Real>(to, other + r);
      }
    }
  }
  return smallest;
}

}  // namespace

// Some columns at a time (the "left-looking" order of Golub and Van Loan, Matrix Computations, sec.
// 3.2), which are finished before the next ones are begun.
template <class Real>
Real lu_factor(Index n, Real* a, Index stride, Index* swaps, AlignedVector<Real>& work) {
  if (work.size() < static_cast<std::size_t>(stride)) work.resize(static_cast<std::size_t>(stride));
  Real smallest = std::numeric_limits<Real>::infinity();
  for (Index first = 0; first < n; first += kPanel) {
    const Index width = std::min(kPanel, n - first);
    eliminate(n, first, width, a, stride, swaps);
    const Real pivot = factor_panel(n, first, width, a, stride, swaps, work.data());
    if (!(pivot > Real{})) return Real{};
    smallest = std::min(smallest, pivot);
    for (Index j = 0; j < first; ++j) {
      Real* y = a + j * stride;
      for (Index k = first; k < first + width; ++k) std::swap(y[k], y[swaps[k]]);
    }
  }
  return smallest;
}

template <class Real>
void lu_solve(Index n, const Real* lu, Index stride, const Index* swaps, Real* x) {
  for (Index k = 0; k < n; ++k) std::swap(x[k], x[swaps[k]]);
  const auto solve_lower = [&](Index first, Index end) {
    for (Index k = first; k < end; ++k) {
      const Real* l = lu + k * stride;
      for (Index i = k + 1; i < end; ++i) x[i] -= l[i] * x[k];
    }
  };
  const auto solve_upper = [&](Index first, Index end) {
    for (Index k = end - 1; k >= first; --k) {
      const Real* u = lu + k * stride;
      x[k] /= u[k];
      for (Index i = first; i < k; ++i) x[i] -= u[i] * x[k];
    }
  };
  const Index last = n / kBlock * kBlock;  // from here on there is no whole block
  for (Index first = 0; first < last; first += kBlock) {
    solve_lower(first, first + kBlock);
    subtract_block(x + first, lu + first * stride, stride, first + kBlock, n, x);
  }
  solve_lower(last, n);
  solve_upper(last, n);
  for (Index k = last; k < n; ++k) {
    const Real* u = lu + k * stride;
    for (Index i = 0; i < last; ++i) x[i] -= u[i] * x[k];
  }
  for (Index first = last - kBlock; first >= 0; first -= kBlock) {
    solve_upper(first, first + kBlock);
    // Whole packs, then what is left of a block where a pack is longer.
    const Index whole = first / kLanesOf<Real> * kLanesOf<Real>;
    subtract_block(x + first, lu + first * stride, stride, 0, whole, x);
    for (Index k = first; k < first + kBlock; ++k) {
      const Real* u = lu + k * stride;
      for (Index i = whole; i < first; ++i) x[i] -= u[i] * x[k];
    }
  }
}

template double lu_factor<double>(Index, double*, Index, Index*, AlignedVector<double>&);
template float lu_factor<float>(Index, float*, Index, Index*, AlignedVector<float>&);
template void lu_solve<double>(Index, const double*, Index, const Index*, double*);
template void lu_solve<float>(Index, const float*, Index, const Index*, float*);

void LuFactors::resize(Index n) {
  n_ = n;
  stride_ = lu_stride<double>(n);
  data_.resize(static_cast<std::size_t>(n * stride_));
  for (Index j = 0; j < n; ++j) std::fill(column(j) + n, column(j) + stride_, 0.0);
  swaps_.resize(static_cast<std::size_t>(n));
}

void LuFactors::solve(double* x) {
  x_.resize(static_cast<std::size_t>(stride_));
  std::copy_n(x, n_, x_.data());
  lu_solve(n_, data_.data(), stride_, swaps_.data(), x_.data());
  std::copy_n(x_.data(), n_, x);
}

}  // namespace rnndyn::kernels

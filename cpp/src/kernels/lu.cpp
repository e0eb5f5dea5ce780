#include "kernels/lu.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/pack.hpp"

namespace rnndyn::kernels {
namespace {

// Columns of L that are taken from a column at once: what is read and written serves all of them.
constexpr Index kTogether = 4;

// y -= sum_k x_k a[k], rows from `begin` to `n`; packs may run over the end, into the room there.
template <Index Count>
void subtract(const double* x, Index stride, const double (&a)[Count], Index begin, Index n,
              double* y) {
#if defined(__GNUC__)
  using Reals = Pack<kNativeLanes>;
  for (Index i = begin; i < n; i += kNativeLanes) {
    Reals sum;
    load<kNativeLanes>(sum, y + i);
    for (Index k = 0; k < Count; ++k) {
      Reals from;
      load<kNativeLanes>(from, x + k * stride + i);
      sum -= a[k] * from;
    }
    store<kNativeLanes>(sum, y + i);
  }
#else
  for (Index i = begin; i < n; ++i) {
    for (Index k = 0; k < Count; ++k) y[i] -= a[k] * x[k * stride + i];
  }
#endif
}

}  // namespace

void LuFactors::resize(Index n) {
  n_ = n;
  stride_ = (n + 15) / 8 * 8;
  data_.resize(static_cast<std::size_t>(n * stride_));
  for (Index j = 0; j < n; ++j) std::fill(column(j) + n, column(j) + stride_, 0.0);
  swaps_.resize(static_cast<std::size_t>(n));
}

// Column by column (the "left-looking" order of Golub and Van Loan, Matrix Computations, sec. 3.2):
// a column is finished before the next one is begun.
double LuFactors::factor() {
  double smallest = std::numeric_limits<double>::infinity();
  for (Index j = 0; j < n_; ++j) {
    double* y = column(j);
    for (Index k = 0; k < j; ++k) std::swap(y[k], y[swaps_[static_cast<std::size_t>(k)]]);
    eliminate(j);
    Index pivot = j;
    for (Index i = j + 1; i < n_; ++i) {
      if (std::abs(y[i]) > std::abs(y[pivot])) pivot = i;
    }
    const double size = std::abs(y[pivot]);
    if (!(size > 0.0)) return 0.0;
    smallest = std::min(smallest, size);
    swaps_[static_cast<std::size_t>(j)] = pivot;
    if (pivot != j) {
      for (Index k = 0; k <= j; ++k) std::swap(column(k)[j], column(k)[pivot]);
    }
    const double inverse = 1.0 / y[j];
    for (Index i = j + 1; i < n_; ++i) y[i] *= inverse;
  }
  return smallest;
}

// Takes the columns of L before j from column j.
void LuFactors::eliminate(Index j) {
  double* y = column(j);
  Index k = 0;
  for (; k + kTogether <= j; k += kTogether) {
    double a[kTogether];
    for (Index c = 0; c < kTogether; ++c) {
      a[c] = y[k + c];
      for (Index r = c + 1; r < kTogether; ++r) y[k + r] -= a[c] * column(k + c)[k + r];
    }
    subtract<kTogether>(column(k), stride_, a, k + kTogether, n_, y);
  }
  for (; k < j; ++k) {
    const double a[1] = {y[k]};
    subtract<1>(column(k), stride_, a, k + 1, n_, y);
  }
}

void LuFactors::solve(double* x) const {
  const double* columns = data_.data();
  for (Index k = 0; k < n_; ++k) std::swap(x[k], x[swaps_[static_cast<std::size_t>(k)]]);
  for (Index k = 0; k < n_; ++k) {
    const double* l = columns + k * stride_;
    for (Index i = k + 1; i < n_; ++i) x[i] -= l[i] * x[k];
  }
  for (Index k = n_ - 1; k >= 0; --k) {
    const double* u = columns + k * stride_;
    x[k] /= u[k];
    for (Index i = 0; i < k; ++i) x[i] -= u[i] * x[k];
  }
}

}  // namespace rnndyn::kernels

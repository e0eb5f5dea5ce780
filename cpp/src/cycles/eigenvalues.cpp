#include "cycles/eigenvalues.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rnndyn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr double kTiny = std::numeric_limits<double>::min() / kEpsilon;
// Steps without a new eigenvalue before and between exceptional shifts, which break cycles of
// ordinary ones.
constexpr int kOrdinarySteps = 10;
// LAPACK gives up after 30 steps for each eigenvalue; as far as is known nothing needs that many.
constexpr int kMaxSteps = 300;

class Francis {
 public:
  explicit Francis(Matrix& matrix) : n_(matrix.rows()), data_(matrix.data()) {}

  std::vector<std::complex<double>> run() {
    reduce();
    norm_ = 0.0;
    for (Index c = 0; c < n_; ++c) {
      for (Index r = 0; r <= std::min(c + 1, n_ - 1); ++r) norm_ += std::abs(at(r, c));
    }
    values_.resize(static_cast<std::size_t>(n_));
    Index last = n_ - 1;
    int steps = 0;
    while (last >= 0) {
      const Index first = block_start(last);
      if (first == last) {
        values_[static_cast<std::size_t>(last)] = at(last, last);
        last -= 1;
        steps = 0;
      } else if (first + 1 == last) {
        pair(last);
        last -= 2;
        steps = 0;
      } else if (++steps > kMaxSteps) {
        // Never seen. Not a number, so that no one takes it for an eigenvalue.
        std::fill_n(values_.begin(), last + 1, std::numeric_limits<double>::quiet_NaN());
        break;
      } else {
        step(first, last, steps % kOrdinarySteps == 0);
      }
    }
    return std::move(values_);
  }

 private:
  double& at(Index r, Index c) { return data_[c * n_ + r]; }

  // Hessenberg form by Householder reflections.
  void reduce() {
    for (Index c = 0; c + 2 < n_; ++c) {
      double* x = &at(c + 1, c);
      const Index length = n_ - c - 1;
      double tail = 0.0;
      for (Index i = 1; i < length; ++i) tail += x[i] * x[i];
      if (tail == 0.0) continue;
      const double alpha = std::copysign(std::sqrt(x[0] * x[0] + tail), x[0]);
      x[0] += alpha;
      const double factor = 2.0 / (x[0] * x[0] + tail);
      for (Index k = c + 1; k < n_; ++k) {
        double* column = &at(c + 1, k);
        double along = 0.0;
        for (Index i = 0; i < length; ++i) along += x[i] * column[i];
        along *= factor;
        for (Index i = 0; i < length; ++i) column[i] -= along * x[i];
      }
      along_.assign(static_cast<std::size_t>(n_), 0.0);
      for (Index i = 0; i < length; ++i) {
        const double* column = &at(0, c + 1 + i);
        for (Index r = 0; r < n_; ++r) along_[static_cast<std::size_t>(r)] += column[r] * x[i];
      }
      for (Index i = 0; i < length; ++i) {
        double* column = &at(0, c + 1 + i);
        const double scaled = factor * x[i];
        for (Index r = 0; r < n_; ++r) column[r] -= along_[static_cast<std::size_t>(r)] * scaled;
      }
      x[0] = -alpha;
      std::fill_n(x + 1, length - 1, 0.0);
    }
  }

  // First row of the unreduced block that ends at `last`.
  Index block_start(Index last) {
    Index first = last;
    for (; first > 0; --first) {
      const double below = std::abs(at(first, first - 1));
      const double a = at(first - 1, first - 1);
      const double d = at(first, first);
      double neighbours = std::abs(a) + std::abs(d);
      if (neighbours == 0.0) neighbours = norm_;
      if (below > kEpsilon * neighbours) continue;
      // Small is not small enough beside a large entry above: M. Ahues, F. Tisseur, "A new
      // deflation criterion for the QR algorithm", LAPACK Working Note 122 (1997).
      const double above = std::abs(at(first - 1, first));
      const double larger = std::max(std::abs(d), std::abs(a - d));
      const double smaller = std::min(std::abs(d), std::abs(a - d));
      const double sum = larger + std::max(above, below);
      if (sum == 0.0 || std::min(above, below) * (std::max(above, below) / sum) <=
                            std::max(kTiny, kEpsilon * (smaller * (larger / sum)))) {
        break;
      }
    }
    return first;
  }

  // Eigenvalues of the block of two rows that ends at `last`.
  void pair(Index last) {
    const double x = at(last, last);
    const double half = 0.5 * (at(last - 1, last - 1) - x);
    const double product = at(last, last - 1) * at(last - 1, last);
    const double discriminant = half * half + product;
    const double root = std::sqrt(std::abs(discriminant));
    auto* out = &values_[static_cast<std::size_t>(last - 1)];
    if (discriminant < 0.0) {
      out[0] = {x + half, root};
      out[1] = {x + half, -root};
    } else {
      // The larger correction first: the other one follows without cancellation.
      const double larger = half + std::copysign(root, half);
      out[0] = x + larger;
      out[1] = larger == 0.0 ? x : x - product / larger;
    }
  }

  void step(Index first, Index last, bool exceptional) {
    double x = at(last, last);
    double y = at(last - 1, last - 1);
    double product = at(last, last - 1) * at(last - 1, last);
    if (exceptional) {
      const double size = std::abs(at(last, last - 1)) + std::abs(at(last - 1, last - 2));
      x = y = x + 0.75 * size;
      product = -0.4375 * size * size;
    }
    // In differences of entries, as in EISPACK's hqr: where eigenvalues are equal to half of the
    // digits, the shifts would be lost in rounding errors of sums and products of them.
    const double z = at(first, first);
    const double to_x = x - z;
    const double to_y = y - z;
    const double below = at(first + 1, first);
    double v[3] = {to_x * to_y - product + at(first, first + 1) * below,
                   below * (at(first + 1, first + 1) - z - to_x - to_y),
                   at(first + 2, first + 1) * below};
    for (Index k = first; k < last; ++k) {
      const Index length = std::min<Index>(3, last - k + 1);
      if (k > first) {
        for (Index i = 0; i < 3; ++i) v[i] = i < length ? at(k + i, k - 1) : 0.0;
      }
      // The vector is scaled: its entries may be products of three of the matrix.
      const double size = std::max({std::abs(v[0]), std::abs(v[1]), std::abs(v[2])});
      if (size == 0.0) continue;
      for (double& entry : v) entry /= size;
      const double alpha = std::copysign(std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), v[0]);
      v[0] += alpha;
      const double factor = 2.0 / (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
      if (k > first) {
        at(k, k - 1) = -alpha * size;
        for (Index i = 1; i < length; ++i) at(k + i, k - 1) = 0.0;
      }
      reflect(v, factor, k, length, last, std::min(k + 3, last), first);
    }
  }

  // Rows k, k + 1, k + 2 up to column `last`, then the same columns from row `top` to `bottom`.
  void reflect(const double* v, double factor, Index k, Index length, Index last, Index bottom,
               Index top) {
    if (length == 3) {
      for (Index c = k; c <= last; ++c) {
        double* x = &at(k, c);
        const double along = factor * (v[0] * x[0] + v[1] * x[1] + v[2] * x[2]);
        x[0] -= along * v[0];
        x[1] -= along * v[1];
        x[2] -= along * v[2];
      }
      double* a = &at(0, k);
      double* b = &at(0, k + 1);
      double* c = &at(0, k + 2);
      for (Index r = top; r <= bottom; ++r) {
        const double along = factor * (v[0] * a[r] + v[1] * b[r] + v[2] * c[r]);
        a[r] -= along * v[0];
        b[r] -= along * v[1];
        c[r] -= along * v[2];
      }
      return;
    }
    for (Index c = k; c <= last; ++c) {
      double* x = &at(k, c);
      const double along = factor * (v[0] * x[0] + v[1] * x[1]);
      x[0] -= along * v[0];
      x[1] -= along * v[1];
    }
    double* a = &at(0, k);
    double* b = &at(0, k + 1);
    for (Index r = top; r <= bottom; ++r) {
      const double along = factor * (v[0] * a[r] + v[1] * b[r]);
      a[r] -= along * v[0];
      b[r] -= along * v[1];
    }
  }

  Index n_;
  double* data_;
  double norm_ = 0.0;
  std::vector<double> along_;
  std::vector<std::complex<double>> values_;
};

}  // namespace

std::vector<std::complex<double>> eigenvalues(Matrix& matrix) { return Francis(matrix).run(); }

}  // namespace rnndyn

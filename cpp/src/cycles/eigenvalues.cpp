#include "cycles/eigenvalues.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/hessenberg.hpp"

namespace rnndyn {
namespace {

using kernels::kMaxSteps;
using kernels::kOrdinarySteps;
using kernels::make_reflection;

class Francis {
 public:
  explicit Francis(Matrix& matrix)
      : n_(matrix.rows()), data_(matrix.data()), form_{matrix.data(), matrix.rows(), 0.0} {}

  std::vector<std::complex<double>> run() {
    reduce();
    for (Index c = 0; c < n_; ++c) {
      for (Index r = 0; r <= std::min(c + 1, n_ - 1); ++r) form_.norm += std::abs(at(r, c));
    }
    values_.resize(static_cast<std::size_t>(n_));
    Index last = n_ - 1;
    int steps = 0;
    while (last >= 0) {
      const Index first = form_.block_start(last);
      if (first == last) {
        values_[static_cast<std::size_t>(last)] = at(last, last);
        last -= 1;
        steps = 0;
      } else if (first + 1 == last) {
        form_.pair(last, &values_[static_cast<std::size_t>(last - 1)]);
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

  void step(Index first, Index last, bool exceptional) {
    double v[3];
    form_.first_vector(first, last, exceptional, v);
    for (Index k = first; k < last; ++k) {
      const Index length = std::min<Index>(3, last - k + 1);
      if (k > first) {
        for (Index i = 0; i < 3; ++i) v[i] = i < length ? at(k + i, k - 1) : 0.0;
      }
      double factor = 0.0;
      const double head = make_reflection(v, factor);
      if (factor == 0.0) continue;
      if (k > first) {
        at(k, k - 1) = head;
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
  kernels::HessenbergForm form_;
  std::vector<double> along_;
  std::vector<std::complex<double>> values_;
};

}  // namespace

std::vector<std::complex<double>> eigenvalues(Matrix& matrix) { return Francis(matrix).run(); }

}  // namespace rnndyn

#include "bifurcation/chebyshev_basis.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace rnndyn {

ChebyshevBasis::ChebyshevBasis(std::size_t n) : n_(n), nodes_(n) {
  const auto size = static_cast<Index>(n);
  const double degree = static_cast<double>(n - 1);
  transform_.resize(size, size);
  for (Index j = 0; j < size; ++j) {
    nodes_[static_cast<std::size_t>(j)] =
        std::sin(0.5 * std::numbers::pi * (degree - 2.0 * static_cast<double>(j)) / degree);
    for (Index c = 0; c < size; ++c) {
      const bool end_node = j == 0 || j == size - 1;
      const bool end_coefficient = c == 0 || c == size - 1;
      const auto turn = static_cast<double>((j * c) % (2 * (size - 1)));
      transform_(c, j) = 2.0 / degree * std::cos(std::numbers::pi * turn / degree) *
                         (end_node ? 0.5 : 1.0) * (end_coefficient ? 0.5 : 1.0);
    }
  }
  Matrix on_left(size, size);
  Matrix on_right(size, size);
  for (Index j = 0; j < size; ++j) {
    const double x = nodes_[static_cast<std::size_t>(j)];
    for (Index c = 0; c < size; ++c) {
      on_left(j, c) =
          std::cos(static_cast<double>(c) * std::acos(std::clamp(0.5 * (x - 1.0), -1.0, 1.0)));
      on_right(j, c) =
          std::cos(static_cast<double>(c) * std::acos(std::clamp(0.5 * (x + 1.0), -1.0, 1.0)));
    }
  }
  left_ = transform_ * on_left;
  right_ = transform_ * on_right;
}

void ChebyshevBasis::half(const Coefficients& c, bool right, Coefficients& out) const {
  const Matrix& matrix = right ? right_ : left_;
  const auto n = static_cast<Index>(n_);
  Eigen::Map<Vector> result(out.data(), n);
  result.setZero();
  for (Index j = 0; j < n; ++j) {
    result.head(j + 1) += matrix.col(j).head(j + 1) * c[static_cast<std::size_t>(j)];
  }
}

const ChebyshevBasis& basis(int level) {
  static const std::array<ChebyshevBasis, 4> all{ChebyshevBasis(5), ChebyshevBasis(9),
                                                 ChebyshevBasis(17), ChebyshevBasis(33)};
  return all[static_cast<std::size_t>(level)];
}

double tail_sum(const Coefficients& c, std::size_t n) {
  double sum = 0.0;
  for (std::size_t j = 1; j < n; ++j) sum += std::abs(c[j]);
  return sum;
}

// Clenshaw's recurrence.
double value_at(const Coefficients& c, std::size_t n, double x) {
  double b1 = 0.0;
  double b2 = 0.0;
  for (std::size_t j = n - 1; j > 0; --j) {
    const double b0 = c[j] + 2.0 * x * b1 - b2;
    b2 = b1;
    b1 = b0;
  }
  return c[0] + x * b1 - b2;
}

void differentiate(const Coefficients& c, std::size_t n, Coefficients& out) {
  out[n - 1] = 0.0;
  if (n >= 2) out[n - 2] = 2.0 * static_cast<double>(n - 1) * c[n - 1];
  for (std::size_t j = n - 2; j > 0; --j) {
    out[j - 1] = out[j + 1] + 2.0 * static_cast<double>(j) * c[j];
  }
  out[0] *= 0.5;
}

// Newton's method kept inside a bracket.
double monotone_root(const Coefficients& c, const Coefficients& slope, std::size_t n,
                     double at_left, double at_right) {
  double lower = -1.0;
  double upper = 1.0;
  double x = (at_left + at_right == 0.0) ? 0.0 : -(at_right + at_left) / (at_right - at_left);
  for (int round = 0; round < 60; ++round) {
    const double f = value_at(c, n, x);
    if (f == 0.0) return x;
    ((f > 0.0) == (at_right > 0.0) ? upper : lower) = x;
    double next = x - f / value_at(slope, n, x);
    if (!(next > lower && next < upper)) next = 0.5 * (lower + upper);
    if (std::abs(next - x) <= std::numeric_limits<double>::epsilon()) return next;
    x = next;
  }
  return x;
}

}  // namespace rnndyn

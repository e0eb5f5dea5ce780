// Chebyshev expansions on nested sets of points.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

constexpr std::size_t kMaxNodes = 33;
using Coefficients = std::array<double, kMaxNodes>;

// Chebyshev-Lobatto points x_j = cos(pi j / (n - 1)), the transform from values to coefficients,
// and the re-expansion of a polynomial on the left and right half of [-1, 1] (Trefethen,
// Approximation Theory and Approximation Practice, ch. 3; Boyd, SIAM J. Numer. Anal. 40, 1666,
// 2002, for roots by subdivision of Chebyshev expansions).
class ChebyshevBasis {
 public:
  explicit ChebyshevBasis(std::size_t n);

  std::size_t size() const { return n_; }
  double node(std::size_t j) const { return nodes_[j]; }
  const Matrix& transform() const { return transform_; }
  void half(const Coefficients& c, bool right, Coefficients& out) const;

 private:
  std::size_t n_;
  std::vector<double> nodes_;
  Matrix transform_, left_, right_;
};

// With 5, 9, 17 and 33 points, each set part of the next.
constexpr int kLevels = 4;
const ChebyshevBasis& basis(int level);

// Of c_1 ... c_{n-1}, which bounds how far the expansion is from c_0.
double tail_sum(const Coefficients& c, std::size_t n);
double value_at(const Coefficients& c, std::size_t n, double x);
// Coefficients of the derivative with respect to x in [-1, 1].
void differentiate(const Coefficients& c, std::size_t n, Coefficients& out);
// Root of a monotone polynomial with different signs at -1 and 1.
double monotone_root(const Coefficients& c, const Coefficients& slope, std::size_t n,
                     double at_left, double at_right);

}  // namespace rnndyn

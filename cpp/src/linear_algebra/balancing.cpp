#include "linear_algebra/balancing.hpp"

#include <algorithm>
#include <cmath>

namespace rnndyn {

std::vector<int> balancing_exponents(Matrix size) {
  // Each round halves the sum of rows and columns where it is worth it; few are ever needed.
  constexpr int kMaxRounds = 20;
  constexpr int kLargest = 1000;  // powers that are normal numbers, as are their inverses
  const Index n = size.rows();
  std::vector<int> exponents(static_cast<std::size_t>(n), 0);
  size.diagonal().setZero();
  for (int round = 0; round < kMaxRounds; ++round) {
    bool changed = false;
    for (Index i = 0; i < n; ++i) {
      const double from = size.row(i).sum();
      const double to = size.col(i).sum();
      if (!(from > 0.0) || !(to > 0.0) || !std::isfinite(from) || !std::isfinite(to)) continue;
      // Rows are divided by f, columns multiplied: equal for f^2 = from / to.
      int& exponent = exponents[static_cast<std::size_t>(i)];
      const auto wanted = static_cast<int>(std::lround(0.5 * (std::log2(from) - std::log2(to))));
      const int step = std::clamp(exponent + wanted, -kLargest, kLargest) - exponent;
      if (step == 0) continue;
      const double down = std::ldexp(1.0, -step);
      const double up = std::ldexp(1.0, step);
      if (from * down + to * up > 0.95 * (from + to)) continue;
      changed = true;
      exponent += step;
      size.row(i) *= down;
      size.col(i) *= up;
    }
    if (!changed) break;
  }
  return exponents;
}

}  // namespace rnndyn

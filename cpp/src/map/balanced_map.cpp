#include "map/balanced_map.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "linear_algebra/balancing.hpp"

namespace rnndyn {
namespace {

// Scales that are further apart than 2^20 cost more than a third of the digits of a double, and
// nearly all of a float, wherever the states are measured by one norm.
constexpr int kWorthIt = 20;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// x becomes 2^exponent x; false where that is not exact.
bool scale(double& x, int exponent) {
  const double before = x;
  x = std::ldexp(x, exponent);
  return std::ldexp(x, -exponent) == before && std::isfinite(x) == std::isfinite(before);
}

// Entry (r, c) becomes 2^(columns[c] - rows[r]) times what it was; false where that is not exact.
bool scale(Matrix& matrix, const int* rows, const int* columns) {
  for (Index c = 0; c < matrix.cols(); ++c) {
    for (Index r = 0; r < matrix.rows(); ++r) {
      if (!scale(matrix(r, c), columns[c] - rows[r])) return false;
    }
  }
  return true;
}
bool scale(Vector& vector, const int* rows) {
  for (Index r = 0; r < vector.size(); ++r) {
    if (!scale(vector(r), -rows[r])) return false;
  }
  return true;
}

// Of states, then of units, by what acts on each and what each acts on. Where W2 = I, a unit is a
// state.
std::vector<int> balancing_exponents_of(const CanonicalMap& map) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  if (map.w2_is_identity()) {
    std::vector<int> exponents = balancing_exponents(map.a().cwiseAbs() + map.w1().cwiseAbs());
    const std::vector<int> units = exponents;
    exponents.insert(exponents.end(), units.begin(), units.end());
    return exponents;
  }
  Matrix size = Matrix::Zero(m + h, m + h);
  size.topLeftCorner(m, m) = map.a().cwiseAbs();
  size.topRightCorner(m, h) = map.w1().cwiseAbs();
  size.bottomLeftCorner(h, m) = map.w2().cwiseAbs();
  return balancing_exponents(std::move(size));
}

double largest_of(const Vector& vector) {
  return vector.size() > 0 ? vector.cwiseAbs().maxCoeff() : 0.0;
}

}  // namespace

bool BalancedMap::to_balanced(Matrix& states) const {
  for (Index c = 0; c < states.cols(); ++c) {
    for (Index r = 0; r < states.rows(); ++r) {
      if (!scale(states(r, c), -exponents[at(r)])) return false;
    }
  }
  return true;
}

std::optional<BalancedMap> balanced_map(const CanonicalMap& map) {
  const Index m = map.n_states();
  std::vector<int> exponents = balancing_exponents_of(map);
  const auto [low, high] = std::minmax_element(exponents.begin(), exponents.begin() + m);
  if (*high - *low < kWorthIt) return std::nullopt;
  Vector h1 = map.h1();
  Vector h2 = map.h2();
  if (!scale(h1, exponents.data()) || !scale(h2, exponents.data() + m)) return std::nullopt;
  // One factor of everything is left to choose: that which brings the offsets near 1.
  if (const double largest = std::max(largest_of(h1), largest_of(h2)); largest > 0.0) {
    int common = 0;
    std::frexp(largest, &common);
    for (int& exponent : exponents) exponent += common;
    h1 = map.h1();
    h2 = map.h2();
    if (!scale(h1, exponents.data()) || !scale(h2, exponents.data() + m)) return std::nullopt;
  }
  const int* states = exponents.data();
  const int* units = states + m;
  Matrix a = map.a();
  Matrix w1 = map.w1();
  Matrix w2 = map.w2();
  if (!scale(a, states, states) || !scale(w1, states, units) || !scale(w2, units, states)) {
    return std::nullopt;
  }
  CanonicalMap balanced(std::move(a), std::move(w1), std::move(w2), std::move(h1), std::move(h2));
  exponents.resize(at(m));
  return BalancedMap{std::move(balanced), std::move(exponents)};
}

}  // namespace rnndyn

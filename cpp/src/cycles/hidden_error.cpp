#include "cycles/hidden_error.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "cycles/block_loops.hpp"
#include "linear_algebra/decompositions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// See kernels/residual.cpp for the bound, relative to the sizes of all terms of an entry.
double relative_error(const CanonicalMap& map) {
  const auto n = static_cast<double>(map.n_units() + 2);
  return 4.0 * n * n * 0x1.0p-106;
}

std::vector<Index> active_units(const CanonicalMap& map, const Word* region) {
  std::vector<Index> active;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(region, i)) active.push_back(i);
  }
  return active;
}

// Whether the error is surely no more than kMostHidden of every entry: a look at every weight
// instead of every product. With R_r the largest of |w1(r, i)| and S_c the sum of the |w2(i, c)|
// over active units i, entry (r, c) of |W1| diag(region) |W2| is at most R_r S_c, and every product
// in it is exactly zero where one of the two is.
bool is_surely_negligible(const CanonicalMap& map, const std::vector<Index>& active,
                          const Matrix& j) {
  const double relative = relative_error(map) * kOutward;
  const double underflown = kUnderflow * static_cast<double>(active.size() + 1);
  Vector largest = Vector::Zero(map.n_states());
  for (const Index i : active) largest = largest.cwiseMax(map.w1().col(i).cwiseAbs());
  for (Index c = 0; c < map.n_states(); ++c) {
    const auto column = map.w2().col(c);
    double sum = 0.0;
    for (const Index i : active) sum += std::abs(column(i));
    bool holds = true;
    for (Index r = 0; r < map.n_states(); ++r) {
      const double products = largest(r) * sum;
      const bool nothing = largest(r) == 0.0 || sum == 0.0;
      const double bound =
          relative * (std::abs(map.a()(r, c)) + products) + (nothing ? 0.0 : underflown);
      holds = holds && bound <= kMostHidden * std::abs(j(r, c));
    }
    if (!holds) return false;
  }
  return true;
}

// Whether products of entries of W1 and W2 of active units may underflow.
bool may_underflow(const CanonicalMap& map, const std::vector<Index>& active) {
  // Products of two numbers of at least this size are normal numbers.
  constexpr double kSafe = 0x1p-500;
  const auto is_small = [](double x) { return x != 0.0 && std::abs(x) < kSafe; };
  for (const Index i : active) {
    if (std::ranges::any_of(map.w1().col(i), is_small)) return true;
  }
  for (Index c = 0; c < map.n_states(); ++c) {
    const auto column = map.w2().col(c);
    if (std::ranges::any_of(active, [&](Index i) { return is_small(column(i)); })) return true;
  }
  return false;
}

// By a product of matrices. No product underflows, so that only nothing adds up to zero.
void write_by_product(const CanonicalMap& map, const std::vector<Index>& active, Matrix& error) {
  const Matrix w1 = map.w1()(Eigen::all, active).cwiseAbs();
  const Matrix w2 = map.w2()(active, Eigen::all).cwiseAbs();
  error = map.a().cwiseAbs() + dense::product(w1, w2);
  const double relative = relative_error(map) * kOutward;
  const double underflown = kUnderflow * static_cast<double>(active.size() + 1);
  for (double& x : error.reshaped()) x = x == 0.0 ? 0.0 : relative * x + underflown;
}

void write_one_by_one(const CanonicalMap& map, const std::vector<Index>& active, Matrix& error) {
  const double relative = relative_error(map);
  const Index m = map.n_states();
  for (Index i = 0; i < m * m; ++i) error.data()[i] = relative * std::abs(map.a().data()[i]);
  for (const Index i : active) {
    const double* w = map.w1().data() + i * m;
    for (Index c = 0; c < m; ++c) {
      if (map.w2()(i, c) == 0.0) continue;
      const double factor = relative * std::abs(map.w2()(i, c));  // may underflow
      double* column = error.data() + c * m;
      for (Index r = 0; r < m; ++r) {
        if (w[r] != 0.0) column[r] += std::abs(w[r]) * factor + kUnderflow;
      }
    }
  }
}

}  // namespace

bool write_hidden_error(const CanonicalMap& map, const Word* region, const Matrix& j,
                        Matrix& error) {
  if (map.w2_is_identity()) return false;  // every entry is a sum of two numbers
  const std::vector<Index> active = active_units(map, region);
  if (is_surely_negligible(map, active, j)) return false;
  Matrix bound(map.n_states(), map.n_states());
  if (map.n_states() > kSmallBlock && !may_underflow(map, active)) {
    write_by_product(map, active, bound);
  } else {
    write_one_by_one(map, active, bound);
  }
  if ((bound.array() <= kMostHidden * j.array().abs()).all()) return false;
  error = std::move(bound);
  return true;
}

}  // namespace rnndyn

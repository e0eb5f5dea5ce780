// Compiled without contraction of products and sums, as what it looks at.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "adverse_maps.hpp"
#include "exact/dyadic.hpp"
#include "kernels/functions.hpp"
#include "rnndyn/rounding.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// The definition, number by number: Dekker's sum of two numbers for every product and its error.
struct Sum {
  double high = 0.0;
  double low = 0.0;

  void add(double value) {
    const double sum = high + value;
    const double part = sum - high;
    low += (high - (sum - part)) + (value - part);
    high = sum;
  }
  void add_product(double a, double b) {
    const double p = a * b;
    low += std::fma(a, b, -p);
    add(p);
  }
  void normalise() {
    const double sum = high + low;
    low -= sum - high;
    high = sum;
  }
};

Matrix jacobian_by_numbers(const CanonicalMap& map, const Word* region) {
  Matrix j(map.n_states(), map.n_states());
  for (Index c = 0; c < j.cols(); ++c) {
    for (Index r = 0; r < j.rows(); ++r) {
      Sum sum;
      sum.add(map.a()(r, c));
      for (Index i = 0; i < map.n_units(); ++i) {
        if (get_bit(region, i)) sum.add_product(map.w1()(r, i), map.w2()(i, c));
      }
      sum.normalise();
      j(r, c) = sum.high;
    }
  }
  return j;
}

struct Seen {
  Sum value;
  double size = 0.0;
  double products = 0.0;
};

Seen seen_by_unit(const CanonicalMap& map, Index i, const Vector& z) {
  Seen seen;
  if (map.w2_is_identity()) {
    seen.value.high = z(i);
    seen.size = std::abs(z(i));
    return seen;
  }
  seen.value.add(map.h2()(i));
  seen.size = std::abs(map.h2()(i));
  for (Index j = 0; j < z.size(); ++j) {
    const double w = map.w2()(i, j);
    if (w == 0.0 || z(j) == 0.0) continue;
    seen.value.add_product(w, z(j));
    seen.size += std::abs(w * z(j));
    seen.products += 1.0;
  }
  seen.value.normalise();
  return seen;
}

void residual_by_numbers(const CanonicalMap& map, const Itinerary& itinerary, const Matrix& points,
                         Matrix& residual, Matrix& error) {
  const Index m = map.n_states();
  const auto n = static_cast<double>(m + map.n_units() + 4);
  const double relative = 4.0 * n * n * 0x1.0p-106;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Vector z = points.col(t);
    const Vector next = points.col((t + 1) % itinerary.order);
    std::vector<Seen> seen;
    for (Index i = 0; i < map.n_units(); ++i) seen.push_back(seen_by_unit(map, i, z));
    for (Index r = 0; r < m; ++r) {
      Sum sum;
      sum.add(map.h1()(r));
      sum.add(-next(r));
      double size = std::abs(map.h1()(r)) + std::abs(next(r));
      double lost = 0.0;
      for (Index j = 0; j < m; ++j) {
        const double a = map.a()(r, j);
        if (a == 0.0 || z(j) == 0.0) continue;
        sum.add_product(a, z(j));
        size += std::abs(a * z(j));
        lost += 2.0;
      }
      for (Index i = 0; i < map.n_units(); ++i) {
        const double w = map.w1()(r, i);
        if (w == 0.0 || !get_bit(itinerary.at(t), i)) continue;
        const Seen& unit = seen[static_cast<std::size_t>(i)];
        sum.add_product(w, unit.value.high);
        sum.low += w * unit.value.low;
        size += std::abs(w) * unit.size;
        if (unit.value.high == 0.0 && unit.products == 0.0) continue;
        lost += 4.0 + std::abs(w) * (2.0 * unit.products);
      }
      sum.normalise();
      residual(r, t) = sum.high;
      const bool nothing = size == 0.0 && lost == 0.0;
      const double underflown = kUnderflow * (1.0 + kSmallest / kUnderflow * lost);
      error(r, t) = nothing ? 0.0 : std::abs(sum.low) + relative * size + underflown;
    }
  }
}

// Which bits of two matrices differ; one number that is none is as good as another.
Index n_different(const Matrix& a, const Matrix& b) {
  Index n = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double x = a.data()[i];
    const double y = b.data()[i];
    const bool same = std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
    if (!same && !(std::isnan(x) && std::isnan(y))) ++n;
  }
  return n;
}

}  // namespace

TEST_CASE("accurate Jacobians have the bits of their definition on every instruction set") {
  const auto n_trials = static_cast<std::uint64_t>(drawn(2400, 48000));
  for (std::uint64_t trial = 0; trial < n_trials; ++trial) {
    RandomStream stream(trial, 20, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const std::vector<Word> region = drawn_region(stream, map);
    const Index m = map.n_states();
    Matrix j = Matrix::Constant(m, m, 7.0);
    kernels::functions().accurate_jacobian(map, region.data(), j.data());
    CAPTURE(trial);
    REQUIRE(n_different(j, jacobian_by_numbers(map, region.data())) == 0);
  }
}

TEST_CASE("accurate Jacobians are the rounded ones up to what was hidden from them") {
  Index n_compared = 0;
  for (std::uint64_t trial = 0; trial < static_cast<std::uint64_t>(drawn(240, 4800)); ++trial) {
    RandomStream stream(trial, 21, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const std::vector<Word> region = drawn_region(stream, map);
    const Index m = map.n_states();
    Matrix j(m, m);
    kernels::functions().accurate_jacobian(map, region.data(), j.data());
    if (!j.allFinite()) continue;
    const auto n = static_cast<double>(map.n_units() + 2);
    CAPTURE(trial);
    for (Index c = 0; c < m; c += 3) {
      for (Index r = 0; r < m; r += 3) {
        Dyadic sum(map.a()(r, c));
        Dyadic size(std::abs(map.a()(r, c)));
        for (Index i = 0; i < map.n_units(); ++i) {
          if (!get_bit(region.data(), i)) continue;
          sum += Dyadic(map.w1()(r, i)) * Dyadic(map.w2()(i, c));
          size += Dyadic(std::abs(map.w1()(r, i))) * Dyadic(std::abs(map.w2()(i, c)));
        }
        const Dyadic difference = sum - Dyadic(j(r, c));
        const Dyadic allowed = Dyadic(kUnitRoundoff) * Dyadic(std::abs(j(r, c))) +
                               Dyadic(4.0 * n * n * 0x1.0p-106) * size + Dyadic(n * kSmallest);
        REQUIRE((allowed - difference).sign() >= 0);
        REQUIRE((allowed + difference).sign() >= 0);
        ++n_compared;
      }
    }
  }
  CHECK(n_compared > 5000);
}

TEST_CASE("accurate residuals have the bits of their definition on every instruction set") {
  const auto n_trials = static_cast<std::uint64_t>(drawn(2400, 48000));
  for (std::uint64_t trial = 0; trial < n_trials; ++trial) {
    RandomStream stream(trial, 22, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const auto order = static_cast<Index>(1 + stream.below(3));
    Itinerary itinerary(order, map.words_per_region());
    for (Index t = 0; t < order; ++t) {
      const std::vector<Word> region = drawn_region(stream, map);
      std::copy(region.begin(), region.end(), itinerary.at(t));
    }
    const auto numbers = stream.below(4) == 0 ? Numbers::sparse : Numbers::ordinary;
    const Matrix points = drawn_matrix(stream, map.n_states(), order, numbers);
    Matrix residual = Matrix::Constant(points.rows(), order, 7.0);
    Matrix error = residual;
    Matrix expected = residual;
    Matrix expected_error = residual;
    kernels::functions().accurate_residual(map, itinerary, points.data(), residual.data(),
                                           error.data());
    residual_by_numbers(map, itinerary, points, expected, expected_error);
    CAPTURE(trial);
    REQUIRE(n_different(residual, expected) == 0);
    REQUIRE(n_different(error, expected_error) == 0);
  }
}

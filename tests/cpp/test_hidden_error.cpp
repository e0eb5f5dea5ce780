#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "adverse_maps.hpp"
#include "cycles/hidden_error.hpp"
#include "exact/dyadic.hpp"
#include "kernels/functions.hpp"
#include "rnndyn/rounding.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

Dyadic exact_entry(const CanonicalMap& map, const Word* region, Index r, Index c) {
  Dyadic sum(map.a()(r, c));
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(region, i)) sum += Dyadic(map.w1()(r, i)) * Dyadic(map.w2()(i, c));
  }
  return sum;
}

Matrix accurate_jacobian(const CanonicalMap& map, const Word* region) {
  Matrix j(map.n_states(), map.n_states());
  kernels::functions().accurate_jacobian(map, region, j.data());
  return j;
}

}  // namespace

TEST_CASE("accurate Jacobians are exact to their rounding and what they are said to hide") {
  Index n_hidden = 0;
  Index n_open = 0;
  for (std::uint64_t trial = 0; trial < static_cast<std::uint64_t>(drawn(480, 9600)); ++trial) {
    RandomStream stream(trial, 23, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const std::vector<Word> region = drawn_region(stream, map);
    const Matrix j = accurate_jacobian(map, region.data());
    if (map.w2_is_identity() || !j.allFinite()) continue;
    Matrix error;
    const bool hides = write_hidden_error(map, region.data(), j, error);
    ++(hides ? n_hidden : n_open);
    CAPTURE(trial);
    for (Index c = 0; c < j.cols(); c += 3) {
      for (Index r = 0; r < j.rows(); r += 3) {
        const double hidden = hides ? error(r, c) : kMostHidden * std::abs(j(r, c));
        if (!std::isfinite(hidden)) continue;
        const Dyadic difference = exact_entry(map, region.data(), r, c) - Dyadic(j(r, c));
        const Dyadic allowed = Dyadic(hidden) + Dyadic(kUnitRoundoff) * Dyadic(std::abs(j(r, c)));
        REQUIRE((allowed - difference).sign() >= 0);
        REQUIRE((allowed + difference).sign() >= 0);
      }
    }
  }
  CHECK(n_hidden > 50);
  CHECK(n_open > 100);
}

TEST_CASE("entries without terms hide nothing, and those that cancel hide what is left") {
  // Two networks side by side: what neither has from the other is exactly zero.
  RandomStream stream(24, 0, 0);
  const Index m = 40;
  const Index n_units = 60;
  Matrix w1 = random_matrix(stream, m, n_units);
  Matrix w2 = random_matrix(stream, n_units, m);
  w1.topRightCorner(m / 2, n_units / 2).setZero();
  w1.bottomLeftCorner(m / 2, n_units / 2).setZero();
  w2.topRightCorner(n_units / 2, m / 2).setZero();
  w2.bottomLeftCorner(n_units / 2, m / 2).setZero();
  const Matrix a = 0.5 * Matrix::Identity(m, m);
  const Vector h1 = random_vector(stream, m);
  const Vector h2 = random_vector(stream, n_units);
  const std::vector<Word> on(1, (Word{1} << n_units) - 1);
  {
    const CanonicalMap map(a, w1, w2, h1, h2);
    const Matrix j = accurate_jacobian(map, on.data());
    REQUIRE(j.topRightCorner(m / 2, m / 2).isZero(0.0));
    Matrix error;
    CHECK(!write_hidden_error(map, on.data(), j, error));
  }
  // A second unit takes back what the first has done with large weights, but for the tiny part that
  // is beyond a double-double number.
  w1.col(0).head(m / 2).setConstant(0x1p60);
  w1.col(1).head(m / 2).setConstant(-0x1p60);
  w2.row(0).head(m / 2).setConstant(0x1p60);
  w2.row(1).head(m / 2).setConstant(0x1p60);
  const CanonicalMap map(a, w1, w2, h1, h2);
  const Matrix j = accurate_jacobian(map, on.data());
  Matrix error;
  REQUIRE(write_hidden_error(map, on.data(), j, error));
  CHECK(error(0, 0) > 0x1p13);  // 2^-106 of 2^120
  CHECK(error(0, 0) < 0x1p35);
  CHECK(error.topRightCorner(m / 2, m / 2).isZero(0.0));
  CHECK(error.bottomLeftCorner(m / 2, m / 2).isZero(0.0));
}

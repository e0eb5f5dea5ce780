#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "cycles/block_cyclic.hpp"
#include "map/balanced_map.hpp"
#include "networks.hpp"
#include "rnndyn/cycles.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

std::vector<int> random_exponents(RandomStream& stream, Index n, int most) {
  std::vector<int> exponents;
  for (Index i = 0; i < n; ++i) {
    const auto width = static_cast<std::uint64_t>(2 * most + 1);
    exponents.push_back(static_cast<int>(stream.below(width)) - most);
  }
  return exponents;
}

// The same network with states and units in other units.
CanonicalMap in_other_units(const CanonicalMap& map, const std::vector<int>& states,
                            const std::vector<int>& units) {
  const auto power = [](const std::vector<int>& exponents, Index i) {
    return exponents[static_cast<std::size_t>(i)];
  };
  const auto scaled = [&](Matrix matrix, const std::vector<int>& rows,
                          const std::vector<int>& columns) {
    for (Index c = 0; c < matrix.cols(); ++c) {
      for (Index r = 0; r < matrix.rows(); ++r) {
        matrix(r, c) = std::ldexp(matrix(r, c), power(rows, r) - power(columns, c));
      }
    }
    return matrix;
  };
  const std::vector<int> one{0};
  return CanonicalMap(scaled(map.a(), states, states), scaled(map.w1(), states, units),
                      scaled(map.w2(), units, states), scaled(map.h1(), states, one).col(0),
                      scaled(map.h2(), units, one).col(0));
}

CanonicalMap shallow(RandomStream& stream, Index m, Index h) {
  return CanonicalMap(0.3 * random_matrix(stream, m, m), 0.5 * random_matrix(stream, m, h),
                      random_matrix(stream, h, m), random_vector(stream, m),
                      random_vector(stream, h));
}

}  // namespace

TEST_CASE("networks that are scaled well enough are left as they are") {
  RandomStream stream(1, 0, 0);
  for (int trial = 0; trial < 50; ++trial) {
    const Index m = 1 + static_cast<Index>(stream.below(12));
    const CanonicalMap map = shallow(stream, m, 1 + static_cast<Index>(stream.below(20)));
    CHECK(!balanced_map(map));
    // All of it in other units, and units apart without the states.
    const std::vector<int> common(static_cast<std::size_t>(m), -300);
    CHECK(!balanced_map(in_other_units(map, common, random_exponents(stream, map.n_units(), 40))));
    CHECK(!balanced_map(
        plrnn(random_matrix(stream, m, m), random_matrix(stream, m, m), random_vector(stream, m))));
  }
}

TEST_CASE("the balanced network takes the same steps, without any rounding") {
  RandomStream stream(2, 0, 0);
  for (int trial = 0; trial < 50; ++trial) {
    const Index m = 4 + static_cast<Index>(stream.below(12));
    const bool plain = trial % 2 == 0;
    const CanonicalMap well = plain ? plrnn(random_matrix(stream, m, m),
                                            random_matrix(stream, m, m), random_vector(stream, m))
                                    : shallow(stream, m, 15);
    std::vector<int> states = random_exponents(stream, m, 100);
    states.front() = -60;
    states.back() = 60;
    const std::vector<int> units = plain ? states : random_exponents(stream, 15, 100);
    const CanonicalMap map = in_other_units(well, states, units);
    const auto balanced = balanced_map(map);
    REQUIRE(balanced);
    CHECK(balanced->map.w2_is_identity() == map.w2_is_identity());
    CHECK(balanced->map.largest_entry() < 1e3);
    Matrix z = random_vector(stream, m);
    for (Index i = 0; i < m; ++i) z(i) = std::ldexp(z(i), states[static_cast<std::size_t>(i)]);
    Matrix image = map.step(z.col(0));
    REQUIRE(balanced->to_balanced(z));
    REQUIRE(balanced->to_balanced(image));
    CHECK(Matrix(balanced->map.step(z.col(0))) == image);
    CHECK(map.relevant_units() == balanced->map.relevant_units());
  }
}

TEST_CASE("a network that would leave the range of doubles is not balanced") {
  Matrix a(2, 2);
  a << 0.5, 0x1p80, 0x1p-80, 0.5;
  Vector h(2);
  h << 0x1p-1060, 1.0;  // the first would be zero in the units of the second
  const Matrix w = Matrix::Zero(2, 2);
  CHECK(balanced_map(plrnn(a, w, Vector::Ones(2))));
  CHECK(!balanced_map(plrnn(a, w, h)));
  Matrix states = Matrix::Constant(2, 1, 0x1p-1060 * 3.0);
  const auto balanced = balanced_map(plrnn(a, w, Vector::Ones(2)));
  CHECK(!balanced->to_balanced(states));
}

TEST_CASE("the candidate of a badly scaled network is that of the well scaled one") {
  RandomStream stream(3, 0, 0);
  for (int trial = 0; trial < 20; ++trial) {
    const Index m = 6 + static_cast<Index>(stream.below(30));
    const CanonicalMap well = plrnn(0.3 * random_matrix(stream, m, m),
                                    0.2 * random_matrix(stream, m, m), random_vector(stream, m));
    std::vector<int> states = random_exponents(stream, m, 30);
    const CanonicalMap map = in_other_units(well, states, states);
    Itinerary itinerary(1 + static_cast<Index>(stream.below(3)), 1);
    for (Word& word : itinerary.bits) word = stream.below(std::uint64_t{1} << m);
    const Candidate expected = solve_cycle(well, itinerary);
    const Candidate candidate = solve_cycle(map, itinerary);
    REQUIRE(expected.proved);
    CHECK(candidate.proved);
    CHECK(candidate.kind == expected.kind);
    REQUIRE(candidate.cycle);
    for (Index i = 0; i < m; ++i) {
      const double scale = std::ldexp(1.0, states[static_cast<std::size_t>(i)]);
      const auto distance = candidate.cycle->points.row(i) / scale - expected.cycle->points.row(i);
      CHECK(distance.cwiseAbs().maxCoeff() <= 4.0 * expected.cycle->error_bound);
    }
    CHECK((candidate.cycle->multipliers.log_moduli - expected.cycle->multipliers.log_moduli)
              .cwiseAbs()
              .head(2)
              .maxCoeff() < 1e-8);
  }
}

TEST_CASE("a cyclic system is solved alike by elimination and by orthogonal factors") {
  RandomStream stream(4, 0, 0);
  const Index m = 30;
  const Matrix right = random_matrix(stream, m, 3);
  const Matrix well = random_matrix(stream, m, m) / 10.0;
  ClosingFactor<Eigen::Dynamic> factor;
  factor.compute(Matrix::Identity(m, m) - well);
  CHECK(factor.by_elimination);
  CHECK(((Matrix::Identity(m, m) - well) * factor.solve(right) - right).cwiseAbs().maxCoeff() <
        1e-11);
  Matrix near = Matrix::Identity(m, m) - well;
  near.col(3) = near.col(4) + 1e-11 * right.col(0);
  factor.compute(near);
  CHECK(!factor.by_elimination);
  CHECK(factor.full_rank);
  near.col(3) = near.col(4);
  near.row(2).setZero();
  factor.compute(near);
  CHECK(!factor.full_rank);
  near(0, 0) = std::numeric_limits<double>::quiet_NaN();
  factor.compute(near);
  CHECK(!factor.by_elimination);
}

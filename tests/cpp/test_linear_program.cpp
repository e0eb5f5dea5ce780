#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "networks.hpp"
#include "rnndyn/linear_program.hpp"
#include "rnndyn/regions.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// Best vertex by solving every d x d subset of the constraints: slow and obviously right.
double best_vertex(const Vector& objective, const Matrix& g, const Vector& b) {
  const Index n = g.rows();
  double best = -1e300;
  for (Index i = 0; i < n; ++i) {
    for (Index j = i + 1; j < n; ++j) {
      Matrix pair(2, 2);
      pair << g.row(i), g.row(j);
      if (std::abs(pair.determinant()) < 1e-9) continue;
      const Vector x = pair.partialPivLu().solve(Vector{{b(i), b(j)}});
      if ((g * x - b).maxCoeff() < 1e-9) best = std::max(best, objective.dot(x));
    }
  }
  return best;
}

}  // namespace

TEST_CASE("the optimum is the best vertex") {
  for (std::uint64_t trial = 0; trial < 500; ++trial) {
    RandomStream stream(7, 0, trial);
    Matrix g = random_matrix(stream, 9, 2);
    g.bottomRows(4) << 1, 0, -1, 0, 0, 1, 0, -1;  // bounded
    Vector b = random_vector(stream, 9).cwiseAbs();
    if (trial % 3 == 0) b.head(2).setZero();  // degenerate at the origin
    const Vector objective = random_vector(stream, 2);
    const auto result = maximize(objective, g, b);
    REQUIRE(result.bounded);
    CHECK(result.value == doctest::Approx(best_vertex(objective, g, b)));
    CHECK((g * result.point - b).maxCoeff() < 1e-9);
    CHECK(objective.dot(result.point) == doctest::Approx(result.value));
  }
}

TEST_CASE("an unbounded direction is seen") {
  CHECK_FALSE(maximize(Vector::Ones(1), Matrix::Constant(1, 1, -1.0), Vector::Ones(1)).bounded);
  CHECK(maximize(-Vector::Ones(1), Matrix::Constant(1, 1, -1.0), Vector::Ones(1)).value == 1.0);
}

TEST_CASE("the deepest point of a square, and of nothing") {
  Matrix g(4, 2);
  g << 1, 0, -1, 0, 0, 1, 0, -1;
  const auto square = deepest_point(g, Vector{{3.0, -1.0, 3.0, -1.0}}, 100.0);
  CHECK(square.value == doctest::Approx(1.0));
  CHECK(square.point(0) == doctest::Approx(2.0));
  CHECK(deepest_point(g, Vector{{0.0, -1.0, 5.0, 5.0}}, 100.0).value == doctest::Approx(-0.5));
}

TEST_CASE("nonempty regions of hyperplanes in general position") {
  for (std::uint64_t trial = 0; trial < 40; ++trial) {
    RandomStream stream(3, 1, trial);
    const Index m = 1 + static_cast<Index>(stream.below(3));
    const Index h = 1 + static_cast<Index>(stream.below(6));
    const Matrix w1 = random_matrix(stream, m, h);
    const Matrix w2 = random_matrix(stream, h, m);
    const Vector h2 = random_vector(stream, h);
    const CanonicalMap map(Matrix::Zero(m, m), w1, w2, Vector::Zero(m), h2);
    const auto regions = nonempty_regions(map, 4096);
    REQUIRE(regions);
    CHECK(std::is_sorted(regions->begin(), regions->end()));
    CHECK(std::adjacent_find(regions->begin(), regions->end()) == regions->end());
    // Their number is the sum of the binomial coefficients h over 0 ... m (Buck 1943).
    std::size_t expected = 0;
    std::size_t binomial = 1;
    for (Index i = 0; i <= std::min(h, m); ++i) {
      expected += binomial;
      binomial = binomial * static_cast<std::size_t>(h - i) / static_cast<std::size_t>(i + 1);
    }
    CHECK(regions->size() == expected);
    for (int sample = 0; sample < 5000; ++sample) {
      Word region = 0;
      map.region(random_vector(stream, m) * std::exp(2.0 * stream.normal()), &region);
      CHECK(std::binary_search(regions->begin(), regions->end(), region));
    }
    // A hyperplane given twice cuts nothing anew.
    Matrix twice_w1(m, h + 1), twice_w2(h + 1, m);
    twice_w1 << w1, w1.col(0);
    twice_w2 << w2, -2.0 * w2.row(0);
    const CanonicalMap twice(Matrix::Zero(m, m), twice_w1, twice_w2, Vector::Zero(m),
                             (Vector(h + 1) << h2, -2.0 * h2(0)).finished());
    CHECK(nonempty_regions(twice, 4096)->size() == expected);
    CHECK_FALSE(nonempty_regions(map, expected - 1));
  }
}

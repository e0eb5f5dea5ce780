#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "networks.hpp"
#include "rnndyn/linear_program.hpp"

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

#include <doctest/doctest.h>

#include <cmath>

#include "rnndyn/random.hpp"
#include "rnndyn/smooth/complete.hpp"
#include "rnndyn/smooth/continuation.hpp"
#include "rnndyn/smooth/newton.hpp"
#include "rnndyn/smooth/search.hpp"
#include "rnndyn/smooth/shooting.hpp"
#include "smooth/collection.hpp"
#include "smooth/degenerate.hpp"
#include "smooth/propagation.hpp"
#include "smooth/tube.hpp"

namespace rnndyn::smooth {
namespace {

Matrix random_matrix(Index rows, Index cols, RandomStream& stream) {
  Matrix m(rows, cols);
  for (double& x : m.reshaped()) x = stream.normal();
  return m;
}

// The whole matrix of the system.
Matrix dense_system(const std::vector<Matrix>& jacobians, double closing) {
  const Index n = jacobians.front().rows(), k = static_cast<Index>(jacobians.size());
  Matrix a = Matrix::Zero(n * k, n * k);
  for (Index t = 0; t < k; ++t) {
    a.block(t * n, t * n, n, n) += jacobians[static_cast<std::size_t>(t)];
    const double one = t + 1 == k ? closing : 1.0;
    a.block(t * n, (t + 1) % k * n, n, n) -= one * Matrix::Identity(n, n);
  }
  return a;
}

SmoothMap one_unit(double weight, double bias) {
  RecurrentLayer layer{Matrix(1, 0), Matrix::Constant(1, 1, weight), Vector::Constant(1, bias),
                       Vector::Zero(1)};
  return SmoothMap({CellKind::tanh_rnn, {layer}}, Vector(0));
}

TEST_CASE("where a network stands still is found along and beside a line") {
  const SmoothMap pitchfork = one_unit(1.0, 0.0);
  const auto at = [](double z) { return Matrix(Matrix::Constant(1, 1, z)); };
  CHECK(stands_between(pitchfork, at(-1e-6), at(2e-6), 0.0));
  CHECK_FALSE(stands_between(pitchfork, at(-1e-4), at(1e-4), 0.0));
  const Neighbourhood around = neighbourhood_of(pitchfork, at(-1e-6), at(2e-6), 0.0);
  // z^3 / 3 is as large as the rounding errors at its ends.
  CHECK(std::abs(around.centre(0)) < 1e-8);
  CHECK(around.reach > 1e-6);
  CHECK(around.reach < 1e-4);
  CHECK(std::abs(direction_of_rest(pitchfork, at(0.0))(0)) == 1.0);
  // Of two fixed points with another between them.
  const SmoothMap three = one_unit(1.0 + 1e-6, 0.0);
  const double z = std::sqrt(3e-6);
  CHECK_FALSE(stands_between(three, at(-z), at(z), 0.0));
  // Nothing is further apart than this.
  CHECK_FALSE(stands_between(pitchfork, at(-1.0), at(1.0), 1.0));
}

TEST_CASE("the shooting system is solved, and its determinant has the right sign") {
  RandomStream stream(1, 2, 3);
  for (const Index n : {1, 2, 3, 5}) {
    for (const Index k : {1, 2, 3, 4, 7}) {
      for (const double closing : {1.0, -1.0}) {
        std::vector<Matrix> jacobians;
        Matrix product = Matrix::Identity(n, n);
        for (Index t = 0; t < k; ++t) {
          jacobians.push_back(random_matrix(n, n, stream));
          product = (jacobians.back() * product).eval();
        }
        ShootingSystem system;
        system.factor(jacobians, closing);
        REQUIRE(system.is_regular());
        const Matrix a = dense_system(jacobians, closing);
        Vector x = random_matrix(n * k, 1, stream);
        const Vector f = a * x;
        Vector solved = f;
        system.solve(solved);
        CHECK((solved - x).norm() < 1e-9 * (1.0 + x.norm()));
        CHECK((system.inverse() * a - Matrix::Identity(n * k, n * k)).norm() < 1e-8);
        const double det = (Matrix::Identity(n, n) - closing * product).determinant();
        CHECK(system.sign() == (det > 0.0 ? 1 : -1));
        // The bound of the factors' error is small, and not zero.
        const Vector bound = system.backward_error(Vector::Ones(n * k));
        CHECK(bound.minCoeff() > 0.0);
        CHECK(bound.maxCoeff() < 1e-11);
      }
    }
  }
}

TEST_CASE("a singular system is reported") {
  ShootingSystem system;
  system.factor({Matrix::Identity(2, 2)});
  CHECK_FALSE(system.is_regular());
}

TEST_CASE("functions agree with long double") {
  RandomStream stream(4, 5, 6);
  for (int i = 0; i < 20000; ++i) {
    const double x = 45.0 * (2.0 * stream.uniform() - 1.0) * stream.uniform();
    const long double y = x;
    const Interval t = tanh_of(Interval(x)), s = logistic(Interval(x));
    CHECK(static_cast<long double>(t.lo) <= std::tanh(y));
    CHECK(static_cast<long double>(t.hi) >= std::tanh(y));
    const long double logistic_value = 1.0L / (1.0L + std::exp(-y));
    CHECK(static_cast<long double>(s.lo) <= logistic_value);
    CHECK(static_cast<long double>(s.hi) >= logistic_value);
  }
}

TEST_CASE("bounds of the inverse of tanh are bounds") {
  RandomStream stream(7, 8, 9);
  for (int i = 0; i < 2000; ++i) {
    const double y = 2.0 * stream.uniform() - 1.0;
    const double above = atanh_up(y), below = atanh_down(y);
    CHECK(std::tanh(static_cast<long double>(above)) >= y);
    CHECK(std::tanh(static_cast<long double>(below)) <= y);
    CHECK(above - below < 1e-13 * (1.0 + std::abs(above)) / (1.0 - y * y));
  }
  CHECK(std::isinf(atanh_up(1.0)));
  CHECK(atanh_up(-1.0) < -10.0);
}

TEST_CASE("one unit: fixed points of tanh(2 z) are found, proved and counted") {
  const SmoothMap map = one_unit(2.0, 0.0);
  Control control(1e9, {});
  SearchProgress progress;
  SmoothSearchOptions options;
  options.orders = {1, 2};
  options.states = Matrix(1, 0);
  const SmoothSearchResult result = find_smooth_cycles(map, options, control, progress);
  REQUIRE(result.cycles.size() == 3);
  CHECK(result.cycles[1].points(0, 0) == doctest::Approx(0.0));
  for (const SmoothCycle& cycle : result.cycles) {
    CHECK(cycle.verified.certified);
    CHECK(std::abs(std::tanh(2.0 * cycle.points(0, 0)) - cycle.points(0, 0)) < 1e-14);
  }
  CHECK(result.cycles[0].verified.index == 1);
  CHECK(result.cycles[1].verified.index == -1);
  for (const IndexSum& sum : result.index_sums) {
    CHECK(sum.known);
    CHECK(sum.sum == 1);
  }
  for (const Index order : {1, 2}) {
    const CompleteProof proof = prove_complete(map, order, {}, {}, control, progress);
    CHECK(proof.proved);
    CHECK(proof.missed.size() == 3);
  }
}

// tanh(2 z + b), b from -1 to 1.
SmoothPath moving_unit() { return {one_unit(2.0, -1.0), one_unit(2.0, 1.0)}; }

CurveStart start_of_moving_unit() {
  Matrix points = Matrix::Constant(1, 1, -1.0);
  REQUIRE(Newton(one_unit(2.0, -1.0)).solve(points, {}, nullptr) == NewtonEnd::converged);
  return {points, 0.0, Vector{{0.0, 1.0}}};
}

TEST_CASE("a curve goes around two folds to the other end of the path") {
  const SmoothPath path = moving_unit();
  Control control(std::numeric_limits<double>::infinity(), [] { return true; });
  const std::vector<CurveStart> starts(3, start_of_moving_unit());
  const std::vector<Curve> curves = follow_curves(path, starts, 2, control);
  REQUIRE(curves.size() == 3);
  const Curve& curve = curves.front();
  CHECK(curve.end == CurveEnd::at_last);
  CHECK(curve.unexplained.empty());
  REQUIRE(curve.events.size() == 2);
  const double height = std::sqrt(0.5);
  const double place = 0.5 + 0.5 * (2.0 * height - std::atanh(height));
  for (const CurveEvent& event : curve.events) {
    CHECK(event.kind == CurveEventKind::fold);
    CHECK(event.s_upper - event.s_lower < 1e-11);
  }
  CHECK(std::abs(curve.events[0].s - place) < 1e-12);
  CHECK(std::abs(curve.events[1].s - (1.0 - place)) < 1e-12);
  CHECK(curves[2].nodes.size() == curve.nodes.size());
  for (std::size_t i = 0; i < curve.nodes.size(); ++i) {
    CHECK(curves[2].nodes[i].points == curve.nodes[i].points);
  }
}

TEST_CASE("a tube around a point of a curve is verified, and one across a branch point is not") {
  const SmoothPath path = moving_unit();
  const Matrix points = start_of_moving_unit().points;
  Vector tangent;
  REQUIRE(tangent_at(path, 1, stacked(points, 0.0), Vector{{0.0, 1.0}}, tangent));
  Tube tube(path, 1, stacked(points, 0.0), tangent);
  REQUIRE(tube.verify(1e-3));
  CHECK(tube.direction_of_s() == 1);
  CHECK(tube.flip_sign() == 1);
  PathPoint end;
  REQUIRE(tube.point(9e-4, end));
  CHECK(tube.holds(end));
  CHECK(end.error.maxCoeff() < 1e-14);
  CHECK_FALSE(tube.point(2e-3, end));
  // Weights 0.5 to 2 without a bias: a pitchfork at 1.
  const SmoothPath pitchfork(one_unit(0.5, 0.0), one_unit(2.0, 0.0));
  Tube across(pitchfork, 1, Vector{{0.0, 1.0 / 3.0 - 1e-5}}, Vector{{0.0, 1.0}});
  CHECK_FALSE(across.verify(1e-4));
}

TEST_CASE("propagation keeps solutions and may throw away all else") {
  // z = tanh(0.5 z): only 0.
  const SmoothMap map = one_unit(0.5, 0.0);
  IntervalVector box(Vector::Constant(1, -1.0), Vector::Constant(1, 1.0));
  for (int i = 0; i < 60; ++i) {
    REQUIRE(propagate_tanh(map.layers().front(), {0, 0, 0}, box));
    REQUIRE(box[0].contains(0.0));
  }
  CHECK(box[0].hi < 1e-12);
  IntervalVector away(Vector::Constant(1, 0.1), Vector::Constant(1, 1.0));
  bool left = true;
  for (int i = 0; i < 60 && left; ++i) left = propagate_tanh(map.layers().front(), {0, 0, 0}, away);
  CHECK_FALSE(left);
}

TEST_CASE("rotations and periods") {
  Matrix points(1, 4);
  points << 0.3, -0.5, 0.3, -0.5;
  CHECK(period_within(points, 1e-9) == 2);
  CHECK(first_step(points) == 1);
  CHECK(agree(points, points.leftCols(2), 1e-12));
  CHECK_FALSE(agree(points, points.leftCols(1), 1e-12));
}

TEST_CASE("points are compared by a strict weak ordering") {
  // Coordinates that differ by less than a tolerance, in a chain: a tolerance is not transitive.
  const double steps[] = {-1.4e-9, -7e-10, -1e-17, 0.0, 7e-10, 1.4e-9};
  std::vector<Vector> points;
  for (const double x : steps) {
    for (const double y : steps) points.push_back((Vector(2) << x, y).finished());
  }
  const auto same = [](const Vector& a, const Vector& b) {
    return !comes_before(a, b) && !comes_before(b, a);
  };
  for (const Vector& a : points) {
    CHECK_FALSE(comes_before(a, a));
    for (const Vector& b : points) {
      CHECK_FALSE((comes_before(a, b) && comes_before(b, a)));
      for (const Vector& c : points) {
        if (comes_before(a, b) && comes_before(b, c)) CHECK(comes_before(a, c));
        if (same(a, b) && same(b, c)) CHECK(same(a, c));
      }
    }
  }
}

TEST_CASE("a forget gate that cannot be told from 1 leaves no box") {
  RecurrentLayer layer;
  layer.weight_ih = Matrix::Zero(4, 0);
  layer.weight_hh = Matrix::Zero(4, 1);
  layer.bias_ih = Vector::Zero(4);
  layer.bias_hh = Vector::Zero(4);
  layer.bias_hh(1) = 690.0;
  const RecurrentNetwork open{CellKind::lstm, {layer}};
  CHECK(SmoothMap(open, Vector(0)).invariant_box().upper.allFinite());
  layer.bias_hh(1) = 720.0;
  const RecurrentNetwork shut{CellKind::lstm, {layer}};
  CHECK_THROWS_AS(SmoothMap(shut, Vector(0)), std::invalid_argument);
}

}  // namespace
}  // namespace rnndyn::smooth

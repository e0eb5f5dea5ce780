// Slow points and curves, and the index of piecewise-linear maps: closed forms.
#include <doctest/doctest.h>

#include <cmath>

#include "rnndyn/slow_points.hpp"
#include "rnndyn/smooth/piecewise_index.hpp"

namespace rnndyn {
namespace {

Control no_limit() {
  return Control(std::numeric_limits<double>::infinity(), [] { return true; });
}

// z -> a z + w relu(z) + h.
CanonicalMap kink(double a, double w, double h) {
  return CanonicalMap(Matrix::Constant(1, 1, a), Matrix::Constant(1, 1, w), Matrix::Identity(1, 1),
                      Vector::Constant(1, h), Vector::Zero(1));
}

TEST_CASE("a V of the speed has its minimum at the border, exactly") {
  const CanonicalMap map = kink(0.5, 1.0, 0.01);
  const auto landscape = slow::landscape_of(map);
  for (const double start : {-3.0, -1e-9, 0.0, 2.0}) {
    const auto end = landscape->descend(Vector::Constant(1, start));
    REQUIRE(end);
    CHECK(end->state(0) == 0.0);
    CHECK(end->speed == 0.01);
    CHECK(end->n_borders == 1);
    CHECK(end->is_minimum);
    CHECK(end->curvatures.size() == 0);
  }
}

TEST_CASE("a descent crosses borders that are no minima, down to the fixed point") {
  const CanonicalMap map = kink(0.5, 0.3, 0.01);
  const auto landscape = slow::landscape_of(map);
  const auto end = landscape->descend(Vector::Constant(1, -2.0));
  REQUIRE(end);
  CHECK(end->speed < 1e-15);
  CHECK_FALSE(end->is_minimum);
  CHECK(end->state(0) == doctest::Approx(0.05));
}

TEST_CASE("a line of equal speed is a curve and no minimum") {
  // z1 stays between -1 and 1, z2 is halved.
  Matrix a = Matrix::Identity(2, 2), w1 = Matrix::Zero(2, 2), w2 = Matrix::Zero(2, 2);
  a(1, 1) = 0.5;
  w1(0, 0) = -0.5, w1(0, 1) = 0.5;
  w2(0, 0) = 1.0, w2(1, 0) = -1.0;
  Vector h1 = Vector::Zero(2);
  h1(0) = 1e-3;
  const CanonicalMap map(a, w1, w2, h1, Vector::Constant(2, -1.0));
  const auto landscape = slow::landscape_of(map);
  Control control = no_limit();
  SearchProgress progress;
  const auto result = slow::find_slow_points(*landscape, {}, control, progress);
  CHECK(result.points.empty());
  CHECK(result.n_flat > 0);
  REQUIRE(result.curves.size() == 1);
  const slow::SlowCurve& curve = result.curves.front();
  CHECK(curve.length > 1.9);
  CHECK(curve.across == doctest::Approx(0.5));
  CHECK((curve.speeds.cwiseAbs().array() - 1e-3).abs().maxCoeff() < 1e-12);
}

TEST_CASE("images of intervals, boxes, and signs") {
  const CanonicalMap dip = kink(0.6, -3.0, 0.9);
  const auto image =
      smooth::image(dip, smooth::IntervalVector(Vector::Constant(1, -1.0), Vector::Ones(1)));
  CHECK(image.lower(0) <= -1.5);
  CHECK(image.lower(0) > -1.5 - 1e-14);
  CHECK(image.upper(0) >= 0.9);
  CHECK(image.upper(0) < 0.9 + 1e-14);
  const auto box = smooth::invariant_box(dip, Matrix::Zero(1, 1));
  REQUIRE(box);
  const auto inside = smooth::image(dip, *box);
  CHECK(inside.lower(0) > box->lower(0));
  CHECK(inside.upper(0) < box->upper(0));
  CHECK_FALSE(smooth::invariant_box(kink(2.0, -4.0, 1.0), Matrix::Zero(1, 1)));

  Itinerary on(1, 1), off(1, 1);
  on.bits[0] = 1;
  CHECK(smooth::index_signs(dip, on).index == 1);             // 1 + 2.4
  CHECK(smooth::index_signs(dip, on).index_of_double == -1);  // 1 - 2.4
  CHECK(smooth::index_signs(kink(2.0, 0.0, 1.0), off).index == -1);
  CHECK(smooth::index_signs(kink(1.0, 0.0, 1.0), off).index == 0);
}

}  // namespace
}  // namespace rnndyn

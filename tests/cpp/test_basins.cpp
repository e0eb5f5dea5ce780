// Orbits from planes of states: closed forms, and that threads change nothing.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "basins/orbit_map.hpp"
#include "networks.hpp"
#include "rnndyn/basins.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

std::vector<Index> all_points(const PlaneOfStates& plane) {
  std::vector<Index> points(static_cast<std::size_t>(plane.size()));
  std::iota(points.begin(), points.end(), Index{0});
  return points;
}

BasinRun run(const CanonicalMap& map, const PlaneOfStates& plane,
             const std::vector<Neighbourhood>& places, const BasinOptions& options,
             double time_limit = std::numeric_limits<double>::infinity()) {
  Control control(time_limit, {});
  BasinProgress progress;
  return basins(map, plane, all_points(plane), places, options, control, progress);
}

// Within half a width of a state, in every coordinate direction alike.
Neighbourhood ball(const Vector& center, double radius, std::int32_t attractor) {
  const Index m = center.size();
  return {Matrix::Identity(m, m) / radius, center, Vector::Constant(m, radius), attractor};
}

// z -> z / 2 in two dimensions: after n steps z / 2^n.
CanonicalMap halving() {
  return plrnn(0.5 * Matrix::Identity(2, 2), Matrix::Zero(2, 2), Vector::Zero(2));
}

PlaneOfStates square(Index n, double side) {
  return {Vector::Zero(2), Matrix::Identity(2, 2), Vector::LinSpaced(n, -side, side),
          Vector::LinSpaced(n, -side, side)};
}

}  // namespace

TEST_CASE("steps of many orbits are those of one") {
  RandomStream stream(7, 0, 0);
  for (const Index m : {1, 2, 5}) {
    const Index h = 2 * m;
    const CanonicalMap map(random_matrix(stream, m, m), random_matrix(stream, m, h),
                           random_matrix(stream, h, m), random_vector(stream, m),
                           random_vector(stream, h));
    const OrbitMap lanes(map);
    std::vector<double> from(lanes.buffer_size()), to(lanes.buffer_size());
    const Matrix states = random_matrix(stream, m, kOrbits);
    for (Index i = 0; i < m; ++i) {
      for (int lane = 0; lane < kOrbits; ++lane) {
        from[static_cast<std::size_t>(i * kOrbits + lane)] = states(i, lane);
      }
    }
    std::vector<double> beyond(kOrbits, 0.0);
    lanes.step(from.data(), to.data(), 1e300, beyond.data());
    for (int lane = 0; lane < kOrbits; ++lane) {
      const Vector image = map.step(states.col(lane));
      CHECK(beyond[static_cast<std::size_t>(lane)] == 0.0);
      for (Index i = 0; i < m; ++i) {
        CHECK(to[static_cast<std::size_t>(i * kOrbits + lane)] ==
              doctest::Approx(image(i)).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("the steps until a ball is entered") {
  const PlaneOfStates plane = square(21, 3.0);
  const BasinOptions options{1000, 1e10, 1};
  const BasinRun found = run(halving(), plane, {ball(Vector::Zero(2), 0.25, 3)}, options);
  for (Index point = 0; point < plane.size(); ++point) {
    const double size = std::hypot(plane.x(point % 21), plane.y(point / 21));
    const double expected = size <= 0.25 ? 0.0 : std::ceil(std::log2(size / 0.25));
    CHECK(found.labels[static_cast<std::size_t>(point)] == 3);
    CHECK(found.n_steps[static_cast<std::size_t>(point)] == static_cast<std::int64_t>(expected));
  }
}

TEST_CASE("many neighbourhoods and many threads change nothing") {
  const PlaneOfStates plane = square(37, 3.0);
  std::vector<Neighbourhood> places{ball(Vector::Zero(2), 0.25, 3)};
  const BasinRun one = run(halving(), plane, places, {1000, 1e10, 1});
  // So many that they are looked at every few steps only.
  for (int i = 0; i < 400; ++i) places.push_back(ball(Vector::Constant(2, 1e3 + i), 0.1, 4));
  for (const int n_threads : {1, 2, 7}) {
    const BasinRun many = run(halving(), plane, places, {1000, 1e10, n_threads});
    CHECK(many.labels == one.labels);
    CHECK(many.n_steps == one.n_steps);
  }
}

TEST_CASE("what escapes, and what is never decided") {
  // z -> 3 z: |z| 3^n exceeds 100.
  const CanonicalMap map = plrnn(3.0 * Matrix::Identity(2, 2), Matrix::Zero(2, 2), Vector::Zero(2));
  const PlaneOfStates plane{Vector::Zero(2), Matrix::Identity(2, 2),
                            Vector{{-200.0, -2.0, 0.0, 1.0}}, Vector::Zero(1)};
  for (const int n_far : {0, 500}) {
    std::vector<Neighbourhood> places;
    for (int i = 0; i < n_far; ++i) places.push_back(ball(Vector::Constant(2, -7.1), 1e-3, 0));
    const BasinRun found = run(map, plane, places, {50, 100.0, 1});
    CHECK(found.labels == std::vector<std::int32_t>{kEscaped, kEscaped, kUndecided, kEscaped});
    CHECK(found.n_steps == std::vector<std::int64_t>{0, 4, 50, 5});
  }
}

TEST_CASE("numbers beyond the range of floating point escape") {
  // Infinity minus infinity within one step.
  const CanonicalMap map(Matrix{{1e200, -1e200}, {0.0, 0.0}}, Matrix::Zero(2, 1),
                         Matrix::Zero(1, 2), Vector::Zero(2), Vector::Zero(1));
  const PlaneOfStates plane{Vector::Zero(2), Matrix{{1.0, 0.0}, {1.0, 0.0}},
                            Vector::Constant(1, 1e200), Vector::Zero(1)};
  const BasinRun found = run(map, plane, {}, {10, 1e300, 1});
  CHECK(found.labels == std::vector<std::int32_t>{kEscaped});
  CHECK(found.n_steps == std::vector<std::int64_t>{1});
}

TEST_CASE("a time limit leaves points that were not reached") {
  const BasinRun found =
      run(halving(), square(5, 1.0), {}, {std::numeric_limits<Index>::max() / 2, 1e10, 2}, 0.0);
  CHECK(found.stopped_by == StopReason::time_limit);
  for (const std::int32_t label : found.labels) CHECK(label == kNotReached);
}

TEST_CASE("sizes that do not fit are refused") {
  const PlaneOfStates plane = square(3, 1.0);
  CHECK_THROWS_AS(run(halving(), plane, {ball(Vector::Zero(3), 1.0, 0)}, {10, 1.0, 1}),
                  std::invalid_argument);
  CHECK_THROWS_AS(run(tent_map(), plane, {}, {10, 1.0, 1}), std::invalid_argument);
  CHECK_THROWS_AS(run(halving(), plane, {}, {10, 0.0, 1}), std::invalid_argument);
}

// Pieces of manifolds: rows and their errors, polytopes, trees of words in closed form.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "exact/exact_matrix.hpp"
#include "manifolds/images.hpp"
#include "manifolds/polytope.hpp"
#include "networks.hpp"
#include "rnndyn/invertibility.hpp"
#include "rnndyn/manifolds.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

Control endless() { return Control(std::numeric_limits<double>::infinity(), {}); }

Rows rows_of(const Matrix& normals, const Vector& values) {
  Rows rows(normals.cols(), normals.rows());
  rows.normals = normals;
  rows.values = values;
  return rows;
}

// The square |x|, |y| <= 1, cut by x + y <= bound.
Polytope cut_square(double bound) {
  Matrix normals(5, 2);
  normals << 1, 0, 0, 1, -1, 0, 0, -1, 1, 1;
  Vector values(5);
  values << 1, 1, 1, 1, bound;
  return {Rows(2, 0), rows_of(normals, values), Vector(), 0.0};
}

// x -> x / 2 + relu(x + 1) - relu(x - 1) - 1 with its saddle 0 between -2 and 2, and y -> y / 2.
CanonicalMap clipped_line() {
  const Matrix a = 0.5 * Matrix::Identity(2, 2);
  Matrix w1(2, 2), w2(2, 2);
  w1 << 1, -1, 0, 0;
  w2 << 1, 0, 1, 0;
  Vector h1(2), h2(2);
  h1 << -1, 0;
  h2 << 1, -1;
  return CanonicalMap(a, w1, w2, h1, h2);
}

ManifoldOutcome set_of_the_saddle(ManifoldOptions options, ManifoldTree begun) {
  const CanonicalMap map = clipped_line();
  Itinerary itinerary(1, map.words_per_region());
  set_bit(itinerary.bits.data(), 0, true);
  options.n_directions = 1;
  options.lower = Vector::Constant(2, -3.0);
  options.upper = Vector::Constant(2, 3.0);
  Control control = endless();
  ManifoldProgress progress;
  return manifold(map, itinerary, Matrix::Zero(2, 1), 1e-15, options, control, progress,
                  std::move(begun));
}

ManifoldOutcome stable_set_of_the_saddle(Index depth, std::int64_t max_pieces, int n_threads,
                                         ManifoldTree begun = {}) {
  ManifoldOptions options;
  options.depth = depth;
  options.max_pieces = max_pieces;
  options.n_threads = n_threads;
  return set_of_the_saddle(std::move(options), std::move(begun));
}

ManifoldTree branches_of_the_saddle(double max_length, Index depth, ManifoldTree begun = {}) {
  ManifoldOptions options;
  options.kind = ManifoldKind::unstable;
  options.depth = depth;
  options.max_pieces = 100;
  options.max_length = max_length;
  return set_of_the_saddle(std::move(options), std::move(begun)).tree;
}

}  // namespace

TEST_CASE("a polytope keeps the rows that cut") {
  const Vector reach = Vector::Constant(2, 10.0);
  Polytope set = cut_square(3.0);
  CHECK(settle(set, reach, nullptr) == Contents::some);
  CHECK(set.inequalities.size() == 4);
  CHECK(set.radius == doctest::Approx(1.0));
  set = cut_square(1.0);
  CHECK(settle(set, reach, nullptr) == Contents::some);
  CHECK(set.inequalities.size() == 5);
  set = cut_square(-2.1);
  CHECK(settle(set, reach, nullptr) == Contents::none);
  // One corner: rounding cannot tell it from none.
  set = cut_square(-2.0);
  CHECK(settle(set, reach, nullptr) == Contents::undecided);
}

TEST_CASE("inequalities lie within the equations, however steep they were") {
  const Vector reach = Vector::Constant(2, 10.0);
  const double tilt = 1e-6;
  Polytope set;
  set.equations = rows_of(Eigen::RowVector2d(1, 0), Vector::Constant(1, 2.0));
  Matrix normals(2, 2);
  normals << 1, tilt, -1, -tilt;
  // 2 + tilt y <= 2 + 3 tilt and >= 2 - tilt.
  set.inequalities = rows_of(normals, Eigen::Vector2d(2 + 3 * tilt, -2 + tilt));
  REQUIRE(settle(set, reach, nullptr) == Contents::some);
  REQUIRE(set.inequalities.size() == 2);
  CHECK(set.inequalities.normals.col(0).cwiseAbs().maxCoeff() < 1e-15);
  CHECK(set.inequalities.values(0) == doctest::Approx(3.0).epsilon(1e-9));
  CHECK(set.inequalities.values(1) == doctest::Approx(1.0).epsilon(1e-9));
  // What the rounding of 2 + 3 tilt has become there is known.
  CHECK(set.inequalities.errors.minCoeff() > 1e-16 / tilt);
  CHECK(set.inequalities.errors.maxCoeff() < 1e-7);
  CHECK((set.interior - Eigen::Vector2d(2, 1)).norm() < 1e-8);
}

TEST_CASE("equations that contradict each other are found") {
  const Vector reach = Vector::Constant(2, 10.0);
  Matrix normals(2, 2);
  normals << 1, 1, 2, 2;
  Rows rows = rows_of(normals, Eigen::Vector2d(1, 3));
  CHECK(orthonormalize(rows, reach) == Contents::none);
  rows = rows_of(normals, Eigen::Vector2d(1, 2));
  CHECK(orthonormalize(rows, reach) == Contents::undecided);
  normals << 1, 1, 1, -1;
  rows = rows_of(normals, Eigen::Vector2d(1, 0));
  REQUIRE(orthonormalize(rows, reach) == Contents::some);
  CHECK((rows.normals * rows.normals.transpose() - Matrix::Identity(2, 2)).norm() < 1e-14);
  CHECK((rows.normals * Eigen::Vector2d(0.5, 0.5) - rows.values).norm() < 1e-14);
}

TEST_CASE("rows pulled back say of a state what they said of its image") {
  RandomStream stream(3, 0, 0);
  const Vector reach = Vector::Constant(3, 5.0);
  for (int example = 0; example < drawn(20, 2000); ++example) {
    const CanonicalMap map(random_matrix(stream, 3, 3), random_matrix(stream, 3, 4),
                           random_matrix(stream, 4, 3), random_vector(stream, 3),
                           random_vector(stream, 4));
    const Vector z = random_vector(stream, 3).cwiseMax(-5.0).cwiseMin(5.0);
    std::vector<Word> region(map.words_per_region(), 0);
    const Vector before = map.w2() * z + map.h2();
    for (Index i = 0; i < 4; ++i) set_bit(region.data(), i, before(i) > 0.0);
    const AffineStep step = affine_step(map, region.data(), reach);
    CHECK((step.border.values - step.border.normals * z).minCoeff() >= 0.0);
    const Rows rows = rows_of(random_matrix(stream, 2, 3), random_vector(stream, 2));
    const Rows back = pulled_back(rows, step, reach);
    const Vector ahead = rows.values - rows.normals * map.step(z);
    const Vector here = back.values - back.normals * z;
    CHECK(((ahead - here).cwiseAbs() - 4.0 * back.errors).maxCoeff() <= 0.0);
  }
}

TEST_CASE("the stable set between two basins is one line, complete in the box") {
  const ManifoldOutcome found = stable_set_of_the_saddle(5, 100, 1);
  REQUIRE(found.refusal == ManifoldRefusal::none);
  CHECK(found.tree.end == ManifoldEnd::exhausted);
  CHECK(found.tree.n_undecided == 0);
  REQUIRE(found.tree.pieces.size() == 1);
  const ManifoldPiece& line = found.tree.pieces.front();
  CHECK(std::abs(line.equations.normals(0, 1)) < 1e-14);
  CHECK(std::abs(line.equations.values(0)) < 1e-14);
  REQUIRE(line.inequalities.size() == 2);
  CHECK((line.inequalities.values - Vector::Constant(2, 3.0)).norm() < 1e-13);
}

TEST_CASE("a tree goes on where it ended, if it is one") {
  const ManifoldTree begun = stable_set_of_the_saddle(0, 100, 1).tree;
  CHECK(begun.n_expanded == 0);
  const ManifoldTree whole = stable_set_of_the_saddle(5, 100, 1).tree;
  const ManifoldTree gone_on = stable_set_of_the_saddle(5, 100, 1, begun).tree;
  CHECK(gone_on.end == ManifoldEnd::exhausted);
  CHECK(gone_on.n_expanded == whole.n_expanded);
  CHECK(gone_on.n_empty == whole.n_empty);
  REQUIRE(gone_on.pieces.size() == whole.pieces.size());
  for (const Index phase : {1, -1}) {
    ManifoldTree changed = begun;
    changed.pieces.front().phase = phase;
    CHECK(stable_set_of_the_saddle(5, 100, 1, changed).refusal == ManifoldRefusal::not_its_tree);
  }
}

TEST_CASE("branches end at their length") {
  // The line y = 0 from -2 to 2; the local set is the part between the borders, -1 and 1.
  for (const double length : {0.5, 1.25, 1.9}) {
    const ManifoldTree whole = branches_of_the_saddle(length, 50);
    CHECK(whole.end == ManifoldEnd::max_length);
    double furthest = 0.0;
    double sum = 0.0;
    for (const ManifoldPiece& piece : whole.pieces) {
      CHECK(std::abs(piece.interior(1)) < 1e-14);
      furthest = std::max(furthest, std::abs(piece.interior(0)) + piece.radius);
      sum += 2.0 * piece.radius;
    }
    CHECK(furthest == doctest::Approx(length).epsilon(1e-12));
    CHECK(sum == doctest::Approx(2.0 * length).epsilon(1e-12));
    const ManifoldTree gone_on =
        branches_of_the_saddle(length, 50, branches_of_the_saddle(length, 1));
    REQUIRE(gone_on.pieces.size() == whole.pieces.size());
    CHECK(gone_on.pieces.back().interior == whole.pieces.back().interior);
  }
  // They never come to 2.
  CHECK(branches_of_the_saddle(5.0, 10).end == ManifoldEnd::depth);
}

TEST_CASE("a tree that is stopped or cut says so") {
  const CanonicalMap map = clipped_line();
  CHECK(stable_set_of_the_saddle(0, 100, 1).tree.end == ManifoldEnd::depth);
  Itinerary border(1, map.words_per_region());
  ManifoldOptions options;
  options.n_directions = 1;
  options.depth = 5;
  options.max_pieces = 100;
  options.lower = Vector::Constant(2, -3.0);
  options.upper = Vector::Constant(2, 3.0);
  ManifoldProgress progress;
  Control control = endless();
  // The point 0 does not lie where the first unit is off.
  CHECK(manifold(map, border, Matrix::Zero(2, 1), 1e-15, options, control, progress).refusal ==
        ManifoldRefusal::on_border);
  Control ended(0.0, {});
  while (!ended.stop_requested()) {
  }
  set_bit(border.bits.data(), 0, true);
  CHECK(manifold(map, border, Matrix::Zero(2, 1), 1e-15, options, ended, progress).tree.end ==
        ManifoldEnd::stopped);
}

TEST_CASE("images of sets lie in the images of their equations") {
  const CanonicalMap map = clipped_line();
  std::vector<Word> region(map.words_per_region(), 0);
  set_bit(region.data(), 0, true);
  const Vector reach = Vector::Constant(2, 10.0);
  const AffineStep step = affine_step(map, region.data(), reach);
  Polytope set;
  set.equations = rows_of(Eigen::RowVector2d(0, 1), Vector::Zero(1));
  Matrix ends(2, 2);
  ends << 1, 0, -1, 0;
  set.inequalities = rows_of(ends, Eigen::Vector2d(0.5, 0.25));
  REQUIRE(settle(set, reach, nullptr) == Contents::some);
  Polytope image = pushed_forward(set, step);
  REQUIRE(settle(image, reach, nullptr) == Contents::some);
  // The slope there is 3/2.
  CHECK(image.radius == doctest::Approx(1.5 * set.radius));
  CHECK((image.interior - 1.5 * set.interior).norm() < 1e-14);
}

TEST_CASE("the closest point of a triangle is a corner, a side or the point itself") {
  Matrix normals(3, 2);
  normals << -1, 0, 0, -1, std::sqrt(0.5), std::sqrt(0.5);
  const Vector bounds = Eigen::Vector3d(0, 0, std::sqrt(0.5));
  const auto closest = [&](double x, double y) {
    return closest_point(Matrix(0, 2), Vector(0), normals, bounds, Eigen::Vector2d(x, y));
  };
  CHECK((closest(-1, -2).point - Eigen::Vector2d(0, 0)).norm() < 1e-14);
  CHECK((closest(2, 2).point - Eigen::Vector2d(0.5, 0.5)).norm() < 1e-14);
  CHECK((closest(3, -1).point - Eigen::Vector2d(1, 0)).norm() < 1e-14);
  CHECK(closest(0.2, 0.3).distance == 0.0);
}

TEST_CASE("signs of determinants are exact") {
  ExactEffort effort(1e9, nullptr);
  RandomStream stream(5, 0, 0);
  for (int example = 0; example < drawn(30, 3000); ++example) {
    const Index n = 1 + example % 5;
    Matrix matrix = random_matrix(stream, n, n);
    const double det = matrix.determinant();
    CHECK(determinant_sign(ExactMatrix(matrix), effort) == (det > 0.0 ? 1 : -1));
    if (n == 1) continue;
    // 1 + 2^-52 times a row, and then the row itself.
    matrix.row(n - 1) = matrix.row(0);
    CHECK(determinant_sign(ExactMatrix(matrix), effort) == 0);
    const double entry = matrix(n - 1, n - 1);
    matrix(n - 1, n - 1) = std::nextafter(entry, 1e300);
    const double minor = matrix.topLeftCorner(n - 1, n - 1).determinant();
    CHECK(determinant_sign(ExactMatrix(matrix), effort) == (minor > 0.0 ? 1 : -1));
  }
}

TEST_CASE("determinants of all regions") {
  Control control = endless();
  const auto found = region_determinants(tent_map(), 100, 1, &control);
  REQUIRE(found.has_value());
  CHECK(found->signs == std::vector<std::int8_t>{1, -1});
  CHECK(found->interiors(0, 0) < 0.0);
  CHECK(found->interiors(0, 1) > 0.0);
  CHECK(!region_determinants(tent_map(), 1, 1, &control).has_value());
}

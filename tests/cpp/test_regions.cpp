#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include "networks.hpp"
#include "rnndyn/itinerary.hpp"
#include "rnndyn/linear_program.hpp"
#include "rnndyn/regions.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

constexpr std::size_t kMany = 4096;

// A map with these borders, all of them relevant.
CanonicalMap with_borders(const Matrix& w2, const Vector& h2) {
  const Index m = w2.cols();
  return CanonicalMap(Matrix::Zero(m, m), Matrix::Ones(m, w2.rows()), w2, Vector::Zero(m), h2);
}

// Regions of points near and far, of one word each.
std::set<Word> regions_of_points(const CanonicalMap& map, RandomStream& stream, int n_points) {
  std::set<Word> found;
  for (int n = 0; n < n_points; ++n) {
    Word region = 0;
    map.region(random_vector(stream, map.n_states()) * std::exp(2.0 * stream.normal()), &region);
    found.insert(region);
  }
  return found;
}

// Whether a ball lies in the region.
bool has_volume(const CanonicalMap& map, Word region) {
  Matrix g = map.w2();
  Vector b = -map.h2();
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(&region, i)) continue;
    g.row(i) *= -1.0;
    b(i) *= -1.0;
  }
  return deepest_point(g, b, 1.0).value > 1e-9;
}

}  // namespace

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

TEST_CASE("nonempty regions are those of points, whatever position the hyperplanes have") {
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    RandomStream stream(3, 2, trial);
    const Index m = 1 + static_cast<Index>(stream.below(2));
    const Index h = 2 + static_cast<Index>(stream.below(4));
    // Small integers: many hyperplanes are parallel, meet in one point, or are the same.
    Matrix w2(h, m);
    Vector h2(h);
    for (Index i = 0; i < h; ++i) {
      do {
        for (Index j = 0; j < m; ++j) w2(i, j) = static_cast<double>(stream.below(3)) - 1.0;
      } while (w2.row(i).isZero());
      h2(i) = static_cast<double>(stream.below(3)) - 1.0;
    }
    const CanonicalMap map = with_borders(w2, h2);
    REQUIRE(map.n_relevant_units() == h);
    const auto regions = nonempty_regions(map, kMany);
    REQUIRE(regions);
    const std::set<Word> listed(regions->begin(), regions->end());
    CHECK(listed.size() == regions->size());
    for (const Word region : regions_of_points(map, stream, 3000)) CHECK(listed.contains(region));
    for (const Word region : listed) CHECK(has_volume(map, region));
    for (Word region = 0; region >> h == 0; ++region) {
      CHECK(listed.contains(region) == has_volume(map, region));
    }
  }
}

TEST_CASE("bits of units that cannot change the map are zero, those of constant units are theirs") {
  Matrix w2(3, 2);
  w2 << 1.0, 1.0, 0.0, 0.0, 1.0, -1.0;
  Matrix w1 = Matrix::Ones(2, 3);
  const Vector h2{{0.5, 2.0, -1.0}};
  const auto regions_with = [&](const Matrix& columns) {
    return nonempty_regions(CanonicalMap(Matrix::Zero(2, 2), columns, w2, Vector::Zero(2), h2),
                            kMany);
  };
  CHECK(*regions_with(w1) == std::vector<Word>{0b010, 0b011, 0b110, 0b111});  // unit 1 is on
  w1.col(2).setZero();
  CHECK(*regions_with(w1) == std::vector<Word>{0b010, 0b011});
  w1.setZero();
  CHECK(*regions_with(w1) == std::vector<Word>{0});
}

TEST_CASE("all bit patterns, in ascending order and up to the limit") {
  const CanonicalMap orthants = plrnn(Matrix::Zero(3, 3), Matrix::Ones(3, 3), Vector::Zero(3));
  const std::vector<Word> all{0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(*all_bit_patterns(orthants, 8) == all);
  CHECK(*nonempty_regions(orthants, 8) == all);
  CHECK_FALSE(all_bit_patterns(orthants, 7));
  CHECK_FALSE(nonempty_regions(orthants, 7));
  Matrix w = Matrix::Ones(3, 3);
  w.col(1).setZero();
  const CanonicalMap two = plrnn(Matrix::Zero(3, 3), w, Vector::Zero(3));
  CHECK(*all_bit_patterns(two, 4) == std::vector<Word>{0, 1, 4, 5});
}

TEST_CASE("regions of more than one word come in ascending order") {
  const Index h = 70;
  Matrix w2 = Matrix::Ones(h, 1);
  Vector h2(h);
  for (Index i = 0; i < h; ++i) h2(i) = static_cast<double>(i);
  const auto regions = nonempty_regions(with_borders(w2, h2), kMany);
  REQUIRE(regions);
  REQUIRE(regions->size() == static_cast<std::size_t>(2 * (h + 1)));
  // Unit i is on where z > -i: from none to all, the last ones first.
  std::set<Index> counts;
  for (std::size_t r = 0; r < regions->size(); r += 2) {
    if (r > 0) CHECK(compare_regions(&(*regions)[r - 2], &(*regions)[r], 2) < 0);
    Index n_on = 0;
    for (Index i = 0; i < h; ++i) n_on += get_bit(&(*regions)[r], i) ? 1 : 0;
    for (Index i = 0; i < h; ++i) CHECK(get_bit(&(*regions)[r], i) == (i >= h - n_on));
    counts.insert(n_on);
  }
  CHECK(counts.size() == static_cast<std::size_t>(h + 1));
}

TEST_CASE("listing regions ends when the control says so") {
  RandomStream stream(3, 3, 0);
  const CanonicalMap map = with_borders(random_matrix(stream, 40, 3), random_vector(stream, 40));
  Control control(std::numeric_limits<double>::infinity(), [] { return false; });
  CHECK_THROWS_AS(nonempty_regions(map, 100'000, &control), Stopped);
}

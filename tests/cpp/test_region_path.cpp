#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "networks.hpp"
#include "rnndyn/cycles.hpp"
#include "search/region_path.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// PLRNNs, and maps with fewer or more units than states; some of the units change nothing.
CanonicalMap random_map(RandomStream& stream, double gain) {
  const auto m = 2 + static_cast<Index>(stream.below(14));
  const double scale = gain / std::sqrt(static_cast<double>(m));
  Matrix a = Matrix(random_vector(stream, m).asDiagonal()) * (0.3 * std::min(1.0, gain));
  if (stream.below(2) == 0) {
    return plrnn(a, scale * random_matrix(stream, m, m), random_vector(stream, m));
  }
  const auto h = 1 + static_cast<Index>(stream.below(30));
  Matrix w1 = random_matrix(stream, m, h) / std::sqrt(static_cast<double>(h));
  if (stream.below(4) == 0) w1.col(0).setZero();
  return CanonicalMap(a + 0.2 * scale * random_matrix(stream, m, m), w1,
                      scale * random_matrix(stream, h, m), random_vector(stream, m),
                      random_vector(stream, h));
}

// What follows the itinerary, wherever it is not refuted.
bool is_real(const CanonicalMap& map, const Itinerary& itinerary) {
  const Candidate candidate = solve_cycle(map, itinerary);
  return candidate.kind == CandidateKind::cycle || candidate.kind == CandidateKind::continuum;
}

}  // namespace

TEST_CASE("what a path meets at zero are cycles") {
  int n_met = 0;
  for (std::uint64_t number = 0; number < 300; ++number) {
    RandomStream stream(number, 7, 0);
    const CanonicalMap map = random_map(stream, 0.5 + 2.0 * stream.uniform());
    const auto order = 1 + static_cast<Index>(stream.below(4));
    RegionPath path(map, order, nullptr);
    std::vector<Itinerary> met;
    const std::int64_t n = path.follow(2.0 * random_vector(stream, map.n_states()), met);
    CHECK(n >= static_cast<std::int64_t>(met.size()));
    for (const Itinerary& itinerary : met) CHECK(is_real(map, itinerary));
    n_met += met.empty() ? 0 : 1;
    if (met.empty()) continue;
    // And from there on.
    const Candidate candidate = solve_cycle(map, met.front());
    if (!candidate.cycle || candidate.cycle->on_border) continue;
    const Cycle& cycle = *candidate.cycle;
    std::vector<Itinerary> further;
    path.follow_from_cycle(cycle.points.col(0), resized(cycle.itinerary, order),
                           random_vector(stream, map.n_states()), further);
    for (const Itinerary& itinerary : further) CHECK(is_real(map, itinerary));
  }
  CHECK(n_met > 150);
}

TEST_CASE("a path through the regions of a contraction leads to its fixed point") {
  for (std::uint64_t number = 0; number < 100; ++number) {
    RandomStream stream(number, 8, 0);
    const Index m = 1 + static_cast<Index>(stream.below(20));
    Matrix w = random_matrix(stream, m, m);
    w *= 0.4 / w.norm();
    const CanonicalMap map =
        plrnn(Matrix(Vector::Constant(m, 0.4).asDiagonal()), w, random_vector(stream, m));
    RegionPath path(map, 1, nullptr);
    std::vector<Itinerary> met;
    path.follow(5.0 * random_vector(stream, m), met);
    REQUIRE(met.size() == 1);
    const Candidate candidate = solve_cycle(map, met.front());
    CHECK(candidate.kind == CandidateKind::cycle);
    CHECK(candidate.cycle->multipliers.stability == Stability::stable);
  }
}

namespace {

// With many more units than states, A = 0.4 I and |W1| |W2| = size.
CanonicalMap wide_map(RandomStream& stream, double size) {
  const Index m = 2 + static_cast<Index>(stream.below(20));
  const Index h = 10 * m + static_cast<Index>(stream.below(9));
  Matrix w1 = random_matrix(stream, m, h), w2 = random_matrix(stream, h, m);
  w1 *= std::sqrt(size) / w1.norm();
  w2 *= std::sqrt(size) / w2.norm();
  return CanonicalMap(Matrix(Vector::Constant(m, 0.4).asDiagonal()), w1, w2,
                      random_vector(stream, m), 0.1 * random_vector(stream, h));
}

}  // namespace

TEST_CASE("a path past many units leads to the fixed point of a contraction, too") {
  std::int64_t longest = 0;
  for (std::uint64_t number = 0; number < 100; ++number) {
    RandomStream stream(number, 10, 0);
    const CanonicalMap map = wide_map(stream, 0.5);
    RegionPath path(map, 1, nullptr);
    std::vector<Itinerary> met;
    longest = std::max(longest, path.follow(5.0 * random_vector(stream, map.n_states()), met));
    REQUIRE(met.size() == 1);
    CHECK(is_real(map, met.front()));
  }
  CHECK(longest > 100);  // so that what was rounded on the way is corrected
}

TEST_CASE("what a path past many units meets are fixed points") {
  int n_met = 0;
  for (std::uint64_t number = 0; number < 100; ++number) {
    RandomStream stream(number, 11, 0);
    const CanonicalMap map = wide_map(stream, 400.0);
    RegionPath path(map, 1, nullptr);
    std::vector<Itinerary> met;
    path.follow(random_vector(stream, map.n_states()), met);
    for (const Itinerary& itinerary : met) CHECK(is_real(map, itinerary));
    n_met += static_cast<int>(met.size());
    const Vector start = random_vector(stream, map.n_states());
    std::vector<Itinerary> first, second;
    const std::int64_t n = path.follow(start, first);
    CHECK(RegionPath(map, 1, nullptr).follow(start, second) == n);
    CHECK(first == second);
  }
  CHECK(n_met > 20);
}

TEST_CASE("a path does the same whatever was followed before") {
  RandomStream stream(1, 9, 0);
  const CanonicalMap map = random_map(stream, 1.5);
  RegionPath used(map, 2, nullptr);
  std::vector<Itinerary> before;
  used.follow(random_vector(stream, map.n_states()), before);
  const Vector start = random_vector(stream, map.n_states());
  std::vector<Itinerary> first, second;
  const std::int64_t n = used.follow(start, first);
  CHECK(RegionPath(map, 2, nullptr).follow(start, second) == n);
  CHECK(first == second);
}

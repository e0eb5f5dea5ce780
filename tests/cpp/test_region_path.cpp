#include <doctest/doctest.h>

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

#include <doctest/doctest.h>

#include <cmath>

#include "cycles/exact_candidate.hpp"
#include "cycles/likely_candidate.hpp"
#include "cycles/solution_family.hpp"
#include "networks.hpp"
#include "rnndyn/cycles.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// Networks with integrators: states that are added to, by small whole numbers or by any.
CanonicalMap random_integrators(RandomStream& stream, Index n_integrators) {
  const Index m = n_integrators + static_cast<Index>(stream.below(5));
  const bool whole = stream.below(3) == 0;
  Matrix a = Matrix::Zero(m, m);
  Matrix w = random_matrix(stream, m, m);
  Vector h = random_vector(stream, m);
  if (whole) {
    w = w.array().round();
    h = h.array().round();
  }
  for (Index i = 0; i < m; ++i) a(i, i) = i < n_integrators ? 1.0 : 1.6 * stream.uniform() - 0.8;
  w.topRows(n_integrators).setZero();
  h.head(n_integrators).setZero();
  // Now and then one that has no point, and one that is missed by rounding only.
  if (stream.below(4) == 0) h(0) = 0.1;
  if (stream.below(4) == 0) a(0, 0) += 0x1p-50;
  if (stream.below(2) == 0) return plrnn(a, w, h);
  const auto units = 1 + static_cast<Index>(stream.below(8));
  Matrix w1 = random_matrix(stream, m, units);
  w1.topRows(n_integrators).setZero();
  return CanonicalMap(a, w1, random_matrix(stream, units, m), h, random_vector(stream, units));
}

Itinerary random_itinerary(RandomStream& stream, const CanonicalMap& map, Index order) {
  Itinerary itinerary(order, map.words_per_region());
  for (Index t = 0; t < order; ++t) {
    for (Index u = 0; u < map.n_units(); ++u) {
      const bool on = stream.below(2) == 1;
      if (get_bit(map.relevant_units().data(), u)) set_bit(itinerary.at(t), u, on);
    }
  }
  return canonical_rotation(itinerary);
}

bool is_real(const Candidate& candidate) {
  return candidate.kind == CandidateKind::cycle || candidate.kind == CandidateKind::continuum;
}

}  // namespace

TEST_CASE("what is refuted as a family does not exist, and most of what does not exist is") {
  for (const Index n_integrators : {1, 2, 3}) {
    int n_empty = 0;
    int n_refuted = 0;
    for (std::uint64_t number = 0; number < 600; ++number) {
      RandomStream stream(number, 5, static_cast<std::uint64_t>(n_integrators));
      const CanonicalMap map = random_integrators(stream, n_integrators);
      const auto order = 1 + static_cast<Index>(stream.below(3));
      const Itinerary itinerary = random_itinerary(stream, map, order);
      const auto exact = exact_candidate(map, itinerary, nullptr);
      REQUIRE(exact);
      const bool refuted = refuted_as_family(map, itinerary, nullptr);
      if (is_real(*exact)) {
        CHECK_FALSE(refuted);
      } else {
        ++n_empty;
        n_refuted += refuted ? 1 : 0;
      }
      const Candidate quick = real_candidate(map, itinerary);
      CHECK(quick.decided);
      CHECK(quick.proved == exact->proved);
      CHECK(is_real(quick) == is_real(*exact));
    }
    CAPTURE(n_integrators);
    CAPTURE(n_empty);
    CAPTURE(n_refuted);
    CHECK(10 * n_refuted >= (9 - n_integrators) * n_empty);
    CHECK(n_empty > 100);
    CHECK(n_empty < 600);
  }
}

TEST_CASE("the origin of a network without biases is known without exact arithmetic") {
  for (std::uint64_t number = 0; number < 100; ++number) {
    RandomStream stream(number, 6, 0);
    const auto m = 1 + static_cast<Index>(stream.below(6));
    const Matrix a = Matrix(random_vector(stream, m).asDiagonal()) * 0.5;
    const CanonicalMap map = plrnn(a, random_matrix(stream, m, m), Vector::Zero(m));
    const auto order = 1 + static_cast<Index>(stream.below(4));
    const Itinerary itinerary = random_itinerary(stream, map, order);
    const auto exact = exact_candidate(map, itinerary, nullptr);
    REQUIRE(exact);
    const Candidate quick = solve_cycle(map, itinerary);
    REQUIRE(quick.cycle);
    REQUIRE(exact->cycle);
    CHECK(quick.proved);
    CHECK(quick.kind == exact->kind);
    CHECK(quick.cycle->on_border);
    CHECK(quick.cycle->itinerary == exact->cycle->itinerary);
    CHECK(quick.cycle->zeros == exact->cycle->zeros);
    CHECK(quick.cycle->points.isZero(0.0));
    CHECK(quick.cycle->error_bound == 0.0);
  }
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "networks.hpp"
#include "proof/box_search.hpp"
#include "proof/orbit_enclosure.hpp"
#include "proof/unit_relaxation.hpp"
#include "rnndyn/search.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

using Number = long double;
using Numbers = std::vector<Number>;

CanonicalMap random_map(RandomStream& stream, Index m, Index h, double gain) {
  return CanonicalMap(0.5 * random_matrix(stream, m, m), gain * random_matrix(stream, m, h),
                      random_matrix(stream, h, m), random_vector(stream, m),
                      random_vector(stream, h));
}

// F(z) and the pre-activations, with more digits than the bounds are about.
Numbers step(const CanonicalMap& map, const Numbers& z, Numbers& p) {
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  p.assign(at(map.n_units()), 0.0L);
  for (Index i = 0; i < map.n_units(); ++i) {
    p[at(i)] = static_cast<Number>(map.h2()(i));
    for (Index j = 0; j < map.n_states(); ++j) {
      p[at(i)] += static_cast<Number>(map.w2()(i, j)) * z[at(j)];
    }
  }
  Numbers next(z.size());
  for (Index j = 0; j < map.n_states(); ++j) {
    next[at(j)] = static_cast<Number>(map.h1()(j));
    for (Index l = 0; l < map.n_states(); ++l) {
      next[at(j)] += static_cast<Number>(map.a()(j, l)) * z[at(l)];
    }
    for (Index i = 0; i < map.n_units(); ++i) {
      next[at(j)] += static_cast<Number>(map.w1()(j, i)) * std::max(p[at(i)], 0.0L);
    }
  }
  return next;
}

}  // namespace

TEST_CASE("orbits stay in their enclosures, and units do what they say") {
  RandomStream stream(3, 0, 0);
  int n_undecided = 0;
  for (int round = 0; round < 400; ++round) {
    const auto m = 1 + static_cast<Index>(stream.below(4));
    const auto h = 1 + static_cast<Index>(stream.below(8));
    const CanonicalMap map = random_map(stream, m, h, 1.0);
    const double width = std::ldexp(1.0, -static_cast<int>(stream.below(30)));
    const Vector center = random_vector(stream, m);
    const Box box{center - Vector::Constant(m, width), center + Vector::Constant(m, width)};
    OrbitEnclosure enclosure(map);
    enclosure.start(box);
    std::vector<Numbers> points;
    for (int n = 0; n < 20; ++n) {
      Numbers z;
      for (Index j = 0; j < m; ++j) {
        // Corners, too, which are where bounds are met.
        const Number share = n < 10 ? static_cast<Number>(stream.below(2)) : stream.uniform();
        const auto low = static_cast<Number>(box.lower(j));
        z.push_back(low + share * (static_cast<Number>(box.upper(j)) - low));
      }
      points.push_back(z);
    }
    const std::vector<Numbers> first = points;
    for (int t = 0; t < 4; ++t) {
      REQUIRE(enclosure.step());
      const auto& undecided = enclosure.undecided();
      n_undecided += static_cast<int>(undecided.size());
      OrbitEnclosure::States direction{};
      const bool separated = enclosure.separates(direction);
      for (std::size_t n = 0; n < points.size(); ++n) {
        Numbers p;
        points[n] = step(map, points[n], p);
        for (Index i = 0; i < h; ++i) {
          if (!get_bit(map.relevant_units().data(), i)) continue;
          const auto bit = static_cast<std::int32_t>(t * h + i);
          if (std::find(undecided.begin(), undecided.end(), bit) != undecided.end()) continue;
          const bool on = get_bit(enclosure.regions().data() + static_cast<std::size_t>(t), i);
          const Number value = p[static_cast<std::size_t>(i)];
          CHECK((on ? value >= 0.0L : value <= 0.0L));
        }
        Number along = 0.0L;
        for (Index j = 0; j < m; ++j) {
          const auto at = static_cast<std::size_t>(j);
          const auto [low, high] = enclosure.state(j);
          CHECK((low <= points[n][at] && points[n][at] <= high));
          const auto [least, most] = enclosure.change(j);
          const Number change = points[n][at] - first[n][at];
          CHECK((least <= change && change <= most));
          along += direction[at] * change;
        }
        if (separated) CHECK(along > 0.0L);
      }
    }
  }
  CHECK(n_undecided > 1000);
}

TEST_CASE("boxes leave the itineraries of all cycles, whatever the number of threads") {
  RandomStream stream(5, 0, 0);
  int n_cycles = 0;
  for (int round = 0; round < 40; ++round) {
    const auto m = 1 + static_cast<Index>(stream.below(3));
    const auto h = 1 + static_cast<Index>(stream.below(4));
    const CanonicalMap map = random_map(stream, m, h, 1.0);
    const Box box{Vector::Constant(m, -4.0), Vector::Constant(m, 4.0)};
    const auto prove = [&](int n_threads) {
      Control control(1e9, [] { return true; });
      UnseenProgress shown;
      PartialProof part;
      part.orders = {1, 2};
      TreeOutcome outcome =
          prove_by_boxes(map, box, ProofOptions{}, n_threads, 2'000'000, control, shown, part);
      CHECK(outcome.complete);
      return outcome.leaves;
    };
    const std::vector<Itinerary> leaves = prove(1);
    CHECK(prove(3) == leaves);
    for (Index order = 1; order <= 2; ++order) {
      const Word n_patterns = Word{1} << (order * h);
      for (Word pattern = 0; pattern < n_patterns; ++pattern) {
        Itinerary word(order, 1);
        for (Index t = 0; t < order; ++t) {
          word.at(t)[0] = (pattern >> (t * h)) & ((Word{1} << h) - 1);
        }
        const Candidate candidate = solve_cycle(map, word);
        if (candidate.kind != CandidateKind::cycle) continue;
        if (candidate.cycle->points.cwiseAbs().maxCoeff() >= 4.0) continue;
        const Itinerary own = canonical_rotation(candidate.cycle->itinerary);
        CHECK(std::find(leaves.begin(), leaves.end(), own) != leaves.end());
        ++n_cycles;
      }
    }
  }
  CHECK(n_cycles > 20);
}

TEST_CASE("activities of true cycles satisfy the system without states") {
  RandomStream stream(7, 0, 0);
  int n_checked = 0;
  for (int round = 0; round < 1500; ++round) {
    const auto m = 2 + static_cast<Index>(stream.below(6));
    const auto h = 1 + static_cast<Index>(stream.below(static_cast<std::uint64_t>(m)));
    const auto k = 1 + static_cast<Index>(stream.below(4));
    const CanonicalMap map = random_map(stream, m, h, 0.7);
    constexpr double kRadius = 8.0;
    const UnitRelaxation relaxation(map, k, kRadius, false, true);
    if (!relaxation.suits() || relaxation.n_units() != h) continue;
    Itinerary word(k, 1);
    for (Index t = 0; t < k; ++t) word.at(t)[0] = stream.below(1U << h);
    const Candidate candidate = solve_cycle(map, word);
    if (candidate.kind != CandidateKind::cycle) continue;
    // No combination of its equations may refute true activities.
    const Matrix& points = candidate.cycle->points;
    const Index length = points.cols();
    if (length != k) continue;
    double largest = 0.0;
    for (Index t = 0; t < k; ++t) {
      largest = std::max(largest, (map.w2() * points.col(t) + map.h2()).maxCoeff());
    }
    if (largest > kRadius) continue;
    std::vector<std::int8_t> decided(static_cast<std::size_t>(relaxation.n_bits()));
    for (Index t = 0; t < k; ++t) {
      const Vector p = map.w2() * points.col(t) + map.h2();
      for (Index i = 0; i < h; ++i) {
        decided[static_cast<std::size_t>(t * h + i)] = p(i) > 0.0 ? 1 : 0;
      }
    }
    for (int n = 0; n < 50; ++n) {
      const Vector y = random_vector(stream, relaxation.n_bits());
      CHECK(!relaxation.refutes(y, decided, -1));
    }
    ++n_checked;
  }
  CHECK(n_checked > 20);
}

TEST_CASE("a root of unity among the eigenvalues is refused") {
  Matrix a = Matrix::Identity(3, 3) * 0.5;
  a(0, 0) = -1.0;
  const CanonicalMap map(a, Matrix::Ones(3, 1), Matrix::Ones(1, 3), Vector::Ones(3),
                         Vector::Ones(1));
  CHECK(UnitRelaxation(map, 1, 1.0, true, true).suits());
  CHECK(!UnitRelaxation(map, 2, 1.0, true, true).suits());
}

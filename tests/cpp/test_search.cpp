#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <utility>
#include <vector>

#include "networks.hpp"
#include "rnndyn/search.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

constexpr SearchMethod kMethods[] = {SearchMethod::automatic, SearchMethod::exhaustive,
                                     SearchMethod::heuristic, SearchMethod::scyfi,
                                     SearchMethod::complete};
constexpr double kNoLimit = std::numeric_limits<double>::infinity();

SearchOptions options_for(SearchMethod method, Index last, int n_threads = 1) {
  SearchOptions options;
  for (Index order = 1; order <= last; ++order) options.orders.push_back(order);
  options.method = method;
  options.n_threads = n_threads;
  return options;
}

SearchResult search(const CanonicalMap& map, const SearchOptions& options,
                    double time_limit = kNoLimit, std::function<bool()> poll = {}) {
  Control control(time_limit, std::move(poll));
  SearchProgress progress;
  return find_cycles(map, options, control, progress);
}

std::set<Itinerary> itineraries(const SearchResult& result) {
  std::set<Itinerary> found;
  for (const FoundCycle& cycle : result.cycles) found.insert(cycle.cycle.itinerary);
  CHECK(found.size() == result.cycles.size());
  return found;
}

// Every point goes to the next, and the first one comes back no earlier than after all.
void check_cycle(const CanonicalMap& map, const Cycle& cycle) {
  const Index order = cycle.itinerary.order;
  REQUIRE(cycle.points.cols() == order);
  for (Index t = 0; t < order; ++t) {
    const Vector next = cycle.points.col((t + 1) % order);
    CHECK((map.step(cycle.points.col(t)) - next).cwiseAbs().maxCoeff() < 1e-9);
    if (t > 0) CHECK((cycle.points.col(t) - cycle.points.col(0)).cwiseAbs().maxCoeff() > 1e-9);
  }
}

// Cycles of minimal period n of the full tent map: F^d has 2^d fixed points.
std::vector<int> cycles_of_tent(Index last) {
  std::vector<int> counts;
  for (Index order = 1; order <= last; ++order) {
    int points = 1 << order;
    for (Index d = 1; d < order; ++d) {
      if (order % d == 0) points -= static_cast<int>(d) * counts[static_cast<std::size_t>(d - 1)];
    }
    counts.push_back(points / static_cast<int>(order));
  }
  return counts;
}

// A PLRNN that expands about as much as it contracts.
CanonicalMap random_plrnn(std::uint64_t trial) {
  RandomStream stream(5, 0, trial);
  Vector diagonal(2);
  for (double& entry : diagonal) entry = 1.8 * stream.uniform() - 0.9;
  const Matrix w = 2.0 * random_matrix(stream, 2, 2);
  return plrnn(diagonal.asDiagonal(), w, random_vector(stream, 2));
}

}  // namespace

TEST_CASE("every method finds all cycles of the tent map") {
  const CanonicalMap map = tent_map();
  const Index last = 6;
  const std::vector<int> expected = cycles_of_tent(last);
  REQUIRE(expected == std::vector<int>{2, 1, 2, 3, 6, 9});
  for (const SearchMethod method : kMethods) {
    CAPTURE(static_cast<int>(method));
    const SearchResult result = search(map, options_for(method, last));
    CHECK(result.stopped_by == StopReason::none);
    CHECK(result.continua.empty());
    CHECK(itineraries(result).size() == 23);
    std::vector<int> counts(static_cast<std::size_t>(last), 0);
    for (const FoundCycle& found : result.cycles) {
      ++counts[static_cast<std::size_t>(found.cycle.itinerary.order - 1)];
      check_cycle(map, found.cycle);
      // The slope is 2 everywhere.
      CHECK(found.cycle.multipliers.stability == Stability::unstable);
      CHECK(found.cycle.multipliers.log_moduli(0) ==
            doctest::Approx(static_cast<double>(found.cycle.itinerary.order) * std::log(2.0)));
      CHECK(found.hits > 0);
    }
    CHECK(counts == expected);
    REQUIRE(result.statistics.size() == static_cast<std::size_t>(last));
    for (const OrderStatistics& statistics : result.statistics) CHECK(statistics.complete);
  }
}

TEST_CASE("an exhaustive search counts necklaces, and solves no more than it has to") {
  const SearchResult result = search(tent_map(), options_for(SearchMethod::exhaustive, 6));
  const std::vector<std::int64_t> necklaces{2, 3, 4, 6, 8, 14};  // of two colours, OEIS A000031
  for (std::size_t n = 0; n < necklaces.size(); ++n) {
    const OrderStatistics& statistics = result.statistics[n];
    CHECK(statistics.method == SearchMethod::exhaustive);
    CHECK(statistics.n_itineraries == necklaces[n]);
    CHECK(statistics.n_solves >= necklaces[n]);
    CHECK(statistics.n_solves_at_last_new <= statistics.n_solves);
    CHECK(statistics.coverage == 1.0);
  }
}

TEST_CASE("listing and proof agree, and no heuristic finds more") {
  std::size_t n_found = 0;
  for (std::uint64_t trial = 0; trial < 16; ++trial) {
    CAPTURE(trial);
    const CanonicalMap map = random_plrnn(trial);
    const SearchResult listed = search(map, options_for(SearchMethod::exhaustive, 5));
    const SearchResult proved = search(map, options_for(SearchMethod::complete, 5));
    const std::set<Itinerary> all = itineraries(listed);
    n_found += all.size();
    CHECK(itineraries(proved) == all);
    REQUIRE(proved.certificate);
    CHECK(proved.certificate->status == ProofStatus::proved);
    CHECK(proved.certificate->proved_orders == std::vector<Index>{1, 2, 3, 4, 5});
    for (const FoundCycle& found : listed.cycles) check_cycle(map, found.cycle);
    for (const SearchMethod method : {SearchMethod::heuristic, SearchMethod::scyfi}) {
      for (const Itinerary& itinerary : itineraries(search(map, options_for(method, 5)))) {
        CHECK(all.contains(itinerary));
      }
    }
  }
  CHECK(n_found > 20);
}

TEST_CASE("the number of threads changes nothing") {
  const CanonicalMap map = random_plrnn(3);
  for (const SearchMethod method : kMethods) {
    CAPTURE(static_cast<int>(method));
    const SearchResult one = search(map, options_for(method, 6, 1));
    const SearchResult three = search(map, options_for(method, 6, 3));
    CHECK(itineraries(one) == itineraries(three));
    REQUIRE(one.statistics.size() == three.statistics.size());
    for (std::size_t n = 0; n < one.statistics.size(); ++n) {
      CHECK(one.statistics[n].n_solves == three.statistics[n].n_solves);
      CHECK(one.statistics[n].n_solves_at_last_new == three.statistics[n].n_solves_at_last_new);
      CHECK(one.statistics[n].n_hits == three.statistics[n].n_hits);
    }
  }
}

TEST_CASE("a search in a box reports the cycles inside it") {
  SearchOptions options = options_for(SearchMethod::exhaustive, 4);
  options.box = Box{Vector::Constant(1, -0.5), Vector::Constant(1, 2.0)};
  const SearchResult inside = search(tent_map(), options);
  std::set<Itinerary> expected;
  for (const FoundCycle& found : search(tent_map(), options_for(options.method, 4)).cycles) {
    if (found.cycle.points.minCoeff() >= -0.5) expected.insert(found.cycle.itinerary);
  }
  CHECK(expected.size() == 4);
  CHECK(itineraries(inside) == expected);
}

TEST_CASE("what is too much to be listed is refused") {
  SearchOptions options;
  options.orders = {2000};
  options.method = SearchMethod::exhaustive;
  CHECK_THROWS_AS(search(tent_map(), options), TooManyItineraries);
}

TEST_CASE("a search that is interrupted says so, whatever the method") {
  for (const SearchMethod method : kMethods) {
    CAPTURE(static_cast<int>(method));
    SearchOptions options;
    options.orders = {1, 20};
    options.method = method;
    const SearchResult result = search(random_plrnn(3), options, kNoLimit, [] { return false; });
    CHECK(result.stopped_by == StopReason::interrupt);
    bool complete = true;
    for (const OrderStatistics& statistics : result.statistics) {
      complete = complete && statistics.complete;
    }
    CHECK_FALSE((complete && result.statistics.size() == 2));
  }
}

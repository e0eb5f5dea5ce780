#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <set>

#include "networks.hpp"
#include "proof/cell_certificate.hpp"
#include "proof/cell_cover.hpp"
#include "proof/cell_search.hpp"
#include "rnndyn/linear_program.hpp"
#include "rnndyn/search.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

Control no_limit() {
  return Control(1e9, [] { return true; });
}

Box cube(Index n_states, double radius) {
  return {Vector::Constant(n_states, -radius), Vector::Constant(n_states, radius)};
}

std::vector<Index> up_to(Index order) {
  std::vector<Index> orders;
  for (Index k = 1; k <= order; ++k) orders.push_back(k);
  return orders;
}

struct Outcome {
  std::vector<Itinerary> leaves;
  PartialProof part;
};
Outcome prove(const CanonicalMap& map, const Box& box, const std::vector<Index>& orders,
              int n_threads = 1, std::int64_t max_nodes = 10'000'000,
              const std::vector<Path>* open = nullptr) {
  Control control = no_limit();
  UnseenProgress shown;
  Outcome outcome;
  outcome.leaves = prove_by_cells(map, box, orders, ProofOptions{}, n_threads, max_nodes, control,
                                  shown, outcome.part, open)
                       .leaves;
  return outcome;
}

// A random map of one of the families, at times with small integers so that borders are hit.
CanonicalMap random_map(RandomStream& stream) {
  const auto m = 2 + static_cast<Index>(stream.below(3));
  const bool identity = stream.below(3) == 0;
  const auto h = identity ? m : 1 + static_cast<Index>(stream.below(6));
  const double gain = 0.3 + 1.5 * stream.uniform();
  Matrix a = stream.uniform() / std::sqrt(static_cast<double>(m)) * random_matrix(stream, m, m);
  Matrix w1 = gain * random_matrix(stream, m, h);
  Matrix w2 = identity ? Matrix(Matrix::Identity(m, m)) : random_matrix(stream, h, m);
  Vector h1 = random_vector(stream, m);
  Vector h2 = identity ? Vector(Vector::Zero(h)) : random_vector(stream, h);
  if (stream.below(6) == 0) {
    a = (4.0 * a).array().round() / 4.0;
    w1 = (2.0 * w1).array().round() / 2.0;
    w2 = w2.array().round();
    h1 = h1.array().round();
    h2 = h2.array().round();
  }
  return CanonicalMap(a, w1, w2, h1, h2);
}

// The largest value of row . x over lower <= rows x <= upper, by the other linear program here.
double reference_maximum(const Matrix& rows, const Vector& lower, const Vector& upper, Index row) {
  const Vector start = Vector::Zero(rows.cols());  // feasible, because lower <= 0 <= upper
  Matrix g(2 * rows.rows(), rows.cols());
  Vector b(2 * rows.rows());
  g << rows, -rows;
  b << upper - rows * start, rows * start - lower;
  return maximize(rows.row(row).transpose(), g, b).value;
}

}  // namespace

TEST_CASE("programs of cells reach the true maximum, and the certified bound is just above it") {
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    RandomStream stream(3, 0, trial);
    const auto n = 1 + static_cast<Index>(stream.below(10));
    const auto extra = 1 + static_cast<Index>(stream.below(12));
    RowMatrix rows(n + extra, n);
    rows << Matrix::Identity(n, n), random_matrix(stream, extra, n);
    Vector lower(n + extra), upper(n + extra);
    for (Index i = 0; i < n + extra; ++i) {
      lower(i) = -2.0 * stream.uniform();
      upper(i) = 2.0 * stream.uniform();
    }
    CellProgram program;
    program.start(lower.data(), upper.data(), n, n + extra);
    const std::vector<double> zeros(static_cast<std::size_t>(extra), 0.0);
    program.append(rows.row(n).data(), zeros.data(), extra, 0, n);
    std::vector<const double*> pointers;
    for (Index i = 0; i < n + extra; ++i) {
      pointers.push_back(rows.row(i).data());
      if (i >= n) program.restrict(i, lower(i), upper(i));
    }
    REQUIRE(program.make_feasible(1000) == CellProgram::Outcome::feasible);
    const Vector size = lower.head(n).cwiseAbs().cwiseMax(upper.head(n).cwiseAbs());
    for (Index i = 0; i < n + extra; ++i) {
      const double expected = reference_maximum(rows, lower, upper, i);
      program.optimize(i, 1.0, 1000);
      CHECK(program.value(i) == doctest::Approx(expected).epsilon(1e-7).scale(1.0));
      const double bound = certified_upper(program, i, 1.0, pointers.data(), size.data());
      CHECK(bound >= expected - 1e-12 * (1.0 + std::abs(expected)));
      CHECK(bound <= expected + 1e-7);
    }
    // Asking for more than the maximum is proved infeasible.
    const Index row = static_cast<Index>(stream.below(static_cast<std::uint64_t>(n + extra)));
    const double reach = reference_maximum(rows, lower, upper, row);
    const double one = 1.0;
    const double nothing = 0.0;
    CellProgram fresh;
    fresh.start(lower.data(), upper.data(), n, n + extra + 1);
    fresh.append(rows.row(n).data(), zeros.data(), extra, 0, n);
    for (Index i = n; i < n + extra; ++i) fresh.restrict(i, lower(i), upper(i));
    const Index copy = fresh.append(&one, &nothing, 1, row, 1);
    pointers.push_back(rows.row(row).data());
    fresh.restrict(copy, reach + 1e-6, reach + 2.0);
    REQUIRE(fresh.make_feasible(1000) == CellProgram::Outcome::infeasible);
    const Index stuck = fresh.stuck_row();
    const double sign = fresh.stuck_below() ? 1.0 : -1.0;
    CHECK(certified_upper(fresh, stuck, sign, pointers.data(), size.data()) <
          (fresh.stuck_below() ? fresh.lower(stuck) : -fresh.upper(stuck)));
  }
}

TEST_CASE("a shrunk box holds every orbit that stays in the box") {
  for (std::uint64_t trial = 0; trial < 50; ++trial) {
    RandomStream stream(4, 0, trial);
    const CanonicalMap map = random_map(stream);
    const Box box = cube(map.n_states(), 3.0);
    const Box smaller = shrink_box(map, box);
    for (int point = 0; point < 100; ++point) {
      Vector z = 2.0 * random_vector(stream, map.n_states());
      const auto inside = [&](const Box& b) {
        return (z.array() >= b.lower.array() - 1e-12).all() &&
               (z.array() <= b.upper.array() + 1e-12).all();
      };
      // After 200 steps in the box a point has been mapped as often as a box is shrunk.
      bool stayed = true;
      for (int t = 0; t < 200 && stayed; ++t) {
        stayed = inside(box);
        if (stayed) z = map.step(z);
      }
      if (stayed && inside(box)) CHECK(inside(smaller));
    }
  }
}

TEST_CASE("cells find every cycle that listing all itineraries finds") {
  std::int64_t n_cycles = 0;
  for (std::uint64_t trial = 0; trial < 150; ++trial) {
    RandomStream stream(9, 0, trial);
    const CanonicalMap map = random_map(stream);
    const double radius = std::exp(3.0 * stream.uniform() - 0.5);
    const Vector center = 0.3 * radius * random_vector(stream, map.n_states());
    const Box box{center.array() - radius, center.array() + radius};
    SearchOptions options;
    options.orders = up_to(1 + static_cast<Index>(stream.below(4)));
    options.method = SearchMethod::exhaustive;
    options.box = box;
    Control control = no_limit();
    SearchProgress progress;
    const SearchResult all = find_cycles(map, options, control, progress);
    const Outcome proved = prove(map, box, options.orders);
    REQUIRE(proved.part.complete);
    std::set<Itinerary> found(proved.leaves.begin(), proved.leaves.end());
    for (const Itinerary& leaf : proved.leaves) {
      const Candidate candidate = solve_cycle(map, leaf);
      if (candidate.cycle) found.insert(candidate.cycle->itinerary);
    }
    for (const FoundCycle& cycle : all.cycles) {
      INFO("trial ", trial);
      CHECK(found.count(cycle.cycle.itinerary) == 1);
      ++n_cycles;
    }
    for (const FoundContinuum& continuum : all.continua) {
      CHECK(found.count(continuum.continuum.itinerary) == 1);
    }
  }
  CHECK(n_cycles > 80);
}

TEST_CASE("the Lozi map has as many cycles in cells as are known") {
  // x' = 1 - 1.7 |x| + y, y' = 0.5 x. Fixed points 2, then cycles by order.
  const Matrix a = (Matrix(2, 2) << 1.7, 1.0, 0.5, 0.0).finished();
  const Matrix w1 = (Matrix(2, 1) << -3.4, 0.0).finished();
  const Matrix w2 = (Matrix(1, 2) << 1.0, 0.0).finished();
  const CanonicalMap lozi(a, w1, w2, (Vector(2) << 1.0, 0.0).finished(), Vector::Zero(1));
  const Outcome proved = prove(lozi, cube(2, 4.0), up_to(12));
  REQUIRE(proved.part.complete);
  std::int64_t n = 0;
  for (const Itinerary& leaf : proved.leaves) {
    const Candidate candidate = solve_cycle(lozi, leaf);
    if (leaf.order == 12 && candidate.kind == CandidateKind::cycle &&
        candidate.cycle->itinerary.order == 12) {
      ++n;
    }
  }
  CHECK(n == 32);
}

TEST_CASE("the answer depends neither on threads nor on interruptions") {
  for (std::uint64_t trial = 0; trial < 12; ++trial) {
    RandomStream stream(21, 0, trial);
    const Index m = 3;
    const CanonicalMap map = plrnn(0.5 * random_matrix(stream, m, m),
                                   1.2 * random_matrix(stream, m, m), random_vector(stream, m));
    const Box box = cube(m, 10.0);
    const Outcome one = prove(map, box, up_to(8));
    REQUIRE(one.part.complete);
    const Outcome three = prove(map, box, up_to(8), 3);
    CHECK(one.leaves == three.leaves);
    CHECK(one.part.n_nodes == three.part.n_nodes);
    CHECK(one.part.share == doctest::Approx(1.0));
    // Stopped after a few nodes, and gone on with from what was left open.
    std::set<Itinerary> pieces;
    Outcome part = prove(map, box, up_to(8), 1, 1);
    pieces.insert(part.leaves.begin(), part.leaves.end());
    for (int round = 0; !part.part.complete && round < 10000; ++round) {
      const std::vector<Path> open = part.part.open;
      part = prove(map, box, up_to(8), 1, 1, &open);
      pieces.insert(part.leaves.begin(), part.leaves.end());
    }
    CHECK(part.part.complete);
    CHECK(pieces == std::set<Itinerary>(one.leaves.begin(), one.leaves.end()));
  }
}

TEST_CASE("what cannot be covered is given up with a reason, never claimed") {
  RandomStream stream(5, 0, 0);
  const Index m = 20;
  const CanonicalMap large =
      plrnn(Matrix::Identity(m, m), 3.0 * random_matrix(stream, m, m), random_vector(stream, m));
  const Outcome outcome = prove(large, cube(m, 10.0), up_to(2));
  CHECK_FALSE(outcome.part.complete);
  CHECK_FALSE(outcome.part.reason.empty());
  Control control = no_limit();
  const CellForecast forecast = forecast_cells(large, cube(m, 10.0), up_to(2), 1, control);
  CHECK_FALSE(forecast.worthwhile);
  CHECK_FALSE(forecast.reason.empty());
}

TEST_CASE("a cover without closed walks settles all orders") {
  // z' = z / 2 + 1 beyond the unit: everything that recurs is the fixed point 2.
  const CanonicalMap map =
      plrnn(Matrix::Constant(1, 1, 0.25), Matrix::Constant(1, 1, 0.25), Vector::Ones(1));
  const Outcome one = prove(map, cube(1, 100.0), up_to(30));
  REQUIRE(one.part.complete);
  REQUIRE(one.leaves.size() == 30);  // that region, once to thirty times
  CHECK(primitive_period(one.leaves.back()) == 1);
  CHECK(one.part.reason.find("all orders") != std::string::npos);
  const Outcome none = prove(map, {Vector::Constant(1, 3.0), Vector::Constant(1, 9.0)}, up_to(30));
  CHECK(none.part.complete);
  CHECK(none.leaves.empty());
  CHECK(none.part.reason.find("no order") != std::string::npos);
}

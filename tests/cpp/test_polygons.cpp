#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <optional>
#include <set>
#include <vector>

#include "kernels/polygons/prefix_certificate.hpp"
#include "networks.hpp"
#include "proof/polygon_search.hpp"
#include "rnndyn/cycles.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

CanonicalMap lozi_map() {
  const Matrix a = (Matrix(2, 2) << 1.7, 1.0, 0.5, 0.0).finished();
  const Matrix w1 = (Matrix(2, 1) << -3.4, 0.0).finished();
  const Matrix w2 = (Matrix(1, 2) << 1.0, 0.0).finished();
  const Vector h1 = (Vector(2) << 1.0, 0.0).finished();
  return CanonicalMap(a, w1, w2, h1, Vector::Zero(1));
}

std::vector<Index> all_orders(Index last) {
  std::vector<Index> orders;
  for (Index order = 1; order <= last; ++order) orders.push_back(order);
  return orders;
}

struct Search {
  std::vector<Itinerary> leaves;
  std::vector<PartialProof> parts;
  bool complete = true;
};

Search search(const CanonicalMap& map, const std::optional<Box>& box,
              const std::vector<Index>& orders, int n_threads = 1, bool keep_tree = false,
              bool rigorous = true) {
  Control plan_control(std::numeric_limits<double>::infinity(), {});
  const PolygonPlan plan = plan_polygons(map, box, orders, std::numeric_limits<std::int64_t>::max(),
                                         plan_control, [] {});
  Search result;
  for (const bool at_infinity : {false, true}) {
    if (at_infinity && box) continue;
    PartialProof part;
    part.orders = orders;
    part.unbounded = !box;
    part.at_infinity = at_infinity;
    part.radius = plan.radius;
    ProofOptions options;
    options.keep_tree = keep_tree;
    options.rigorous = rigorous;
    Control control(std::numeric_limits<double>::infinity(), {});
    UnseenProgress shown;
    const TreeOutcome outcome = prove_by_polygons(map, box, orders, options, n_threads, 10'000'000,
                                                  control, shown, part, plan.pivot);
    result.complete = result.complete && outcome.complete;
    result.leaves.insert(result.leaves.end(), outcome.leaves.begin(), outcome.leaves.end());
    result.parts.push_back(std::move(part));
  }
  return result;
}

bool is_inside(const std::optional<Box>& box, const Matrix& points) {
  if (!box) return true;
  for (Index t = 0; t < points.cols(); ++t) {
    if ((points.col(t).array() < box->lower.array()).any()) return false;
    if ((points.col(t).array() > box->upper.array()).any()) return false;
  }
  return true;
}

// Real cycles of the asked orders on the itineraries, and those on a border.
struct Found {
  std::set<Itinerary> regular;
  std::vector<Matrix> border;
  std::vector<Continuum> continua;
};
void solve(const CanonicalMap& map, const std::optional<Box>& box, const std::vector<Index>& orders,
           const Itinerary& itinerary, Found& found) {
  const Candidate candidate = enlarged(map, solve_cycle(map, itinerary));
  if (candidate.kind == CandidateKind::continuum) found.continua.push_back(*candidate.continuum);
  if (candidate.kind != CandidateKind::cycle) return;
  const Cycle& cycle = *candidate.cycle;
  const bool asked = std::find(orders.begin(), orders.end(), cycle.itinerary.order) != orders.end();
  if (!asked || !is_inside(box, cycle.points)) return;
  if (cycle.on_border) {
    found.border.push_back(cycle.points);
  } else {
    found.regular.insert(cycle.itinerary);
  }
}

Found list_exhaustively(const CanonicalMap& map, const std::optional<Box>& box,
                        const std::vector<Index>& orders) {
  std::vector<Index> units;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(map.relevant_units().data(), i)) units.push_back(i);
  }
  const auto n = static_cast<Index>(units.size());
  Found found;
  for (const Index order : orders) {
    for (Word code = 0; code < (Word{1} << (n * order)); ++code) {
      Itinerary word(order, 1);
      for (Index bit = 0; bit < n * order; ++bit) {
        set_bit(word.at(bit / n), units[static_cast<std::size_t>(bit % n)],
                ((code >> bit) & 1U) != 0);
      }
      if (smallest_rotation(word) == 0) solve(map, box, orders, word, found);
    }
  }
  return found;
}

bool same_orbit(const Matrix& a, const Matrix& b) {
  if (a.cols() != b.cols()) return false;
  for (Index shift = 0; shift < a.cols(); ++shift) {
    double distance = 0.0;
    for (Index t = 0; t < a.cols(); ++t) {
      const Vector difference = a.col(t) - b.col((t + shift) % a.cols());
      distance = std::max(distance, difference.cwiseAbs().maxCoeff());
    }
    if (distance <= 1e-9 * (1.0 + a.cwiseAbs().maxCoeff())) return true;
  }
  return false;
}

// Whether the orbit through the points belongs to a continuum, within rounding.
bool belongs(const Continuum& continuum, const CanonicalMap& map, const Matrix& points) {
  Itinerary regions(points.cols(), map.words_per_region());
  Itinerary zeros = regions;
  for (Index t = 0; t < points.cols(); ++t) {
    const Vector p = map.preactivation(points.col(t));
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      set_bit(regions.at(t), i, p(i) > 0.0);
      set_bit(zeros.at(t), i, std::abs(p(i)) <= 1e-9 * (1.0 + points.cwiseAbs().maxCoeff()));
    }
  }
  return contains(continuum, regions, zeros);
}

// All sorts of maps: integer entries put cycles on borders, zero columns make singular Jacobians,
// zero rows make constant and irrelevant units.
CanonicalMap random_map(RandomStream& stream, std::uint64_t kind) {
  const auto m = 1 + static_cast<Index>(stream.below(2));
  Index h = 1 + static_cast<Index>(stream.below(3));
  const bool identity = stream.below(3) == 0;
  if (identity) h = m;
  const auto draw = [&](Index rows, Index cols) {
    Matrix matrix = random_matrix(stream, rows, cols);
    if (kind == 1) matrix = matrix.array().round();
    return matrix;
  };
  Matrix a = draw(m, m);
  Matrix w1 = draw(m, h);
  Matrix w2 = draw(h, m);
  Vector h1 = draw(m, 1);
  Vector h2 = draw(h, 1);
  if (identity) {
    w2 = Matrix::Identity(m, m);
    h2.setZero();
  }
  if (kind == 2 || kind == 3) {
    a *= kind == 2 ? 0.3 : 2.0;
    w1 *= kind == 2 ? 0.3 : 2.0;
  }
  if (kind == 4) {
    a.col(0).setZero();
    if (m == 2) w2.col(0).setZero();
  }
  if (kind == 5) {
    w2.row(0).setZero();
    w1.col(h - 1).setZero();
  }
  if (kind == 6) {
    h1.setZero();
    h2.setZero();
  }
  return CanonicalMap(a, w1, w2, h1, h2);
}

}  // namespace

TEST_CASE("polygons find every cycle of maps whose counts are known") {
  // Tent map: every primitive necklace; Lozi map: counts of exhaustive listing.
  const std::vector<std::size_t> tent{2, 1, 2, 3, 6, 9, 18, 30, 56, 99, 186, 335};
  const std::vector<std::size_t> lozi{2, 1, 0, 1, 0, 4, 4, 7, 10, 12, 18, 32, 56, 78};
  for (const bool in_box : {false, true}) {
    for (const bool is_tent : {false, true}) {
      const CanonicalMap map = is_tent ? tent_map() : lozi_map();
      std::optional<Box> box;
      if (in_box) {
        box = Box{Vector::Constant(map.n_states(), -3.0), Vector::Constant(map.n_states(), 3.0)};
      }
      const std::vector<std::size_t>& expected = is_tent ? tent : lozi;
      const std::vector<Index> orders = all_orders(static_cast<Index>(expected.size()));
      const Search found = search(map, box, orders);
      REQUIRE(found.complete);
      Found cycles;
      for (const Itinerary& leaf : found.leaves) solve(map, box, orders, leaf, cycles);
      std::vector<std::size_t> counts(expected.size(), 0);
      for (const Itinerary& word : cycles.regular)
        ++counts[static_cast<std::size_t>(word.order - 1)];
      CHECK(counts == expected);
    }
  }
}

TEST_CASE("polygons miss no cycle that exhaustive listing finds") {
  std::size_t n_cycles = 0;
  for (std::uint64_t trial = 0; trial < 300; ++trial) {
    CAPTURE(trial);
    RandomStream stream(21, 0, trial);
    const CanonicalMap map = random_map(stream, trial % 8);
    std::vector<Index> orders;
    const Index last = std::max<Index>(1, 9 / std::max<Index>(1, map.n_relevant_units()));
    for (Index order = 1; order <= last; ++order) {
      if (order == last || stream.below(4) != 0) orders.push_back(order);
    }
    std::optional<Box> box;
    if (stream.below(3) == 0) {
      const Vector lower = -2.0 * random_vector(stream, map.n_states()).cwiseAbs();
      const Vector upper = 2.0 * random_vector(stream, map.n_states()).cwiseAbs();
      box = Box{lower, upper};
    }
    const Search mine = search(map, box, orders);
    REQUIRE(mine.complete);
    Found found;
    for (const Itinerary& leaf : mine.leaves) solve(map, box, orders, leaf, found);
    const Found expected = list_exhaustively(map, box, orders);
    CHECK(found.regular == expected.regular);
    n_cycles += expected.regular.size();
    for (const Matrix& points : expected.border) {
      const bool known =
          std::any_of(found.border.begin(), found.border.end(),
                      [&](const Matrix& other) { return same_orbit(points, other); }) ||
          std::any_of(found.continua.begin(), found.continua.end(),
                      [&](const Continuum& other) { return belongs(other, map, points); });
      CHECK(known);
    }
  }
  CHECK(n_cycles > 150);
}

TEST_CASE("the trees do not depend on threads, and can be left and resumed") {
  const CanonicalMap map = lozi_map();
  const std::vector<Index> orders = all_orders(20);
  const Search one = search(map, std::nullopt, orders, 1, true);
  const Search four = search(map, std::nullopt, orders, 4, true);
  CHECK(one.leaves == four.leaves);
  for (std::size_t i = 0; i < one.parts.size(); ++i) {
    CHECK(one.parts[i].tree.nodes == four.parts[i].tree.nodes);
    CHECK(one.parts[i].tree.row == four.parts[i].tree.row);
    CHECK(one.parts[i].tree.value == four.parts[i].tree.value);
    CHECK(one.parts[i].share == doctest::Approx(1.0));
    const auto n_infeasible = std::count(one.parts[i].tree.nodes.begin(),
                                         one.parts[i].tree.nodes.end(), ProofTree::kInfeasible);
    CHECK(one.parts[i].tree.first.size() == static_cast<std::size_t>(n_infeasible) + 1);
    CHECK(one.parts[i].tree.nodes.size() == static_cast<std::size_t>(one.parts[i].n_nodes));
  }
  // In small portions of nodes. A portion ends with whole pieces, so it may be larger than asked.
  for (const bool at_infinity : {false, true}) {
    PartialProof part;
    part.at_infinity = at_infinity;
    part.radius = 64.0;
    std::vector<Itinerary> leaves;
    bool complete = false;
    int n_portions = 0;
    while (!complete) {
      Control control(std::numeric_limits<double>::infinity(), {});
      UnseenProgress shown;
      part.n_nodes = 0;
      const TreeOutcome outcome = prove_by_polygons(map, std::nullopt, orders, ProofOptions{}, 1,
                                                    5000, control, shown, part, 1);
      leaves.insert(leaves.end(), outcome.leaves.begin(), outcome.leaves.end());
      complete = outcome.complete;
      ++n_portions;
    }
    if (at_infinity) {
      CHECK(leaves.empty());
    } else {
      CHECK(n_portions > 2);
      std::vector<Itinerary> expected = one.leaves;
      std::sort(expected.begin(), expected.end());
      std::sort(leaves.begin(), leaves.end());
      CHECK(leaves == expected);
    }
  }
}

TEST_CASE("no certificate against an orbit that exists") {
  // Multipliers of inequalities that an orbit fulfils, some of them as equalities.
  for (std::uint64_t trial = 0; trial < 2000; ++trial) {
    CAPTURE(trial);
    RandomStream stream(22, 0, trial);
    const auto m = 1 + static_cast<Index>(stream.below(4));
    const auto h = 1 + static_cast<Index>(stream.below(3));
    const CanonicalMap map(random_matrix(stream, m, m), random_matrix(stream, m, h),
                           random_matrix(stream, h, m), random_vector(stream, m),
                           random_vector(stream, h));
    const Index steps = 1 + static_cast<Index>(stream.below(6));
    const Matrix orbit = map.orbit(random_vector(stream, m), steps);
    const double slack = stream.below(2) == 0 ? 0.0 : 0.1;
    Box box{orbit.rowwise().minCoeff().array() - slack, orbit.rowwise().maxCoeff().array() + slack};
    // The orbit itself carries rounding errors.
    box.lower.array() -= 1e-12 * (1.0 + orbit.cwiseAbs().maxCoeff());
    box.upper.array() += 1e-12 * (1.0 + orbit.cwiseAbs().maxCoeff());
    PrefixCertificate certificate(map, domain_in_box(box));
    std::vector<std::int32_t> pieces;
    std::vector<Word> region(1, 0);
    for (Index t = 0; t <= steps; ++t) {
      map.region(orbit.col(t), region.data());
      for (Index i = 0; i < h; ++i) {
        if (!get_bit(map.relevant_units().data(), i)) set_bit(region.data(), i, false);
      }
      pieces.push_back(certificate.piece(region.data()));
    }
    std::vector<Multiplier> multipliers;
    for (Index t = steps; t >= 0; --t) {
      for (Index c = 0; c < certificate.n_constraints(); ++c) {
        if (stream.below(2) == 0) continue;
        multipliers.push_back({static_cast<std::int32_t>(t), static_cast<std::int32_t>(c),
                               stream.uniform() * std::exp(3.0 * stream.normal())});
      }
    }
    CHECK_FALSE(certificate.close(pieces.data(), region.data(), multipliers).closed);
    // The opposite region of the last step is a contradiction, with the box not needed.
    multipliers = {{static_cast<std::int32_t>(steps), 0, 1.0}};
    Vector corner = box.upper - box.lower;
    const double reach = map.w2().row(0).cwiseAbs().dot(corner);
    const double p = map.preactivation(orbit.col(steps))(0);
    if (std::abs(p) > reach + 1e-9) {
      std::vector<Word> opposite = region;
      set_bit(opposite.data(), 0, !(p > 0.0));
      CHECK(certificate.close(pieces.data(), opposite.data(), multipliers).closed);
    }
  }
}

TEST_CASE("more units than a word has") {
  // 70 units, of which the last one folds the line at 0 and the others never switch in the box.
  const Index h = 70;
  Matrix w1 = Matrix::Constant(1, h, 0.001);
  w1(0, h - 1) = -4.0;
  Matrix w2 = Matrix::Constant(h, 1, 0.01);
  w2(h - 1, 0) = 1.0;
  Vector h2 = Vector::Constant(h, -1.0);
  h2(h - 1) = 0.0;
  const CanonicalMap map(Matrix::Constant(1, 1, 2.0), w1, w2, Vector::Ones(1), h2);
  const Box box{Vector::Constant(1, -2.0), Vector::Constant(1, 2.0)};
  const std::vector<Index> orders = all_orders(6);
  const Search found = search(map, box, orders);
  REQUIRE(found.complete);
  Found cycles;
  for (const Itinerary& leaf : found.leaves) solve(map, box, orders, leaf, cycles);
  CHECK(cycles.regular.size() == 2 + 1 + 2 + 3 + 6 + 9);
}

TEST_CASE(
    "a tree without certificates has its leaves where those of a tree with certificates are") {
  for (const std::optional<Box>& box :
       {std::optional<Box>{}, std::optional<Box>{Box{Vector{{-2.0, -1.5}}, Vector{{2.0, 1.5}}}}}) {
    const Search proved = search(lozi_map(), box, all_orders(8), 1, true, true);
    const Search quick = search(lozi_map(), box, all_orders(8), 1, true, false);
    REQUIRE(proved.parts.size() == quick.parts.size());
    for (std::size_t n = 0; n < proved.parts.size(); ++n) {
      REQUIRE(proved.parts[n].n_uncertified == 0);
      std::vector<std::int32_t> expected = proved.parts[n].tree.nodes;
      CHECK(std::count(expected.begin(), expected.end(), ProofTree::kInfeasible) > 0);
      std::replace(expected.begin(), expected.end(), ProofTree::kInfeasible, ProofTree::kUnproved);
      CHECK(quick.parts[n].tree.nodes == expected);
      CHECK(quick.parts[n].tree.row.empty());
    }
  }
}

TEST_CASE("no split is tried out for a proof whose near part takes too many nodes") {
  Control control(std::numeric_limits<double>::infinity(), {});
  int n_trials = 0;
  const auto count = [&] { ++n_trials; };
  plan_polygons(lozi_map(), {}, all_orders(40), 20000, control, count);
  CHECK(n_trials == 0);
  plan_polygons(lozi_map(), {}, all_orders(4), 20000, control, count);
  CHECK(n_trials > 0);
}

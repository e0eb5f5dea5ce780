#include "proof/polygon_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "kernels/functions.hpp"
#include "kernels/polygons/polygon_walk.hpp"
#include "proof/split.hpp"

namespace rnndyn {
namespace {

TreeOutcome search(const CanonicalMap& map, const PrefixDomain& domain,
                   const std::vector<Index>& orders, const ProofOptions& options, int n_threads,
                   std::int64_t max_nodes, Control& control, const TreeProgress& shown,
                   PartialProof& part, const Interludes* interludes) {
  std::vector<PrefixSubtree> roots;
  for (Path& path : part.open) roots.push_back({std::move(path)});
  part.open.clear();
  if (roots.empty()) {
    if (domain.at_infinity()) {
      const auto n_faces = static_cast<std::int32_t>(2 * map.n_states());
      for (std::int32_t root = 0; root < n_faces; ++root) {
        roots.push_back({Path{{-1 - root, false}}});
      }
    } else {
      roots.push_back({});
    }
  }
  std::vector<std::unique_ptr<PrefixWalk>> walks(static_cast<std::size_t>(std::max(1, n_threads)));
  TreeOutcome outcome = search_tree(
      std::move(roots), n_threads, max_nodes, options.keep_tree, control, shown, part,
      [&](PrefixSubtree&& subtree, std::int64_t budget, Piece<PrefixSubtree>& piece, int thread) {
        std::unique_ptr<PrefixWalk>& walk = walks[static_cast<std::size_t>(thread)];
        if (!walk) walk = kernels::functions().make_polygon_walk(map, domain, orders, options);
        walk->explore(std::move(subtree), budget, piece, control);
      },
      interludes);
  if (domain.at_infinity() && interludes == nullptr) {
    std::sort(outcome.leaves.begin(), outcome.leaves.end());
    outcome.leaves.erase(std::unique(outcome.leaves.begin(), outcome.leaves.end()),
                         outcome.leaves.end());
    part.n_leaves = static_cast<std::int64_t>(outcome.leaves.size());
  }
  return outcome;
}

// A trial costs its nodes, and what it takes to find that nothing excludes a word: as much as so
// many nodes or more (measured with 20 units: 4 to 240 microseconds for a leaf, 0.2 for a node).
constexpr std::int64_t kNodesPerLeaf = 20;

// Nodes of one part within a budget, and the share of the tree that was done.
PartialProof try_part(const CanonicalMap& map, const std::optional<Box>& box,
                      const std::vector<Index>& orders, bool at_infinity, double radius,
                      Index pivot, std::int64_t budget, Control& control) {
  PartialProof part;
  part.at_infinity = at_infinity;
  part.radius = radius;
  UnseenProgress shown;
  prove_by_polygons(map, box, orders, ProofOptions{}, 1, budget, control, shown, part, pivot);
  return part;
}

// Largest distance of a border or an image of the origin from the origin.
double scale_of(const CanonicalMap& map) {
  double scale = map.h1().cwiseAbs().maxCoeff();
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(map.relevant_units().data(), i)) continue;
    const double steepest = map.w2().row(i).cwiseAbs().maxCoeff();
    const double height = std::abs(map.h2()(i));
    if (steepest > 0.0) scale = std::max(scale, height / steepest);
    scale = std::max(scale, height * map.w1().col(i).cwiseAbs().maxCoeff());
  }
  return split_unit(scale);
}

// A split of R^M whose far part is settled quickly, or the one that gets furthest. Trials end when
// they have cost as much as `max_nodes`.
void choose_split(const CanonicalMap& map, const std::vector<Index>& orders, std::int64_t max_nodes,
                  Control& control, const std::function<void()>& between, PolygonPlan& plan) {
  // The smaller the radius, the fewer digits are lost to it; but all that is bounded should fit.
  constexpr int kExponents[] = {6, 20};
  constexpr Index kPivots[] = {1, 2, 0, 4, 8};
  constexpr std::int64_t kBudgets[] = {300, 3000, 30000};
  constexpr std::size_t kFinalists = 3;
  struct Split {
    double radius;
    Index pivot;
    double share;
  };
  const double scale = std::exp2(std::ceil(std::log2(scale_of(map))));
  std::int64_t cost = 0;
  if (max_nodes != std::numeric_limits<std::int64_t>::max()) {
    // Where the near part is too much, no split of the far one helps.
    plan = {std::ldexp(scale, kExponents[0]), kPivots[0]};
    if (!try_part(map, std::nullopt, orders, false, plan.radius, 0, max_nodes, control).complete) {
      return;
    }
  }
  std::vector<Split> splits;
  for (const int exponent : kExponents) {
    for (const Index pivot : kPivots) {
      splits.push_back({std::ldexp(scale, exponent), pivot, 0.0});
    }
  }
  for (const std::int64_t budget : kBudgets) {
    if (budget == kBudgets[2] && splits.size() > kFinalists) splits.resize(kFinalists);
    for (Split& split : splits) {
      if (cost > max_nodes || control.stop_requested()) break;
      between();
      const PartialProof part =
          try_part(map, std::nullopt, orders, true, split.radius, split.pivot, budget, control);
      split.share = part.share;
      cost += part.n_nodes + kNodesPerLeaf * part.n_leaves;
      if (!part.complete) continue;
      plan = {split.radius, split.pivot};
      return;
    }
    std::stable_sort(splits.begin(), splits.end(),
                     [](const Split& a, const Split& b) { return a.share > b.share; });
  }
  const Split& best = splits.front();
  plan = {best.radius, best.pivot};
}

}  // namespace

TreeOutcome prove_by_polygons(const CanonicalMap& map, const std::optional<Box>& box,
                              const std::vector<Index>& orders, const ProofOptions& options,
                              int n_threads, std::int64_t max_nodes, Control& control,
                              const TreeProgress& shown, PartialProof& part, Index pivot,
                              const Interludes* interludes) {
  const Index m = map.n_states();
  if (m > 2) throw std::invalid_argument("polygons are for maps with at most two states");
  if (orders.empty()) throw std::invalid_argument("there must be an order to search");
  std::vector<Index> sorted = orders;
  std::sort(sorted.begin(), sorted.end());
  part.method = ProofMethod::polygons;
  part.rigorous = options.rigorous;
  PrefixDomain domain;
  if (part.at_infinity) {
    domain = domain_at_infinity(m, part.radius, pivot, 0, 1.0);
  } else if (box) {
    domain = domain_in_box(*box);
  } else {
    domain = domain_in_box({Vector::Constant(m, -part.radius), Vector::Constant(m, part.radius)});
  }
  return search(map, domain, sorted, options, n_threads, max_nodes, control, shown, part,
                interludes);
}

PolygonPlan plan_polygons(const CanonicalMap& map, const std::optional<Box>& box,
                          const std::vector<Index>& orders, std::int64_t max_nodes,
                          Control& control, const std::function<void()>& between) {
  PolygonPlan plan;
  if (!box) choose_split(map, orders, max_nodes, control, between, plan);
  return plan;
}

}  // namespace rnndyn

#include "polygon_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <utility>

#include "polygon_walk.hpp"

namespace rnndyn {
namespace {

template <int M, bool AtInfinity>
TreeOutcome search(const CanonicalMap& map, const PrefixDomain& domain,
                   const std::vector<Index>& orders, const ProofOptions& options, int n_threads,
                   std::int64_t max_nodes, Control& control,
                   std::atomic<std::int64_t>& n_nodes_shown, PartialProof& part) {
  std::vector<PrefixSubtree> roots;
  for (Path& path : part.open) roots.push_back({std::move(path)});
  part.open.clear();
  if (roots.empty()) {
    if (AtInfinity) {
      for (std::int32_t root = 0; root < 2 * M; ++root) {
        roots.push_back({Path{{-1 - root, false}}});
      }
    } else {
      roots.push_back({});
    }
  }
  using Walk = PolygonWalk<M, AtInfinity>;
  std::vector<std::unique_ptr<Walk>> walks(static_cast<std::size_t>(std::max(1, n_threads)));
  TreeOutcome outcome = search_tree(
      std::move(roots), n_threads, max_nodes, options.keep_tree, control, n_nodes_shown, part,
      [&](PrefixSubtree&& subtree, std::int64_t budget, Piece<PrefixSubtree>& piece, int thread) {
        std::unique_ptr<Walk>& walk = walks[static_cast<std::size_t>(thread)];
        if (!walk) walk = std::make_unique<Walk>(map, domain, orders, options);
        walk->explore(std::move(subtree), budget, piece, control);
      });
  if (AtInfinity) {
    std::sort(outcome.leaves.begin(), outcome.leaves.end());
    outcome.leaves.erase(std::unique(outcome.leaves.begin(), outcome.leaves.end()),
                         outcome.leaves.end());
    part.n_leaves = static_cast<std::int64_t>(outcome.leaves.size());
  }
  return outcome;
}

}  // namespace

TreeOutcome prove_by_polygons(const CanonicalMap& map, const std::optional<Box>& box,
                              const std::vector<Index>& orders, const ProofOptions& options,
                              int n_threads, std::int64_t max_nodes, Control& control,
                              std::atomic<std::int64_t>& n_nodes_shown, PartialProof& part,
                              Index pivot) {
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
  const auto run = [&](auto search_part) {
    return search_part(map, domain, sorted, options, n_threads, max_nodes, control, n_nodes_shown,
                       part);
  };
  if (m == 1) return part.at_infinity ? run(search<1, true>) : run(search<1, false>);
  return part.at_infinity ? run(search<2, true>) : run(search<2, false>);
}

}  // namespace rnndyn

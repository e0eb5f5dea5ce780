// Complete search for maps with one or two states: one tree of prefixes for all orders.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "parallel/tree_search.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// Searches one part: `part` comes with at_infinity, unbounded, radius, orders and, to go on with a
// search, open; the rest is filled in. Leaves are words whose cycles, real or not, nothing
// excludes: every cycle of an asked order in the part's domain follows one of them, up to rotation.
// That includes words that repeat a shorter one, as cycles of a singular system (an eigenvalue that
// is a root of unity) can follow those.
//
// At infinity the largest |z| comes at step `pivot` of the prefix: that step has the face row, and
// words of an order up to `pivot` are read off prefixes of pivot + 1 regions that repeat them. The
// backward orbit of that point is then known to be small, too; with pivot 0 the tree would hold all
// that starts close to a stable manifold far out.
TreeOutcome prove_by_polygons(const CanonicalMap& map, const std::optional<Box>& box,
                              const std::vector<Index>& orders, const ProofOptions& options,
                              int n_threads, std::int64_t max_nodes, Control& control,
                              const TreeProgress& shown, PartialProof& part, Index pivot = 0,
                              const Interludes* interludes = nullptr);

// How to split R^M: into |z| <= radius (a power of two) and beyond, and the pivot for the latter.
// It is found by trials, which for a proof within max_nodes take about as much as that at most;
// `between` is called between them.
struct PolygonPlan {
  double radius = 0.0;
  Index pivot = 0;
};
PolygonPlan plan_polygons(const CanonicalMap& map, const std::optional<Box>& box,
                          const std::vector<Index>& orders, std::int64_t max_nodes,
                          Control& control, const std::function<void()>& between);

}  // namespace rnndyn

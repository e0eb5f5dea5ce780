// Proof by cells: a cover of what can recur in a box, then words over its cells.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "proof/tree_search.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// All itineraries that cycles of the given orders with all points in the box can have: leaves of
// the outcome, once it is complete. Sets method, orders, reason, counts and `open` of `part`.
// `open`: go on from these paths of an earlier call on the same map, box and orders.
TreeOutcome prove_by_cells(const CanonicalMap& map, const Box& box,
                           const std::vector<Index>& orders, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           std::atomic<std::int64_t>& n_nodes_shown, PartialProof& part,
                           const std::vector<Path>* open = nullptr);

}  // namespace rnndyn

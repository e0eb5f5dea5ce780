// Proof by boxes of first states: for few states and many units, short orders, in a box.
#pragma once

#include <cstdint>
#include <vector>

#include "parallel/tree_search.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// Whether the method can be used for a map.
bool boxes_suit(const CanonicalMap& map);

// All itineraries that cycles of the given orders with all points in the box can have. The tree is
// over boxes of z_0, the point of the cycle with the largest first coordinate; it branches on a
// coordinate, whose middle cuts the box in two. A box is done when no cycle of any of the orders
// begins in it, or when the few that may do follow a handful of itineraries.
TreeOutcome prove_by_boxes(const CanonicalMap& map, const Box& box, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           const TreeProgress& shown, PartialProof& part,
                           const Interludes* interludes = nullptr);

}  // namespace rnndyn

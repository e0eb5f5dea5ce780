// Complete search of one order by branch and bound over the bits of its itineraries.
#pragma once

#include <atomic>
#include <optional>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"
#include "tree_search.hpp"

namespace rnndyn {

// Searches the one order in part.orders for the domain that part.unbounded, part.at_infinity and
// part.radius say; starts from part.open where that is not empty (after an interrupted search).
// Every cycle of that domain follows one of the returned itineraries, rotated somehow.
TreeOutcome prove_by_dictionaries(const CanonicalMap& map, const std::optional<Box>& box,
                                  const ProofOptions& options, int n_threads,
                                  std::int64_t max_nodes, Control& control,
                                  std::atomic<std::int64_t>& n_nodes_shown, PartialProof& part);

// A radius for proofs without a box: far beyond the offsets that drive the map.
double dictionary_radius(const CanonicalMap& map);

}  // namespace rnndyn

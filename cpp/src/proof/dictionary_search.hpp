// Complete search of one order by branch and bound over the bits of its itineraries.
#pragma once

#include <atomic>
#include <optional>

#include "parallel/tree_search.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// How to split the proof of one order: a part to search as it is, and where it is unbounded or by
// faces once more with at_infinity set.
PartialProof plan_dictionaries(const CanonicalMap& map, const std::optional<Box>& box, Index order);

// Seconds that a node takes, about (measured up to 100 unknowns).
double dictionary_node_seconds(Index n_bits);

// Searches one part; starts from part.open where that is not empty (after an interrupted search).
// Every cycle of the part's domain follows one of the returned itineraries, rotated somehow.
TreeOutcome prove_by_dictionaries(const CanonicalMap& map, const std::optional<Box>& box,
                                  const ProofOptions& options, int n_threads,
                                  std::int64_t max_nodes, Control& control,
                                  const TreeProgress& shown, PartialProof& part,
                                  const Interludes* interludes = nullptr);

}  // namespace rnndyn

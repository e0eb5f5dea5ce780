// Proof by cells: a cover of what can recur in a box, then words over its cells.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "parallel/tree_search.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// Whether cells are worth trying, from a few cheap iterations of the cover.
struct CellForecast {
  bool worthwhile = false;
  std::size_t n_regions = 0;  // that meet the box
  std::size_t n_cells = 0;    // of them that may recur
  std::size_t n_steps = 0;    // from one cell to another that may be possible
  bool settled = false;  // no closed walk leaves a cell: the proof will take no longer than this
  std::string reason;    // why not worthwhile
};
CellForecast forecast_cells(const CanonicalMap& map, const Box& box,
                            const std::vector<Index>& orders, int n_threads, Control& control);

// All itineraries that cycles of the given orders with all points in the box can have: leaves of
// the outcome, once it is complete. Sets method, orders, reason, counts and `open` of `part`.
// `open`: go on from these paths of an earlier call on the same map, box and orders.
TreeOutcome prove_by_cells(const CanonicalMap& map, const Box& box,
                           const std::vector<Index>& orders, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           const TreeProgress& shown, PartialProof& part,
                           const std::vector<Path>* open = nullptr,
                           const Interludes* interludes = nullptr);

}  // namespace rnndyn

// What the parts of one search share.
#pragma once

#include <memory>
#include <vector>

#include "rnndyn/search.hpp"
#include "search/collection.hpp"
#include "search/newton_kernel.hpp"

namespace rnndyn {

struct SearchContext {
  const CanonicalMap& map;
  const SearchOptions& options;
  Control& control;
  SearchProgress& progress;
  Collection& collection;
  std::shared_ptr<const kernels::NewtonTables> tables;
  // What doubtful candidates have cost, in operations; see file_candidates().
  double doubt = 0.0;

  std::vector<std::unique_ptr<NewtonKernel>> make_kernels(
      Index order, Refutation refutation = Refutation::likely) const {
    // Nothing there bounds what rounding makes of an orbit.
    const auto reduced =
        refutation == Refutation::likely ? reduced_where_faster(map, *tables, order) : nullptr;
    std::vector<std::unique_ptr<NewtonKernel>> workspaces;
    for (int i = 0; i < std::max(1, options.n_threads); ++i) {
      workspaces.push_back(
          std::make_unique<NewtonKernel>(map, *tables, order, &control, refutation, reduced));
    }
    return workspaces;
  }
  std::int64_t max_restarts_or(std::int64_t otherwise) const {
    return options.max_restarts.value_or(otherwise);
  }
  std::int64_t max_iterations_or(std::int64_t otherwise) const {
    return options.max_iterations.value_or(otherwise);
  }
};

// One lane of an interleaved buffer as an itinerary, and back.
Itinerary take_lane(const std::vector<Word>& buffer, std::size_t lane, std::size_t lanes,
                    Index order, std::size_t words);
void put_lane(const Itinerary& itinerary, std::vector<Word>& buffer, std::size_t lane,
              std::size_t lanes);

// Solves the candidates (smallest rotations) that have not been tried yet, in parallel, and files
// them in the given order. Returns how many were solved; stops early when the control says so.
// Where nothing rests on refutations (`likely`), exact arithmetic looks at doubtful candidates that
// floating point refutes until that has cost enough: a network with a line attractor has a singular
// equation for every itinerary.
std::int64_t file_candidates(SearchContext& context, const std::vector<Itinerary>& candidates,
                             Refutation refutation);

// The three ways to treat one order. `regions` is the alphabet of exhaustive listing.
void list_exhaustively(SearchContext& context, const std::vector<Word>& regions,
                       OrderStatistics& statistics);
void search_heuristically(SearchContext& context, OrderStatistics& statistics);
void search_scyfi(SearchContext& context, OrderStatistics& statistics);

// Necklaces of `order` beads in `n_colours` colours: the number of itineraries up to rotation.
double count_necklaces(double n_colours, Index order);

}  // namespace rnndyn

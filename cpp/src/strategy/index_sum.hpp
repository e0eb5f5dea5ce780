// The index sum of what a search found, where it holds.
#pragma once

#include "rnndyn/map.hpp"
#include "rnndyn/search.hpp"

namespace rnndyn {

// A network that takes a box into its own interior has in it fixed points whose signs of
// det(I - J) sum up to 1 if none is degenerate (Lefschetz; a box is contractible), and so has every
// iterate. Where no such box is found nothing is known, and of a network that expands at infinity
// it is wrong.
//
// Sets the sums in the statistics of the result, or the reason why there is none.
void add_index_sums(const CanonicalMap& map, const SearchOptions& options, SearchResult& result);

// At least so many cycles are missing, by the index sum; 0 where it says nothing. All points of a
// cycle have the same index, 1 or -1.
std::int64_t n_missing(const OrderStatistics& statistics);

}  // namespace rnndyn

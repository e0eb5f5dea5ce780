// Joins the stretches of all itineraries by events.
#pragma once

#include <functional>
#include <vector>

#include "bifurcation/branch.hpp"

namespace rnndyn {

// `branches` are all that were analysed; `index` gives the position of an itinerary in it, or -1.
// Fills itineraries, segments, events, attachments and gaps.
void build_event_table(const CanonicalPath& path, const std::vector<Branch>& branches,
                       const std::function<std::int64_t(const Itinerary&)>& index,
                       FollowedCycles& out);

// Puts itineraries, segments, events, attachments and gaps into an order that depends on nothing
// but the result.
void sort_record(FollowedCycles& record);

}  // namespace rnndyn

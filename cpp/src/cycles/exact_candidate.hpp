// The candidate of an itinerary in exact arithmetic: for what error bounds leave open.
#pragma once

#include <optional>

#include "rnndyn/cycles.hpp"

namespace rnndyn {

// What solve_cycle() says of a smallest rotation, without rounding. nullopt where that takes too
// long. What there is may be beyond the range of doubles.
std::optional<Candidate> exact_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                         Control* control);

// Whether doubles can hold what there is to say of it.
bool representable(const Candidate& candidate);

}  // namespace rnndyn

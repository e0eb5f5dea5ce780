// Stability without estimates: for what error bars of multipliers leave open.
#pragma once

#include <optional>

#include "rnndyn/cycles.hpp"

namespace rnndyn {

// Of the cycle of an itinerary, from how many multipliers lie inside the unit circle. nullopt where
// that takes too long, or where the criterion breaks off, as it does when one lies on the circle.
std::optional<Stability> exact_stability(const CanonicalMap& map, const Itinerary& itinerary,
                                         Control* control);

}  // namespace rnndyn

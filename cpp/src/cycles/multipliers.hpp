// Multipliers of itineraries, and of Jacobians whose size the compiler knows.
#pragma once

#include <vector>

#include "rnndyn/cycles.hpp"

namespace rnndyn {

// What multipliers() gives, but for few states without its temporary matrices.
Multipliers multipliers_of(const std::vector<Matrix>& jacobians, Control* control);
template <int M>
Multipliers multipliers_of(const std::vector<Eigen::Matrix<double, M, M>>& jacobians,
                           Control* control);

// Of an itinerary: their error bars know by how much the Jacobians may be wrong.
Multipliers multipliers_of(const CanonicalMap& map, const Itinerary& itinerary, Control* control);
// Of its Jacobians as jacobians_of() gives them, where they are at hand.
Multipliers multipliers_of(const CanonicalMap& map, const Itinerary& itinerary,
                           const std::vector<Matrix>& jacobians, Control* control);

}  // namespace rnndyn

// Residuals and Jacobians in double-double arithmetic.
#pragma once

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn::kernels {

// Residual J_t z_t + c_t - z_{t+1} of the map itself on the itinerary's regions, with a bound of
// what this evaluation can be wrong by. All three are n_states x order, column by column.
void accurate_residual(const CanonicalMap& map, const Itinerary& itinerary, const double* points,
                       double* residual, double* error);

// J of a region, n_states x n_states, column by column.
void accurate_jacobian(const CanonicalMap& map, const Word* region, double* jacobian);

}  // namespace rnndyn::kernels

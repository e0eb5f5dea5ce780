// What a singular cyclic system has to say.
#pragma once

#include "cyclic_system.hpp"
#include "rnndyn/cycles.hpp"

namespace rnndyn {

// The candidate of a system whose `nullity` smallest singular values count as zero: a continuum
// clipped to the closed regions of the itinerary, a single border cycle where clipping leaves one
// point, or none.
Candidate solve_singular(const CanonicalMap& map, const Itinerary& itinerary,
                         const CyclicSystem& system, Index nullity);

// A cycle known only to lie on borders: shared by the regular and the singular path.
Cycle finish_border_cycle(const CanonicalMap& map, Itinerary itinerary, Matrix points,
                          Matrix bounds);

// Largest |F(z_t) - z_{t+1}| around the cycle.
double cycle_residual(const CanonicalMap& map, const Matrix& points);

}  // namespace rnndyn

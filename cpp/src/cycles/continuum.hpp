// What a singular cyclic system has to say.
#pragma once

#include "cycles/cyclic_system.hpp"
#include "rnndyn/cycles.hpp"

namespace rnndyn {

// The candidate of a system whose `nullity` smallest singular values count as zero, where exact
// arithmetic would take too long: a continuum clipped to the closed regions of the itinerary, a
// single border cycle where clipping leaves one point, or none. Nothing of it is decided.
Candidate solve_singular(const CanonicalMap& map, const Itinerary& itinerary,
                         const CyclicSystem& system, Index nullity);

// A cycle known only to lie on borders: shared by the regular and the singular path. `zeros` are
// the bits whose pre-activation vanishes; they are cleared in the itinerary.
Cycle finish_border_cycle(const CanonicalMap& map, const Itinerary& itinerary,
                          const Itinerary& zeros, const Matrix& points, const Matrix& bounds,
                          Control* control);
// Smallest period of the points as far as their error bounds can tell.
Index apparent_period(const Matrix& points, const Matrix& bounds);

// Jacobians of the steps, summed in double-double arithmetic: where large terms cancel, the
// multipliers are those of what is left.
std::vector<Matrix> jacobians_of(const CanonicalMap& map, const Itinerary& itinerary);

// Largest |F(z_t) - z_{t+1}| around the cycle.
double cycle_residual(const CanonicalMap& map, const Matrix& points);

}  // namespace rnndyn

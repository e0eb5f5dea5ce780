// Which kernel a map gets.
#pragma once

#include <memory>

#include "kernels/newton.hpp"

namespace rnndyn::kernels {

// For few states and units; nothing where the compiler has no vector types.
std::unique_ptr<Newton> make_lane_newton(const NewtonTables& tables, Index order,
                                         Refutation refutation);
// From kMinLockstepStates to kMaxLockstepStates states, where refutations are no proofs; nothing
// where the compiler has no vector types.
std::unique_ptr<Newton> make_lockstep_newton(const NewtonTables& tables, Index order);
// For up to kMaxSmallStates states.
std::unique_ptr<Newton> make_newton(const NewtonTables& tables, Index order, Refutation refutation);

}  // namespace rnndyn::kernels

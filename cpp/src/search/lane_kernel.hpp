// The kernel for few states and units: several itineraries at once, one in each lane of a
// vector register.
#pragma once

#include <memory>

#include "kernel_tables.hpp"

namespace rnndyn {

inline constexpr Index kMaxLaneStates = 4;
inline constexpr Index kMaxLaneUnits = 16;

// Whether the map is small enough for lanes, and the compiler has vector types.
bool lanes_suffice(const CanonicalMap& map);

// Nothing where they do not.
std::unique_ptr<NewtonKernel> make_lane_kernel(const CanonicalMap& map, const KernelTables& tables,
                                               Index order);

}  // namespace rnndyn

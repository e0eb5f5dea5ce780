// What the landscapes of all maps share.
#pragma once

#include <cstdint>

#include "rnndyn/slow_points.hpp"

namespace rnndyn::slow {

// A random start runs for up to so many steps.
inline constexpr std::uint64_t kLongestRun = 60;

}  // namespace rnndyn::slow

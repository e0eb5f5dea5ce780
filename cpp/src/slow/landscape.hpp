// What the landscapes of all maps share.
#pragma once

#include <cstdint>

#include "rnndyn/slow_points.hpp"

namespace rnndyn::slow {

// Every second random start runs for some steps, up to so many: slow points are where orbits spend
// their time. The others do not, since a minimum that repels is left on the way.
inline constexpr std::uint64_t kLongestRun = 60;
inline std::uint64_t draw_run(RandomStream& stream) {
  return stream.uniform() < 0.5 ? 0 : stream.below(kLongestRun);
}

}  // namespace rnndyn::slow

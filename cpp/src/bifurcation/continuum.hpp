// Lines of cycles at single places of a path.
#pragma once

#include "bifurcation/path_system.hpp"

namespace rnndyn {

// Whether at s, where det(I - J) vanishes, the itinerary may have a continuum of real cycles. True
// where rounding errors leave it open.
bool may_have_continuum(PathSystem& system, double s);

}  // namespace rnndyn

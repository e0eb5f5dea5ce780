// What can be said in floating point, and with certainty, of an equation that is singular or
// nearly.
#pragma once

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// True proves that no orbit solves the equation of the itinerary and lies in its closed regions.
//
// Without the few equations that depend most on the others, the rest is regular in all but as many
// coordinates: its solutions are a family with these as parameters, in which all solutions of the
// whole equation lie. The family is enclosed with all rounding errors, and so are the regions'
// inequalities in the parameters; where no parameters satisfy them, there is no such orbit.
bool refuted_as_family(const CanonicalMap& map, const Itinerary& itinerary, Control* control);

}  // namespace rnndyn

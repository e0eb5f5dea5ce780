// The index sum of a piecewise-linear map: where it holds, and the signs that it adds up.
#pragma once

#include <optional>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/smooth/interval.hpp"

namespace rnndyn::smooth {

// An enclosure of F over a box. Units whose rows of W2 are equal are taken together, and so are a
// state and the units that read it alone: of W2 = I the enclosure is the smallest box.
IntervalVector image(const CanonicalMap& map, const IntervalVector& box);

// A box that contains given states (M x n) and that F takes into its own interior, so that the
// indices of all fixed points in it sum up to 1 (Lefschetz; a box is contractible). Found by
// growing a box until its image lies inside; nothing where that does not end.
std::optional<IntervalVector> invariant_box(const CanonicalMap& map, const Matrix& states);

// Signs of det(I - P) and det(I + P), P the product of the Jacobians of the itinerary; 0 where
// rounding errors leave it open.
struct IndexSigns {
  int index = 0, index_of_double = 0;
};
IndexSigns index_signs(const CanonicalMap& map, const Itinerary& itinerary);

}  // namespace rnndyn::smooth

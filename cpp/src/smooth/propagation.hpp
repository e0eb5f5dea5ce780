// Constraint propagation through y = tanh(b + W x).
#pragma once

#include "smooth/algebra.hpp"

namespace rnndyn::smooth {

// Bounds of the inverse of tanh, checked with the enclosure of tanh itself.
double atanh_up(double y);
inline double atanh_down(double y) { return -atanh_up(-y); }

// Where the layer's own old h, the new h of the layer below and its new h begin in a box.
struct LayerPlaces {
  Index own, below, after;
};

// Narrows the box by each row of a tanh layer, forwards and backwards (Benhamou, Goualard,
// Granvilliers, Puget, ICLP 1999); false where a row has no solution.
bool propagate_tanh(const Layer& layer, const LayerPlaces& at, IntervalVector& box);

// box[i] = box[i] and value; false where that is empty. What is not a number says nothing.
inline bool narrow(IntervalVector& box, Index i, Interval value) {
  if (std::isnan(value.lo) || std::isnan(value.hi)) return true;
  const Interval both = intersection(box[i], value);
  if (is_empty(both)) return false;
  box.set(i, both);
  return true;
}

}  // namespace rnndyn::smooth

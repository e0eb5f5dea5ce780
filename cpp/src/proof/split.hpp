// Where proofs split R^M into what is near and what is beyond.
#pragma once

#include <algorithm>

namespace rnndyn {

// `size` of a map as a unit for the radius of a split. Any radius is as right as another, so long
// as it and its reciprocal, times the powers of two that methods try, are numbers.
inline double split_unit(double size) {
  constexpr double kLargest = 0x1p900;
  return size > 0.0 ? std::clamp(size, 1.0 / kLargest, kLargest) : 1.0;
}

}  // namespace rnndyn

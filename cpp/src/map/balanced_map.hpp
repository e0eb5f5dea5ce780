// A badly scaled network in better units, with the same regions and the same orbits.
#pragma once

#include <optional>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

// State i of the network is 2^exponents[i] times that of `map`, without any rounding; its units
// have the same signs. So an itinerary means the same in both.
struct BalancedMap {
  CanonicalMap map;
  std::vector<int> exponents;

  // Columns are states of the network and become those of `map`. False, with something else in
  // `states`, where a finite number would leave the range of doubles or lose digits.
  bool to_balanced(Matrix& states) const;
};

// Nothing where states and units are scaled well enough as they are, or where a parameter would
// leave the range of doubles or lose digits.
std::optional<BalancedMap> balanced_map(const CanonicalMap& map);

}  // namespace rnndyn

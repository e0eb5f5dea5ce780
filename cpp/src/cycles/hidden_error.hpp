// What is left unsaid by the Jacobians of jacobians_of(), whose entries are sums in double-double
// arithmetic that are rounded at last.
#pragma once

#include "rnndyn/map.hpp"

namespace rnndyn {

// What the entries of the accurate Jacobian j of a region may be wrong by before they are rounded.
// False, and nothing is written, where that is no more than kMostHidden of every entry, as it is
// unless terms cancel that are larger by the precision of a double-double number, or products
// underflow.
inline constexpr double kMostHidden = 0x1p-52;
bool write_hidden_error(const CanonicalMap& map, const Word* region, const Matrix& j,
                        Matrix& error);

}  // namespace rnndyn

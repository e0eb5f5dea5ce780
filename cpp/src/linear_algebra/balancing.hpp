// Similarities by powers of two, which are exact.
#pragma once

#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

// Exponents e such that rows and columns of 2^-e size 2^e, off its diagonal, have similar sums (B.
// N. Parlett, C. Reinsch, Numer. Math. 13, 293, 1969). All numbers of `size` are nonnegative.
std::vector<int> balancing_exponents(Matrix size);

}  // namespace rnndyn

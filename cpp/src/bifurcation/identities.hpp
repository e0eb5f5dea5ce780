// Which functions of an itinerary are zero on a whole path, and which only so small that rounding
// hides them.
#pragma once

#include <vector>

#include "rnndyn/bifurcation.hpp"

namespace rnndyn {

struct Identities {
  bool determinant = false;          // det(I - J) is zero at every s
  std::vector<char> preactivations;  // of relevant units x k: zero at every s; false where the
                                     // determinant is zero, where they are not defined
};

// Decided in the integers modulo two primes of 31 bits, at values of s that are random there. What
// is not zero there is certainly not zero everywhere. A polynomial of degree n that is not zero
// is taken for zero with a probability of about (n / 2^31)^2 (Schwartz, J. ACM 27 (1980) 701).
Identities identities_of(const CanonicalPath& path, const Itinerary& itinerary);

}  // namespace rnndyn

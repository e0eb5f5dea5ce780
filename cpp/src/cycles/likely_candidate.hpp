// Candidates for who claims nothing where one is refuted.
#pragma once

#include "rnndyn/cycles.hpp"

namespace rnndyn {

struct LikelyCandidate {
  Candidate candidate;
  // Error bounds in floating point did not decide what it is.
  bool doubtful = false;
};

// What solve_cycle() says, for who does not ask what a refuted candidate would look like: one whose
// equation is singular, or nearly, may come back as none at all, which is known much sooner; of a
// virtual cycle nothing but the kind may come back.
Candidate real_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                         Control* control = nullptr);

// The same. Without `exactly`, a doubtful candidate that plain floating point refutes is taken as
// refuted; whatever is claimed to exist is decided as by solve_cycle().
LikelyCandidate likely_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                 Control* control, bool exactly);

}  // namespace rnndyn

// Where one itinerary has a real cycle along a path, and why each such stretch begins and ends.
#pragma once

#include <vector>

#include "bifurcation/chebyshev.hpp"
#include "bifurcation/path_system.hpp"
#include "rnndyn/bifurcation.hpp"

namespace rnndyn {

struct Vanishing {
  Index time = 0;
  Index unit = 0;
};

// A place where functions of the itinerary vanish: all of them at the same s within rounding.
struct Cut {
  double s = 0.0;
  double lower = 0.0;
  double upper = 0.0;
  double residual = 0.0;
  bool converged = false;
  std::vector<Vanishing> vanishing;  // pre-activations
  bool singular = false;             // det(I - J) vanishes
  bool diverges = false;             // the cycle goes to infinity
  bool refined = false;
};

struct Stretch {
  double begin = 0.0;
  double end = 1.0;
  int begin_cut = -1;  // index into Branch::cuts
  int end_cut = -1;
  int begin_sign = 0;  // of det(I - J) next to the end
  int end_sign = 0;
  Index n_unstable_begin = -1;
  Index n_unstable_end = -1;
};

// Something that happens inside a stretch: changes of stability, and borders that are touched.
struct InnerEvent {
  PathRoot root;
  Index n_unstable_before = -1;
  Index n_unstable_after = -1;
};

// A cut where the cycle lies on borders and is real there, and nowhere next to it.
struct Contact {
  int cut = -1;
  int sign = 0;  // of det(I - J) next to it
  Index n_unstable = -1;
};

struct Branch {
  Itinerary itinerary;
  std::vector<Cut> cuts;
  std::vector<Stretch> stretches;
  std::vector<InnerEvent> inner;
  std::vector<Contact> contacts;
  std::vector<double> continua;  // where a continuum of cycles may exist, at this s only
  // Where the cycle is real on a border along the path, and the itinerary that stands for it.
  std::vector<double> on_border;
  Itinerary turned_off;
  // Zeros that were taken as one place, though they are certainly apart.
  std::vector<double> merged;
  bool singular_everywhere = false;
  // det(I + J) vanishes on the whole path: a line of cycles of twice the order at every s.
  bool flips_everywhere = false;
  std::vector<double> unresolved;
};

// A root interval wider than this is a stretch on which the function cannot be told from zero.
constexpr double kWide = 1e-5;

// Roots this close to an end of the path are at the end.
constexpr double kAtEnd = 1e-12;

// Throws Stopped where the control asks to stop.
Branch analyse_branch(const CanonicalPath& path, const Itinerary& itinerary,
                      Control* control = nullptr);

// Roots of all functions of a system: pre-activation j of relevant_units() at time t is function
// t * n_relevant + j, then come det(I - J) and det(I + J).
RootSolution system_roots(PathSystem& system, bool only_real);
// Brackets and polishes one of them by fresh solutions of the cyclic system.
PathRoot refined_root(PathSystem& system, const RootInterval& interval);

// Fills n_unstable and inner events of all stretches.
void analyse_stability(PathSystem& system, const RootSolution& roots, Branch& branch);

}  // namespace rnndyn

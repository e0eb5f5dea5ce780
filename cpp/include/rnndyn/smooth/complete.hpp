// All fixed points or cycles of one order of a network with few states, with a proof.
#pragma once

#include <cstdint>
#include <vector>

#include "rnndyn/smooth/search.hpp"

namespace rnndyn::smooth {

struct CompleteOptions {
  std::int64_t max_boxes = std::numeric_limits<std::int64_t>::max();
  int n_threads = 1;
};

struct CompleteProof {
  Index order = 0;
  bool proved = false;  // nothing is missing
  std::int64_t n_boxes = 0;
  StopReason stopped_by = StopReason::none;
  // Boxes of which it is not known whether, or how many, solutions they hold. Of fixed points: of
  // the h of all layers; of cycles: of all points one after another.
  std::vector<IntervalVector> undecided;
  // Solutions that the search had missed, N x k, each rotation for itself.
  std::vector<Matrix> missed;
};

// Branch and prune of the invariant box: natural interval evaluation, constraint propagation
// through the sums of tanh units, and the interval Newton operator with preconditioning, in the
// order of Neumaier, Interval Methods for Systems of Equations (1990), ch. 5. A box that lies in
// the ball of a known point holds no other.
//
// `known` are certified solutions of F^order = z (N x order), in every rotation.
CompleteProof prove_complete(const SmoothMap& map, Index order, const std::vector<Matrix>& known,
                             const CompleteOptions& options, Control& control,
                             SearchProgress& progress);

}  // namespace rnndyn::smooth

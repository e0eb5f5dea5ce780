// Local minima of q(z) = |F(z) - z|^2 / 2 with q > 0 (Sussillo, Barak, Neural Computation 25, 626,
// 2013).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rnndyn/cycles.hpp"
#include "rnndyn/search.hpp"
#include "rnndyn/smooth/map.hpp"

namespace rnndyn::smooth {

struct SlowPoint {
  Vector state;
  double q = 0.0, speed = 0.0;  // |F(z) - z| in the Euclidean norm
  double gradient_norm = 0.0;
  Vector drift;             // F(z) - z
  Vector curvatures;        // eigenvalues of the Hessian of q, ascending
  Multipliers multipliers;  // of the Jacobian of F there
  Matrix softest;           // N x 1: eigenvector of the smallest curvature
  std::int64_t hits = 0;
};

struct SlowPointOptions {
  std::uint64_t seed = 0;
  std::optional<std::int64_t> max_restarts;  // in a row without a new minimum
  double max_speed = std::numeric_limits<double>::infinity();
  Matrix states;  // N x S, where restarts may begin
  int n_threads = 1;
};

struct SlowPointResult {
  std::vector<SlowPoint> points;                                  // by speed
  std::int64_t n_restarts = 0, n_fixed_points = 0, n_failed = 0;  // ends of restarts
  bool complete = false;
  StopReason stopped_by = StopReason::none;
};

SlowPointResult find_slow_points(const SmoothMap& map, const SlowPointOptions& options,
                                 Control& control, SearchProgress& progress);

// A stationary point of q from a start: Levenberg and Marquardt (Nielsen's damping), then Newton's
// method on the gradient. Nothing where it does not settle.
std::optional<SlowPoint> descend(const SmoothMap& map, const Vector& start);

}  // namespace rnndyn::smooth

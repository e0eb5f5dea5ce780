// The search for fixed points and cycles of a smooth network.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rnndyn/search.hpp"
#include "rnndyn/smooth/map.hpp"
#include "rnndyn/smooth/verify.hpp"

namespace rnndyn::smooth {

struct SmoothSearchOptions {
  std::vector<Index> orders;
  std::uint64_t seed = 0;
  // Restarts in a row without a new cycle that end an order; chosen by the search where absent.
  std::optional<std::int64_t> max_restarts;
  Matrix states;  // N x S, where restarts may begin; such as those of driven trajectories
  // N x k, tried first at order k; such as the cycles under another input.
  std::vector<Matrix> guesses;
  int n_threads = 1;
};

struct SmoothCycle {
  Matrix points;  // N x k
  Verified verified;
  Multipliers multipliers;
  std::int64_t hits = 0;
};

// Everything about the cycle that Newton's method finds from points (N x k) near one.
SmoothCycle cycle_near(const SmoothMap& map, Matrix points);

// The points of F^k = z: their indices must sum up to 1 (Lefschetz; the box is contractible), as no
// fixed point lies on the border of the invariant box.
struct IndexSum {
  Index order = 0;
  std::int64_t sum = 0;
  // Whether it must be 1: every point found is certified and has an index, and all orders that
  // divide this one were searched.
  bool known = false;
};

struct SmoothSearchResult {
  std::vector<SmoothCycle> cycles;  // by order, then first point
  std::vector<OrderStatistics> statistics;
  std::vector<IndexSum> index_sums;
  StopReason stopped_by = StopReason::none;
};

SmoothSearchResult find_smooth_cycles(const SmoothMap& map, const SmoothSearchOptions& options,
                                      Control& control, SearchProgress& progress);

}  // namespace rnndyn::smooth

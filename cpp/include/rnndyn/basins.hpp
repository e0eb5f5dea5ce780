// Basins of attraction: where the orbits from the points of a plane, or from any states, end.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// States { z : |factor (z - center)| <= 1 } around a point of a stable cycle. Whoever makes one
// vouches that orbits do not leave the neighbourhoods of a cycle and converge to it.
struct Neighbourhood {
  Matrix factor;  // upper triangular
  Vector center;
  Vector half_widths;  // of a box around it; may be infinite
  std::int32_t attractor = 0;
};

// Points origin + x directions.col(0) + y directions.col(1), numbered row by row of equal y.
struct PlaneOfStates {
  Vector origin;
  Matrix directions;
  Vector x, y;

  Index size() const { return x.size() * y.size(); }
};

// What a label says that is no attractor. The numbers are part of the file format of basins.
inline constexpr std::int32_t kUndecided = -1;   // the steps were not enough
inline constexpr std::int32_t kEscaped = -2;     // a state beyond the escape radius
inline constexpr std::int32_t kNotReached = -3;  // the computation was stopped before

struct BasinOptions {
  Index max_steps = 0;
  double escape_radius = 0.0;  // largest |coordinate|
  int n_threads = 1;
};

struct BasinRun {
  std::vector<std::int32_t> labels;
  // Steps after which the orbit was first in a neighbourhood or beyond the escape radius;
  // max_steps where it is undecided, 0 where it was not reached.
  std::vector<std::int64_t> n_steps;
  StopReason stopped_by = StopReason::none;
};

struct BasinProgress {
  std::atomic<Index> n_points{0};
};

// Follows the orbits from the chosen points of the plane. The result is the same for any number of
// threads.
BasinRun basins(const CanonicalMap& map, const PlaneOfStates& plane,
                const std::vector<Index>& points, const std::vector<Neighbourhood>& neighbourhoods,
                const BasinOptions& options, Control& control, BasinProgress& progress);

// The same for the states that are the columns of a matrix.
BasinRun basins(const CanonicalMap& map, const Matrix& states,
                const std::vector<Neighbourhood>& neighbourhoods, const BasinOptions& options,
                Control& control, BasinProgress& progress);

}  // namespace rnndyn

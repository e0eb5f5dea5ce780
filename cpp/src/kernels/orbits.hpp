// One step of a map for many states at once, side by side in memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// States that are stepped together: four of the widest registers a row, so that four sums overlap.
inline constexpr int kOrbits = 32;

// Rows of sums of coefficients times rows of kOrbits numbers. Only coefficients that are not zero
// are stored, so a diagonal A, W2 = I and the like cost what they must.
struct OrbitRows {
  std::vector<double> constants;
  std::vector<std::size_t> first{0};
  std::vector<std::size_t> offset;  // of the row that is multiplied, in numbers
  std::vector<double> coefficient;
};

// Row i of a buffer is state i of all orbits; rows for the units follow.
struct OrbitTables {
  std::size_t n_states = 0, n_units = 0;
  OrbitRows units, states;
};

// `to` becomes the images of `from`, whose rows of units are overwritten. Where a coordinate of an
// image is not a number of at most `limit`, the entry of `beyond` becomes 1.
void step_orbits(const OrbitTables& tables, double* from, double* to, double limit, double* beyond);

// Bit i tells whether |row[i] - center| <= half_width.
std::uint32_t near_center(const double* row, double center, double half_width);

}  // namespace rnndyn::kernels

// One step of the canonical map for many states at once, side by side in memory.
#pragma once

#include <vector>

#include "rnndyn/map.hpp"
#include "search/pack.hpp"

namespace rnndyn {

// States that are stepped together. At least four registers a row, so that four sums overlap.
inline constexpr int kOrbits = 4 * kNativeLanes < 16 ? 16 : 4 * kNativeLanes;

// Only coefficients that are not zero are stored, so a diagonal A, W2 = I and the like cost what
// they have to, and units that cannot change the map cost nothing.
class LaneMap {
 public:
  explicit LaneMap(const CanonicalMap& map);

  // Numbers in a buffer: row i of kOrbits numbers is state i of all orbits; rows for the units
  // follow.
  std::size_t buffer_size() const;
  // Products and sums of one step of one orbit.
  Index n_terms() const;

  // `to` becomes the images of `from`, whose rows of units are overwritten. Where a coordinate of
  // an image is not a number of at most `limit`, the entry of `beyond` becomes 1.
  void step(double* from, double* to, double limit, double* beyond) const;

 private:
  struct Rows {
    std::vector<double> constants;  // kOrbits times each
    std::vector<std::size_t> first{0};
    std::vector<std::size_t> offset;  // of the row that is multiplied, in numbers
    std::vector<double> coefficient;

    void add_constant(double value);
    void add_term(Index row, double value);
    void end_row() { first.push_back(offset.size()); }
    void combine(std::size_t row, const double* values, double* out) const;
  };

  std::size_t n_states_, n_units_;
  Rows units_, states_;
};

}  // namespace rnndyn

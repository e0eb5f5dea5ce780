// The canonical map laid out for stepping many orbits at once.
#pragma once

#include "kernels/functions.hpp"
#include "kernels/orbits.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

using kernels::kOrbits;

// Units that cannot change the map cost nothing.
class OrbitMap {
 public:
  explicit OrbitMap(const CanonicalMap& map);

  // Numbers in a buffer: row i of kOrbits numbers is state i of all orbits; rows for the units
  // follow.
  std::size_t buffer_size() const {
    return (tables_.n_states + tables_.n_units) * static_cast<std::size_t>(kOrbits);
  }
  // Products and sums of one step of one orbit.
  Index n_terms() const;

  // See kernels::step_orbits.
  void step(double* from, double* to, double limit, double* beyond) const {
    kernels::functions().step_orbits(tables_, from, to, limit, beyond);
  }

 private:
  kernels::OrbitTables tables_;
};

}  // namespace rnndyn

// The map of an itinerary in exact arithmetic.
#pragma once

#include <optional>
#include <vector>

#include "exact/exact_matrix.hpp"
#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

// An affine set of orbits z_t = (column 0 of at[t] + other columns times a) / denominator.
struct ExactOrbits {
  std::vector<ExactMatrix> at;
  Dyadic denominator;  // > 0

  Index dimension() const { return at.front().cols() - 1; }
  Index order() const { return static_cast<Index>(at.size()); }
};

class ExactMap {
 public:
  explicit ExactMap(const CanonicalMap& map);

  // All solutions of z_{t+1} = J_t z_t + c_t, z_k = z_0, wherever they lie.
  std::optional<ExactOrbits> orbits(const Itinerary& itinerary, ExactEffort& effort) const;
  // The pre-activations of all units at step t, as forms (times the denominator) in a.
  ExactMatrix preactivations(const ExactOrbits& orbits, Index t, ExactEffort& effort) const;
  // The product of the Jacobians around the itinerary.
  ExactMatrix return_jacobian(const Itinerary& itinerary, ExactEffort& effort) const;

 private:
  // [J | c] of a region.
  ExactMatrix piece(const Word* region, ExactEffort& effort) const;

  const CanonicalMap& map_;
  ExactMatrix a_, w1_, w2_, h1_, h2_;
};

}  // namespace rnndyn

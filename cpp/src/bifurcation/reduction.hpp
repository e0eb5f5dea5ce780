// Multipliers that a cycle has because of how its network is built, taken off its Jacobians.
#pragma once

#include <vector>

#include "bifurcation/path_system.hpp"

namespace rnndyn {

// The Jacobians of one itinerary on the subspace that is left when repeated entries of the diagonal
// of A have been taken off. Where J_t - a I, of all steps t and all s, has its rows (or its
// columns) in a common proper subspace, all J_t are block triangular in an orthonormal basis that
// begins with it, and the other block is a I: the multipliers are those of the first block, and
// a(s)^k as often as there are dimensions left. A network with A = a I and few units on at a time
// has almost nothing but such multipliers, and a polynomial of all pairs has their products as
// zeros of high multiplicity, which no interpolation separates.
class ReducedSystem {
 public:
  explicit ReducedSystem(PathSystem& system);

  Index n_states() const { return reduced_ ? basis_.cols() : system_.path().n_states(); }
  Control* control() const { return system_.control(); }
  std::vector<Matrix> jacobians(double s) const;

 private:
  PathSystem& system_;
  bool reduced_ = false;
  Matrix basis_;  // M x n_states, orthonormal columns
};

}  // namespace rnndyn

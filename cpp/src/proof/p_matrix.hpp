// Proof that a cyclic system has one solution: its linear complementarity problem has a P-matrix.
#pragma once

#include <optional>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// Sequences of period k are solutions of p = K u + c, u = relu(p), with all steps of all units in p
// (UnitRelaxation). Of the differences q, s of two solutions, q = K s, and each s_i lies between 0
// and q_i, so that s_i (q_i - s_i) >= 0. If there are multipliers L > 0 such that
//
//     L (1 - K) + (1 - K)^T L   is positive definite,   L diagonal,
//
// then 0 <= sum_i L_i s_i (q_i - s_i) = -s . L (1 - K) s leaves s = 0: there is one solution. Such
// 1 - K are P-matrices, of which that is known (Cottle, Pang, Stone, The Linear Complementarity
// Problem, theorem 3.3.7; the converse holds with P-matrices instead of these multipliers).
// Contraction needs the same of all frequencies on the unit circle and not of the k-th roots of
// unity alone.
//
// The solution is the fixed point, run through k times: no cycle has the order k > 1, or any other
// that divides k, and order 1 has one.
class PMatrixSearch {
 public:
  explicit PMatrixSearch(const CanonicalMap& map, Control* control = nullptr);

  // Multipliers (n_units) by which order k is proved; nothing where none are found. After order 1.
  std::optional<Vector> multipliers(Index order);

  // The region of the fixed point, after order 1 was proved. Nothing where it is not found in time.
  std::optional<Itinerary> fixed_point() const;

 private:
  const CanonicalMap& map_;
  Control* control_;
  Vector found_;  // of order 1
};

}  // namespace rnndyn

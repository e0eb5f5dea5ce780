// The linear relaxation of "u_0, ..., u_{k-1} are the activities of a cycle", without its states.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proof/dictionary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// States are eliminated: with z_{t+1} = A z_t + g_t, g_t = W1 u_t + h1 tau, and k steps around,
//   z_t = sum_{j=1}^k X_j g_{t-j},    X_j = A^{j-1} (1 - A^k)^{-1},
//   p_t = sum_j W2 X_j g_{t-j} + h2 tau,
// which leaves the k times H pre-activations as variables, however many states there are.
//
// For any matrices Y_j in place of W2 X_j, g_s = z_{s+1} - A z_s gives by summation
//   sum_j Y_j g_{t-j} = (Y_1 - Y_k A) z_t + sum_{j=1}^{k-1} (Y_{j+1} - Y_j A) z_{t-j},
// so that
//   p_t - h2 tau - sum_j Y_j g_{t-j} = (W2 - Y_1 + Y_k A) z_t - sum_j (Y_{j+1} - Y_j A) z_{t-j},
// in which all coefficients of states are of the size of rounding errors. The same with the
// identity in place of W2 bounds the states: |z| <= (sum |X_j|) |g| / (1 - d), d < 1 being the
// largest row sum of the coefficients. What that and the rounding of the matrices can add to p_t is
// `error_`, which enters every refutation.
//
// The size of a cycle is its largest activity u_{t,i} = relu(p_{t,i}). Up to the radius u <= 1 in
// units of the radius, and tau = 1. Beyond it all is divided by the size: u <= 1, 0 <= tau <= 1 in
// units of 1 / radius, and there is a tree for each unit i: rotate the cycle so that its largest
// activity comes first, then u_{0,i} = 1. Nothing bounds v = relu(-p) but the equations.
class UnitRelaxation {
 public:
  // Row of a pre-activation's equation by bit.
  using Multipliers = Vector;

  UnitRelaxation(const CanonicalMap& map, Index order, double radius, bool at_infinity,
                 bool keep_multipliers);
  // False where A^k has an eigenvalue near 1, or the errors are too large to prove anything.
  bool suits() const { return suits_; }

  static double n_bytes(const CanonicalMap& map, Index order);
  static double n_operations(const CanonicalMap& map, Index order);

  Index n_faces() const { return at_infinity_ ? r_ : 0; }
  void start_on_face(Dictionary& dictionary, Index face) const;
  // The bit that a face decides, to be on.
  Index bit_of_face(Index face) const { return face; }

  Index order() const { return k_; }
  Index n_units() const { return r_; }  // relevant ones
  Index n_bits() const { return k_ * r_; }
  Index unit(Index bit) const { return units_[static_cast<std::size_t>(bit % r_)]; }
  static std::int32_t u(Index bit) { return static_cast<std::int32_t>(2 * bit); }
  static std::int32_t v(Index bit) { return static_cast<std::int32_t>(2 * bit + 1); }

  // p = coupling u + constant tau, within `error` where all u and tau are at most 1.
  const Matrix& coupling() const { return coupling_; }
  const Vector& constant() const { return constant_; }
  const Vector& error() const { return error_; }

  const Dictionary& root() const { return *root_; }
  const Dictionary::Kept& kept() const { return kept_; }

  // As those of CyclicRelaxation.
  Multipliers multipliers(const Dictionary& dictionary) const;
  bool refutes(const Multipliers& multipliers, const std::vector<std::int8_t>& decided,
               Index face) const;
  void append(const Multipliers& multipliers, Index n_all_units, ProofTree& tree) const;

 private:
  bool eliminate(const CanonicalMap& map, double radius);
  void lay_out(bool keep_multipliers);

  Index m_, r_, k_;
  bool at_infinity_;
  bool suits_ = false;
  std::vector<Index> units_;
  Matrix coupling_;  // of p_t to u_s, by bits
  Vector constant_;  // of p_t to tau
  Vector error_, v_upper_;
  std::unique_ptr<Dictionary> root_;
  Dictionary::Kept kept_;
};

}  // namespace rnndyn

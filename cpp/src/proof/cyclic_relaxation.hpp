// The linear relaxation of "z_0, ..., z_{k-1} is a cycle", and when a combination of its rows
// proves that it has no solution.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "proof/dictionary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// Multipliers of the rows of the relaxation.
struct RowMultipliers {
  Matrix mu;     // M x k: z_{t+1} - A z_t - W1 u_t = h1
  Matrix y;      // relevant units x k: u_t - v_t - W2 z_t = h2
  Vector omega;  // k: z_{0,0} - z_{t,0} >= 0, entry 0 unused
  double nu = 0.0;
};

// Variables u_t = relu(p_t) and v_t = relu(-p_t) of the relevant units, p_t = u_t - v_t = W2 z_t +
// h2, z_{t+1} = A z_t + W1 u_t + h1, z_k = z_0, without the condition u_t v_t = 0: that one is what
// the search branches on. The relaxation covers all of R^M, or a box of z.
//
// Beyond some size variables are homogeneous: (z, u, v, tau) = (z, u, v, 1) / size, so that the
// size is 1 and tau is small. Two sizes are in use. One is sum |p|; then sum (u + v) = 1 is a row,
// and what is not beyond has sum |p| <= radius. The other is max |z|, reached at step 0 by one
// state upwards or downwards, so that (z_0, ..., z_{k-1}) starts on one of the 2 M faces of the
// unit cube and stays in it. That needs 2 M trees, but says far more where there are several steps
// (it also picks one of the k rotations) or many more units than states.
class CyclicRelaxation {
 public:
  using Multipliers = RowMultipliers;

  struct Domain {
    enum class Kind {
      box,         // lower <= z <= upper
      small_sum,   // sum |p| <= radius
      large_sum,   // sum |p| >= radius
      large_cube,  // inner <= max |z| <= outer
    };
    Kind kind = Kind::box;
    Box box;
    double radius = 0.0;  // of the sum, or `inner`
    double outer = 0.0;   // 0: no limit
  };

  // `control` may stop the building; then nothing but complete() may be asked.
  CyclicRelaxation(const CanonicalMap& map, Index order, const Domain& domain,
                   bool keep_multipliers, bool break_rotations = true, Control* control = nullptr);
  bool complete() const { return complete_; }

  // Memory that the first dictionary of an order takes, and the operations that it takes to build.
  static double n_bytes(const CanonicalMap& map, Index order);
  static double n_operations(const CanonicalMap& map, Index order);

  // Trees of a proof: the faces of the cube, or one.
  Index n_faces() const { return by_faces() ? 2 * m_ : 0; }
  // Puts z_0 on a face: state face / 2 is 1 where face is even, else -1.
  void start_on_face(Dictionary& dictionary, Index face) const;
  // The bit that a face decides: none.
  static Index bit_of_face(Index) { return -1; }

  // False where z is not bounded by the domain; then nothing can be proved there.
  bool bounded() const { return bounded_; }

  Index order() const { return k_; }
  Index n_units() const { return r_; }  // relevant ones
  Index n_bits() const { return k_ * r_; }
  Index unit(Index bit) const { return units_[static_cast<std::size_t>(bit % r_)]; }

  static std::int32_t u(Index bit) { return static_cast<std::int32_t>(2 * bit); }
  static std::int32_t v(Index bit) { return static_cast<std::int32_t>(2 * bit + 1); }

  const Dictionary& root() const { return *root_; }
  const Dictionary::Kept& kept() const { return kept_; }

  // The multipliers that the dictionary's infeasible row stands for.
  RowMultipliers multipliers(const Dictionary& dictionary) const;
  // Whether they prove, rounding errors accounted for, that no cycle in the domain has the decided
  // bits (0 off, 1 on, -1 undecided, by bit).
  // On a face, if face >= 0.
  bool refutes(const RowMultipliers& multipliers, const std::vector<std::int8_t>& decided,
               Index face) const;
  // Appends the multipliers of an infeasible leaf to a tree.
  void append(const RowMultipliers& multipliers, Index n_all_units, ProofTree& tree) const;

 private:
  bool by_faces() const { return domain_.kind == Domain::Kind::large_cube; }
  bool boxed() const { return domain_.kind == Domain::Kind::box || by_faces(); }
  bool homogeneous() const { return domain_.kind == Domain::Kind::large_sum || by_faces(); }
  void scale_offsets();
  void bound_variables(const CanonicalMap& map);
  void bound_units();
  void bound_states(Control* control);
  void build_root(Control* control);
  void lay_out_rows();
  bool solve_for_states(Control* control);
  void solve_for_free_states();
  void invert_equations(Control* control);
  std::int32_t z(Index t, Index j) const {
    return static_cast<std::int32_t>(z_first_ + t * m_ + j);
  }
  std::int32_t e(Index t, Index j) const {
    return static_cast<std::int32_t>(e_first_ + t * m_ + j);
  }

  Index m_, r_, k_;
  Domain domain_;
  double tau_low_ = 1.0, tau_high_ = 1.0;
  bool bounded_ = true;
  bool complete_ = true;
  bool break_rotations_;   // z_{0,0} is the largest of all z_{t,0}
  bool box_rows_ = false;  // bounds of z are rows of their own
  std::vector<Index> units_;
  Matrix a_, w1_, w2_;  // of the relevant units
  Matrix abs_a_, abs_w1_, abs_w2_;
  Vector h1_, h2_;
  Vector u_upper_, v_upper_, z_lower_, z_upper_;  // bounds of the variables at every step
  Index s_first_, norm_, tau_, z_first_, e_first_;
  std::unique_ptr<Dictionary> root_;
  Dictionary::Kept kept_;
  // mu from the conditions that the columns of z vanish: rows of the equations that were solved for
  // a z, those z, the inverse of that block (transposed), and the equations that were not.
  std::vector<std::int32_t> solved_rows_, solved_columns_, open_rows_;
  Matrix inverse_;
  Matrix coupling_;  // open rows x solved columns
};

}  // namespace rnndyn

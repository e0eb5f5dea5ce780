// Proof, in floating point with every rounding error bounded, that no orbit follows a prefix of an
// itinerary.
//
// The inequalities known of such an orbit are, at step t,
//   row t * C + c,  c < H                : +p_c >= 0 or -p_c >= 0, as the region of step t says
//                   c - H in [0, M)      : upper_j - z_j >= 0,  j = c - H
//                   c - H - M in [0, M)  : z_j - lower_j >= 0,  j = c - H - M
//                   beyond               : at infinity the face row, else the faces of the cell
// with z_{t+1} = J_t z_t + tau c_t and p = W2 z + tau h2, where tau = 1 but at infinity. A sum of
// rows with multipliers >= 0, with the states substituted down to some step s, is a function
// g z_s + b tau + d that is >= 0 on every such orbit. A negative maximum over lower <= z_s <= upper
// is the contradiction.
//
// Which s closes the argument: the first step that a row of the certificate touches. Where it has
// to be an earlier one than the multipliers need, a row of value 0 at that step says so. Whoever
// checks the certificate need only take the maximum over the box at the first step touched.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// Where the states of a prefix tree lie, at every step.
struct PrefixDomain {
  Vector lower, upper;
  double tau_low = 1.0;
  double tau_high = 1.0;
  // At infinity the largest |z| is 1 and is reached at step `pivot`: sign * z_{pivot, state} >= 1
  // is the face row. Elsewhere the sign is 0.
  Index pivot = 0;
  Index face_state = 0;
  double face_sign = 0.0;

  bool at_infinity() const { return face_sign != 0.0; }
};
PrefixDomain domain_in_box(const Box& box);
PrefixDomain domain_at_infinity(Index n_states, double radius, Index pivot, Index face_state,
                                double face_sign);

struct Multiplier {
  std::int32_t time = 0;
  std::int32_t constraint = 0;
  double value = 0.0;  // >= 0
};

// One per thread: it remembers the affine map of every region it has met.
class PrefixCertificate {
 public:
  PrefixCertificate(const CanonicalMap& map, PrefixDomain domain, Index n_cell_faces = 0);

  Index n_constraints() const { return n_constraints_; }  // C
  const PrefixDomain& domain() const { return domain_; }

  // Another face of the largest norm, in a domain at infinity.
  void set_face(Index state, double sign) {
    domain_.face_state = state;
    domain_.face_sign = sign;
  }
  // Number of a region; its bits of irrelevant units must be 0. Invalidates the pointers that the
  // three functions after it have returned.
  std::int32_t piece(const Word* region);
  const Word* region(std::int32_t piece) const {
    return regions_.data() + static_cast<std::size_t>(piece) * words_;
  }
  // Column-major M x M, and M numbers.
  const double* jacobian(std::int32_t piece) const { return values(piece); }
  const double* offset(std::int32_t piece) const { return values(piece) + m_ * m_; }
  // The faces normals.row(f) z <= offsets(f) of the cell of a region.
  void set_cell(std::int32_t piece, const Matrix& normals, const Vector& offsets);

  struct Closing {
    bool closed = false;     // proved: no orbit
    std::int32_t time = 0;   // the step s
    std::size_t n_used = 0;  // multipliers that were needed: the first ones
  };
  // `multipliers` by descending time, none below 0; pieces[t] is the region of step t, needed for
  // every step before the last one touched, `last` the region of that step, as far as it is
  // decided. Faces of cells look up pieces[t] at the last step, too.
  Closing close(const std::int32_t* pieces, const Word* last,
                std::span<const Multiplier> multipliers) const;

 private:
  // The regions of the steps: `last` at last_time, those of pieces before.
  struct Prefix {
    const std::int32_t* pieces;
    const Word* last;
    std::int32_t last_time;
  };
  // Adds a row at.value times.
  template <typename Sum>
  void add_row(const Multiplier& at, const Prefix& prefix, Sum& sum) const;
  template <int M>
  Closing close_in(const std::int32_t* pieces, const Word* last,
                   std::span<const Multiplier> multipliers) const;
  const double* values(std::int32_t piece) const {
    return values_.data() + static_cast<std::size_t>(piece) * stride_;
  }
  void add_piece(const Word* region);
  void grow_table();

  CanonicalMap map_;
  PrefixDomain domain_;
  std::size_t m_, words_;
  std::int32_t first_box_row_, n_constraints_;
  std::vector<double> size_;    // bound of |z_j|
  double lost_ = 0.0;           // to underflow, by one row or one step
  std::vector<double> normal_;  // rows of W2, then h2
  // Per piece: J, c, then bounds of what one evaluation of J^T g and of c . g is wrong by, in units
  // of |g|. Per face of a cell: the normal, then the offset.
  std::size_t stride_, n_cell_faces_;
  std::vector<double> values_, cells_;
  std::vector<Word> regions_;
  std::vector<std::int32_t> table_;  // open addressing; -1 is free
};

// Appends a leaf kInfeasible with its multipliers to a tree.
void append_infeasible(ProofTree& tree, Index n_units, Index n_constraints,
                       std::span<const Multiplier> multipliers,
                       const PrefixCertificate::Closing& closing);

}  // namespace rnndyn

// The kernel for many states: products of matrices and LU.
#pragma once

#include <vector>

#include "kernels/newton.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

class LargeNewton final : public kernels::Newton {
 public:
  // iterate() throws Stopped when the control says stop.
  LargeNewton(const CanonicalMap& map, const kernels::PreactivationReach& reach, Index order,
              Control* control, Refutation refutation);

  unsigned iterate(const Word* itinerary, Word* next, unsigned active,
                   NewtonStatus* status) override;
  bool read_itinerary(double* state, Index transient, Word* out) override;
  double flops() const override;

 private:
  NewtonStatus follow(double growth, const Word* itinerary, Word* next);
  // Estimated, of the inverse of what system_ was before it was factored.
  double inverse_norm() const;
  void gather(const Word* region);
  // product_ = the affine map of the region.
  void start(const Word* region);
  // Composes the affine map of the region after product_.
  void apply(const Word* region);
  void add_offset(Matrix& affine, Index n_active);
  // p_ = W2 z + h2, and z = F(z) from it.
  void preactivate();
  void advance();
  // The region of p_; returns what differs from `now`.
  Word read_region(double threshold, const Word* now, Word* out) const;

  const CanonicalMap& map_;
  kernels::PreactivationReach reach_;
  Index order_;
  bool bounded_;
  kernels::PreactivationError error_;
  bool diagonal_a_;
  // J = A + W1 D W2 costs nact M^2, applying the factors one after the other nact M (M+1): the
  // better way depends on which of H and M is larger.
  bool form_jacobian_;
  // The affine map so far, transposed: column i is row i of [J | c], so that the rows of active
  // units are gathered by copying whole columns.
  Matrix product_, fresh_;        // (M + 1) x M
  Matrix active_w1_, active_w2_;  // columns of W1 and (transposed) rows of W2 of the active units
  Matrix active_rows_, jacobian_, system_;
  Matrix w2_transposed_;
  Vector active_h2_, diagonal_, z_, offset_, p_;
  std::vector<Word> nothing_;
  std::vector<Index> active_, rows_;
  Looks looks_;
};

}  // namespace rnndyn

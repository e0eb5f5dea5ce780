// The kernel for many states: matrix products and LU by Eigen's blocked routines.
#pragma once

#include <vector>

#include "newton_kernel.hpp"

namespace rnndyn {

class LargeKernel final : public NewtonKernel {
 public:
  LargeKernel(const CanonicalMap& map, Index order);

  void iterate(const Word* itinerary, Word* next, unsigned active, NewtonStatus* status) override;
  bool read_itinerary(Vector& state, Index transient, Word* out) override;
  double flops() const override;

 private:
  NewtonStatus iterate_one(const Word* itinerary, Word* next);
  void gather(const Word* region);
  // product_ = the affine map of the region.
  void start(const Word* region);
  // Composes the affine map of the region after product_.
  void apply(const Word* region);
  // p_ = W2 z + h2, and z = F(z) from it.
  void preactivate(const Vector& z);
  void advance(Vector& z);

  const CanonicalMap& map_;
  PreactivationReach reach_;
  Index order_;
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
  Vector active_h2_, z_, p_;
  std::vector<Index> active_;
  Eigen::PartialPivLU<Matrix> lu_;
};

}  // namespace rnndyn

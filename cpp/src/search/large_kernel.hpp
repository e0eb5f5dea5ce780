// The kernel for many states: matrix products and LU by Eigen's blocked routines.
#pragma once

#include <vector>

#include "newton_kernel.hpp"

namespace rnndyn {

class LargeKernel final : public NewtonKernel {
 public:
  LargeKernel(const CanonicalMap& map, Index order);

  NewtonStatus iterate(const Word* itinerary, Word* next) override;
  bool read_itinerary(Vector& state, Index transient, Word* out) override;
  double flops() const override;

 private:
  // product_ = [J | c] of the first region.
  void start(const Word* region);
  // product_ = (map of the region) after product_.
  void apply(const Word* region);
  void gather(const Word* region);
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
  Matrix product_, fresh_;            // M x (M + 1)
  Matrix active_w1_, active_w2_;      // columns of W1 and rows of W2 of the active units
  Matrix active_rows_, jacobian_, system_;
  Vector active_h2_, z_, p_;
  std::vector<Index> active_;
  Eigen::PartialPivLU<Matrix> lu_;
};

}  // namespace rnndyn

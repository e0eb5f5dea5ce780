// The kernel for many states: products of matrices and LU.
#pragma once

#include <optional>
#include <vector>

#include "kernels/newton.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "search/affine_steps.hpp"

namespace rnndyn {

class LargeNewton final : public kernels::Newton {
 public:
  // iterate() throws Stopped when the control says stop.
  LargeNewton(const CanonicalMap& map, const kernels::PreactivationReach& reach, Index order,
              Control* control, Refutation refutation);

  void begin() override {
    if (steps_) steps_->forget();
  }
  unsigned iterate(const Word* itinerary, Word* next, unsigned active,
                   NewtonStatus* status) override;
  bool read_itinerary(double* state, Index transient, Word* out) override;
  double flops() const override;

 private:
  NewtonStatus follow(double growth, const Word* itinerary, Word* next);
  // Estimated, of the inverse of what system_ was before it was factored.
  double inverse_norm() const;
  void gather(const Word* region);
  // product_ = the affine map of the region of the first step.
  void start(const Word* region);
  // Composes the affine map of the region of a step after product_.
  void apply(Index step, const Word* region);
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
  // With more units than states J = A + W1 D W2 is formed; else its factors are applied one after
  // the other.
  std::optional<AffineSteps> steps_;
  // The affine map so far, transposed: column i is row i of [J | c], so that the rows of active
  // units are gathered by copying whole columns.
  Matrix product_, fresh_;        // (M + 1) x M
  Matrix active_w1_, active_w2_;  // columns of W1 and (transposed) rows of W2 of the active units
  Matrix active_rows_, system_;
  Matrix w2_transposed_;
  Vector active_h2_, diagonal_, z_, offset_, p_;
  std::vector<Word> nothing_;
  std::vector<Index> active_, rows_;
  Looks looks_;
};

}  // namespace rnndyn

// The equation of a candidate for networks with many states: the affine map around the cycle and
// the factors of I - J.
#pragma once

#include <limits>
#include <vector>

#include "kernels/functions.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// In double precision, or in single precision for those who measure what that costs.
template <class Real>
class CandidateSystem {
 public:
  // The map must outlive it.
  CandidateSystem(const CanonicalMap& map, Index order);

  // What follows depends on no itinerary before.
  void forget();
  // Composes the affine maps of the regions. Returns the largest entry of the Jacobian and of those
  // of the first steps together; more than `limit` where it was given up.
  double compose(const Word* itinerary, double limit, Looks& looks, double flops_per_step);
  // Factors I - J. False where a pivot is below this fraction of the largest entry.
  bool factor(double smallest_pivot);
  // The candidate, and x = (I - J)^-1 x.
  void solve(Vector& z);
  void apply_inverse(Vector& x);
  // Estimated, of the inverse.
  double inverse_norm() const;

 private:
  using Numbers = kernels::AlignedVector<Real>;
  struct Step {
    Numbers affine;  // [J | c], each column of padded_ numbers
    std::vector<Word> region;
    Index n_changes = 0;  // since it was formed
    bool known = false;
  };
  const Numbers& form(Index number, const Word* region);
  void form_anew(Step& step, const Word* region);
  void change(Step& step, const Word* region);
  void list_active(const Word* region);
  // product_ = [J | c] of the first step, and what follows it.
  void begin(const Numbers& affine);
  void multiply(const Numbers& affine);
  // The same without forming J, for diagonal A.
  void multiply_by_factors(const Word* region);

  const CanonicalMap& map_;
  Index order_, m_, units_;
  bool plain_, by_factors_;  // W2 = I; J is not worth forming
  std::size_t words_;
  Index padded_, padded_affine_;  // M and M + 1, up to full packs
  Numbers w1_;                    // columns of W1, padded
  Numbers w2_;                    // rows of [W2 | h2], padded
  Numbers base_;                  // [A | h1]
  Numbers diagonal_;              // of A
  std::vector<Step> steps_;       // one for all where there are too many to keep
  std::vector<Index> picked_;
  Index n_active_ = 0;
  // The affine map so far, transposed: column i is row i of [J | c], padded.
  Numbers product_, fresh_;
  Numbers active_w1_, active_w2_, between_;
  Index stride_;  // of system_
  Numbers system_, constant_, x_;
  std::vector<Index> swaps_;
  Numbers work_;
};

extern template class CandidateSystem<double>;
extern template class CandidateSystem<float>;

}  // namespace rnndyn

// The kernel for many states: products of matrices and LU.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "kernels/newton.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "search/candidate_system.hpp"

namespace rnndyn {

// With enough states the system is formed and factored in single precision, in half the time, and
// the candidate is corrected with residuals in double precision until the signs of all
// pre-activations are certain; where it does not come to that, all is done in double precision.
class LargeNewton final : public kernels::Newton {
 public:
  // From so many states on single precision is the faster way.
  static constexpr Index kFastStates = 40;

  // iterate() throws Stopped when the control says stop.
  LargeNewton(const CanonicalMap& map, const kernels::PreactivationReach& reach, Index order,
              Control* control, Refutation refutation);

  void begin(int lane) override;
  unsigned iterate(const Word* itinerary, Word* next, unsigned active,
                   NewtonStatus* status) override;
  bool read_itinerary(double* state, Index transient, Word* out) override;
  double flops() const override;

 private:
  // By the system in single precision; nothing where that does not do.
  std::optional<NewtonStatus> iterate_fast(const Word* itinerary, Word* next);
  NewtonStatus follow(double growth, const Word* itinerary, Word* next);
  // The regions of the true orbit of candidate_. False where a pre-activation beyond `threshold` is
  // within `doubt` of a border.
  bool follow_orbit(double threshold, double doubt, const Word* itinerary, Word* next);
  // change_ = F^k(z) - z for the candidate, where F is the linear map of each region.
  void set_residual(const Word* itinerary);
  // p_ = W2 z + h2 of the units that are picked, or of all; z_ becomes A z + W1 p + h1 with the
  // picked ones.
  void preactivate(bool all);
  void advance();
  void pick(const Word* region);

  const CanonicalMap& map_;
  kernels::PreactivationReach reach_;
  Index order_;
  bool bounded_;
  kernels::PreactivationError error_;
  bool diagonal_a_;
  std::unique_ptr<CandidateSystem<double>> system_;
  std::unique_ptr<CandidateSystem<float>> fast_;
  int n_refused_ = 0;  // by the fast system, within this restart
  bool next_differs_ = false;
  Index padded_, padded_units_;
  bool by_rows_;  // of W2, not by columns
  kernels::AlignedVector<double> a_, w1_, w2_;
  Vector h1_, h2_, diagonal_;  // padded
  Vector z_, candidate_, change_, fresh_, p_;
  std::vector<Word> nothing_, everything_, other_;
  std::vector<Index> picked_;
  Index n_picked_ = 0;
  Looks looks_;
};

}  // namespace rnndyn

// One step of the search in the hot loop: solve for the candidate of an itinerary, follow its
// orbit.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "kernels/pack.hpp"
#include "rnndyn/rounding.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn {

enum class NewtonStatus {
  settled,   // the candidate's orbit follows the itinerary it was solved for
  moved,     // it follows another one, written to `next`
  singular,  // I - J is singular to working precision: the itinerary may hold a continuum, wherever
             // the orbit of its least-squares candidate, written to `next`, goes. With
             // Refutation::bounded also: rounding errors hide where the orbit goes; nothing is
             // written
  diverged   // candidate or orbit left the finite range; `next` is not written
};

// What `moved` has to mean. A search only goes on from there; who lists all itineraries takes it as
// a proof that the one that was solved holds no cycle.
enum class Refutation { likely, bounded };

namespace kernels {

// A pre-activation counts as negligible below this fraction of the largest term it can be made of,
// or below what rounding can have made of it when errors grew on the way: then solve_cycle()
// decides.
inline constexpr double kNegligible = 1e-12;
inline constexpr double kRoundingSafety = 1e-14;
// The product of Jacobians is used as long as no entry of it or of a partial product passes this:
// the candidate then keeps at least 8 digits.
inline constexpr double kProductLimit = 1e7;
// A pivot of I - J below this fraction of its largest entry counts as zero.
inline constexpr double kSingularPivot = 1e-13;

inline constexpr Index kMaxSmallStates = 16;
inline constexpr Index kMaxLaneStates = 4;
inline constexpr Index kMaxLaneUnits = 16;
// With so many states and more, some itineraries are treated in lockstep.
inline constexpr Index kMinLockstepStates = 11;
inline constexpr Index kMaxLockstepStates = 39;

// The largest that |W2 z + h2| can be is scale * |z| + shift in the maximum norm.
struct PreactivationReach {
  double negligible(double largest_state, double growth) const {
    return std::max(kNegligible, kRoundingSafety * growth) * (scale * largest_state + shift);
  }
  double scale = 0.0, shift = 0.0;
  // The largest that |A| + |W1| |W2| and |h1| + |W1| |h2| can make of a state of ones and of a one,
  // and |W1| of a one.
  double slope = 0.0, offset = 0.0, weight = 0.0;
};

// Columns of an affine row [J | c]: M + 1 rounded up to half a cache line or whole ones.
constexpr Index affine_width(Index m) { return m + 1 <= 4 ? 4 : (m + 8) / 8 * 8; }

// The parameters of a map laid out for the kernels; shared by all threads of a search.
struct NewtonTables {
  Index n_states = 0, n_units = 0;
  std::size_t words = 1;  // of a region
  bool w2_is_identity = false, diagonal_a = false;
  std::vector<Word> relevant;  // units that can change the map
  PreactivationReach reach;
  Index width = 0;                 // affine_width(M)
  Index units = 0;                 // H padded to a multiple of 8
  AlignedVector<double> base;      // [A | h1] and (0 | 1), (M + 1) x width
  AlignedVector<double> a;         // A column by column, then h1, each padded to `width`
  AlignedVector<double> diagonal;  // of A, padded to `width`
  AlignedVector<double> h1;        // padded to `width`
  AlignedVector<double> rank1;     // per unit: W1 column (width), then [W2 row | h2] (width)
  AlignedVector<double> w2;        // W2 column by column, each padded to `units`
  AlignedVector<double> h2;        // padded to `units`
  // [J | c] of every region, indexed by the region's word, where H is small; else empty.
  AlignedVector<double> regions;
};

// Floating-point operations of one itinerary by products of Jacobians and LU, roughly.
inline double large_newton_flops(Index n_states, Index n_units, Index order, bool diagonal_a) {
  const auto m = static_cast<double>(n_states);
  const auto h = static_cast<double>(n_units);
  return static_cast<double>(order) *
             (m * m * h + (diagonal_a ? 0.0 : 2.0 * m * m * m) + 4.0 * m * h) +
         2.0 / 3.0 * m * m * m;
}

// What rounding and underflow can have made of the pre-activations along a candidate's orbit, to
// first order and in the maximum norm: with G for the product of Jacobians over any steps, S and L
// for `scale` and `slope`, the error of z is below c u G (1 + |(I - J)^-1|) (L |z| + offset), and
// that of a pre-activation S times that. G is at most max(1, L)^(order - 1), once on the way to
// I - J and once along the orbit; where that says nothing of an ordinary map, the largest entry met
// on the way stands in for it.
class PreactivationError {
 public:
  PreactivationError() = default;
  PreactivationError(const PreactivationReach& reach, Index n_states, Index order)
      : constant_growth_(
            std::pow(std::max(1.0, reach.slope), 2.0 * static_cast<double>(order - 1))),
        reach_(reach),
        slope_(reach.scale * (kRoundingSafety * reach.slope + kUnderflow)),
        constant_(reach.scale *
                  (kRoundingSafety * reach.offset + kUnderflow * (1.0 + reach.weight))) {
    if (constant_growth_ <= kSmallGrowth || !(reach.slope <= kOrdinarySlope)) return;
    constant_growth_ = 1.0;
    growth_factor_ = static_cast<double>(n_states);
  }

  // `growth` as measured, and a bound of |(I - J)^-1|. Infinite where nothing is left of the
  // digits.
  template <typename Real>
  Real operator()(const Real& largest, const Real& growth, const Real& inverse) const {
    const Real floor = Real{} + constant_growth_;
    const Real measured = growth_factor_ * growth;
    const Real steps = measured > floor ? measured : floor;
    const Real error = steps * (1.0 + inverse) * (slope_ * largest + constant_) + kUnderflow;
    const Real size = kHidden * (reach_.scale * largest + reach_.shift) + kUnderflow;
    // Not a number, where too much meets too little, compares false.
    return error <= size ? error : Real{} + std::numeric_limits<double>::infinity();
  }

 private:
  static constexpr double kSmallGrowth = 1e6;
  static constexpr double kOrdinarySlope = 1e4;
  // An error above this fraction of the pre-activations leaves too many itineraries open.
  static constexpr double kHidden = 1e-4;
  double constant_growth_ = 1.0, growth_factor_ = 0.0;
  PreactivationReach reach_;
  double slope_ = 0.0, constant_ = 0.0;
};

// A kernel treats lanes() itineraries at once. They lie interleaved: word w of the region at time t
// of lane l is [(t * words + w) * lanes + l], which for one lane is the plain layout.
class Newton {
 public:
  Newton() = default;
  Newton(const Newton&) = delete;
  Newton& operator=(const Newton&) = delete;
  virtual ~Newton() = default;

  virtual int lanes() const { return 1; }
  // The itinerary that comes next in a lane has nothing to do with the one before: what a kernel
  // keeps of an itinerary may serve the next one, but only within a restart, or the result would
  // depend on which thread ran which.
  virtual void begin(int /*lane*/) {}
  // Bits of irrelevant units are zero on the way in and out. Lanes whose bit in `active` is not set
  // may hold anything; their status means nothing. Returns the lanes, as bits, that need more than
  // the product of Jacobians: their `next` is not written, and their status is `singular`, or
  // `moved` where the product passed kProductLimit.
  virtual unsigned iterate(const Word* itineraries, Word* next, unsigned active,
                           NewtonStatus* status) = 0;
  // Runs the map `transient` steps from `state` and writes the regions of the next `order` points,
  // for one lane. Returns false when the orbit left the finite range. `state` is overwritten.
  virtual bool read_itinerary(double* state, Index transient, Word* out) = 0;
  // Floating-point operations per itinerary, roughly.
  virtual double flops() const = 0;
};

// Beyond this an orbit counts as having left the finite range.
inline constexpr double kFarAway = 1e100;

}  // namespace kernels
}  // namespace rnndyn

// One step of the search: Newton's method on F^k(z) - z in symbol space.
#pragma once

#include <algorithm>
#include <memory>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

enum class NewtonStatus {
  settled,   // the candidate's orbit follows the itinerary it was solved for
  moved,     // it follows another one, written to `next`
  singular,  // I - J is singular to working precision: the itinerary may hold a continuum, wherever
             // the orbit of its least-squares candidate, written to `next`, goes
  diverged   // candidate or orbit left the finite range; `next` is not written
};

// Solves for the candidate of an itinerary and reads off the itinerary of its true orbit. Bits
// whose pre-activation is negligible keep their value, so a point on a border settles; whether a
// settled itinerary is a cycle is for solve_cycle() to say.
//
// A kernel treats lanes() itineraries at once. They lie interleaved: word w of the region at time t
// of lane l is [(t * words + w) * lanes + l], which for one lane is the plain layout.
class NewtonKernel {
 public:
  virtual ~NewtonKernel() = default;
  virtual int lanes() const { return 1; }
  // Bits of irrelevant units are zero on the way in and out. Lanes whose bit in `active` is not set
  // may hold anything; their status means nothing.
  virtual void iterate(const Word* itineraries, Word* next, unsigned active,
                       NewtonStatus* status) = 0;
  // Runs the map `transient` steps from `state` and writes the regions of the next `order` points,
  // for one lane. Returns false when the orbit left the finite range. `state` is overwritten.
  virtual bool read_itinerary(Vector& state, Index transient, Word* out) = 0;
  // Floating-point operations per itinerary, roughly.
  virtual double flops() const = 0;
};

// What all threads of a search share: the parameters laid out for the kernels.
class KernelTables;

std::shared_ptr<const KernelTables> make_kernel_tables(const CanonicalMap& map);
// A workspace for one thread; `map` and `tables` must outlive it.
std::unique_ptr<NewtonKernel> make_newton_kernel(const CanonicalMap& map,
                                                 const KernelTables& tables, Index order);

// A pre-activation counts as negligible below this fraction of the largest term it can be made of,
// or below what rounding can have made of it when errors grew on the way: then solve_cycle()
// decides.
inline constexpr double kNegligible = 1e-12;
inline constexpr double kRoundingSafety = 1e-14;
// The product of Jacobians is used as long as no entry of it or of a partial product passes this:
// the candidate then keeps at least 8 digits. Beyond, the cyclic system is solved by orthogonal
// elimination.
inline constexpr double kProductLimit = 1e7;

// The orthogonal way, for any order and growth. Each segment's orbit is followed on its own from
// the solved point, so no error grows by more than a segment's share.
NewtonStatus iterate_stably(const CanonicalMap& map, const Word* itinerary, Index order,
                            Word* next);

// The least-squares candidate of a singular system. Returns `singular` or `diverged`.
NewtonStatus iterate_singular(const CanonicalMap& map, const Word* itinerary, Index order,
                              Word* next);

// The largest that |W2 z + h2| can be is reach.scale * |z| + reach.shift in the maximum norm.
struct PreactivationReach {
  explicit PreactivationReach(const CanonicalMap& map);
  double negligible(double largest_state, double growth) const {
    return std::max(kNegligible, kRoundingSafety * growth) * (scale * largest_state + shift);
  }
  double scale, shift;
};

}  // namespace rnndyn

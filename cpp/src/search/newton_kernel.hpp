// One step of the search: Newton's method on F^k(z) - z in symbol space.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/newton.hpp"
#include "kernels/newton_reduced.hpp"
#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// Solves for the candidate of an itinerary and reads off the itinerary of its true orbit. Bits
// whose pre-activation is negligible keep their value, so a point on a border settles; whether a
// settled itinerary is a cycle is for solve_cycle() to say. The product of Jacobians is the
// kernels' way; where it grows too large, the cyclic system is solved by orthogonal elimination,
// and where it is singular, by least squares.
//
// lanes() itineraries are treated at once; see kernels/newton.hpp for how they lie in memory.
class NewtonKernel {
 public:
  // A workspace for one thread; `map` and `tables` must outlive it. With `reduced` tables of this
  // order the candidates are solved for in the pre-activations alone. iterate() throws Stopped when
  // the control says stop.
  NewtonKernel(const CanonicalMap& map, const kernels::NewtonTables& tables, Index order,
               Control* control = nullptr, Refutation refutation = Refutation::likely,
               std::shared_ptr<const kernels::ReducedTables> reduced = nullptr);

  int lanes() const { return kernel_->lanes(); }
  // To be called before the first itinerary of a restart or of a list in a lane.
  void begin(int lane) { kernel_->begin(lane); }
  // Bits of irrelevant units are zero on the way in and out. Lanes whose bit in `active` is not set
  // may hold anything; their status means nothing.
  void iterate(const Word* itineraries, Word* next, unsigned active, NewtonStatus* status);
  // Runs the map `transient` steps from `state` and writes the regions of the next `order` points,
  // for one lane. Returns false when the orbit left the finite range. `state` is overwritten.
  bool read_itinerary(Vector& state, Index transient, Word* out) {
    return kernel_->read_itinerary(state.data(), transient, out);
  }
  // Floating-point operations per itinerary, roughly.
  double flops() const {
    return reduced_kernel_ ? std::min(reduced_kernel_->flops(), kernel_->flops())
                           : kernel_->flops();
  }

 private:
  // Whether so few of an itinerary's bits are set that its pre-activations are the smaller system.
  bool reduced_serves(const Word* itinerary) const;
  // The lanes that need more than the tables or the product.
  unsigned iterate_shortly(const Word* itineraries, Word* next, unsigned active,
                           NewtonStatus* status);
  // The way of one lane by other means than the product.
  NewtonStatus iterate_lane(int lane, const Word* itineraries, Word* next, bool grown);
  // One lane's itinerary as own_, and result_ as its next one.
  void take(int lane, const Word* itineraries);
  void put(int lane, Word* next) const;

  const CanonicalMap& map_;
  Index order_;
  Control* control_;
  Refutation refutation_;
  std::unique_ptr<kernels::Newton> kernel_;
  std::shared_ptr<const kernels::ReducedTables> reduced_;
  std::unique_ptr<kernels::Newton> reduced_kernel_;  // its candidates, where there is one
  std::vector<Word> own_, result_;
};

// What all threads of a search share: the parameters laid out for the kernels.
std::shared_ptr<const kernels::NewtonTables> make_newton_tables(const CanonicalMap& map);

// The tables for this order where solving in the pre-activations is the faster way.
std::shared_ptr<const kernels::ReducedTables> reduced_where_faster(
    const CanonicalMap& map, const kernels::NewtonTables& tables, Index order);

kernels::PreactivationReach reach_of(const CanonicalMap& map);

// The orthogonal way, for any order and growth. Each segment's orbit is followed on its own from
// the solved point, so no error grows by more than a segment's share.
NewtonStatus iterate_stably(const CanonicalMap& map, const Word* itinerary, Index order, Word* next,
                            Control* control);

// The least-squares candidate of a singular system. Returns `singular` or `diverged`.
NewtonStatus iterate_singular(const CanonicalMap& map, const Word* itinerary, Index order,
                              Word* next, Control* control);

}  // namespace rnndyn

// A way through the regions that leads to cycles where Newton's method circles.
#pragma once

#include <vector>

#include "kernels/pack.hpp"
#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// The solutions (z, s) of z - F^k(z) = s d for a fixed direction d are curves, straight within each
// itinerary's set of states, and with d = z0 - F^k(z0) one of them begins in z0 at s = 1 (Lemke,
// Management Science 11, 681, 1965; Eaves, SIAM-AMS Proc. 9, 73, 1976). Wherever it passes s = 0
// there is a cycle; with any other d one begins in a known cycle. At a border it enters the
// neighbouring set: one bit changes, and with it the equation by a matrix of rank one. A curve ends
// at infinity or comes back to where it began, so that it cannot circle among itineraries that lead
// to each other, as Newton's method does.
class RegionPath {
 public:
  // A workspace for one thread; the map must outlive it. follow() throws Stopped when the control
  // says stop.
  RegionPath(const CanonicalMap& map, Index order, Control* control);

  // Follows the curve that begins in `start`, for as many itineraries as is reasonable. Those at
  // s = 0 are added to `met`. Returns the number of itineraries that it came through.
  std::int64_t follow(const Vector& start, std::vector<Itinerary>& met);
  // The same from a cycle that follows the itinerary, both ways.
  std::int64_t follow_from_cycle(const Vector& point, const Itinerary& itinerary,
                                 const Vector& direction, std::vector<Itinerary>& met);
  // Floating-point operations for each of them, roughly.
  double flops() const;

 private:
  struct Border {
    double distance;
    Index step = -1, unit = -1;
  };
  enum class End { closed, open };
  End follow_on(std::int64_t& n_itineraries, std::vector<Itinerary>& met);
  // Follows the map from z_ and sets the pre-activations; with `regions` also the itinerary.
  void follow_orbit(bool regions);
  // change_ = the inverse times x.
  void apply_inverse(const Vector& x);
  // Of the map in the region of a step, its columns padded.
  const Matrix& jacobian(Index step);
  // What makes the rounding errors of many changes small again.
  bool renew();
  // Whether the inverse has lost so many digits that this is due; else the state, its slope and s
  // are corrected with it.
  bool has_drifted();
  // At order 1, with W2 other than I, pre-activations are known only of the units that may be next
  // to cross their border.
  bool is_lazy() const { return order_ == 1 && !map_.w2_is_identity(); }
  void prepare_looks();
  void forget_looks();
  void set_velocities();
  Border next_border();
  Border next_border_lazily();
  void move(double distance);
  bool cross(const Border& border);
  // y = J x, and y = J^T x, of the region of a step.
  void apply(Index step, const Vector& x, Vector& y);
  void apply_transposed(Index step, const Vector& x, Vector& y);
  bool is_on(Index step, Index unit) const { return get_bit(itinerary_.at(step), unit); }

  const CanonicalMap& map_;
  Index order_;
  bool diagonal_a_;
  Matrix a_transposed_, w1_transposed_;  // where they are needed
  Matrix w1_, w2_transposed_;            // of W2 other than I, their columns padded
  std::vector<Index> units_;             // that can change the map

  Itinerary itinerary_;
  Index padded_;  // M, up to full packs
  Vector z_;      // padded
  Vector direction_;
  double s_ = 1.0;
  double sense_ = -1.0;    // of s along the curve
  Vector slope_;           // dz / ds, padded
  Matrix preactivations_;  // of all steps, one in a column
  Matrix velocities_;      // of these along the curve
  Matrix jacobian_;        // of a step, its columns padded
  Matrix inverse_;         // of I - J around the cycle, its columns padded
  Vector change_;          // what the inverse makes of a vector, padded
  Vector scaled_;          // what is added to it is a product of both, padded
  Vector row_;             // of W2, padded
  Vector x_, y_, p_, left_, right_;
  kernels::AlignedVector<double> work_;
  // Where most units are not looked at: the way that the state has gone, ...
  double length_ = 0.0;
  std::vector<double> safe_;        // ... and how long each unit stays on its side
  Vector reach_;                    // norms of the rows of W2
  double last_ahead_ = 1.0;         // how far away the last border was
  std::vector<std::int64_t> seen_;  // the last look at each unit
  std::int64_t look_ = 0;
  std::vector<Index> picked_, active_;
  Index crossed_ = -1;  // the unit that has just come to its border
  Looks looks_;
};

}  // namespace rnndyn

// Systems x = Phi(x) whose solutions are the fixed points or cycles of a network.
#pragma once

#include <memory>

#include "rnndyn/smooth/map.hpp"

namespace rnndyn::smooth {

class Equations {
 public:
  Equations() = default;
  Equations(const Equations&) = delete;
  Equations& operator=(const Equations&) = delete;
  virtual ~Equations() = default;

  // All solutions lie in this box.
  virtual IntervalVector domain() const = 0;
  virtual IntervalVector image(const IntervalVector& x) const = 0;
  virtual void derivative(const IntervalVector& x, IntervalVector& image,
                          IntervalMatrix& by_x) const = 0;
  // Takes away from the box what cannot be a solution; false where nothing is left.
  virtual bool propagate(IntervalVector& x) const = 0;
  // Points of the network (N x k, one after another) at the solutions in a box.
  virtual IntervalVector states(const IntervalVector& x) const = 0;
  // Points of the network (N x k) at a solution, and back.
  virtual Matrix points(const Vector& x) const = 0;
  virtual Vector unknowns(const Matrix& points) const = 0;
};

// Fixed points, with h as the only unknowns: a GRU rests where h = m, whatever its update gate, and
// an LSTM where c = i g / (1 - f).
std::unique_ptr<Equations> fixed_point_equations(const SmoothMap& map);
// Cycles: all k points are unknowns.
std::unique_ptr<Equations> cycle_equations(const SmoothMap& map, Index order);

}  // namespace rnndyn::smooth

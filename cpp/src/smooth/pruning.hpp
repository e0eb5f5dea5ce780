// What can be said about the solutions of x = Phi(x) in one box.
#pragma once

#include <optional>
#include <vector>

#include "smooth/equations.hpp"

namespace rnndyn::smooth {

enum class BoxAnswer {
  empty,   // no solution
  known,   // only such as lie in a ball
  unique,  // exactly one
  open     // none of these yet
};

// Krawczyk's operator over a box.
struct Preconditioned {
  Matrix defect;          // bounds |I - Y (I - dPhi)| over the box
  IntervalVector newton;  // Y (Phi(centre) - centre)
  Vector centre, radius;
  bool usable = false;
};

class Pruner {
 public:
  explicit Pruner(const Equations& equations) : equations_(equations) {}

  // Narrows the box as far as it goes, in a few passes.
  BoxAnswer narrow_down(IntervalVector& box, const std::vector<IntervalVector>& balls) const;
  // Makes a box with exactly one solution as small as it gets.
  void refine(IntervalVector& box) const;
  // Index of the coordinate to cut.
  Index widest(const IntervalVector& box) const;
  // The largest cube around a solution x in which it is proved to be the only one.
  std::optional<IntervalVector> ball_of(const Vector& x) const;

 private:
  Preconditioned precondition(const IntervalVector& box) const;
  // Whether the operator's image lies inside the box: exactly one solution.
  static bool is_unique(const Preconditioned& by);
  bool newton_step(const Preconditioned& by, IntervalVector& box) const;

  const Equations& equations_;
};

}  // namespace rnndyn::smooth

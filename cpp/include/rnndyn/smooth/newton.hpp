// Newton's method for the fixed points (k = 1) and cycles of a smooth network.
#pragma once

#include <functional>

#include "rnndyn/smooth/map.hpp"
#include "rnndyn/smooth/shooting.hpp"

namespace rnndyn::smooth {

enum class NewtonEnd {
  converged,
  met,     // an iterate lies where the answer is known
  failed,  // no step reduces the error, or the iterations are used up
};

struct NewtonOptions {
  int max_iterations = 60;
  double smallest_step = 1e-3;  // damping below this is a failure
};

// One worker's memory.
class Newton {
 public:
  explicit Newton(const SmoothMap& map) : map_(map), box_(map.invariant_box()) {}

  // `points` (N x k) goes in as a guess and comes out as the last iterate; `met` is asked at every
  // iterate. Damped by the natural monotonicity test (Deuflhard, Newton Methods for Nonlinear
  // Problems, 2011, sec. 3.3), and every iterate is moved into the invariant box, which comes
  // nearer to all points in it.
  NewtonEnd solve(Matrix& points, const NewtonOptions& options,
                  const std::function<bool(const Matrix&)>& met);
  // z_0, F(z_0), F(F(z_0)), ... as a guess.
  Matrix orbit(const ConstVectorRef& first, Index order);

  std::int64_t n_solves() const { return n_solves_; }
  const SmoothMap& map() const { return map_; }
  const IntervalVector& box() const { return box_; }

 private:
  void residual(const Matrix& points, Vector& g);
  void linearize(const Matrix& points, Vector& g);
  void move(const Matrix& from, const Vector& by, double share, Matrix& to) const;

  const SmoothMap& map_;
  IntervalVector box_;
  std::int64_t n_solves_ = 0;
  ShootingSystem system_;
  std::vector<Matrix> jacobians_;
  Vector next_;
};

}  // namespace rnndyn::smooth

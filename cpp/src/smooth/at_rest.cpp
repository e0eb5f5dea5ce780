#include "smooth/at_rest.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "linear_algebra/decompositions.hpp"
#include "smooth/pruning.hpp"

namespace rnndyn::smooth {
namespace {

constexpr int kMostIterations = 40;
constexpr double kSmallestShare = 1e-3;
constexpr double kRounding = 1e-14;
// A fixed point whose h is nearer than this is what the state stands for.
constexpr double kNear = 1e-6;

// (I - DPhi)^-1 (Phi(x) - x), and the inverse itself.
struct Correction {
  Matrix inverse;
  Vector step;

  Correction(const Equations& equations, const Vector& x) {
    IntervalVector image;
    IntervalMatrix by_x;
    equations.derivative({x, x}, image, by_x);
    inverse = dense::inverse(Matrix::Identity(x.size(), x.size()) - by_x.mid);
    step = inverse * (0.5 * image.lower + 0.5 * image.upper - x);
  }
};

// Newton's method, damped as that for the states (newton.hpp).
std::optional<Vector> solve(const Equations& equations, Vector x) {
  double share = 1.0;
  for (int iteration = 0; iteration < kMostIterations; ++iteration) {
    const Correction now(equations, x);
    const double size = now.step.norm();
    if (!std::isfinite(size)) return std::nullopt;
    const double rounding = kRounding * (1.0 + x.norm());
    if (size <= rounding) return x;
    for (;; share *= 0.5) {
      if (share < kSmallestShare) return std::nullopt;
      const Vector trial = (x + share * now.step).cwiseMax(-1.0).cwiseMin(1.0);
      const IntervalVector image = equations.image({trial, trial});
      const Vector next = now.inverse * (0.5 * image.lower + 0.5 * image.upper - trial);
      if (next.norm() <= std::max((1.0 - 0.25 * share) * size, rounding)) {
        x = trial;
        share = std::min(1.0, 2.0 * share);
        break;
      }
    }
  }
  return std::nullopt;
}

// Largest distance of the ends of the box from a point, coordinate by coordinate.
Vector reach_of(const IntervalVector& box, const Vector& centre) {
  Vector reach(centre.size());
  for (Index i = 0; i < centre.size(); ++i) {
    reach(i) = up(std::max(box.upper(i) - centre(i), centre(i) - box.lower(i)));
  }
  return reach;
}

// Sign of det(I - DPhi) over a box.
int index_over(const Equations& equations, const IntervalVector& box) {
  IntervalVector image;
  IntervalMatrix by_x;
  equations.derivative(box, image, by_x);
  if (!by_x.mid.allFinite() || !by_x.radius.allFinite()) return 0;
  return certified_sign({by_x.mid}, {by_x.radius});
}

// What is proved of the only fixed point in the ball, which lies in `within`; `point` is its
// middle.
Verified proof_of(const SmoothMap& map, const Equations& equations, const IntervalVector& ball,
                  const IntervalVector& within, const Matrix& point) {
  Verified result = Verifier(map, point).verify();
  const IntervalVector states = equations.states(within);
  Vector errors = reach_of(states, point.col(0));
  if (!errors.allFinite()) return result;
  // The h of other fixed points lie outside of the ball, whose centre is a little aside.
  const Vector h = equations.unknowns(point);
  const double inside = std::min((ball.upper - h).minCoeff(), (h - ball.lower).minCoeff());
  if (result.certified && !(equations.unknowns(result.errors).maxCoeff() < inside)) {
    // It might be another one, outside of the ball.
    Verified nothing;
    nothing.residual = result.residual;
    result = nothing;
  }
  result.ball = std::max(result.certified ? result.ball : 0.0, down(inside));
  if (result.certified) errors = errors.cwiseMin(result.errors.col(0));
  result.certified = true;
  result.error_bound = errors.maxCoeff();
  result.errors = errors;
  if (result.index == 0) result.index = index_over(equations, within);
  if (result.index_of_double == 0) {
    IntervalVector image;
    IntervalMatrix by_state;
    map.jacobian(states, image, by_state);
    result.index_of_double = certified_sign({-by_state.mid}, {by_state.radius});
  }
  return result;
}

}  // namespace

AtRest decide_at_rest(const SmoothMap& map, const Matrix& point) {
  AtRest result;
  const auto equations = fixed_point_equations(map);
  const Pruner pruner(*equations);
  const Vector start = equations->unknowns(point);
  const std::optional<Vector> x = solve(*equations, start);
  const bool is_near = x && (*x - start).cwiseAbs().maxCoeff() < kNear;
  if (!is_near) {
    IntervalVector box = IntervalVector::around(start, Vector::Constant(start.size(), kNear));
    if (pruner.narrow_down(box, {}) != BoxAnswer::empty) return result;
    result.decided = true;
  }
  if (!x) return result;
  const auto ball = pruner.ball_of(*x);
  if (!ball) return result;
  IntervalVector within = *ball;
  pruner.refine(within);
  const IntervalVector states = equations->states(within);
  const Matrix centre = 0.5 * states.lower + 0.5 * states.upper;
  Verified verified = proof_of(map, *equations, *ball, within, centre);
  if (!verified.certified) return result;
  result.decided = true;
  result.point = centre;
  result.verified = std::move(verified);
  return result;
}

}  // namespace rnndyn::smooth

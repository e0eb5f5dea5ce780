#include "rnndyn/smooth/newton.hpp"

#include <cmath>

namespace rnndyn::smooth {
namespace {

// Corrections this small next to the points are rounding errors.
constexpr double kRounding = 4e-15;
// One that is smaller than this and does not shrink any more is what rounding leaves of it where
// the system is nearly singular.
constexpr double kStalled = 1e-6;

}  // namespace

void Newton::residual(const Matrix& points, Vector& g) {
  const Index n = points.rows(), k = points.cols();
  g.resize(n * k);
  for (Index t = 0; t < k; ++t) {
    map_.step(points.col(t), next_);
    g.segment(t * n, n) = next_ - points.col((t + 1) % k);
  }
}

void Newton::linearize(const Matrix& points, Vector& g) {
  const Index n = points.rows(), k = points.cols();
  g.resize(n * k);
  jacobians_.resize(static_cast<std::size_t>(k));
  for (Index t = 0; t < k; ++t) {
    map_.jacobian(points.col(t), next_, jacobians_[static_cast<std::size_t>(t)]);
    g.segment(t * n, n) = next_ - points.col((t + 1) % k);
  }
  system_.factor(jacobians_);
  ++n_solves_;
}

void Newton::move(const Matrix& from, const Vector& by, double share, Matrix& to) const {
  const Index n = from.rows();
  to.resize(n, from.cols());
  for (Index t = 0; t < from.cols(); ++t) {
    to.col(t) =
        (from.col(t) + share * by.segment(t * n, n)).cwiseMax(box_.lower).cwiseMin(box_.upper);
  }
}

Matrix Newton::orbit(const ConstVectorRef& first, Index order) {
  Matrix points(first.size(), order);
  points.col(0) = first;
  for (Index t = 1; t < order; ++t) {
    map_.step(points.col(t - 1), next_);
    points.col(t) = next_;
  }
  return points;
}

NewtonEnd Newton::solve(Matrix& points, const NewtonOptions& options,
                        const std::function<bool(const Matrix&)>& met) {
  Vector g, correction, simplified;
  Matrix trial;
  double share = 1.0;
  double last = std::numeric_limits<double>::infinity();
  linearize(points, g);
  for (int iteration = 0; iteration < options.max_iterations; ++iteration) {
    if (!system_.is_regular()) return NewtonEnd::failed;
    correction = -g;
    system_.solve(correction);
    const double size = correction.norm();
    const double scale = kRounding * (1.0 + points.norm());
    if (!std::isfinite(size)) return NewtonEnd::failed;
    if (size <= scale || (size < kStalled && size > 0.5 * last)) {
      move(points, correction, 1.0, points);
      return NewtonEnd::converged;
    }
    last = size;
    bool accepted = false;
    while (!accepted) {
      move(points, correction, share, trial);
      residual(trial, g);
      simplified = -g;
      system_.solve(simplified);
      const double following = simplified.norm();
      // Deuflhard's estimate of the share from the curvature that the trial has shown.
      const double bend = (simplified - (1.0 - share) * correction).norm();
      const double next_share = bend > 0.0 ? std::min(1.0, 0.5 * size * share * share / bend) : 1.0;
      if (following <= (1.0 - 0.25 * share) * size || following <= scale) {
        accepted = true;
        share = next_share;
      } else {
        share = std::min(0.5 * share, next_share);
        if (!(share >= options.smallest_step)) return NewtonEnd::failed;
      }
    }
    points = trial;
    if (met && met(points)) return NewtonEnd::met;
    linearize(points, g);
  }
  return NewtonEnd::failed;
}

}  // namespace rnndyn::smooth

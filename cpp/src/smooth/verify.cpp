#include "rnndyn/smooth/verify.hpp"

#include <cmath>
#include <limits>

namespace rnndyn::smooth {
namespace {

constexpr double kInflation = 1.1;
constexpr int kMostInflations = 12;
// Radii at which uniqueness is tried: from this one on, each half of the one before.
constexpr double kLargestBall = 0.5;

double order_of(Index n) { return static_cast<double>(n); }

}  // namespace

Verifier::Verifier(const SmoothMap& map, const Matrix& points)
    : map_(map),
      points_(points),
      n_(points.rows()),
      k_(points.cols()),
      size_(n_ * k_),
      jacobians_(static_cast<std::size_t>(k_)),
      scale_(size_) {
  for (Index i = 0; i < size_; ++i) scale_(i) = scale_of(points_.data()[i]);
  Vector next;
  for (Index t = 0; t < k_; ++t) {
    auto& j = jacobians_[static_cast<std::size_t>(t)];
    map_.jacobian(points_.col(t), next, j);
  }
  main_.prepare(jacobians_, 1.0);
  if (!main_.is_regular()) return;
  Vector centre(size_), radius(size_);
  for (Index t = 0; t < k_; ++t) {
    const IntervalVector image = map_.step(IntervalVector(points_.col(t), points_.col(t)));
    for (Index i = 0; i < n_; ++i) {
      const Interval g = image[i] - Interval(points_(i, (t + 1) % k_));
      centre(t * n_ + i) = g.mid();
      radius(t * n_ + i) = g.radius();
      residual_ = std::max(residual_, g.magnitude());
    }
  }
  const double g = gamma(order_of(size_) + 1.0);
  start_ = (main_.inverse() * centre).cwiseAbs() +
           main_.abs_inverse() * (radius + g * centre.cwiseAbs());
  start_ = start_.array() * kOutward + kUnderflow;
}

// How far DG over the box can be from A, times r, row by row.
Vector Verifier::spread(const Vector& r) const {
  Vector rows(size_);
  IntervalVector image;
  IntervalMatrix derivative;
  for (Index t = 0; t < k_; ++t) {
    const auto own = r.segment(t * n_, n_);
    map_.jacobian(IntervalVector::around(points_.col(t), own), image, derivative);
    const Matrix& j = jacobians_[static_cast<std::size_t>(t)];
    const Matrix apart = (derivative.mid - j).cwiseAbs() * (1.0 + 4.0 * kUnitRoundoff);
    rows.segment(t * n_, n_) = (apart + derivative.radius) * own;
  }
  return rows.array() * kOutward + kUnderflow;
}

// From the guess r to one that passes the test, which is then made as small as it gets. `tested` is
// the smallest radius of the box that passed, in units of the scales.
bool Verifier::shrink(Vector& r, double& tested) const {
  for (int i = 0; i < kMostInflations; ++i) {
    const Vector bound = (start_ + contraction(r)) * kOutward;
    if (!bound.allFinite()) return false;
    if ((bound.array() < r.array()).all()) {
      tested = smallest_in_units(r);
      // The cycle lies within the bound, so that the test may be repeated with it.
      r = bound;
      for (int again = 0; again < 2; ++again) {
        r = r.cwiseMin(((start_ + contraction(r)) * kOutward).eval());
      }
      return true;
    }
    r = kInflation * bound;
  }
  return false;
}

double Verifier::largest_ball(double smallest) const {
  for (double radius = kLargestBall; radius > smallest; radius *= 0.5) {
    const Vector r = radius * scale_;
    if (((start_ + contraction(r)).array() * kOutward < r.array()).all()) return radius;
  }
  return smallest;
}

Verified Verifier::verify() const {
  Verified result;
  result.residual = residual_;
  result.error_bound = std::numeric_limits<double>::infinity();
  if (!main_.is_regular() || !start_.allFinite()) return result;
  // Radii of zero would have nothing to be smaller than.
  Vector r = (2.0 * start_).cwiseMax(1e-3 * largest_in_units(start_) * scale_);
  double tested = 0.0;
  if (!shrink(r, tested)) return result;
  result.certified = true;
  result.error_bound = r.maxCoeff();
  result.errors = Eigen::Map<const Matrix>(r.data(), n_, k_);
  result.ball = largest_ball(tested);
  // Any box that holds the cycle will do.
  const Vector wide = std::max(2.0 * largest_in_units(r), 1e-3 * result.ball) * scale_;
  const Vector rows = spread(wide);
  result.index = main_.sign(rows, wide);
  ShootingInverse doubled;
  doubled.prepare(jacobians_, -1.0);
  result.index_of_double = doubled.sign(rows, wide);
  return result;
}

}  // namespace rnndyn::smooth

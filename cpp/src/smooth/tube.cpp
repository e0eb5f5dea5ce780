#include "smooth/tube.hpp"

#include <Eigen/LU>
#include <cmath>

#include "rnndyn/smooth/shooting.hpp"

namespace rnndyn::smooth {
namespace {

constexpr double kInflation = 1.2;
constexpr int kMostInflations = 8;
constexpr int kMostIterations = 12;
// Parts of a tube in which the direction of s is looked at where that of all of it is not proved.
constexpr int kParts = 16;
// Corrections this small next to the point are rounding errors.
constexpr double kRounding = 1e-14;

IntervalVector part_of(const IntervalVector& v, Index first, Index n) {
  return {v.lower.segment(first, n), v.upper.segment(first, n)};
}

}  // namespace

void linearize_path(const SmoothPath& path, Index order, const Vector& x, const Vector& row,
                    Vector& g, Matrix& derivative) {
  const Index n = path.n_states(), last = order * n;
  const SmoothMap map = path.at(x(last));
  g.setZero(last + 1);
  derivative.setZero(last + 1, last + 1);
  Vector next;
  Matrix jacobian;
  for (Index t = 0; t < order; ++t) {
    const Index after = (t + 1) % order;
    map.jacobian(x.segment(t * n, n), next, jacobian);
    g.segment(t * n, n) = next - x.segment(after * n, n);
    derivative.block(t * n, t * n, n, n) += jacobian;
    derivative.block(t * n, after * n, n, n) -= Matrix::Identity(n, n);
    derivative.col(last).segment(t * n, n) = map.rate(path.slopes(), x.segment(t * n, n));
  }
  derivative.row(last) = row.transpose();
}

bool solve_path(const SmoothPath& path, Index order, const Vector& row, const Vector& from,
                double distance, Vector& x) {
  Vector g;
  Matrix derivative;
  double before = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kMostIterations; ++i) {
    linearize_path(path, order, x, row, g, derivative);
    g(g.size() - 1) = row.dot(x - from) - distance;
    const Vector step = derivative.partialPivLu().solve(g);
    const double size = step.norm();
    if (!std::isfinite(size) || (i > 1 && size > 0.5 * before && size > 1e-9)) return false;
    x -= step;
    if (size <= kRounding * (1.0 + x.norm()) || (size < 1e-9 && size > 0.5 * before)) return true;
    before = size;
  }
  return before < 1e-9;
}

bool tangent_at(const SmoothPath& path, Index order, const Vector& x, const Vector& heading,
                Vector& tangent) {
  Vector g;
  Matrix derivative;
  linearize_path(path, order, x, heading, g, derivative);
  Vector unit = Vector::Zero(x.size());
  unit(x.size() - 1) = 1.0;
  tangent = derivative.partialPivLu().solve(unit);
  const double size = tangent.norm();
  if (!std::isfinite(size) || !(size > 0.0)) return false;
  tangent /= size;
  return true;
}

std::vector<Matrix> jacobians_at(const SmoothPath& path, Index order, const Vector& x) {
  const Index n = path.n_states();
  const SmoothMap map = path.at(x(order * n));
  std::vector<Matrix> jacobians(static_cast<std::size_t>(order));
  Vector next;
  for (Index t = 0; t < order; ++t) {
    map.jacobian(x.segment(t * n, n), next, jacobians[static_cast<std::size_t>(t)]);
  }
  return jacobians;
}

Tube::Tube(const SmoothPath& path, Index order, Vector centre, Vector direction)
    : path_(path),
      n_(path.n_states()),
      k_(order),
      size_(n_ * k_ + 1),
      centre_(std::move(centre)),
      direction_(std::move(direction)) {
  Vector g;
  Matrix derivative;
  linearize_path(path, order, centre_, direction_, g, derivative);
  inverse_ = derivative.partialPivLu().inverse();
  regular_ = inverse_.allFinite();
  abs_inverse_ = inverse_.cwiseAbs();
}

// DG over a box, with the direction as the last row.
void Tube::derivative(const IntervalVector& box, IntervalMatrix& result) const {
  const Index last = size_ - 1;
  result = IntervalMatrix(size_, size_);
  const SmoothMap map = path_.over(box[last]);
  IntervalVector image;
  IntervalMatrix jacobian;
  for (Index t = 0; t < k_; ++t) {
    const IntervalVector own = part_of(box, t * n_, n_);
    const Index after = (t + 1) % k_;
    map.jacobian(own, image, jacobian);
    auto mid = result.mid.block(t * n_, t * n_, n_, n_);
    auto radius = result.radius.block(t * n_, t * n_, n_, n_);
    mid += jacobian.mid;
    radius += jacobian.radius;
    result.mid.block(t * n_, after * n_, n_, n_) -= Matrix::Identity(n_, n_);
    if (k_ == 1) {
      radius.diagonal() += 2.0 * kUnitRoundoff * mid.diagonal().cwiseAbs();
      radius.diagonal() = radius.diagonal() * kOutward;
    }
    const IntervalVector rate = map.rate(path_.slopes(), own);
    for (Index i = 0; i < n_; ++i) {
      result.mid(t * n_ + i, last) = rate[i].mid();
      result.radius(t * n_ + i, last) = rate[i].radius();
    }
  }
  result.mid.row(last) = direction_.transpose();
}

// H at a point: G, and the direction times the distance from the centre.
IntervalVector Tube::residual(const Vector& x) const {
  const Index last = size_ - 1;
  IntervalVector result(size_);
  const SmoothMap map = path_.over(Interval(x(last)));
  for (Index t = 0; t < k_; ++t) {
    const Vector own = x.segment(t * n_, n_);
    const IntervalVector image = map.step(IntervalVector(own, own));
    for (Index i = 0; i < n_; ++i) {
      result.set(t * n_ + i, image[i] - Interval(x((t + 1) % k_ * n_ + i)));
    }
  }
  Interval sum(0.0);
  for (Index i = 0; i < size_; ++i) {
    sum = sum + Interval(direction_(i)) * (Interval(x(i)) - Interval(centre_(i)));
  }
  result.set(last, sum);
  return result;
}

// Bound of |X values|.
Vector Tube::times_inverse(const IntervalVector& values) const {
  Vector mid(size_), radius(size_);
  const double g = gamma(static_cast<double>(size_) + 1.0);
  for (Index i = 0; i < size_; ++i) {
    mid(i) = values[i].mid();
    radius(i) = values[i].radius() + g * std::abs(mid(i));
  }
  const Vector bound = (inverse_ * mid).cwiseAbs() + abs_inverse_ * radius;
  return bound.array() * kOutward + kUnderflow;
}

Tube::Bounds Tube::bounds(const IntervalMatrix& d) const {
  const double g = gamma(static_cast<double>(size_) + 2.0);
  const Matrix size = d.mid.cwiseAbs();
  Bounds result;
  result.contraction = (Matrix::Identity(size_, size_) - inverse_ * d.mid).cwiseAbs() +
                       abs_inverse_ * (d.radius + g * size) +
                       4.0 * kUnitRoundoff * Matrix::Identity(size_, size_);
  result.contraction = result.contraction.array() * kOutward + kUnderflow;
  Vector along = d.mid * direction_;
  along(size_ - 1) -= 1.0;
  const Vector abs_direction = direction_.cwiseAbs();
  Vector radius = d.radius * abs_direction + g * (size * abs_direction);
  radius(size_ - 1) += 4.0 * kUnitRoundoff;
  radius += g * along.cwiseAbs();
  result.defect = (inverse_ * along).cwiseAbs() + abs_inverse_ * radius * kOutward;
  result.defect = result.defect.array() * kOutward + kUnderflow;
  return result;
}

IntervalVector Tube::box(double half, const Vector& reach) const {
  const Vector radius = (direction_.cwiseAbs() * half + reach) * kOutward;
  return IntervalVector::around(centre_, radius);
}

// Smallest factor by which the slack bounds the values.
double Tube::scale_of(const Vector& values) const {
  return (values.array() / slack_.array()).maxCoeff() * kOutward;
}

bool Tube::verify(double half) {
  if (!regular_) return false;
  const Vector start = times_inverse(residual(centre_));
  Vector reach = (2.0 * start).cwiseMax(1e-3 * std::max(half, start.maxCoeff()));
  IntervalMatrix d;
  for (int i = 0; i < kMostInflations; ++i) {
    derivative(box(half, reach), d);
    Bounds now = bounds(d);
    const Vector moved = now.contraction * reach * kOutward;
    const Vector bound = ((start + half * now.defect + moved) * kOutward).array() + kUnderflow;
    if (!bound.allFinite()) return false;
    if ((bound.array() < reach.array()).all()) {
      reach_ = reach;
      half_ = half;
      bounds_ = std::move(now);
      slack_ = (reach - moved) * (1.0 - 4.0 * kUnitRoundoff);
      tangent_error_ = reach * (scale_of(bounds_.defect) * kOutward);
      if (!(slack_.minCoeff() > 0.0)) return false;
      direction_of_s_ = find_direction();
      return true;
    }
    // A bound that has grown so much will not be reached.
    if (bound.maxCoeff() > 1e3 * std::max(half, 1e-6)) return false;
    reach = (kInflation * bound).cwiseMax(reach);
  }
  return false;
}

bool Tube::approximate(double sigma, Vector& x) const {
  x = centre_ + sigma * direction_;
  Vector g;
  Matrix unused;
  double before = std::numeric_limits<double>::infinity();
  for (int i = 0; i < 3 * kMostIterations; ++i) {
    linearize_path(path_, k_, x, direction_, g, unused);
    g(size_ - 1) = direction_.dot(x - centre_) - sigma;
    const Vector step = inverse_ * g;
    const double size = step.norm();
    if (!std::isfinite(size)) return false;
    x -= step;
    if (size <= kRounding * (1.0 + x.norm()) || (size < 1e-10 && size > 0.7 * before)) return true;
    before = size;
  }
  return false;
}

// With y the solution, H(x) - (0, sigma) = DH (x - y) for some DH in DH(B), so that
// |x - y| <= |X (H(x) - (0, sigma))| + |I - X DH(B)| |x - y|, which any multiple of the slack that
// bounds the first term solves.
bool Tube::point(double sigma, PathPoint& point) const {
  if (!(std::abs(sigma) <= half_) || !approximate(sigma, point.x)) return false;
  if (!box(half_, reach_).contains(point.x)) return false;
  IntervalVector h = residual(point.x);
  h.set(size_ - 1, h[size_ - 1] - Interval(sigma));
  const Vector start = times_inverse(h);
  point.error = reach_ * scale_of(start);
  for (int i = 0; i < 2; ++i) {
    const Vector again = (start + bounds_.contraction * point.error) * kOutward;
    point.error = point.error.cwiseMin(again);
  }
  return point.error.allFinite();
}

bool Tube::holds(const PathPoint& point) const {
  const IntervalVector there = IntervalVector::around(point.x, point.error);
  if (!box(half_, reach_).contains(there)) return false;
  Interval sum(0.0);
  for (Index i = 0; i < size_; ++i) {
    sum = sum + Interval(direction_(i)) * (there[i] - Interval(centre_(i)));
  }
  return sum.lo >= -half_ && sum.hi <= half_;
}

// What the whole tube does not show its parts may: T - d varies along the tube, and of a part only
// its variation there counts.
int Tube::find_direction() const {
  const double along = direction_(size_ - 1), error = tangent_error_(size_ - 1);
  if (std::abs(along) > error) return along > 0.0 ? 1 : -1;
  const double part = half_ / kParts;
  int sign = 0;
  for (int i = 0; i < kParts; ++i) {
    const double sigma = (2 * i + 1 - kParts) * part;
    const Vector radius = (direction_.cwiseAbs() * (part * kOutward) + reach_) * kOutward;
    const IntervalVector inner =
        IntervalVector::around((centre_ + sigma * direction_).eval(), radius);
    const int here = direction_in(inner, bounds_.contraction);
    if (here == 0 || (i > 0 && here != sign)) return 0;
    sign = here;
  }
  return sign;
}

double Tube::largest_speed() const {
  return up(std::abs(direction_(size_ - 1)) + tangent_error_(size_ - 1));
}

// DH(x) T = e for the tangent T, so that T - d = -X (DH(x) d - e) + (I - X DH(x)) (T - d).
// `contraction` bounds the last factor.
int Tube::direction_in(const IntervalVector& box, const Matrix& contraction) const {
  IntervalMatrix d;
  derivative(box, d);
  Vector along = d.mid * direction_;
  along(size_ - 1) -= 1.0;
  const double g = gamma(static_cast<double>(size_) + 2.0);
  const Vector abs_direction = direction_.cwiseAbs();
  Vector radius = d.radius * abs_direction + g * (d.mid.cwiseAbs() * abs_direction);
  radius(size_ - 1) += 4.0 * kUnitRoundoff;
  radius += g * along.cwiseAbs();
  const Index last = size_ - 1;
  const double moved = inverse_.row(last).dot(along);
  const double error =
      (abs_inverse_.row(last).dot(radius) + contraction.row(last).dot(tangent_error_)) * kOutward +
      4.0 * kUnitRoundoff * (std::abs(direction_(last)) + std::abs(moved));
  const double speed = direction_(last) - moved;
  return speed > error ? 1 : speed < -error ? -1 : 0;
}

int Tube::direction_of_s(const PathPoint& point) const {
  const IntervalVector there = IntervalVector::around(point.x, point.error);
  IntervalMatrix d;
  derivative(there, d);
  return direction_in(there, bounds(d).contraction);
}

int Tube::flip_sign(const IntervalVector& box) const {
  const SmoothMap map = path_.over(box[size_ - 1]);
  std::vector<Matrix> middles;
  Vector rows(n_ * k_);
  for (Index t = 0; t < k_; ++t) {
    IntervalVector image;
    IntervalMatrix jacobian;
    map.jacobian(part_of(box, t * n_, n_), image, jacobian);
    rows.segment(t * n_, n_) = jacobian.radius.rowwise().sum() * kOutward;
    middles.push_back(std::move(jacobian.mid));
  }
  if (!rows.allFinite()) return 0;
  ShootingInverse inverse;
  inverse.prepare(middles, -1.0);
  return inverse.sign(rows, Vector::Ones(n_ * k_));
}

int Tube::flip_sign() const { return flip_sign(box(half_, reach_)); }

int Tube::flip_sign(const PathPoint& point) const {
  return flip_sign(IntervalVector::around(point.x, point.error));
}

}  // namespace rnndyn::smooth

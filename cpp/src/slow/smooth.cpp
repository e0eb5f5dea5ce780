// Descents in a tanh, GRU or LSTM network.
#include <algorithm>
#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/slow_points.hpp"
#include "slow/landscape.hpp"

namespace rnndyn::slow {

using smooth::IntervalVector;
using smooth::SmoothMap;

namespace {

constexpr int kMostSteps = 400;
constexpr int kMostNewtonSteps = 12;
// A gradient of this size next to |J - I| |F(z) - z| is one of rounding errors.
constexpr double kSmallGradient = 1e-11;
// Newton's method takes over from here.
constexpr double kFairGradient = 1e-4;
constexpr double kDifference = 6e-6;  // cube root of the unit roundoff
constexpr double kCurvatureError = 1e-10;
constexpr double kSideStep = 1e-4;

// F(z) - z, J - I and the gradient of q at a state.
struct Place {
  Vector z, gap, gradient;
  Matrix derivative;
  double q = 0.0;

  void look(const SmoothMap& map, Vector at) {
    z = std::move(at);
    map.jacobian(z, gap, derivative);
    gap -= z;
    derivative.diagonal().array() -= 1.0;
    gradient = derivative.transpose() * gap;
    q = 0.5 * gap.squaredNorm();
  }
  // Size that the gradient has where its terms do not cancel; those of J - I do in a ghost.
  double scale() const {
    return (1.0 + derivative.norm()) * gap.norm() + std::numeric_limits<double>::min();
  }
};

Matrix hessian(const SmoothMap& map, const Place& place) {
  const Index n = place.z.size();
  Matrix h(n, n);
  Place side;
  for (Index j = 0; j < n; ++j) {
    const double step = kDifference * (1.0 + std::abs(place.z(j)));
    Vector z = place.z;
    z(j) = place.z(j) + step;
    side.look(map, z);
    h.col(j) = side.gradient;
    z(j) = place.z(j) - step;
    side.look(map, z);
    h.col(j) = (h.col(j) - side.gradient) / (2.0 * step);
  }
  return 0.5 * (h + h.transpose());
}

// Levenberg and Marquardt; the damping by Nielsen (1999).
void settle(const SmoothMap& map, Place& place) {
  Place trial;
  double damping = 1e-3 * place.derivative.squaredNorm() / static_cast<double>(place.z.size());
  double growth = 2.0;
  for (int i = 0; i < kMostSteps; ++i) {
    if (place.gap.norm() < kFixed || place.gradient.norm() < kSmallGradient * place.scale()) return;
    Matrix normal = place.derivative.transpose() * place.derivative;
    normal.diagonal().array() += damping;
    const Vector step = -normal.ldlt().solve(place.gradient);
    if (!step.allFinite()) return;
    trial.look(map, place.z + step);
    const double expected = 0.5 * step.dot(damping * step - place.gradient);
    const double gain = (place.q - trial.q) / expected;
    if (gain > 0.0 && std::isfinite(trial.q)) {
      std::swap(place, trial);
      damping *= std::max(1.0 / 3.0, 1.0 - std::pow(2.0 * gain - 1.0, 3));
      growth = 2.0;
      // Linear convergence only, where the residual is not small: the Hessian does better.
      if (i % 8 == 7 && place.gradient.norm() < kFairGradient * place.scale()) return;
    } else {
      damping *= growth;
      growth *= 2.0;
      if (!(damping < 1e20)) return;
    }
  }
}

// Newton's method on the gradient, as long as it shrinks.
Matrix polish(const SmoothMap& map, Place& place) {
  Matrix h = hessian(map, place);
  Place trial;
  for (int i = 0; i < kMostNewtonSteps; ++i) {
    if (place.gradient.norm() < kSmallGradient * place.scale()) break;
    const Vector step = -h.fullPivLu().solve(place.gradient);
    if (!step.allFinite() || step.norm() > 0.5) break;
    trial.look(map, place.z + step);
    if (!(trial.gradient.norm() < 0.9 * place.gradient.norm())) break;
    std::swap(place, trial);
    h = hessian(map, place);
  }
  return h;
}

class SmoothLandscape : public Landscape {
 public:
  explicit SmoothLandscape(const SmoothMap& map) : map_(map), box_(map.invariant_box()) {}

  Index n_states() const override { return map_.n_states(); }
  void look(const Vector& z, Vector& next, Matrix& derivative) const override {
    map_.jacobian(z, next, derivative);
  }
  std::optional<SlowPoint> descend(const Vector& start) const override;
  Vector draw(RandomStream& stream) const override;
  double scale() const override { return 1.0; }
  bool holds(const Vector& z) const override { return box_.contains(z); }

 private:
  bool rises_along(const Place& place, const Vector& direction) const;

  const SmoothMap& map_;
  IntervalVector box_;
};

Vector SmoothLandscape::draw(RandomStream& stream) const {
  Vector z(box_.size()), next;
  for (Index i = 0; i < box_.size(); ++i) {
    z(i) = box_.lower(i) + (box_.upper(i) - box_.lower(i)) * stream.uniform();
  }
  const std::uint64_t n_steps = draw_run(stream);
  for (std::uint64_t t = 0; t < n_steps; ++t) {
    map_.step(z, next);
    z.swap(next);
  }
  return z;
}

// Whether q is larger on both sides: at a point of inflection Newton's method ends close by, where
// the curvature may still be positive.
bool SmoothLandscape::rises_along(const Place& place, const Vector& direction) const {
  Vector next;
  for (const double side : {-kSideStep, kSideStep}) {
    const Vector z = place.z + side * direction;
    map_.step(z, next);
    if (!(0.5 * (next - z).squaredNorm() > place.q)) return false;
  }
  return true;
}

// Levenberg and Marquardt (Nielsen's damping), then Newton's method on the gradient.
std::optional<SlowPoint> SmoothLandscape::descend(const Vector& start) const {
  Place place;
  place.look(map_, start);
  settle(map_, place);
  SlowPoint point;
  Matrix h;
  const bool is_fixed = place.gap.norm() < kFixed;
  if (!is_fixed) {
    h = polish(map_, place);
    if (!(place.gradient.norm() < 1e-8 * place.scale())) return std::nullopt;
  }
  point.state = place.z;
  point.q = place.q;
  point.speed = place.gap.norm();
  point.gradient_norm = place.gradient.norm();
  point.drift = place.gap;
  Matrix jacobian = place.derivative;
  jacobian.diagonal().array() += 1.0;
  point.multipliers = multipliers({jacobian});
  if (is_fixed) return point;
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(h);
  point.curvatures = eigen.eigenvalues();
  // The Hessian comes from differences, which are good for so many digits of its entries.
  const double error = kCurvatureError * (1.0 + point.curvatures.cwiseAbs().maxCoeff());
  point.is_minimum = point.curvatures(0) > error && rises_along(place, eigen.eigenvectors().col(0));
  return point;
}

}  // namespace

std::unique_ptr<Landscape> landscape_of(const SmoothMap& map) {
  return std::make_unique<SmoothLandscape>(map);
}

}  // namespace rnndyn::slow

#include "rnndyn/smooth/slow_points.hpp"

#include <algorithm>
#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/random.hpp"

namespace rnndyn::smooth {
namespace {

constexpr int kMostSteps = 400;
constexpr int kMostNewtonSteps = 12;
// A gradient of this size next to |J - I| |F(z) - z| is one of rounding errors.
constexpr double kSmallGradient = 1e-11;
// Newton's method takes over from here.
constexpr double kFairGradient = 1e-4;
// Below this speed the point is a fixed point, or one is so close that arithmetic cannot tell.
constexpr double kFixed = 1e-9;
constexpr double kDifference = 6e-6;  // cube root of the unit roundoff
constexpr double kSame = 1e-5;
constexpr std::size_t kBatch = 16;
constexpr std::int64_t kRestarts = 128;
constexpr std::uint64_t kTopic = ~std::uint64_t{0} - 16;
constexpr std::uint64_t kLongestRun = 60;

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

Vector draw_start(const SmoothMap& map, const IntervalVector& box, const Matrix& states,
                  RandomStream& stream) {
  if (states.cols() > 0 && stream.uniform() < 0.5) {
    return states.col(static_cast<Index>(stream.below(static_cast<std::uint64_t>(states.cols()))));
  }
  Vector z(box.size()), next;
  for (Index i = 0; i < box.size(); ++i) {
    z(i) = box.lower(i) + (box.upper(i) - box.lower(i)) * stream.uniform();
  }
  // What orbits visit: slow points are where they spend their time.
  const auto n_steps = stream.below(kLongestRun);
  for (std::uint64_t t = 0; t < n_steps; ++t) {
    map.step(z, next);
    z.swap(next);
  }
  return z;
}

}  // namespace

std::optional<SlowPoint> descend(const SmoothMap& map, const Vector& start) {
  Place place;
  place.look(map, start);
  settle(map, place);
  if (place.gap.norm() < kFixed) {
    SlowPoint fixed;
    fixed.state = place.z;
    fixed.q = place.q, fixed.speed = place.gap.norm();
    return fixed;
  }
  const Matrix h = polish(map, place);
  if (!(place.gradient.norm() < 1e-8 * place.scale())) return std::nullopt;
  const Eigen::SelfAdjointEigenSolver<Matrix> eigen(h);
  SlowPoint point;
  point.state = place.z;
  point.q = place.q;
  point.speed = place.gap.norm();
  point.gradient_norm = place.gradient.norm();
  point.drift = place.gap;
  point.curvatures = eigen.eigenvalues();
  point.softest = eigen.eigenvectors().col(0);
  Matrix jacobian = place.derivative;
  jacobian.diagonal().array() += 1.0;
  point.multipliers = multipliers({jacobian});
  return point;
}

SlowPointResult find_slow_points(const SmoothMap& map, const SlowPointOptions& options,
                                 Control& control, SearchProgress& progress) {
  SlowPointResult result;
  const IntervalVector box = map.invariant_box();
  const std::int64_t patience = options.max_restarts.value_or(kRestarts);
  std::int64_t since_new = 0;
  for (std::uint64_t first = 0; !control.stop_requested(); first += kBatch) {
    if (since_new >= patience) {
      result.complete = true;
      break;
    }
    std::vector<std::optional<SlowPoint>> ends(kBatch);
    std::vector<char> done(kBatch, 0);
    parallel_for(kBatch, options.n_threads, [&](std::size_t item, int) {
      if (control.stop_requested()) return;
      RandomStream stream(options.seed, kTopic, first + item);
      ends[item] = descend(map, draw_start(map, box, options.states, stream));
      done[item] = 1;
    });
    for (std::size_t i = 0; i < kBatch; ++i) {
      if (done[i] == 0) continue;
      ++result.n_restarts;
      ++since_new;
      if (!ends[i]) {
        ++result.n_failed;
        continue;
      }
      SlowPoint& point = *ends[i];
      if (point.speed < kFixed) {
        ++result.n_fixed_points;
        continue;
      }
      // A saddle of q is where nothing comes to rest.
      if (!(point.curvatures(0) > 0.0) || !(point.speed <= options.max_speed)) continue;
      const auto twin = std::ranges::find_if(result.points, [&](const SlowPoint& other) {
        return (other.state - point.state).cwiseAbs().maxCoeff() < kSame;
      });
      if (twin != result.points.end()) {
        ++twin->hits;
        continue;
      }
      point.hits = 1;
      result.points.push_back(std::move(point));
      since_new = 0;
      progress.n_cycles.fetch_add(1);
    }
    progress.n_restarts.store(result.n_restarts);
    progress.fraction.store(std::min(
        1.0,
        static_cast<double>(since_new) / static_cast<double>(std::max<std::int64_t>(1, patience))));
  }
  std::ranges::stable_sort(result.points, {}, &SlowPoint::speed);
  result.stopped_by = control.reason();
  return result;
}

}  // namespace rnndyn::smooth

#include "rnndyn/smooth/continuation.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "rnndyn/smooth/newton.hpp"
#include "rnndyn/smooth/verify.hpp"
#include "smooth/curve_events.hpp"

namespace rnndyn::smooth {
namespace {

constexpr double kFirstStep = 0.1;
constexpr double kLargestStep = 2.0;
constexpr double kGrowth = 1.7;
// A step that fails at this length is given up.
constexpr double kSmallestStep = 1e-7;
// A curve that takes more tubes goes nowhere.
constexpr std::size_t kMostTubes = 10000;
// A tube that is not proved to be free of folds or flips is cut until half of its length is this.
constexpr double kEventTube = 1e-4;
// Cycles of twice an order are taken to merge with those of the order where their points are as
// near, and are followed from a flip from such a distance: nearer to it tubes have to be as short
// as the square of the distance to be proved monotone in s.
constexpr double kMerged = 1e-2;
constexpr double kDoubledAmplitude = 1.5e-2;
constexpr double kThin = 1e-11;  // half length of a tube around a point

class Walker {
 public:
  Walker(const SmoothPath& path, const CurveStart& start, Control& control)
      : path_(path), control_(control), order_(start.points.cols()) {
    if (begin(start)) walk();
  }
  Curve take() { return std::move(curve_); }

 private:
  // What an attempt at a tube leads to.
  struct Attempt {
    bool accepted = false, at_border = false;
    double next_step = 0.0;
  };
  bool begin(const CurveStart& start);
  void walk();
  Attempt attempt(double step);
  bool leave(const Tube& tube, double border, PathPoint& end) const;
  bool is_settled(const Tube& tube, const PathPoint& end, double step, Attempt& result);
  double shorter(double distance, double step);
  bool is_off_centre(double distance, double step, Attempt& result);
  void accept(const Tube& tube, const PathPoint& end);
  void add_node(const Vector& x, double error);
  bool is_merged() const;

  const SmoothPath& path_;
  Control& control_;
  Index order_;
  Curve curve_;
  PathPoint now_;
  Vector tangent_;
  bool has_fold_ = false, has_flip_ = false, has_straddled_ = false;
  bool has_centred_ = false;
};

void Walker::add_node(const Vector& x, double error) {
  CurveNode node;
  node.s = x(x.size() - 1);
  node.points = points_of(x, order_);
  node.error_bound = error;
  const Multipliers m = multipliers(jacobians_at(path_, order_, x));
  node.n_unstable = n_unstable(m);
  node.spectral_radius = m.spectral_radius;
  curve_.nodes.push_back(std::move(node));
}

bool Walker::begin(const CurveStart& start) {
  now_.x = stacked(start.points, start.s);
  now_.error = Vector::Zero(now_.x.size());
  const Index last = now_.x.size() - 1;
  if (start.s == 0.0 || start.s == 1.0) {
    const Verified verified = Verifier(path_.end(start.s), start.points).verify();
    if (!verified.certified) return false;
    now_.error.head(last) = Eigen::Map<const Vector>(verified.errors.data(), last);
    if (!tangent_at(path_, order_, now_.x, start.heading, tangent_)) return false;
  } else {
    const Vector row = start.heading.normalized(), from = now_.x;
    if (!solve_path(path_, order_, row, from, 0.0, now_.x)) return false;
    if (!tangent_at(path_, order_, now_.x, row, tangent_)) return false;
    Tube tube(path_, order_, now_.x, tangent_);
    if (!tube.verify(kThin) || !tube.point(0.0, now_)) return false;
  }
  add_node(now_.x, now_.error.maxCoeff());
  return true;
}

bool Walker::is_merged() const {
  if (order_ % 2 != 0 || curve_.nodes.size() < 2) return false;
  const auto apart = [&](const CurveNode& node) {
    const Index half = order_ / 2;
    return (node.points.leftCols(half) - node.points.rightCols(half)).cwiseAbs().maxCoeff();
  };
  const double now = apart(curve_.nodes.back());
  return now < kMerged && now < apart(curve_.nodes[curve_.nodes.size() - 2]);
}

void Walker::walk() {
  double step = kFirstStep;
  while (curve_.tubes.size() < kMostTubes) {
    if (control_.stop_requested()) {
      curve_.end = CurveEnd::stopped;
      return;
    }
    const Attempt result = attempt(step);
    if (!result.accepted && step <= kSmallestStep) return;
    if (result.at_border) {
      curve_.end = now_.x(now_.x.size() - 1) < 0.5 ? CurveEnd::at_first : CurveEnd::at_last;
      return;
    }
    if (result.accepted && is_merged()) {
      curve_.end = CurveEnd::merged;
      return;
    }
    step = std::clamp(result.next_step, kSmallestStep, kLargestStep);
  }
}

// A step that ends before a fold or flip at a distance along the curve; where that is short, one
// that has it in its middle, once.
double Walker::shorter(double distance, double step) {
  const double half = std::max(0.5 * step, kSmallestStep);
  if (!(std::isfinite(distance) && distance > 0.0)) return half;
  if (distance > 0.4 * kEventTube) return std::max(std::min(half, 0.6 * distance), 0.02 * step);
  if (has_straddled_) return half;
  has_straddled_ = true;
  return 2.0 * distance + 0.1 * kEventTube;
}

// A fold or flip close to an end of its tube would make the next one too short: another length is
// tried, once.
bool Walker::is_off_centre(double distance, double step, Attempt& result) {
  const double share = distance / step;
  if (has_centred_ || !(distance > 0.0) || (share > 0.2 && share < 0.8)) return false;
  has_centred_ = true;
  result.next_step = std::clamp(2.0 * distance, 0.05 * kEventTube, kEventTube);
  return true;
}

// Where the curve leaves the path through the model at s = `border`.
bool Walker::leave(const Tube& tube, double border, PathPoint& end) const {
  const Index last = end.x.size() - 1;
  const double from = now_.x(last), to = end.x(last);
  const double share = (border - from) / (to - from);
  Matrix points = points_of((now_.x + share * (end.x - now_.x)).eval(), order_);
  const SmoothMap& map = path_.end(border);
  if (Newton(map).solve(points, {}, nullptr) != NewtonEnd::converged) return false;
  const Verified verified = Verifier(map, points).verify();
  if (!verified.certified) return false;
  end.x = stacked(points, border);
  end.error = Vector::Zero(last + 1);
  end.error.head(last) = Eigen::Map<const Vector>(verified.errors.data(), last);
  return tube.holds(end);
}

// Whether folds and flips are excluded from the tube, or proved to be in it.
bool Walker::is_settled(const Tube& tube, const PathPoint& end, double step, Attempt& result) {
  const Index last = end.x.size() - 1;
  const bool is_short = tube.half() <= kEventTube;
  has_fold_ = has_flip_ = false;
  if (tube.direction_of_s() == 0) {
    const double before = tangent_(last), middle = tube.direction()(last);
    const double distance = 0.5 * step * before / (before - middle);
    const int product = is_short ? tube.direction_of_s(now_) * tube.direction_of_s(end) : 0;
    if (product >= 0) {
      result.next_step = shorter(distance, step);
      return false;
    }
    if (is_off_centre(distance, step, result)) return false;
    has_fold_ = true;
  }
  if (tube.flip_sign() == 0) {
    const double before = flip_distance(path_, order_, now_.x);
    const double after = flip_distance(path_, order_, end.x);
    const double distance = step * before / (before - after);
    const int product = is_short && !has_fold_ ? tube.flip_sign(now_) * tube.flip_sign(end) : 0;
    if (product >= 0) {
      result.next_step = shorter(distance, step);
      return false;
    }
    if (is_off_centre(distance, step, result)) return false;
    has_flip_ = true;
  }
  return true;
}

Walker::Attempt Walker::attempt(double step) {
  Attempt result;
  result.next_step = 0.5 * step;
  const Vector guess = now_.x + 0.5 * step * tangent_;
  Vector centre = guess, direction;
  if (!solve_path(path_, order_, tangent_, now_.x, 0.5 * step, centre)) return result;
  if (!((centre - guess).norm() <= 0.3 * step)) return result;
  if (!tangent_at(path_, order_, centre, tangent_, direction)) return result;
  Tube tube(path_, order_, centre, direction);
  const double back = direction.dot(centre - now_.x);
  const double room = 4.0 * direction.cwiseAbs().dot(now_.error) + 1e-13 * (1.0 + centre.norm());
  PathPoint end;
  if (!(back > 0.0) || !tube.verify(back * (1.0 + 1e-9) + room) || !tube.holds(now_) ||
      !tube.point(back, end)) {
    return result;
  }
  const Index last = end.x.size() - 1;
  const bool beyond = end.x(last) > 1.0 || end.x(last) < 0.0;
  if (beyond) {
    // Where s is not monotone the curve may come back.
    if (tube.direction_of_s() == 0) return result;
    if (!leave(tube, end.x(last) > 1.0 ? 1.0 : 0.0, end)) return result;
  }
  if (!is_settled(tube, end, step, result)) return result;
  if (has_fold_ && !fold_is_inside(tube, now_, end)) return result;
  accept(tube, end);
  has_straddled_ = has_centred_ = false;
  result.accepted = true;
  result.at_border = beyond;
  const double bend = (tangent_(last) - direction(last)) / (0.5 * step);
  const double ahead = -tangent_(last) / bend;
  result.next_step = kGrowth * step;
  if (!has_fold_ && std::isfinite(ahead) && ahead > 0.0 && ahead < 2.0 * result.next_step) {
    // The fold is not before that, so that a longer step would be in vain.
    result.next_step = std::min(result.next_step, std::max(1.2 * ahead, 0.4 * kEventTube));
  }
  return result;
}

void Walker::accept(const Tube& tube, const PathPoint& end) {
  const std::size_t first = curve_.nodes.size() - 1;
  const Vector &c = tube.centre(), &d = tube.direction();
  CurveTube part{c, d, tube.reach(), d.dot(now_.x - c), d.dot(end.x - c), tube.direction_of_s()};
  const Index before = curve_.nodes.back().n_unstable;
  if (has_fold_) {
    CurveEvent fold = locate_fold(path_, tube, order_, now_, end);
    const Vector x = stacked(fold.points, fold.s);
    CurveTube second = part;
    part.sigma_end = second.sigma_begin = d.dot(x - c);
    part.direction_of_s = tube.direction_of_s(now_);
    second.direction_of_s = tube.direction_of_s(end);
    add_node(x, std::max(fold.s - fold.s_lower, fold.s_upper - fold.s));
    curve_.tubes.push_back(std::move(part));
    curve_.tubes.push_back(std::move(second));
    add_node(end.x, end.error.maxCoeff());
    fold.node = first + 1;
    fold.n_unstable_before = before;
    fold.n_unstable_after = curve_.nodes.back().n_unstable;
    if (std::abs(fold.n_unstable_after - before) != 1) curve_.unexplained.push_back(first);
    curve_.events.push_back(std::move(fold));
  } else {
    curve_.tubes.push_back(std::move(part));
    add_node(end.x, end.error.maxCoeff());
    const Index after = curve_.nodes.back().n_unstable;
    const Index expected = has_flip_ ? 1 : 0;
    if (has_flip_) {
      CurveEvent flip = locate_flip(path_, tube, order_, now_, end);
      flip.node = first;
      flip.n_unstable_before = before;
      flip.n_unstable_after = after;
      curve_.events.push_back(std::move(flip));
      if (std::abs(after - before) != expected) curve_.unexplained.push_back(first);
    } else if (after != before) {
      const bool explained = locate_neimark_sacker(path_, tube, order_, now_, end, first, curve_);
      if (!explained) curve_.unexplained.push_back(first);
    }
  }
  now_ = end;
  Vector heading = d;
  if (!tangent_at(path_, order_, now_.x, heading, tangent_)) tangent_ = d;
}

}  // namespace

std::vector<Curve> follow_curves(const SmoothPath& path, const std::vector<CurveStart>& starts,
                                 int n_threads, Control& control) {
  std::vector<Curve> curves(starts.size());
  parallel_for(starts.size(), n_threads, [&](std::size_t item, int) {
    if (control.stop_requested()) {
      curves[item].end = CurveEnd::stopped;
      return;
    }
    curves[item] = Walker(path, starts[item], control).take();
  });
  return curves;
}

std::optional<CurveStart> doubled_start(const SmoothPath& path, const Matrix& points, double s) {
  const Index n = points.rows(), k = points.cols(), size = 2 * k * n;
  const std::vector<Matrix> jacobians = jacobians_at(path, k, stacked(points, s));
  Matrix product = Matrix::Identity(n, n);
  for (const Matrix& jacobian : jacobians) product = (jacobian * product).eval();
  const Eigen::EigenSolver<Matrix> solver(product);
  Index nearest = 0;
  (solver.eigenvalues().array() + 1.0).abs().minCoeff(&nearest);
  if (!(std::abs(solver.eigenvalues()(nearest) + 1.0) < 0.1)) return std::nullopt;
  Matrix across(n, 2 * k);
  across.col(0) = solver.eigenvectors().col(nearest).real();
  for (Index t = 1; t < k; ++t) {
    across.col(t) = jacobians[static_cast<std::size_t>(t - 1)] * across.col(t - 1);
  }
  across.rightCols(k) = -across.leftCols(k);
  across /= across.cwiseAbs().maxCoeff();
  CurveStart start;
  start.points = points.replicate(1, 2) + kDoubledAmplitude * across;
  start.s = s;
  start.heading = stacked(across, 0.0);
  Vector x = stacked(start.points, s);
  const Vector row = start.heading.normalized(), from = x;
  if (!solve_path(path, 2 * k, row, from, 0.0, x)) return std::nullopt;
  if (!((x - from).norm() < 0.1)) return std::nullopt;
  start.points = points_of(x, 2 * k);
  start.s = x(size);
  return start;
}

std::vector<Matrix> points_of_tube(const SmoothPath& path, const CurveTube& part, Index order,
                                   const std::vector<double>& s) {
  const Tube tube(path, order, part.centre, part.direction);
  const Index last = part.centre.size() - 1;
  std::vector<Matrix> result;
  Vector low, high, x;
  tube.approximate(part.sigma_begin, low);
  tube.approximate(part.sigma_end, high);
  for (const double place : s) {
    double a = part.sigma_begin, b = part.sigma_end;
    double at_a = low(last) - place, at_b = high(last) - place;
    x = std::abs(at_a) <= std::abs(at_b) ? low : high;
    // Regula falsi in the Illinois version; a place beyond an end is that end.
    for (int i = 0, side = 0; i < 60 && at_a * at_b < 0.0; ++i) {
      const double sigma = (a * at_b - b * at_a) / (at_b - at_a);
      if (!tube.approximate(sigma, x)) break;
      const double here = x(last) - place;
      if (std::abs(here) <= 2e-16 * (1.0 + std::abs(place))) break;
      if (here * at_a > 0.0) {
        a = sigma, at_a = here;
        if (side == 1) at_b *= 0.5;
        side = 1;
      } else {
        b = sigma, at_b = here;
        if (side == -1) at_a *= 0.5;
        side = -1;
      }
    }
    result.push_back(points_of(x, order));
  }
  return result;
}

}  // namespace rnndyn::smooth

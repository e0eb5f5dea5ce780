#include "smooth/curve_events.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace rnndyn::smooth {
namespace {

// Brackets are halved until the sign in their middle is not proved, to which both ends then come as
// near as theirs are, or until they are this long.
constexpr double kShortest = 1e-13;
// Pairs that pass the unit circle are looked for until they are this near to it.
constexpr double kPassed = 1e-12;
constexpr int kMostHalvings = 60;
// Imaginary parts below are rounding errors of a real multiplier.
constexpr double kReal = 1e-9;

struct Bracket {
  PathPoint low, high;
  double sigma_low, sigma_high;
};

double sigma_of(const Tube& tube, const PathPoint& point) {
  return tube.direction().dot(point.x - tube.centre());
}

// Brings a point with a proved sign as near to `undecided` as the sign stays proved.
template <class Sign>
void move_towards(const Tube& tube, double undecided, const Sign& sign, PathPoint& point,
                  double& sigma) {
  const int proved = sign(point);
  double far = undecided;
  for (int i = 0; i < kMostHalvings && std::abs(far - sigma) > kShortest; ++i) {
    const double middle = 0.5 * (sigma + far);
    PathPoint there;
    if (tube.point(middle, there) && sign(there) == proved) {
      point = there, sigma = middle;
    } else {
      far = middle;
    }
  }
}

// `sign` is proved to differ at the ends.
template <class Sign>
Bracket halved(const Tube& tube, const PathPoint& begin, const PathPoint& end, const Sign& sign) {
  Bracket bracket{begin, end, sigma_of(tube, begin), sigma_of(tube, end)};
  const int at_low = sign(begin);
  for (int i = 0; i < kMostHalvings; ++i) {
    if (bracket.sigma_high - bracket.sigma_low < kShortest) break;
    const double middle = 0.5 * (bracket.sigma_low + bracket.sigma_high);
    PathPoint point;
    const int here = tube.point(middle, point) ? sign(point) : 0;
    if (here == 0) {
      move_towards(tube, middle, sign, bracket.low, bracket.sigma_low);
      move_towards(tube, middle, sign, bracket.high, bracket.sigma_high);
      break;
    }
    if (here == at_low) {
      bracket.low = point, bracket.sigma_low = middle;
    } else {
      bracket.high = point, bracket.sigma_high = middle;
    }
  }
  return bracket;
}

double lower_s(const PathPoint& p) { return down(p.x(p.x.size() - 1) - p.error(p.x.size() - 1)); }
double upper_s(const PathPoint& p) { return up(p.x(p.x.size() - 1) + p.error(p.x.size() - 1)); }

// What the ends of the bracket tell of the event, whose s lies between theirs.
CurveEvent event_in(const Tube& tube, Index order, const Bracket& bracket, CurveEventKind kind) {
  CurveEvent event;
  event.kind = kind;
  event.s_lower = std::min(lower_s(bracket.low), lower_s(bracket.high));
  event.s_upper = std::max(upper_s(bracket.low), upper_s(bracket.high));
  Vector x;
  if (!tube.approximate(0.5 * (bracket.sigma_low + bracket.sigma_high), x)) x = bracket.low.x;
  event.s = std::clamp(x(x.size() - 1), event.s_lower, event.s_upper);
  event.points = points_of(x, order);
  return event;
}

Bracket fold_bracket(const Tube& tube, const PathPoint& begin, const PathPoint& end) {
  return halved(tube, begin, end, [&](const PathPoint& p) { return tube.direction_of_s(p); });
}

// The curve turns between the ends, from each of which s moves no further than its speed allows.
void bound_fold(const Tube& tube, const Bracket& bracket, bool to_larger, CurveEvent& event) {
  const double reach =
      up(tube.largest_speed() * up(bracket.sigma_high - bracket.sigma_low + 4e-16));
  if (to_larger) {
    event.s_lower = std::max(lower_s(bracket.low), lower_s(bracket.high));
    event.s_upper = up(std::min(upper_s(bracket.low), upper_s(bracket.high)) + reach);
  } else {
    event.s_upper = std::min(upper_s(bracket.low), upper_s(bracket.high));
    event.s_lower = down(std::max(lower_s(bracket.low), lower_s(bracket.high)) - reach);
  }
  event.s = std::clamp(event.s, event.s_lower, event.s_upper);
}

double nearest_to(const Eigen::VectorXcd& values, double target) {
  return (values.array() - target).abs().minCoeff();
}

// The pair that is nearest to the unit circle, by its logarithm.
Index nearest_pair(const Multipliers& m) {
  Index best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < m.values.size(); ++i) {
    const bool complex = std::abs(m.values(i).imag()) > kReal * std::abs(m.values(i));
    if (complex && std::abs(m.log_moduli(i)) < least) best = i, least = std::abs(m.log_moduli(i));
  }
  return best;
}

class PairSearch {
 public:
  PairSearch(const SmoothPath& path, const Tube& tube, Index order, std::size_t node, Curve& curve)
      : path_(path), tube_(tube), order_(order), node_(node), curve_(curve) {}

  struct Place {
    double sigma;
    Index n_unstable;
  };
  Multipliers at(double sigma) const {
    Vector x;
    if (!tube_.approximate(sigma, x)) return {};
    return multipliers(jacobians_at(path_, order_, x));
  }
  // All passages between two places with different numbers of unstable directions.
  bool search(Place low, Place high) {
    if (low.n_unstable == high.n_unstable) return true;
    Place a = low, b = high;
    for (int i = 0; i < kMostHalvings && b.sigma - a.sigma > kPassed; ++i) {
      const double middle = 0.5 * (a.sigma + b.sigma);
      const Multipliers m = at(middle);
      if (m.values.size() == 0) return false;
      const Place here{middle, smooth::n_unstable(m)};
      (here.n_unstable == a.n_unstable ? a : b) = here;
    }
    if (std::abs(b.n_unstable - a.n_unstable) != 2) return false;
    return search(low, a) && add(low, a, b, high) && search(b, high);
  }

 private:
  // Moves an end of the bracket outwards until its pair is told from the unit circle.
  std::optional<double> told_apart(double sigma, double limit) const {
    double step = limit > sigma ? kPassed : -kPassed;
    for (double at_sigma = sigma; std::abs(step) < 1.0; step *= 4.0) {
      const Multipliers m = at(at_sigma);
      if (m.values.size() == 0) return std::nullopt;
      const Index pair = nearest_pair(m);
      if (std::abs(m.log_moduli(pair)) > m.log_errors(pair)) return at_sigma;
      at_sigma = sigma + step;
      if ((limit - at_sigma) * step <= 0.0) return std::nullopt;
    }
    return std::nullopt;
  }
  bool add(Place low, Place a, Place b, Place high) {
    Bracket bracket;
    const auto from = told_apart(a.sigma, low.sigma), to = told_apart(b.sigma, high.sigma);
    bracket.sigma_low = from.value_or(low.sigma);
    bracket.sigma_high = to.value_or(high.sigma);
    if (!tube_.point(bracket.sigma_low, bracket.low)) return false;
    if (!tube_.point(bracket.sigma_high, bracket.high)) return false;
    CurveEvent event = event_in(tube_, order_, bracket, CurveEventKind::neimark_sacker);
    event.node = node_;
    event.confirmed = from && to;
    event.n_unstable_before = a.n_unstable;
    event.n_unstable_after = b.n_unstable;
    const Multipliers m = at(0.5 * (a.sigma + b.sigma));
    if (m.values.size() > 0) event.residual = std::abs(std::expm1(m.log_moduli(nearest_pair(m))));
    curve_.events.push_back(std::move(event));
    return true;
  }

  const SmoothPath& path_;
  const Tube& tube_;
  Index order_;
  std::size_t node_;
  Curve& curve_;
};

}  // namespace

Index n_unstable(const Multipliers& multipliers) {
  return (multipliers.log_moduli.array() > 0.0).count();
}

double flip_distance(const SmoothPath& path, Index order, const Vector& x) {
  const Multipliers m = multipliers(jacobians_at(path, order, x));
  double best = std::numeric_limits<double>::quiet_NaN();
  for (Index i = 0; i < m.values.size(); ++i) {
    const double real = m.values(i).real();
    if (!(std::abs(m.values(i).imag()) <= kReal * std::abs(real)) || real >= 0.0) continue;
    if (!(std::abs(real + 1.0) >= std::abs(best))) best = real + 1.0;
  }
  return best;
}

CurveEvent locate_fold(const SmoothPath& path, const Tube& tube, Index order,
                       const PathPoint& begin, const PathPoint& end) {
  const Bracket bracket = fold_bracket(tube, begin, end);
  const bool to_larger = tube.direction_of_s(begin) > 0;
  CurveEvent event = event_in(tube, order, bracket, CurveEventKind::fold);
  bound_fold(tube, bracket, to_larger, event);
  // Around the bracket alone the tangent is known better.
  Vector centre, tangent;
  const double width = bracket.sigma_high - bracket.sigma_low;
  if (tube.approximate(0.5 * (bracket.sigma_low + bracket.sigma_high), centre) &&
      tangent_at(path, order, centre, tube.direction(), tangent)) {
    Tube inner(path, order, centre, tangent);
    if (inner.verify(width + 1e-12) && inner.holds(bracket.low) && inner.holds(bracket.high) &&
        inner.direction_of_s(bracket.low) * inner.direction_of_s(bracket.high) < 0) {
      const Bracket better = fold_bracket(inner, bracket.low, bracket.high);
      event = event_in(inner, order, better, CurveEventKind::fold);
      bound_fold(inner, better, to_larger, event);
    }
  }
  const Vector x = stacked(event.points, event.s);
  event.residual = nearest_to(multipliers(jacobians_at(path, order, x)).values, 1.0);
  return event;
}

CurveEvent locate_flip(const SmoothPath& path, const Tube& tube, Index order,
                       const PathPoint& begin, const PathPoint& end) {
  const Bracket bracket =
      halved(tube, begin, end, [&](const PathPoint& p) { return tube.flip_sign(p); });
  CurveEvent event = event_in(tube, order, bracket, CurveEventKind::flip);
  const Vector x = stacked(event.points, event.s);
  event.residual = nearest_to(multipliers(jacobians_at(path, order, x)).values, -1.0);
  return event;
}

bool fold_is_inside(const Tube& tube, const PathPoint& begin, const PathPoint& end) {
  const Bracket bracket = fold_bracket(tube, begin, end);
  CurveEvent event;
  bound_fold(tube, bracket, tube.direction_of_s(begin) > 0, event);
  return event.s_lower > 0.0 && event.s_upper < 1.0;
}

bool locate_neimark_sacker(const SmoothPath& path, const Tube& tube, Index order,
                           const PathPoint& begin, const PathPoint& end, std::size_t node,
                           Curve& curve) {
  const std::size_t n_before = curve.events.size();
  PairSearch search(path, tube, order, node, curve);
  const bool found = search.search({sigma_of(tube, begin), curve.nodes[node].n_unstable},
                                   {sigma_of(tube, end), curve.nodes.back().n_unstable});
  if (!found) curve.events.resize(n_before);
  return found;
}

}  // namespace rnndyn::smooth

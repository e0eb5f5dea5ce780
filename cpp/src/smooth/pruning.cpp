#include "smooth/pruning.hpp"

#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "smooth/propagation.hpp"

namespace rnndyn::smooth {
namespace {

// A pass that leaves more than this share of the size is the last.
constexpr double kWorthAnother = 0.7;
constexpr int kMostPasses = 12;
constexpr double kLargestBall = 0.5;
constexpr double kSmallestBall = 1e-9;

double size_of(const IntervalVector& box) { return (box.upper - box.lower).sum(); }

}  // namespace

Preconditioned Pruner::precondition(const IntervalVector& box) const {
  const Index n = box.size();
  Preconditioned result;
  IntervalVector image;
  IntervalMatrix by_x;
  equations_.derivative(box, image, by_x);
  if (!by_x.mid.allFinite() || !by_x.radius.allFinite()) return result;
  const Matrix a = Matrix::Identity(n, n) - by_x.mid;
  const Matrix y = dense::inverse(a);
  if (!y.allFinite()) return result;
  const Matrix abs_y = y.cwiseAbs();
  const double g = gamma(static_cast<double>(n) + 4.0);
  // |I - Y (I - mid)| and its rounding errors, and |Y| radius.
  const Matrix terms = by_x.mid.cwiseAbs() + Matrix::Identity(n, n);
  result.defect = (Matrix::Identity(n, n) - y * a).cwiseAbs() + abs_y * (by_x.radius + g * terms);
  result.defect = result.defect.array() * kOutward + 4.0 * kUnitRoundoff;
  result.centre = 0.5 * box.lower + 0.5 * box.upper;
  result.radius.resize(n);
  for (Index i = 0; i < n; ++i) {
    result.radius(i) =
        up(std::max(box.upper(i) - result.centre(i), result.centre(i) - box.lower(i)));
  }
  const IntervalVector at = equations_.image(IntervalVector(result.centre, result.centre));
  Vector mid(n), spread(n);
  for (Index i = 0; i < n; ++i) {
    const Interval gap = at[i] - Interval(result.centre(i));
    mid(i) = gap.mid();
    spread(i) = gap.radius() + g * std::abs(mid(i));
  }
  const Vector step = y * mid;
  const Vector error = (abs_y * spread).array() * kOutward + kUnderflow;
  result.newton = IntervalVector::around(step, error);
  result.usable = result.defect.allFinite() && step.allFinite() && error.allFinite();
  return result;
}

bool Pruner::is_unique(const Preconditioned& by) {
  const Vector spread = (by.defect * by.radius) * kOutward;
  for (Index i = 0; i < by.radius.size(); ++i) {
    if (!(by.newton[i].magnitude() + spread(i) < by.radius(i) * (1.0 - 8.0 * kUnitRoundoff))) {
      return false;
    }
  }
  return true;
}

// Row by row, with what the rows before have left (Gauss and Seidel): x_i - c_i lies in
// (step_i + sum over j of E_ij (x_j - c_j)) with |E| <= defect; where the diagonal allows it, that
// is solved for x_i.
bool Pruner::newton_step(const Preconditioned& by, IntervalVector& box) const {
  const Index n = box.size();
  for (Index i = 0; i < n; ++i) {
    double others = 0.0;
    for (Index j = 0; j < n; ++j) {
      if (j == i) continue;
      const double reach =
          std::max(std::abs(box.upper(j) - by.centre(j)), std::abs(box.lower(j) - by.centre(j)));
      others += by.defect(i, j) * reach;
    }
    const double own = by.defect(i, i);
    const Interval step = by.newton[i];
    Interval moved;
    if (own < 0.9) {
      others *= kOutward;
      const Interval right(down(step.lo - others), up(step.hi + others));
      moved = {right.lo < 0.0 ? down(right.lo / down(1.0 - own)) : down(right.lo / up(1.0 + own)),
               right.hi > 0.0 ? up(right.hi / down(1.0 - own)) : up(right.hi / up(1.0 + own))};
    } else {
      others = (others + own * by.radius(i)) * kOutward;
      moved = {down(step.lo - others), up(step.hi + others)};
    }
    const Interval there = Interval(by.centre(i)) + moved;
    if (!narrow(box, i, there)) return false;
  }
  return true;
}

BoxAnswer Pruner::narrow_down(IntervalVector& box, const std::vector<IntervalVector>& balls) const {
  for (int pass = 0; pass < kMostPasses; ++pass) {
    const double before = size_of(box);
    if (!equations_.propagate(box)) return BoxAnswer::empty;
    for (const IntervalVector& ball : balls) {
      if (ball.contains(box)) return BoxAnswer::known;
    }
    // Newton's operator is worth its price once propagation has little left to do.
    if (size_of(box) < kWorthAnother * before) continue;
    const Preconditioned by = precondition(box);
    if (by.usable) {
      if (!newton_step(by, box)) return BoxAnswer::empty;
      if (is_unique(by)) return BoxAnswer::unique;
    }
    if (size_of(box) > kWorthAnother * before) return BoxAnswer::open;
  }
  return BoxAnswer::open;
}

void Pruner::refine(IntervalVector& box) const {
  for (double before = 2.0 * size_of(box); size_of(box) < kWorthAnother * before;) {
    before = size_of(box);
    const Preconditioned by = precondition(box);
    if (!by.usable || !newton_step(by, box)) return;
  }
}

// The coordinate by which the derivative varies most.
Index Pruner::widest(const IntervalVector& box) const {
  IntervalVector image;
  IntervalMatrix by_x;
  equations_.derivative(box, image, by_x);
  Index best = 0;
  double most = -1.0;
  for (Index j = 0; j < box.size(); ++j) {
    const double influence = by_x.radius.col(j).sum();
    const double score =
        (box.upper(j) - box.lower(j)) * (std::isfinite(influence) ? influence + 0.1 : 1e3);
    if (score > most) most = score, best = j;
  }
  return best;
}

std::optional<IntervalVector> Pruner::ball_of(const Vector& x) const {
  for (double radius = kLargestBall; radius > kSmallestBall; radius *= 0.5) {
    const IntervalVector cube = IntervalVector::around(x, Vector::Constant(x.size(), radius));
    const Preconditioned by = precondition(cube);
    if (by.usable && is_unique(by)) return cube;
  }
  return std::nullopt;
}

}  // namespace rnndyn::smooth

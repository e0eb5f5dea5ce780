#include "bifurcation/refine.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rnndyn {

RefinedRoot refine_root(const std::function<ScaledValue(double)>& function, double lower,
                        double upper) {
  constexpr double kSmallest = 2e-15;
  constexpr double kLargest = 1e-8;
  constexpr int kSteps = 30;
  const double guess = 0.5 * (lower + upper);
  double radius = std::max(2.0 * (upper - lower), kSmallest);
  RefinedRoot root{guess, guess - radius, guess + radius, false};
  ScaledValue at_lower, at_upper;
  for (;;) {
    at_lower = function(root.lower);
    at_upper = function(root.upper);
    if (at_lower.sign() != at_upper.sign() || radius > kLargest) break;
    radius *= 8.0;
    root.lower = guess - radius;
    root.upper = guess + radius;
  }
  if (at_lower.sign() == at_upper.sign()) {
    // Touches zero, or is zero around the guess: what the polynomial said is all there is to say.
    root.lower = lower;
    root.upper = upper;
    return root;
  }
  root.converged = true;
  // Illinois variant of the false position (Dowell, Jarratt, BIT 11, 168, 1971).
  const int reference = std::max(at_lower.exponent, at_upper.exponent);
  double f_lower = at_lower.relative_to(reference);
  double f_upper = at_upper.relative_to(reference);
  root.s = std::abs(f_lower) < std::abs(f_upper) ? root.lower : root.upper;
  int side = 0;
  for (int step = 0; step < kSteps && root.upper - root.lower > kSmallest; ++step) {
    if (f_lower == 0.0 || f_upper == 0.0) break;
    double s = root.lower - f_lower * (root.upper - root.lower) / (f_upper - f_lower);
    if (!(s > root.lower && s < root.upper)) s = 0.5 * (root.lower + root.upper);
    if (!(s > root.lower && s < root.upper)) break;
    const double f = function(s).relative_to(reference);
    const double before = root.s;
    root.s = s;
    if (f == 0.0) {
      root.lower = root.upper = s;
      return root;
    }
    if ((f > 0.0) == (f_upper > 0.0)) {
      root.upper = s;
      f_upper = f;
      if (side == 1) f_lower *= 0.5;
      side = 1;
    } else {
      root.lower = s;
      f_lower = f;
      if (side == -1) f_upper *= 0.5;
      side = -1;
    }
    if (std::abs(s - before) <= std::numeric_limits<double>::epsilon()) break;
  }
  // False position closes in from one side; the other side of the bracket follows.
  for (const double direction : {-1.0, 1.0}) {
    double& end = direction < 0.0 ? root.lower : root.upper;
    const double f_end = direction < 0.0 ? f_lower : f_upper;
    for (double step = kSmallest; std::abs(end - root.s) > 2.0 * step; step *= 8.0) {
      const double s = root.s + direction * step;
      if ((function(s).mantissa > 0.0) == (f_end > 0.0)) {
        end = s;
        break;
      }
    }
  }
  return root;
}

}  // namespace rnndyn

// Cuts a box down to what its own image can reach, before it is divided into regions.
#include <algorithm>
#include <cmath>
#include <limits>

#include "proof/cell_certificate.hpp"
#include "proof/cell_cover.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Iterations end when none makes the box smaller than this part of itself.
constexpr double kSlow = 0.95;
constexpr int kMaxIterations = 100;

struct Range {
  double lower, upper;
};

// slope . z + constant over the box, outward. `magnitude` bounds the sum of the absolute terms that
// went into slope and constant, over the box, and `lost` what underflow took from it.
Range range(const Vector& slope, double constant, double magnitude, double lost, const Box& box,
            double n_operations) {
  double lower = constant;
  double upper = constant;
  for (Index l = 0; l < slope.size(); ++l) {
    const double a = slope(l) * box.lower(l);
    const double b = slope(l) * box.upper(l);
    lower += std::min(a, b);
    upper += std::max(a, b);
  }
  const double slop = gamma_of(n_operations) * magnitude +
                      (lost + underflow(2.0 * static_cast<double>(slope.size()) + 2.0));
  return {lower - slop, upper + slop};
}

// Bounds of F over the box: relu between the chords and tangents of its graph over the range of
// each pre-activation, which leaves a linear function of z.
Box image(const CanonicalMap& map, const Box& box, std::vector<Vector>* slopes) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  const Vector size = box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs());
  const double reach_of_size = size.sum() + 4.0;
  const auto n_operations = static_cast<double>(2 * (m + h) + 16);
  struct Lines {
    double slope_above, above, slope_below, magnitude;
  };
  std::vector<Lines> lines;
  for (Index i = 0; i < h; ++i) {
    const double magnitude = map.w2().row(i).cwiseAbs().dot(size) + std::abs(map.h2()(i));
    const Range p =
        range(map.w2().row(i).transpose(), map.h2()(i), magnitude, 0.0, box, n_operations);
    if (p.upper <= 0.0) {
      lines.push_back({0.0, 0.0, 0.0, 0.0});
    } else if (p.lower >= 0.0) {
      lines.push_back({1.0, 0.0, 1.0, magnitude});
    } else {
      const double slope = p.upper / (p.upper - p.lower);
      // relu(p) - slope p is convex: its maximum is at an end of the range.
      const double above = std::max(-slope * p.lower, p.upper - slope * p.upper);
      lines.push_back({slope, above * (1.0 + gamma(8.0)) + underflow(4.0),
                       p.upper > -p.lower ? 1.0 : 0.0, magnitude + p.upper - p.lower});
    }
  }
  if (slopes != nullptr) {
    slopes->emplace_back(h);
    for (Index i = 0; i < h; ++i) {
      slopes->back()(i) = lines[static_cast<std::size_t>(i)].slope_below;
    }
  }
  Box result = box;
  for (Index j = 0; j < m; ++j) {
    for (const bool upper : {false, true}) {
      Vector slope = map.a().row(j).transpose();
      double constant = map.h1()(j);
      double magnitude = slope.cwiseAbs().dot(size) + std::abs(constant);
      double lost = 0.0;
      for (Index i = 0; i < h; ++i) {
        const double w = map.w1()(j, i);
        if (w == 0.0) continue;
        const Lines& line = lines[static_cast<std::size_t>(i)];
        const bool above = upper == (w > 0.0);
        const double s = w * (above ? line.slope_above : line.slope_below);
        slope += s * map.w2().row(i).transpose();
        constant += s * map.h2()(i) + (above ? w * line.above : 0.0);
        magnitude += 2.0 * std::abs(w) * line.magnitude;
        // Of the slope, which p multiplies, and of its products with W2, h2 and what is above.
        lost += underflow(2.0) * (line.magnitude + reach_of_size);
      }
      const Range reach = range(slope, constant, 2.0 * magnitude, lost, box, n_operations);
      if (upper) {
        result.upper(j) = reach.upper;
      } else {
        result.lower(j) = reach.lower;
      }
    }
  }
  return result;
}

}  // namespace

Box shrink_box(const CanonicalMap& map, Box box, std::vector<Vector>* slopes) {
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    const Box reach = image(map, box, slopes);
    double kept = 1.0;
    for (Index j = 0; j < box.lower.size(); ++j) {
      const double before = box.upper(j) - box.lower(j);
      box.lower(j) = std::max(box.lower(j), reach.lower(j));
      box.upper(j) = std::min(box.upper(j), reach.upper(j));
      if (!(box.lower(j) <= box.upper(j))) return box;
      if (before > 0.0) kept = std::min(kept, (box.upper(j) - box.lower(j)) / before);
    }
    if (kept > kSlow) break;
  }
  return box;
}

}  // namespace rnndyn

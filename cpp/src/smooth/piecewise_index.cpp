#include "rnndyn/smooth/piecewise_index.hpp"

#include <algorithm>
#include <map>

#include "rnndyn/smooth/shooting.hpp"

namespace rnndyn::smooth {
namespace {

constexpr int kMostGrowths = 400;
constexpr double kGrowth = 0.03;
constexpr double kLargestBox = 1e9;  // times the size of what it is to contain

// Units that are functions of one number x: a state (then slopes are the entries of W2), or the
// product of their common row of W2 with z (slopes 1).
struct Group {
  Index state = -1;
  Vector row;
  std::vector<Index> units;
  std::vector<double> slopes;
};

std::vector<Group> groups_of(const CanonicalMap& map) {
  const Index n = map.n_states();
  std::vector<Group> groups(static_cast<std::size_t>(n));
  for (Index j = 0; j < n; ++j) groups[static_cast<std::size_t>(j)].state = j;
  std::map<std::vector<double>, std::size_t> by_row;
  for (Index u = 0; u < map.n_units(); ++u) {
    const Vector row = map.w2().row(u).transpose();
    Index only = -1;
    Index n_nonzero = 0;
    for (Index j = 0; j < n; ++j) {
      if (row(j) != 0.0) only = j, ++n_nonzero;
    }
    if (n_nonzero == 1) {
      Group& group = groups[static_cast<std::size_t>(only)];
      group.units.push_back(u);
      group.slopes.push_back(row(only));
      continue;
    }
    const std::vector<double> key(row.begin(), row.end());
    const auto [place, is_new] = by_row.try_emplace(key, groups.size());
    if (is_new) {
      groups.emplace_back();
      groups.back().row = row;
    }
    groups[place->second].units.push_back(u);
    groups[place->second].slopes.push_back(1.0);
  }
  return groups;
}

Interval relu(Interval x) { return {std::max(0.0, x.lo), std::max(0.0, x.hi)}; }

// Range of a_i x + sum of W1_iu relu(s_u x + h2_u) over an interval: it is piecewise linear, so its
// extremes are at the ends and at the breakpoints between.
Interval range_of(const CanonicalMap& map, const Group& group, Index i, Interval x,
                  const std::vector<Interval>& breakpoints) {
  const auto at = [&](Interval point) {
    Interval sum = group.state >= 0 ? Interval(map.a()(i, group.state)) * point : Interval(0.0);
    for (std::size_t k = 0; k < group.units.size(); ++k) {
      const Index u = group.units[k];
      const Interval value = Interval(group.slopes[k]) * point + Interval(map.h2()(u));
      sum = sum + Interval(map.w1()(i, u)) * relu(value);
    }
    return sum;
  };
  const Interval low = at(Interval(x.lo)), high = at(Interval(x.hi));
  Interval range{std::min(low.lo, high.lo), std::max(low.hi, high.hi)};
  for (const Interval& point : breakpoints) {
    const Interval value = at(point);
    range = {std::min(range.lo, value.lo), std::max(range.hi, value.hi)};
  }
  return range;
}

std::vector<Interval> breakpoints_in(const CanonicalMap& map, const Group& group, Interval x) {
  std::vector<Interval> points;
  for (std::size_t k = 0; k < group.units.size(); ++k) {
    const double slope = group.slopes[k];
    if (slope == 0.0) continue;
    const double point = -map.h2()(group.units[k]) / slope;
    const Interval around{down(point), up(point)};
    if (around.hi > x.lo && around.lo < x.hi) points.push_back(around);
  }
  return points;
}

IntervalVector image_of(const CanonicalMap& map, const std::vector<Group>& groups,
                        const IntervalVector& box) {
  const Index n = map.n_states();
  std::vector<Interval> sums;
  for (Index i = 0; i < n; ++i) sums.emplace_back(map.h1()(i));
  for (const Group& group : groups) {
    Interval x(0.0);
    if (group.state >= 0) {
      x = box[group.state];
    } else {
      for (Index j = 0; j < n; ++j) {
        if (group.row(j) != 0.0) x = x + Interval(group.row(j)) * box[j];
      }
    }
    const std::vector<Interval> breakpoints = breakpoints_in(map, group, x);
    for (Index i = 0; i < n; ++i) {
      auto& sum = sums[static_cast<std::size_t>(i)];
      sum = sum + range_of(map, group, i, x, breakpoints);
    }
  }
  IntervalVector next(n);
  for (Index i = 0; i < n; ++i) next.set(i, sums[static_cast<std::size_t>(i)]);
  return next;
}

}  // namespace

IntervalVector image(const CanonicalMap& map, const IntervalVector& box) {
  return image_of(map, groups_of(map), box);
}

std::optional<IntervalVector> invariant_box(const CanonicalMap& map, const Matrix& states) {
  const std::vector<Group> groups = groups_of(map);
  const Index n = map.n_states();
  const Vector middle = map.step(Vector::Zero(n));
  IntervalVector box(middle.cwiseMin(0.0), middle.cwiseMax(0.0));
  if (states.cols() > 0) {
    box.lower = box.lower.cwiseMin(states.rowwise().minCoeff());
    box.upper = box.upper.cwiseMax(states.rowwise().maxCoeff());
  }
  const double size =
      std::max({box.upper.cwiseAbs().maxCoeff(), box.lower.cwiseAbs().maxCoeff(), 1e-3});
  box.lower.array() -= kGrowth * size;
  box.upper.array() += kGrowth * size;
  for (int turn = 0; turn < kMostGrowths; ++turn) {
    const IntervalVector next = image_of(map, groups, box);
    if ((next.lower.array() > box.lower.array()).all() &&
        (next.upper.array() < box.upper.array()).all()) {
      return box;
    }
    // Where a side does not hold the image it moves there, and some way on.
    for (Index i = 0; i < n; ++i) {
      const double width = box.upper(i) - box.lower(i);
      if (!(next.lower(i) > box.lower(i))) box.lower(i) = next.lower(i) - kGrowth * width;
      if (!(next.upper(i) < box.upper(i))) box.upper(i) = next.upper(i) + kGrowth * width;
    }
    if (!((box.upper - box.lower).maxCoeff() < kLargestBox * size)) return std::nullopt;
  }
  return std::nullopt;
}

IndexSigns index_signs(const CanonicalMap& map, const Itinerary& itinerary) {
  std::vector<Matrix> jacobians, radii;
  const double g = gamma(static_cast<double>(map.n_units()) + 2.0) * kOutward;
  // Of no region is an entry of the Jacobian off by more than this.
  Matrix radius = map.a().cwiseAbs();
  if (map.n_units() > 0) radius += map.w1().cwiseAbs() * map.w2().cwiseAbs();
  radius = radius.array() * g + kUnderflow;
  for (Index t = 0; t < itinerary.order; ++t) {
    jacobians.push_back(map.jacobian(itinerary.at(t)));
    radii.push_back(radius);
  }
  IndexSigns signs;
  signs.index = certified_sign(jacobians, radii);
  jacobians.front() = -jacobians.front();
  signs.index_of_double = certified_sign(jacobians, radii);
  return signs;
}

}  // namespace rnndyn::smooth

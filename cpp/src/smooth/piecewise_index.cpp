#include "rnndyn/smooth/piecewise_index.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "rnndyn/smooth/shooting.hpp"

namespace rnndyn::smooth {
namespace {

constexpr int kMostGrowths = 400;
constexpr double kGrowth = 0.03;
constexpr double kLargestBox = 1e9;  // times the size of what it is to contain
constexpr double kInfinity = std::numeric_limits<double>::infinity();

using Array = Eigen::ArrayXd;

// Units that are functions of one number x: a state (then slopes are the entries of W2), or the
// product of their common row of W2 with z (slopes 1).
struct Group {
  Index state = -1;
  Vector row;
  std::vector<Index> units;
  std::vector<double> slopes;
};

struct Groups {
  std::vector<Index> alone;     // units that share what they read with nothing
  std::vector<Group> together;  // of several units, or of a state and units
  std::vector<Index> states;    // that no unit reads alone
};

Groups groups_of(const CanonicalMap& map) {
  const Index n = map.n_states();
  std::vector<Group> of_states(static_cast<std::size_t>(n)), of_rows;
  std::map<std::vector<double>, std::size_t> by_row;
  for (Index u = 0; u < map.n_units(); ++u) {
    const Vector row = map.w2().row(u).transpose();
    Index only = -1;
    Index n_nonzero = 0;
    for (Index j = 0; j < n; ++j) {
      if (row(j) != 0.0) only = j, ++n_nonzero;
    }
    if (n_nonzero == 1) {
      Group& group = of_states[static_cast<std::size_t>(only)];
      group.units.push_back(u);
      group.slopes.push_back(row(only));
      continue;
    }
    const std::vector<double> key(row.begin(), row.end());
    const auto [place, is_new] = by_row.try_emplace(key, of_rows.size());
    if (is_new) {
      of_rows.emplace_back();
      of_rows.back().row = row;
    }
    of_rows[place->second].units.push_back(u);
    of_rows[place->second].slopes.push_back(1.0);
  }
  Groups groups;
  for (Index j = 0; j < n; ++j) {
    Group& group = of_states[static_cast<std::size_t>(j)];
    group.state = j;
    if (group.units.empty()) {
      groups.states.push_back(j);
    } else {
      groups.together.push_back(std::move(group));
    }
  }
  for (Group& group : of_rows) {
    if (group.units.size() == 1) {
      groups.alone.push_back(group.units.front());
    } else {
      groups.together.push_back(std::move(group));
    }
  }
  return groups;
}

// An end that is not a number came of an overflow.
Interval relu(Interval x) {
  const double hi = std::isnan(x.hi) ? kInfinity : x.hi;
  return {std::max(0.0, x.lo), std::max(0.0, hi)};
}

// Bounds of sums of products without directed rounding: the ends of all terms are added up as they
// come, and the largest moduli of the terms beside them. Rounding is monotone, and so are the
// minima that are taken of ends and of partial sums. So the computed lower end is no larger than
// what the same additions make of the terms at any one point of the box, and of that sum the exact
// value differs by gamma(d) times the sum of moduli at most, d the additions and products that a
// term passes through (see rnndyn/rounding.hpp).
struct Sums {
  Array lower, upper, size;

  explicit Sums(Index n) : lower(Array::Zero(n)), upper(lower), size(lower) {}

  void set(const Vector& numbers) {
    lower = numbers.array();
    upper = lower;
    size = lower.abs();
  }
  // A column of numbers times an interval; or one number of it, where the others are zero.
  template <class Column>
  void add(const Column& column, Interval x) {
    const double magnitude = x.magnitude();
    if (magnitude == 0.0) return;
    const auto c = column.array();
    lower += (c * x.lo).min(c * x.hi);
    upper += (c * x.lo).max(c * x.hi);
    size += c.abs() * magnitude;
  }
  void add_one(Index i, double number, Interval x) {
    lower(i) += std::min(number * x.lo, number * x.hi);
    upper(i) += std::max(number * x.lo, number * x.hi);
    size(i) += std::abs(number) * x.magnitude();
  }
  void add(const Sums& other) {
    lower += other.lower;
    upper += other.upper;
    size += other.size;
  }
  // Of exact sums of n terms. An end of an interval that is not finite, or a sum that overflows,
  // leaves a size that is not finite: then nothing is known.
  IntervalVector bounds(Index n) const {
    // A product, additions of at most n terms and of the group that a term is in.
    const auto terms = static_cast<double>(n) + 2.0;
    const double g = gamma(terms) * kOutward;
    IntervalVector result(lower.size());
    for (Index i = 0; i < lower.size(); ++i) {
      const double error = size(i) * g + kUnderflow;
      if (std::isfinite(error)) {
        result.set(i, {down(lower(i) - error), up(upper(i) + error)});
      } else {
        result.set(i, {-kInfinity, kInfinity});
      }
    }
    return result;
  }
};

// What the states and units of a group read.
Interval read(const CanonicalMap& map, const Group& group, const IntervalVector& box) {
  if (group.state >= 0) return box[group.state];
  Interval x(0.0);
  for (Index j = 0; j < map.n_states(); ++j) {
    if (group.row(j) != 0.0) x = x + Interval(group.row(j)) * box[j];
  }
  return x;
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

// Adds the range of a_i x + sum of W1_iu relu(s_u x + h2_u) over an interval: it is piecewise
// linear, so its extremes are at the ends and at the breakpoints between.
void add_range(const CanonicalMap& map, const Group& group, Interval x, Sums& at, Sums& range,
               Sums& sums) {
  std::vector<Interval> points = breakpoints_in(map, group, x);
  points.emplace_back(x.lo);
  points.emplace_back(x.hi);
  bool first = true;
  for (const Interval& point : points) {
    at.set(Vector::Zero(map.n_states()));
    if (group.state >= 0) at.add(map.a().col(group.state), point);
    for (std::size_t k = 0; k < group.units.size(); ++k) {
      const Index u = group.units[k];
      at.add(map.w1().col(u), relu(Interval(group.slopes[k]) * point + Interval(map.h2()(u))));
    }
    if (first) {
      range = at;
    } else {
      range.lower = range.lower.min(at.lower);
      range.upper = range.upper.max(at.upper);
      range.size = (range.size.max<Eigen::PropagateNaN>)(at.size);
    }
    first = false;
  }
  sums.add(range);
}

// A unit that shares what it reads with nothing is monotone in it: its ends are those of its
// pre-activation.
void add_units_alone(const CanonicalMap& map, const std::vector<Index>& units,
                     const IntervalVector& box, Sums& sums) {
  if (units.empty()) return;
  Sums read(map.n_units());
  read.set(map.h2());
  for (Index j = 0; j < map.n_states(); ++j) read.add(map.w2().col(j), box[j]);
  const IntervalVector preactivations = read.bounds(map.n_states() + 1);
  for (const Index u : units) sums.add(map.w1().col(u), relu(preactivations[u]));
}

IntervalVector image_of(const CanonicalMap& map, const Groups& groups, const IntervalVector& box) {
  const Index n = map.n_states();
  Sums sums(n), at(n), range(n);
  sums.set(map.h1());
  const bool diagonal = map.a().isDiagonal(0.0);
  for (const Index j : groups.states) {
    if (diagonal) {
      sums.add_one(j, map.a()(j, j), box[j]);
    } else {
      sums.add(map.a().col(j), box[j]);
    }
  }
  for (const Group& group : groups.together) {
    add_range(map, group, read(map, group, box), at, range, sums);
  }
  add_units_alone(map, groups.alone, box, sums);
  return sums.bounds(1 + n + map.n_units());
}

}  // namespace

IntervalVector image(const CanonicalMap& map, const IntervalVector& box) {
  return image_of(map, groups_of(map), box);
}

std::optional<IntervalVector> invariant_box(const CanonicalMap& map, const Matrix& states) {
  const Groups groups = groups_of(map);
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

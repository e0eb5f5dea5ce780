// Interval arithmetic, rounded outwards in round to nearest, for scalars and for matrices.
//
// An operation's exact result lies within u |result| of what is computed, or kSmallest where it
// underflows; moving an end outwards by 2^-52 |end| + kUnderflow, itself rounded, covers that
// (Rump, Zimmermann, Boldo, Melquiond, BIT 49, 419, 2009).
#pragma once

#include <algorithm>
#include <cmath>

#include "rnndyn/map.hpp"
#include "rnndyn/rounding.hpp"
#include "rnndyn/smooth/functions.hpp"

namespace rnndyn::smooth {

inline double down(double x) { return x - (std::abs(x) * (2.0 * kUnitRoundoff) + kUnderflow); }
inline double up(double x) { return x + (std::abs(x) * (2.0 * kUnitRoundoff) + kUnderflow); }

struct Interval {
  double lo = 0.0, hi = 0.0;

  Interval() = default;
  Interval(double value) : lo(value), hi(value) {}  // a number is an interval
  Interval(double lower, double upper) : lo(lower), hi(upper) {}

  double mid() const { return 0.5 * lo + 0.5 * hi; }
  // No point is further from mid().
  double radius() const {
    const double m = mid();
    return up(std::max(hi - m, m - lo));
  }
  double magnitude() const { return std::max(std::abs(lo), std::abs(hi)); }
  bool contains(double x) const { return lo <= x && x <= hi; }
};

inline Interval operator+(Interval a, Interval b) { return {down(a.lo + b.lo), up(a.hi + b.hi)}; }
inline Interval operator-(Interval a, Interval b) { return {down(a.lo - b.hi), up(a.hi - b.lo)}; }
inline Interval operator*(Interval a, Interval b) {
  const double p[4] = {a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi};
  return {down(std::min({p[0], p[1], p[2], p[3]})), up(std::max({p[0], p[1], p[2], p[3]}))};
}
inline Interval intersection(Interval a, Interval b) {
  return {std::max(a.lo, b.lo), std::min(a.hi, b.hi)};  // empty where lo > hi
}
inline bool is_empty(Interval a) { return !(a.lo <= a.hi); }

// A computed value of one of the functions -> bounds of the exact one.
inline double function_down(double value) {
  return value - (std::abs(value) * (kFunctionError * kOutward) + kUnderflow);
}
inline double function_up(double value) {
  return value + (std::abs(value) * (kFunctionError * kOutward) + kUnderflow);
}

inline Interval tanh_of(Interval x) {
  return {std::max(-1.0, function_down(tanh_of(x.lo))), std::min(1.0, function_up(tanh_of(x.hi)))};
}
inline Interval logistic(Interval x) {
  return {std::max(0.0, function_down(logistic(x.lo))), std::min(1.0, function_up(logistic(x.hi)))};
}
// Slopes are even and fall with |x|. Beyond kLargestExponent they are taken from there, where they
// are below kUnderflow, so that the lower bound is 0.
template <class Slope>
Interval slope_over(Interval x, const Slope& slope, double largest) {
  const double far = x.magnitude();
  const double near = x.contains(0.0) ? 0.0 : std::min(std::abs(x.lo), std::abs(x.hi));
  return {std::max(0.0, function_down(slope(far))), std::min(largest, function_up(slope(near)))};
}
inline Interval tanh_slope(Interval x) {
  return slope_over(x, [](double y) { return tanh_slope(y); }, 1.0);
}
inline Interval logistic_slope(Interval x) {
  return slope_over(x, [](double y) { return logistic_slope(y); }, 0.25);
}
// (1 - z) m + z h, z in [0, 1]: monotone in m and h, linear in z.
inline double mixture(double z, double m, double h) { return m + z * (h - m); }
inline Interval mixture(Interval z, Interval m, Interval h) {
  const auto at = [](double share, double from, double to) {
    return (Interval(1.0) - share) * from + Interval(share) * to;
  };
  return {std::min(at(z.lo, m.lo, h.lo).lo, at(z.hi, m.lo, h.lo).lo),
          std::max(at(z.lo, m.hi, h.hi).hi, at(z.hi, m.hi, h.hi).hi)};
}

// A box of states.
struct IntervalVector {
  Vector lower, upper;

  IntervalVector() = default;
  explicit IntervalVector(Index n) : lower(Vector::Zero(n)), upper(Vector::Zero(n)) {}
  IntervalVector(Vector lo, Vector hi) : lower(std::move(lo)), upper(std::move(hi)) {}
  static IntervalVector around(const ConstVectorRef& centre, const ConstVectorRef& radius) {
    IntervalVector box(centre.size());
    for (Index i = 0; i < centre.size(); ++i) {
      box.lower(i) = down(centre(i) - radius(i));
      box.upper(i) = up(centre(i) + radius(i));
    }
    return box;
  }

  Index size() const { return lower.size(); }
  Interval operator[](Index i) const { return {lower(i), upper(i)}; }
  void set(Index i, Interval value) { lower(i) = value.lo, upper(i) = value.hi; }
  bool contains(const ConstVectorRef& x) const {
    return (x.array() >= lower.array()).all() && (x.array() <= upper.array()).all();
  }
  bool contains(const IntervalVector& other) const {
    return (other.lower.array() >= lower.array()).all() &&
           (other.upper.array() <= upper.array()).all();
  }
  bool meets(const IntervalVector& other) const {
    return (other.lower.array() <= upper.array()).all() &&
           (other.upper.array() >= lower.array()).all();
  }
};

// Matrices as midpoint and radius. Sums of products are evaluated for the midpoints; what each
// operation can be off goes to the radius (Rump, Acta Numerica 2010, sec. 9).
struct IntervalMatrix {
  Matrix mid, radius;

  IntervalMatrix() = default;
  IntervalMatrix(Index rows, Index cols)
      : mid(Matrix::Zero(rows, cols)), radius(Matrix::Zero(rows, cols)) {}
};

}  // namespace rnndyn::smooth

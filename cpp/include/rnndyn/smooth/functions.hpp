// tanh, the logistic function and their derivatives, with a proved error: libm promises none.
//
// exp(-t) is reduced by t = k ln 2 - r, |r| <= 0.3475, and Horner's scheme for the Taylor
// polynomial of degree 13. With u = 2^-53:
//   r is off by less than 0.7 u: k times the upper half of ln 2 is exact, as that has 32 bits and
//   k <= 1010; two sums lose u |r| each; the rest is below 1e-22.
//   Horner, from the inside out: an accumulated relative error d of the inner factor becomes
//   share (d + u) + u, where share is the part that the inner term has in the sum. Taking 30 u
//   after the first ten steps (Higham, sec. 5.1), the shares 0.122, 0.18 and 0.414 of the last
//   three give 4.8 u, 2.1 u and 2.3 u. The remainder is below 0.06 u.
// In all less than 4 u. What follows from it below is less than kFunctionError, 16 u, each:
//   logistic(x) = 1 / d or e / d with e = exp(-|x|), d = 1 + e (3 u): 8 u; its slope e / d^2: 12 u.
//   tanh = (1 - e) / (1 + e) with e = exp(-2 |x|) <= 0.7072: 1 - e has 10.7 u, the sum 2.7 u, the
//   quotient 1 u; nearer to 0, where it is -m / (2 + m) with m = expm1(-2 |x|): 6 u. Its slope
//   4 e / d^2: 12 u.
// Where a result underflows it is off by no more than kSmallest besides.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

#include "rnndyn/rounding.hpp"

namespace rnndyn::smooth {

inline constexpr double kFunctionError = 16.0 * kUnitRoundoff;
// exp(-t) is taken at no larger t: beyond it everything that is to vanish has, and enclosures
// begin at 0.
inline constexpr double kLargestExponent = 700.0;
inline constexpr double kHalfLn2 = 0.34657359027997264;

// (exp(r) - 1) / r for |r| <= 0.3475.
inline double expm1_over(double r) {
  double q = 1.0 / 6227020800.0;
  q = q * r + 1.0 / 479001600.0;
  q = q * r + 1.0 / 39916800.0;
  q = q * r + 1.0 / 3628800.0;
  q = q * r + 1.0 / 362880.0;
  q = q * r + 1.0 / 40320.0;
  q = q * r + 1.0 / 5040.0;
  q = q * r + 1.0 / 720.0;
  q = q * r + 1.0 / 120.0;
  q = q * r + 1.0 / 24.0;
  q = q * r + 1.0 / 6.0;
  q = q * r + 0.5;
  return q * r + 1.0;
}

// exp(-t) for t >= 0.
inline double exp_minus(double t) {
  constexpr double kUpperLn2 = 0x1.62e42feep-1;  // 32 bits
  constexpr double kLowerLn2 = 0x1.a39ef35793c76p-33;
  constexpr double kInverseLn2 = 0x1.71547652b82fep0;
  constexpr double kRounder = 0x1.8p52;  // adding it rounds to a whole number
  t = std::min(t, kLargestExponent);
  const double k = (t * kInverseLn2 + kRounder) - kRounder;
  const double r = (k * kUpperLn2 - t) + k * kLowerLn2;
  // What is not a number has no exponent; r carries it on.
  const auto power = std::isnan(k) ? std::int64_t{0} : static_cast<std::int64_t>(k);
  const auto exponent = static_cast<std::uint64_t>(1023 - power);
  return (1.0 + r * expm1_over(r)) * std::bit_cast<double>(exponent << 52);
}

inline double tanh_of(double x) {
  const double t = 2.0 * std::abs(x);
  double value;
  if (t < kHalfLn2) {
    const double m = -t * expm1_over(-t);
    value = -m / (2.0 + m);
  } else {
    const double e = exp_minus(t);
    value = (1.0 - e) / (1.0 + e);
  }
  return std::copysign(value, x);
}

inline double tanh_slope(double x) {
  const double e = exp_minus(2.0 * std::abs(x));
  const double d = 1.0 + e;
  return 4.0 * e / (d * d);
}

inline double logistic(double x) {
  const double e = exp_minus(std::abs(x));
  return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

inline double logistic_slope(double x) {
  const double e = exp_minus(std::abs(x));
  const double d = 1.0 + e;
  return e / (d * d);
}

}  // namespace rnndyn::smooth

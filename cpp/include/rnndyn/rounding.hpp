// Rounding errors of IEEE double arithmetic: all that the proofs rest on, in one place.
//
// Every operation is exact but for two errors: fl(x op y) = (x op y) (1 + d) + e with |d| <= u and,
// for products, quotients and roots only, |e| <= 2^-1075; one of d and e is zero. Sums and
// differences never lose anything to underflow (Higham, Accuracy and Stability of Numerical
// Algorithms, 2nd ed., sec. 2.1; Rump, Acta Numerica 2010, sec. 1). So a bound has two parts:
//   gamma(n) * (the same sum with absolute values), n the largest number of operations that a term
//     passes through, whatever the order of summation (Higham, sec. 3.1);
//   underflow(n), n the number of products, times the absolute value of whatever the sum is
//     multiplied by afterwards. Whoever multiplies carries it on.
// What a place adds to n is said there. Subnormal numbers must not be flushed to zero.
#pragma once

namespace rnndyn {

inline constexpr double kUnitRoundoff = 0x1p-53;
inline constexpr double kSmallest = 0x1p-1074;  // subnormal

// gamma_n = n u / (1 - n u), rounded upwards; n u must be below 1/2.
constexpr double gamma(double n) {
  const double product = n * kUnitRoundoff;
  return product / (1.0 - product) * (1.0 + 4.0 * kUnitRoundoff);
}

// What n products lose to underflow; twice of it, so that the products with which a bound is
// itself evaluated, one for each, are paid for as well.
constexpr double underflow(double n) { return n * kSmallest; }

// More than underflow(n) for any n there is, and a normal number: for inner loops, because
// arithmetic with subnormal numbers takes many times as long.
inline constexpr double kUnderflow = 0x1p-1000;
static_assert(kUnderflow > underflow(1e15));

// A bound that is a sum of up to 10^6 products of nonnegative numbers comes out too small by less
// than this factor.
inline constexpr double kOutward = 1.0 + 0x1p-30;

}  // namespace rnndyn

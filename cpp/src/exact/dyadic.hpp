// Exact numbers m 2^e, which sums, differences and products of doubles are: for the few decisions
// that no rounding may touch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rnndyn/parallel.hpp"

namespace rnndyn {

class Dyadic {
 public:
  Dyadic() = default;             // zero
  explicit Dyadic(double value);  // finite

  bool is_zero() const { return limbs_.empty(); }
  int sign() const { return is_zero() ? 0 : negative_ ? -1 : 1; }
  // Length of the mantissa in words of 32 bits: what an operation costs.
  std::size_t length() const { return limbs_.size(); }
  // 2^(magnitude - 1) <= |x| < 2^magnitude; not of zero.
  std::int64_t magnitude() const;

  Dyadic operator-() const;
  friend Dyadic operator+(const Dyadic& a, const Dyadic& b) { return a.plus(b, false); }
  friend Dyadic operator-(const Dyadic& a, const Dyadic& b) { return a.plus(b, true); }
  friend Dyadic operator*(const Dyadic& a, const Dyadic& b);
  friend bool operator==(const Dyadic& a, const Dyadic& b) = default;
  Dyadic& operator+=(const Dyadic& b) { return *this = *this + b; }

  // This number over one that is known to divide it, leaving m 2^e.
  Dyadic over_divisor(const Dyadic& divisor) const;

  // The power of two with the size of this number; not of zero.
  Dyadic leading_power() const;

  // numerator / denominator to within a unit in the last place; infinite beyond the range.
  friend double quotient(const Dyadic& numerator, const Dyadic& denominator);

 private:
  using Limbs = std::vector<std::uint32_t>;  // least significant first, no leading zero

  Dyadic plus(const Dyadic& b, bool minus) const;
  // Makes the mantissa odd.
  void normalise();
  // The leading bits as a sum of two doubles in [1/2, 1).
  void leading(double& high, double& low) const;

  bool negative_ = false;
  Limbs limbs_;
  std::int64_t exponent_ = 0;
};

double quotient(const Dyadic& numerator, const Dyadic& denominator);

// What is left of the effort that a caller allows, in products of words. Throws Stopped when the
// control says stop.
class ExactEffort {
 public:
  ExactEffort(double products, Control* control) : left_(products), looks_(control) {}
  Control* control() const { return looks_.control(); }
  void spend(const Dyadic& a, const Dyadic& b) {
    const double products = 8.0 + static_cast<double>(a.length()) * static_cast<double>(b.length());
    left_ -= products;
    looks_.after(products);
  }
  bool exhausted() const { return left_ < 0.0; }

 private:
  double left_;
  Looks looks_;
};

}  // namespace rnndyn

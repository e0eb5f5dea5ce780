#include "exact/dyadic.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace rnndyn {
namespace {

using Limbs = std::vector<std::uint32_t>;
constexpr int kBits = 32;

void drop_leading_zeros(Limbs& x) {
  while (!x.empty() && x.back() == 0) x.pop_back();
}

int compare(const Limbs& a, const Limbs& b) {
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  for (std::size_t i = a.size(); i-- > 0;) {
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  }
  return 0;
}

Limbs shifted_left(const Limbs& x, std::int64_t bits) {
  const auto whole = static_cast<std::size_t>(bits / kBits);
  const int part = static_cast<int>(bits % kBits);
  Limbs result(x.size() + whole + 1, 0);
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t wide = static_cast<std::uint64_t>(x[i]) << part;
    result[i + whole] |= static_cast<std::uint32_t>(wide);
    result[i + whole + 1] = static_cast<std::uint32_t>(wide >> kBits);
  }
  drop_leading_zeros(result);
  return result;
}

void shift_right(Limbs& x, std::size_t whole, int part) {
  x.erase(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(whole));
  if (part == 0) return;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::uint64_t above = i + 1 < x.size() ? x[i + 1] : 0;
    x[i] = static_cast<std::uint32_t>(((above << kBits) | x[i]) >> part);
  }
  drop_leading_zeros(x);
}

Limbs sum(const Limbs& a, const Limbs& b) {
  const Limbs& longer = a.size() < b.size() ? b : a;
  const Limbs& shorter = a.size() < b.size() ? a : b;
  Limbs result(longer.size() + 1);
  std::uint64_t carry = 0;
  for (std::size_t i = 0; i < longer.size(); ++i) {
    carry += static_cast<std::uint64_t>(longer[i]) + (i < shorter.size() ? shorter[i] : 0);
    result[i] = static_cast<std::uint32_t>(carry);
    carry >>= kBits;
  }
  result.back() = static_cast<std::uint32_t>(carry);
  drop_leading_zeros(result);
  return result;
}

// a - b for a >= b.
Limbs difference(const Limbs& a, const Limbs& b) {
  Limbs result(a.size());
  std::int64_t borrow = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    borrow += static_cast<std::int64_t>(a[i]) - (i < b.size() ? b[i] : 0);
    result[i] = static_cast<std::uint32_t>(borrow);
    borrow >>= kBits;
  }
  drop_leading_zeros(result);
  return result;
}

}  // namespace

Dyadic::Dyadic(double value) {
  if (value == 0.0) return;
  negative_ = std::signbit(value);
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(value), &exponent);
  const auto whole = static_cast<std::uint64_t>(std::ldexp(mantissa, 53));
  limbs_ = {static_cast<std::uint32_t>(whole), static_cast<std::uint32_t>(whole >> kBits)};
  exponent_ = exponent - 53;
  normalise();
}

std::int64_t Dyadic::magnitude() const {
  return exponent_ + static_cast<std::int64_t>(limbs_.size()) * kBits -
         std::countl_zero(limbs_.back());
}

void Dyadic::normalise() {
  drop_leading_zeros(limbs_);
  if (limbs_.empty()) {
    negative_ = false;
    exponent_ = 0;
    return;
  }
  std::size_t whole = 0;
  while (limbs_[whole] == 0) ++whole;
  const int part = std::countr_zero(limbs_[whole]);
  if (whole == 0 && part == 0) return;
  shift_right(limbs_, whole, part);
  exponent_ += static_cast<std::int64_t>(whole) * kBits + part;
}

Dyadic Dyadic::operator-() const {
  Dyadic result = *this;
  result.negative_ = !is_zero() && !negative_;
  return result;
}

Dyadic Dyadic::plus(const Dyadic& b, bool minus) const {
  if (b.is_zero()) return *this;
  if (is_zero()) return minus ? -b : b;
  const bool b_negative = b.negative_ != minus;
  Limbs moved;  // of the number whose last bit is worth more
  const Limbs* left = &limbs_;
  const Limbs* right = &b.limbs_;
  if (exponent_ > b.exponent_) {
    moved = shifted_left(limbs_, exponent_ - b.exponent_);
    left = &moved;
  } else if (exponent_ < b.exponent_) {
    moved = shifted_left(b.limbs_, b.exponent_ - exponent_);
    right = &moved;
  }
  Dyadic result;
  result.exponent_ = std::min(exponent_, b.exponent_);
  result.negative_ = negative_;
  if (negative_ == b_negative) {
    result.limbs_ = sum(*left, *right);
  } else if (compare(*left, *right) >= 0) {
    result.limbs_ = difference(*left, *right);
  } else {
    result.limbs_ = difference(*right, *left);
    result.negative_ = b_negative;
  }
  result.normalise();
  return result;
}

Dyadic operator*(const Dyadic& a, const Dyadic& b) {
  Dyadic result;
  if (a.is_zero() || b.is_zero()) return result;
  result.negative_ = a.negative_ != b.negative_;
  result.exponent_ = a.exponent_ + b.exponent_;
  result.limbs_.assign(a.limbs_.size() + b.limbs_.size(), 0);
  for (std::size_t i = 0; i < a.limbs_.size(); ++i) {
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < b.limbs_.size(); ++j) {
      carry += static_cast<std::uint64_t>(a.limbs_[i]) * b.limbs_[j] + result.limbs_[i + j];
      result.limbs_[i + j] = static_cast<std::uint32_t>(carry);
      carry >>= kBits;
    }
    result.limbs_[i + b.limbs_.size()] = static_cast<std::uint32_t>(carry);
  }
  drop_leading_zeros(result.limbs_);  // a product of odd numbers is odd
  return result;
}

// Digit by digit from the lowest, where an odd divisor has an inverse (T. Jebelean, J. Symbolic
// Computation 15, 169, 1993).
Dyadic Dyadic::over_divisor(const Dyadic& divisor) const {
  if (is_zero()) return {};
  Dyadic result;
  result.negative_ = negative_ != divisor.negative_;
  result.exponent_ = exponent_ - divisor.exponent_;
  const Limbs& d = divisor.limbs_;
  if (d.size() == 1 && d[0] == 1) {
    result.limbs_ = limbs_;
    return result;
  }
  std::uint32_t inverse = d[0];  // right in the last three bits; each step doubles their number
  for (int step = 0; step < 4; ++step) inverse *= 2U - d[0] * inverse;
  Limbs rest = limbs_;
  result.limbs_.assign(rest.size() - d.size() + 1, 0);
  const std::size_t n = result.limbs_.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t digit = rest[i] * inverse;
    result.limbs_[i] = digit;
    std::uint64_t carry = 0;
    for (std::size_t j = 0; j < d.size() && i + j < n; ++j) {
      carry += static_cast<std::uint64_t>(digit) * d[j];
      const auto low = static_cast<std::uint32_t>(carry);
      carry >>= kBits;
      carry += rest[i + j] < low ? 1U : 0U;
      rest[i + j] -= low;
    }
    for (std::size_t j = i + d.size(); j < n && carry != 0; ++j) {
      const auto low = static_cast<std::uint32_t>(carry);
      carry = (carry >> kBits) + (rest[j] < low ? 1U : 0U);
      rest[j] -= low;
    }
  }
  drop_leading_zeros(result.limbs_);
  return result;
}

Dyadic Dyadic::leading_power() const {
  Dyadic result;
  result.limbs_ = {1};
  result.exponent_ = magnitude() - 1;
  return result;
}

void Dyadic::leading(double& high, double& low) const {
  // The first 106 bits in two halves of 53, which doubles hold exactly.
  Limbs top = limbs_;
  const auto length = static_cast<std::int64_t>(top.size()) * kBits - std::countl_zero(top.back());
  if (length < 106) {
    top = shifted_left(top, 106 - length);
  } else {
    const std::int64_t excess = length - 106;
    shift_right(top, static_cast<std::size_t>(excess / kBits), static_cast<int>(excess % kBits));
  }
  top.resize(4, 0);
  const std::uint64_t lower = (static_cast<std::uint64_t>(top[1]) << kBits) | top[0];
  const std::uint64_t upper = (static_cast<std::uint64_t>(top[3]) << kBits) | top[2];
  constexpr std::uint64_t kMask = (std::uint64_t{1} << 53) - 1;
  low = std::ldexp(static_cast<double>(lower & kMask), -106);
  high = std::ldexp(static_cast<double>((upper << 11) | (lower >> 53)), -53);
}

double quotient(const Dyadic& numerator, const Dyadic& denominator) {
  if (numerator.is_zero()) return 0.0;
  double n_high = 0.0;
  double n_low = 0.0;
  double d_high = 0.0;
  double d_low = 0.0;
  numerator.leading(n_high, n_low);
  denominator.leading(d_high, d_low);
  const double first = n_high / d_high;
  const double rest = std::fma(-first, d_high, n_high) + (n_low - first * d_low);
  const double value = first + rest / d_high;
  const std::int64_t exponent = numerator.magnitude() - denominator.magnitude();
  const double sign = numerator.negative_ != denominator.negative_ ? -1.0 : 1.0;
  return sign *
         std::ldexp(value, static_cast<int>(std::clamp<std::int64_t>(exponent, -4000, 4000)));
}

}  // namespace rnndyn

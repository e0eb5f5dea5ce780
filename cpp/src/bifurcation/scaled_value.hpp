// Numbers of any size: determinants of long expanding cycles overflow doubles.
#pragma once

#include <algorithm>
#include <cmath>

namespace rnndyn {

struct ScaledValue {
  double mantissa = 1.0;
  int exponent = 0;

  void multiply(double factor) {
    int shift = 0;
    mantissa = std::frexp(mantissa * factor, &shift);
    exponent += shift;
  }
  // The value divided by 2^reference.
  double relative_to(int reference) const {
    return std::ldexp(mantissa, std::clamp(exponent - reference, -2000, 2000));
  }
  int sign() const { return mantissa > 0.0 ? 1 : mantissa < 0.0 ? -1 : 0; }
};

}  // namespace rnndyn

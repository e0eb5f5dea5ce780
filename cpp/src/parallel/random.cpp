#include "rnndyn/random.hpp"

#include <cmath>
#include <numbers>

#if defined(_MSC_VER) && defined(_M_X64)
#include <intrin.h>
#endif

namespace rnndyn {
namespace {

struct WideProduct {
  std::uint64_t high, low;
};

WideProduct multiply(std::uint64_t a, std::uint64_t b) {
#if defined(_MSC_VER) && defined(_M_X64)
  WideProduct product;
  product.low = _umul128(a, b, &product.high);
  return product;
#else
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return {static_cast<std::uint64_t>(product >> 64), static_cast<std::uint64_t>(product)};
#endif
}

}  // namespace

PhiloxBlock philox4x64(PhiloxBlock counter, std::array<std::uint64_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const WideProduct p0 = multiply(0xD2E7470EE14C6C93ULL, counter[0]);
    const WideProduct p1 = multiply(0xCA5A826395121157ULL, counter[2]);
    counter = {p1.high ^ counter[1] ^ key[0], p1.low, p0.high ^ counter[3] ^ key[1], p0.low};
    key[0] += 0x9E3779B97F4A7C15ULL;
    key[1] += 0xBB67AE8584CAA73BULL;
  }
  return counter;
}

double RandomStream::normal() {
  // Box and Muller 1958; 1 - u lies in (0, 1], so the logarithm is finite.
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

}  // namespace rnndyn

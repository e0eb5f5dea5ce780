// Compiled without contraction of products and sums: what is written here is meant as it stands.
// Where the instruction set has a fused product, std::fma is one instruction, else a library call.
#include "kernels/residual.hpp"

#include <Eigen/Dense>
#include <cmath>
#include <vector>

#include "rnndyn/rounding.hpp"

namespace rnndyn::kernels {
namespace {

constexpr double kSmallestPerUnderflow = kSmallest / kUnderflow;

// Unevaluated sum high + low with about 106 bits (Dekker, Numer. Math. 18, 224, 1971).
struct DoubleDouble {
  double high = 0.0;
  double low = 0.0;

  void add(double value) {
    const double sum = high + value;
    const double part = sum - high;
    low += (high - (sum - part)) + (value - part);
    high = sum;
  }
  void add_product(double a, double b) {
    const double p = a * b;
    low += std::fma(a, b, -p);
    add(p);
  }
  void normalise() {
    const double sum = high + low;
    low -= sum - high;
    high = sum;
  }
};

}  // namespace

void accurate_residual(const CanonicalMap& map, const Itinerary& itinerary, const double* at,
                       double* to_residual, double* to_error) {
  const Eigen::Map<const Matrix> points(at, map.n_states(), itinerary.order);
  Eigen::Map<Matrix> residual(to_residual, map.n_states(), itinerary.order);
  Eigen::Map<Matrix> error(to_error, map.n_states(), itinerary.order);
  const Index m = map.n_states();
  const Index k = itinerary.order;
  std::vector<DoubleDouble> p(static_cast<std::size_t>(map.n_units()));
  Vector p_size(map.n_units());
  Vector p_products(map.n_units());  // that may have underflowed
  for (Index t = 0; t < k; ++t) {
    const Word* region = itinerary.at(t);
    const auto z = points.col(t);
    for (Index i = 0; i < map.n_units(); ++i) {
      auto& sum = p[static_cast<std::size_t>(i)];
      sum = DoubleDouble{};
      p_size(i) = p_products(i) = 0.0;
      if (!get_bit(region, i)) continue;
      if (map.w2_is_identity()) {
        sum.high = z(i);
        p_size(i) = std::abs(z(i));
        continue;
      }
      sum.add(map.h2()(i));
      p_size(i) = std::abs(map.h2()(i));
      for (Index j = 0; j < m; ++j) {
        const double w = map.w2()(i, j);
        if (w == 0.0 || z(j) == 0.0) continue;
        sum.add_product(w, z(j));
        p_size(i) += std::abs(w * z(j));
        p_products(i) += 1.0;
      }
      sum.normalise();
    }
    const auto next = points.col((t + 1) % k);
    for (Index r = 0; r < m; ++r) {
      DoubleDouble sum;
      sum.add(map.h1()(r));
      sum.add(-next(r));
      double size = std::abs(map.h1()(r)) + std::abs(next(r));
      double lost = 0.0;  // products that may have underflowed, each by what multiplies it
      for (Index j = 0; j < m; ++j) {
        const double a = map.a()(r, j);
        if (a == 0.0 || z(j) == 0.0) continue;
        sum.add_product(a, z(j));
        size += std::abs(a * z(j));
        lost += 2.0;  // high and low
      }
      for (Index i = 0; i < map.n_units(); ++i) {
        const double w = map.w1()(r, i);
        if (w == 0.0 || !get_bit(region, i)) continue;
        const DoubleDouble& q = p[static_cast<std::size_t>(i)];
        sum.add_product(w, q.high);
        sum.low += w * q.low;
        size += std::abs(w) * p_size(i);
        if (q.high == 0.0 && p_products(i) == 0.0) continue;  // exactly nothing
        lost += 4.0 + std::abs(w) * (2.0 * p_products(i));
      }
      sum.normalise();
      residual(r, t) = sum.high;
      // The low parts are summed in plain double: each is at most 2^-53 of the terms' size and is
      // wrong by at most n 2^-53 of that, so 4 n^2 2^-106 of the size covers both levels.
      const auto n = static_cast<double>(m + map.n_units() + 4);
      const double relative = 4.0 * n * n * 0x1.0p-106;
      const bool nothing = size == 0.0 && lost == 0.0;
      // underflow(lost) + kUnderflow from above, without arithmetic on subnormal numbers.
      const double absolute = kUnderflow * (1.0 + kSmallestPerUnderflow * lost);
      error(r, t) = nothing ? 0.0 : std::abs(sum.low) + relative * size + absolute;
    }
  }
}

void accurate_jacobian(const CanonicalMap& map, const Word* region, double* to) {
  Eigen::Map<Matrix> j(to, map.n_states(), map.n_states());
  for (Index c = 0; c < j.cols(); ++c) {
    for (Index r = 0; r < j.rows(); ++r) {
      DoubleDouble sum;
      sum.add(map.a()(r, c));
      for (Index i = 0; i < map.n_units(); ++i) {
        if (!get_bit(region, i)) continue;
        sum.add_product(map.w1()(r, i), map.w2()(i, c));
      }
      sum.normalise();
      j(r, c) = sum.high;
    }
  }
}

}  // namespace rnndyn::kernels

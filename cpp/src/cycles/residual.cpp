#include <algorithm>
#include <cmath>
#include <limits>

#include "continuum.hpp"
#include "cyclic_system.hpp"

namespace rnndyn {
namespace {

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

void accurate_residual(const CanonicalMap& map, const Itinerary& itinerary,
                       const Eigen::Ref<const Matrix>& points, Eigen::Ref<Matrix> residual,
                       Eigen::Ref<Matrix> error) {
  const Index m = map.n_states();
  const Index k = itinerary.order;
  std::vector<DoubleDouble> p(static_cast<std::size_t>(map.n_units()));
  Vector p_size(map.n_units());
  // What the products of a pre-activation can lose below the normal range, and its low parts.
  const double p_loss =
      4.0 * static_cast<double>(m + 1) * std::numeric_limits<double>::denorm_min();
  for (Index t = 0; t < k; ++t) {
    const Word* region = itinerary.at(t);
    const auto z = points.col(t);
    for (Index i = 0; i < map.n_units(); ++i) {
      auto& sum = p[static_cast<std::size_t>(i)];
      sum = DoubleDouble{};
      p_size(i) = 0.0;
      if (!get_bit(region, i)) continue;
      if (map.w2_is_identity()) {
        sum.high = z(i);
        p_size(i) = std::abs(z(i));
        continue;
      }
      sum.add(map.h2()(i));
      bool any = map.h2()(i) != 0.0;
      for (Index j = 0; j < m; ++j) any = any || (map.w2()(i, j) != 0.0 && z(j) != 0.0);
      for (Index j = 0; j < m; ++j) sum.add_product(map.w2()(i, j), z(j));
      sum.normalise();
      p_size(i) = std::abs(map.h2()(i)) + map.w2().row(i).cwiseAbs().dot(z.cwiseAbs());
      // Zero only where all terms are.
      if (any) p_size(i) = std::max(p_size(i), std::numeric_limits<double>::denorm_min());
    }
    const auto next = points.col((t + 1) % k);
    for (Index r = 0; r < m; ++r) {
      DoubleDouble sum;
      sum.add(map.h1()(r));
      sum.add(-next(r));
      double size = std::abs(map.h1()(r)) + std::abs(next(r));
      bool any = size != 0.0;
      double loss = 0.0;  // of pre-activations
      for (Index j = 0; j < m; ++j) {
        const double a = map.a()(r, j);
        if (a == 0.0) continue;
        sum.add_product(a, z(j));
        size += std::abs(a * z(j));
        any = any || z(j) != 0.0;
      }
      for (Index i = 0; i < map.n_units(); ++i) {
        const double w = map.w1()(r, i);
        if (w == 0.0 || !get_bit(region, i)) continue;
        const DoubleDouble& q = p[static_cast<std::size_t>(i)];
        sum.add_product(w, q.high);
        sum.low += w * q.low;
        size += std::abs(w) * p_size(i);
        if (p_size(i) == 0.0) continue;
        any = true;
        loss += std::abs(w) * p_loss;
      }
      sum.normalise();
      residual(r, t) = sum.high;
      // The low parts are summed in plain double: each is at most 2^-53 of the terms' size and is
      // wrong by at most n 2^-53 of that, so 4 n^2 2^-106 of the size covers both levels.
      const auto n = static_cast<double>(m + map.n_units() + 4);
      const double relative = 4.0 * n * n * 0x1.0p-106;
      // Nothing but zeros is exact; products may underflow although their factors are not zero.
      error(r, t) = any ? std::abs(sum.low) + relative * size + loss * (1.0 + 1e-9) + 1e-290 : 0.0;
    }
  }
}

std::vector<Matrix> jacobians_of(const CanonicalMap& map, const Itinerary& itinerary) {
  std::vector<Matrix> jacobians;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Word* region = itinerary.at(t);
    if (map.w2_is_identity()) {  // every entry is a sum of two numbers
      jacobians.push_back(map.jacobian(region));
      continue;
    }
    Matrix& j = jacobians.emplace_back(map.n_states(), map.n_states());
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
  return jacobians;
}

}  // namespace rnndyn

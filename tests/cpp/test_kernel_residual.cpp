// Compiled without contraction of products and sums, as what it looks at.
#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <vector>

#include "exact/dyadic.hpp"
#include "kernels/functions.hpp"
#include "networks.hpp"
#include "rnndyn/rounding.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// The definition, number by number: Dekker's sum of two numbers for every product and its error.
struct Sum {
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

Matrix jacobian_by_numbers(const CanonicalMap& map, const Word* region) {
  Matrix j(map.n_states(), map.n_states());
  for (Index c = 0; c < j.cols(); ++c) {
    for (Index r = 0; r < j.rows(); ++r) {
      Sum sum;
      sum.add(map.a()(r, c));
      for (Index i = 0; i < map.n_units(); ++i) {
        if (get_bit(region, i)) sum.add_product(map.w1()(r, i), map.w2()(i, c));
      }
      sum.normalise();
      j(r, c) = sum.high;
    }
  }
  return j;
}

struct Seen {
  Sum value;
  double size = 0.0;
  double products = 0.0;
};

Seen seen_by_unit(const CanonicalMap& map, Index i, const Vector& z) {
  Seen seen;
  if (map.w2_is_identity()) {
    seen.value.high = z(i);
    seen.size = std::abs(z(i));
    return seen;
  }
  seen.value.add(map.h2()(i));
  seen.size = std::abs(map.h2()(i));
  for (Index j = 0; j < z.size(); ++j) {
    const double w = map.w2()(i, j);
    if (w == 0.0 || z(j) == 0.0) continue;
    seen.value.add_product(w, z(j));
    seen.size += std::abs(w * z(j));
    seen.products += 1.0;
  }
  seen.value.normalise();
  return seen;
}

void residual_by_numbers(const CanonicalMap& map, const Itinerary& itinerary, const Matrix& points,
                         Matrix& residual, Matrix& error) {
  const Index m = map.n_states();
  const auto n = static_cast<double>(m + map.n_units() + 4);
  const double relative = 4.0 * n * n * 0x1.0p-106;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Vector z = points.col(t);
    const Vector next = points.col((t + 1) % itinerary.order);
    std::vector<Seen> seen;
    for (Index i = 0; i < map.n_units(); ++i) seen.push_back(seen_by_unit(map, i, z));
    for (Index r = 0; r < m; ++r) {
      Sum sum;
      sum.add(map.h1()(r));
      sum.add(-next(r));
      double size = std::abs(map.h1()(r)) + std::abs(next(r));
      double lost = 0.0;
      for (Index j = 0; j < m; ++j) {
        const double a = map.a()(r, j);
        if (a == 0.0 || z(j) == 0.0) continue;
        sum.add_product(a, z(j));
        size += std::abs(a * z(j));
        lost += 2.0;
      }
      for (Index i = 0; i < map.n_units(); ++i) {
        const double w = map.w1()(r, i);
        if (w == 0.0 || !get_bit(itinerary.at(t), i)) continue;
        const Seen& unit = seen[static_cast<std::size_t>(i)];
        sum.add_product(w, unit.value.high);
        sum.low += w * unit.value.low;
        size += std::abs(w) * unit.size;
        if (unit.value.high == 0.0 && unit.products == 0.0) continue;
        lost += 4.0 + std::abs(w) * (2.0 * unit.products);
      }
      sum.normalise();
      residual(r, t) = sum.high;
      const bool nothing = size == 0.0 && lost == 0.0;
      const double underflown = kUnderflow * (1.0 + kSmallest / kUnderflow * lost);
      error(r, t) = nothing ? 0.0 : std::abs(sum.low) + relative * size + underflown;
    }
  }
}

// Which bits of two matrices differ; one number that is none is as good as another.
Index n_different(const Matrix& a, const Matrix& b) {
  Index n = 0;
  for (Index i = 0; i < a.size(); ++i) {
    const double x = a.data()[i];
    const double y = b.data()[i];
    const bool same = std::bit_cast<std::uint64_t>(x) == std::bit_cast<std::uint64_t>(y);
    if (!same && !(std::isnan(x) && std::isnan(y))) ++n;
  }
  return n;
}

enum class Numbers { ordinary, sparse, wide, subnormal, huge, cancelling, count };

double draw(RandomStream& stream, Numbers numbers) {
  const double x = stream.normal();
  const auto up_to = [&](int n) { return static_cast<int>(stream.below(2 * n + 1)) - n; };
  switch (numbers) {
    case Numbers::sparse:
      return stream.below(3) == 0 ? x : stream.below(2) == 0 ? 0.0 : -0.0;
    case Numbers::wide:
      return std::ldexp(x, up_to(500));  // 1e-150 to 1e150
    case Numbers::subnormal:
      return stream.below(4) == 0 ? x : std::ldexp(x, -1022 - static_cast<int>(stream.below(53)));
    case Numbers::huge:  // products and sums overflow
      return stream.below(4) == 0 ? x : std::ldexp(x, 480 + static_cast<int>(stream.below(40)));
    default:
      return x;
  }
}

Matrix drawn_matrix(RandomStream& stream, Index rows, Index columns, Numbers numbers) {
  Matrix matrix(rows, columns);
  for (double& x : matrix.reshaped()) x = draw(stream, numbers);
  return matrix;
}

CanonicalMap drawn_map(RandomStream& stream, Index m, Index n_units, Numbers numbers) {
  Matrix a = drawn_matrix(stream, m, m, numbers);
  Matrix w1 = drawn_matrix(stream, m, n_units, numbers);
  Matrix w2 = drawn_matrix(stream, n_units, m, numbers);
  Matrix h1 = drawn_matrix(stream, m, 1, numbers);
  Matrix h2 = drawn_matrix(stream, n_units, 1, numbers);
  if (numbers == Numbers::cancelling) {
    // Copies of units that take back nearly all of what the first have done.
    for (Index i = 1; i < n_units; i += 2) {
      w1.col(i) = -w1.col(i - 1);
      w2.row(i) = w2.row(i - 1);
      h2(i) = h2(i - 1);
      const double size = std::ldexp(1.0, static_cast<int>(stream.below(60)));
      w1.middleCols(i - 1, 2) *= size;
      w1(static_cast<Index>(stream.below(static_cast<std::uint64_t>(m))), i) *= 1.0 + 0x1p-50;
    }
  }
  return CanonicalMap(a, w1, w2, h1, h2);
}

std::vector<Word> drawn_region(RandomStream& stream, const CanonicalMap& map) {
  std::vector<Word> region(map.words_per_region(), 0);
  const auto kind = stream.below(8);  // none on, all on, or about half of them
  for (Index i = 0; i < map.n_units(); ++i) {
    set_bit(region.data(), i, kind == 1 || (kind > 1 && stream.below(2) == 1));
  }
  return region;
}

CanonicalMap map_of_trial(RandomStream& stream, std::uint64_t trial) {
  const auto numbers = static_cast<Numbers>(trial % static_cast<std::uint64_t>(Numbers::count));
  const auto m = static_cast<Index>(1 + trial / static_cast<std::uint64_t>(Numbers::count) % 40);
  if (stream.below(10) == 0) {
    return plrnn(drawn_matrix(stream, m, m, numbers), drawn_matrix(stream, m, m, numbers),
                 drawn_matrix(stream, m, 1, numbers));
  }
  return drawn_map(stream, m, static_cast<Index>(stream.below(stream.below(4) == 0 ? 140 : 20)),
                   numbers);
}

}  // namespace

TEST_CASE("accurate Jacobians have the bits of their definition on every instruction set") {
  const auto n_trials = static_cast<std::uint64_t>(drawn(2400, 48000));
  for (std::uint64_t trial = 0; trial < n_trials; ++trial) {
    RandomStream stream(trial, 20, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const std::vector<Word> region = drawn_region(stream, map);
    const Index m = map.n_states();
    Matrix j = Matrix::Constant(m, m, 7.0);
    kernels::functions().accurate_jacobian(map, region.data(), j.data());
    CAPTURE(trial);
    REQUIRE(n_different(j, jacobian_by_numbers(map, region.data())) == 0);
  }
}

TEST_CASE("accurate Jacobians are the rounded ones up to what was hidden from them") {
  Index n_compared = 0;
  for (std::uint64_t trial = 0; trial < static_cast<std::uint64_t>(drawn(240, 4800)); ++trial) {
    RandomStream stream(trial, 21, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const std::vector<Word> region = drawn_region(stream, map);
    const Index m = map.n_states();
    Matrix j(m, m);
    kernels::functions().accurate_jacobian(map, region.data(), j.data());
    if (!j.allFinite()) continue;
    const auto n = static_cast<double>(map.n_units() + 2);
    CAPTURE(trial);
    for (Index c = 0; c < m; c += 3) {
      for (Index r = 0; r < m; r += 3) {
        Dyadic sum(map.a()(r, c));
        Dyadic size(std::abs(map.a()(r, c)));
        for (Index i = 0; i < map.n_units(); ++i) {
          if (!get_bit(region.data(), i)) continue;
          sum += Dyadic(map.w1()(r, i)) * Dyadic(map.w2()(i, c));
          size += Dyadic(std::abs(map.w1()(r, i))) * Dyadic(std::abs(map.w2()(i, c)));
        }
        const Dyadic difference = sum - Dyadic(j(r, c));
        const Dyadic allowed = Dyadic(kUnitRoundoff) * Dyadic(std::abs(j(r, c))) +
                               Dyadic(4.0 * n * n * 0x1.0p-106) * size + Dyadic(n * kSmallest);
        REQUIRE((allowed - difference).sign() >= 0);
        REQUIRE((allowed + difference).sign() >= 0);
        ++n_compared;
      }
    }
  }
  CHECK(n_compared > 5000);
}

TEST_CASE("accurate residuals have the bits of their definition on every instruction set") {
  const auto n_trials = static_cast<std::uint64_t>(drawn(2400, 48000));
  for (std::uint64_t trial = 0; trial < n_trials; ++trial) {
    RandomStream stream(trial, 22, 0);
    const CanonicalMap map = map_of_trial(stream, trial);
    const auto order = static_cast<Index>(1 + stream.below(3));
    Itinerary itinerary(order, map.words_per_region());
    for (Index t = 0; t < order; ++t) {
      const std::vector<Word> region = drawn_region(stream, map);
      std::copy(region.begin(), region.end(), itinerary.at(t));
    }
    const auto numbers = stream.below(4) == 0 ? Numbers::sparse : Numbers::ordinary;
    const Matrix points = drawn_matrix(stream, map.n_states(), order, numbers);
    Matrix residual = Matrix::Constant(points.rows(), order, 7.0);
    Matrix error = residual;
    Matrix expected = residual;
    Matrix expected_error = residual;
    kernels::functions().accurate_residual(map, itinerary, points.data(), residual.data(),
                                           error.data());
    residual_by_numbers(map, itinerary, points, expected, expected_error);
    CAPTURE(trial);
    REQUIRE(n_different(residual, expected) == 0);
    REQUIRE(n_different(error, expected_error) == 0);
  }
}

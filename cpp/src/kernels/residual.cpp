// Compiled without contraction of products and sums: what is written here is meant as it stands.
// Where the instruction set has a fused product, std::fma is one instruction, else a library call.
#include "kernels/residual.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <type_traits>
#include <vector>

#include "kernels/pack.hpp"
#include "kernels/picked.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn::kernels {
namespace {

constexpr double kSmallestPerUnderflow = kSmallest / kUnderflow;
constexpr Index kLanes = kNativeLanes;

using Reals = NativePack<double>;

// What follows is written once for a number and for a pack of numbers. Every lane goes through the
// same operations in the same order as a number by itself, so that the results have the same bits
// whatever the width of a pack.
template <class Number>
inline constexpr Index kWidth = static_cast<Index>(sizeof(Number) / sizeof(double));

template <class Number>
Number load(const double* from) {
  Number number;
  std::memcpy(&number, from, sizeof(number));
  return number;
}
template <class Number>
Number broadcast(double x) {
#if defined(__GNUC__)
  return x - Number{};  // which leaves a zero its sign
#else
  if constexpr (kWidth<Number> == 1) {
    return x;
  } else {
    Number pack;
    for (int l = 0; l < kLanes; ++l) pack[l] = x;
    return pack;
  }
#endif
}

// a b - product, rounded once.
inline double product_error(double a, double b, double product) { return std::fma(a, b, -product); }
inline Reals product_error(const Reals& a, const Reals& b, const Reals& product) {
#if defined(__GNUC__) && defined(__AVX512F__)
  return (Reals)_mm512_fmsub_pd((__m512d)a, (__m512d)b, (__m512d)product);
#elif defined(__GNUC__) && defined(__AVX2__) && defined(__FMA__)
  return (Reals)_mm256_fmsub_pd((__m256d)a, (__m256d)b, (__m256d)product);
#else
  Reals error;
  for (int l = 0; l < kLanes; ++l) error[l] = std::fma(a[l], b[l], -product[l]);
  return error;
#endif
}

inline double absolute(double x) { return std::abs(x); }
inline Reals absolute(const Reals& x) {
#if defined(__GNUC__)
  return x < 0.0 ? -x : x;
#else
  Reals result;
  for (int l = 0; l < kLanes; ++l) result[l] = std::abs(x[l]);
  return result;
#endif
}

// x, and zero where w is zero, even if x is no number there.
inline double where_set(double w, double x) { return w == 0.0 ? 0.0 : x; }
inline Reals where_set(const Reals& w, const Reals& x) {
#if defined(__GNUC__)
  return w == 0.0 ? Reals{} : x;
#else
  Reals result;
  for (int l = 0; l < kLanes; ++l) result[l] = where_set(w[l], x[l]);
  return result;
#endif
}

// Unevaluated sum high + low with about 106 bits (Dekker, Numer. Math. 18, 224, 1971). Neither part
// is ever a negative zero, so that adding a zero of either sign changes nothing.
template <class Number>
struct DoubleDouble {
  Number high{};
  Number low{};

  void add(const Number& value) {
    const Number sum = high + value;
    const Number part = sum - high;
    low += (high - (sum - part)) + (value - part);
    high = sum;
  }
  void add_product(const Number& a, const Number& b) {
    const Number p = a * b;
    low += product_error(a, b, p);
    add(p);
  }
  // The same where w is not zero; returns the size of the product.
  Number add_product_where_set(const Number& w, const Number& x) {
    const Number p = where_set(w, w * x);
    low += where_set(w, product_error(w, x, p));
    add(p);
    return absolute(p);
  }
  void normalise() {
    const Number sum = high + low;
    low -= sum - high;
    high = sum;
  }
};

// Calls with_width(Number, first) for all of n numbers, in packs where they fill one; the last pack
// goes over some numbers once more.
template <class Function>
void for_each_width(Index n, const Function& with_width) {
  if (n < kLanes) {
    for (Index i = 0; i < n; ++i) with_width(double{}, i);
    return;
  }
  Index i = 0;
  for (; i + kLanes <= n; i += kLanes) with_width(Reals{}, i);
  if (i < n) with_width(Reals{}, n - kLanes);
}

template <class Number>
void store(const Number& number, double* to) {
  std::memcpy(to, &number, sizeof(number));
}

// What the active units see of a state, as unevaluated sums, with the sizes of their terms and the
// numbers of products that may have underflowed.
struct Preactivations {
  explicit Preactivations(Index n) : high(at(n)), low(at(n)), size(at(n)), products(at(n)) {}
  static std::size_t at(Index n) { return static_cast<std::size_t>(n); }

  std::vector<double> high, low, size, products;
};

template <class Number>
void write_preactivations(const CanonicalMap& map, const double* z, Index first,
                          Preactivations& p) {
  DoubleDouble<Number> sum;
  const Number constant = load<Number>(map.h2().data() + first);
  sum.add(constant);
  Number size = absolute(constant);
  Number products{};
  const Number one = broadcast<Number>(1.0);
  const double* w2 = map.w2().data() + first;
  for (Index j = 0; j < map.n_states(); ++j, w2 += map.n_units()) {
    if (z[j] == 0.0) continue;
    const Number w = load<Number>(w2);
    size += sum.add_product_where_set(w, broadcast<Number>(z[j]));
    products += where_set(w, one);
  }
  sum.normalise();
  store(sum.high, p.high.data() + first);
  store(sum.low, p.low.data() + first);
  store(size, p.size.data() + first);
  store(products, p.products.data() + first);
}

void write_preactivations(const CanonicalMap& map, const Word* region, const double* z,
                          Preactivations& p) {
  if (map.w2_is_identity()) {
    for (Index i = 0; i < map.n_units(); ++i) {
      const auto u = static_cast<std::size_t>(i);
      p.high[u] = z[i];
      p.size[u] = std::abs(z[i]);
    }
    return;
  }
  for_each_width(map.n_units(), [&]<class Number>(Number, Index first) {
    bool any = false;
    for (Index i = first; i < first + kWidth<Number>; ++i) any = any || get_bit(region, i);
    if (any) write_preactivations<Number>(map, z, first, p);
  });
}

// The rows first, ... of one step; `active` are the units that are on.
template <class Number>
void write_residual(const CanonicalMap& map, const std::vector<Index>& active,
                    const Preactivations& p, const double* z, const double* next, Index first,
                    double* residual, double* error) {
  const Index m = map.n_states();
  DoubleDouble<Number> sum;
  const Number constant = load<Number>(map.h1().data() + first);
  const Number image = load<Number>(next + first);
  sum.add(constant);
  sum.add(-image);
  Number size = absolute(constant) + absolute(image);
  Number lost{};  // products that may have underflowed, each by what multiplies it
  const Number two = broadcast<Number>(2.0);  // high and low
  for (Index j = 0; j < m; ++j) {
    if (z[j] == 0.0) continue;
    const Number a = load<Number>(map.a().data() + j * m + first);
    size += sum.add_product_where_set(a, broadcast<Number>(z[j]));
    lost += where_set(a, two);
  }
  const Number four = broadcast<Number>(4.0);
  for (const Index i : active) {
    const auto u = static_cast<std::size_t>(i);
    const Number w = load<Number>(map.w1().data() + i * m + first);
    sum.add_product_where_set(w, broadcast<Number>(p.high[u]));
    sum.low += where_set(w, w * broadcast<Number>(p.low[u]));
    const Number modulus = absolute(w);
    size += where_set(w, modulus * broadcast<Number>(p.size[u]));
    if (p.high[u] == 0.0 && p.products[u] == 0.0) continue;  // exactly nothing
    lost += where_set(w, four + modulus * broadcast<Number>(2.0 * p.products[u]));
  }
  sum.normalise();
  store(sum.high, residual + first);
  double lows[kWidth<Number>], sizes[kWidth<Number>], losses[kWidth<Number>];
  store(sum.low, lows);
  store(size, sizes);
  store(lost, losses);
  // The low parts are summed in plain double: each is at most 2^-53 of the terms' size and is
  // wrong by at most n 2^-53 of that, so 4 n^2 2^-106 of the size covers both levels.
  const auto n = static_cast<double>(m + map.n_units() + 4);
  const double relative = 4.0 * n * n * 0x1.0p-106;
  for (Index l = 0; l < kWidth<Number>; ++l) {
    const bool nothing = sizes[l] == 0.0 && losses[l] == 0.0;
    // underflow(lost) + kUnderflow from above, without arithmetic on subnormal numbers.
    const double underflown = kUnderflow * (1.0 + kSmallestPerUnderflow * losses[l]);
    error[first + l] = nothing ? 0.0 : std::abs(lows[l]) + relative * sizes[l] + underflown;
  }
}

std::vector<Index> active_units(const CanonicalMap& map, const Word* region) {
  const std::size_t words = map.words_per_region();
  const std::vector<Word> nothing(words, 0);
  std::vector<Index> active(64 * words);
  Index none = 0;
  const Index n = list_differences(words, region, nothing.data(), active.data(), none);
  active.resize(static_cast<std::size_t>(n));
  return active;
}

// Some columns of the Jacobian, of which a pack of rows is summed: `w1` holds these rows, unit
// after active unit, and `j` has them from top to bottom.
template <int Columns>
void sum_tile(const std::vector<Index>& active, const double* w1, const double* w2, Index n_units,
              double* j) {
  DoubleDouble<Reals> sums[Columns];
  RNNDYN_UNROLL
  for (int c = 0; c < Columns; ++c) sums[c].add(load<Reals>(j + c * kLanes));
  for (const Index i : active) {
    const Reals w = load<Reals>(w1);
    w1 += kLanes;
    RNNDYN_UNROLL
    for (int c = 0; c < Columns; ++c) {
      sums[c].add_product(w, broadcast<Reals>(w2[c * n_units + i]));
    }
  }
  RNNDYN_UNROLL
  for (int c = 0; c < Columns; ++c) {
    sums[c].normalise();
    store(sums[c].high, j + c * kLanes);
  }
}

// As many columns as keep their sums in registers.
constexpr int kColumns = kNativeLanes == 8 ? 8 : 4;

}  // namespace

void accurate_residual(const CanonicalMap& map, const Itinerary& itinerary, const double* points,
                       double* residual, double* error) {
  const Index m = map.n_states();
  Preactivations p(map.n_units());
  for (Index t = 0; t < itinerary.order; ++t) {
    const double* z = points + t * m;
    const double* next = points + (t + 1) % itinerary.order * m;
    const std::vector<Index> active = active_units(map, itinerary.at(t));
    write_preactivations(map, itinerary.at(t), z, p);
    for_each_width(m, [&]<class Number>(Number, Index first) {
      write_residual<Number>(map, active, p, z, next, first, residual + t * m, error + t * m);
    });
  }
}

void accurate_jacobian(const CanonicalMap& map, const Word* region, double* to) {
  const Index m = map.n_states();
  const Index n_units = map.n_units();
  const std::vector<Index> active = active_units(map, region);
  // A pack of rows at a time, next to each other, with zeros below the last row.
  AlignedVector<double> w1(active.size() * static_cast<std::size_t>(kLanes));
  double tile[kColumns * kLanes];
  for (Index row = 0; row < m; row += kLanes) {
    const Index count = std::min(kLanes, m - row);
    double* packed = w1.data();
    for (const Index i : active) {
      std::copy_n(map.w1().data() + i * m + row, count, packed);
      packed += kLanes;
    }
    const auto sum = [&]<int Columns>(std::integral_constant<int, Columns>, Index column) {
      std::fill_n(tile, Columns * kLanes, 0.0);
      for (Index c = 0; c < Columns; ++c) {
        std::copy_n(map.a().data() + (column + c) * m + row, count, tile + c * kLanes);
      }
      sum_tile<Columns>(active, w1.data(), map.w2().data() + column * n_units, n_units, tile);
      for (Index c = 0; c < Columns; ++c) {
        std::copy_n(tile + c * kLanes, count, to + (column + c) * m + row);
      }
    };
    Index column = 0;
    for (; column + kColumns <= m; column += kColumns) {
      sum(std::integral_constant<int, kColumns>{}, column);
    }
    for (; column + 2 <= m; column += 2) sum(std::integral_constant<int, 2>{}, column);
    if (column < m) sum(std::integral_constant<int, 1>{}, column);
  }
}

}  // namespace rnndyn::kernels

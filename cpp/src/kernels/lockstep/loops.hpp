// Loops over parts of a row whose lengths are constants, so that sums stay in registers.
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels/outer_tile.hpp"
#include "kernels/pack.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn::kernels::lockstep {

#if defined(__GNUC__)

using Reals = NativePack<double>;

inline std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// f(n) with a constant in the place of n, which is from 1 to Most.
template <int Most, class F>
void with_constant(Index n, const F& f) {
  if constexpr (Most == 1) {
    f(std::integral_constant<int, 1>{});
  } else {
    if (n == Most) return f(std::integral_constant<int, Most>{});
    with_constant<Most - 1>(n, f);
  }
}

// f(begin, n) for parts of [0, count) of at most Most, all about as long; n is a constant.
template <int Most, class F>
void in_parts(Index count, const F& f) {
  for (Index begin = 0, left = (count + Most - 1) / Most; left > 0; --left) {
    const Index n = (count - begin + left - 1) / left;
    with_constant<Most>(n, [&](auto constant) { f(begin, constant); });
    begin += n;
  }
}

// The packs of a row of Width numbers in the same way.
template <int Width, int Most, class F>
void in_parts_of_row(const F& f) {
  in_parts<Most>(Width / kNativeLanes, f);
}

// c, vector by vector, gets the sum over l < n of left_l(i) * right_l in vector i < columns, less
// that of the next n_removed.
template <int Width, bool Picked, bool Written>
void sum_products(Index columns, Index n, const Vectors<double>& left, const Vectors<double>& right,
                  double* c, Index n_removed = 0) {
  in_parts_of_row<Width, static_cast<int>(kTilePacks)>([&](Index pack, auto packs) {
    Vectors<double> rows = right;
    rows.first += pack * kNativeLanes;
    in_parts<static_cast<int>(kTileColumns)>(columns, [&](Index i, auto width) {
      Vectors<double> factors = left;
      factors.first += i;
      add_tile<double, width.value, packs.value, Picked, Written>(
          n, factors, rows, c + i * Width + pack * kNativeLanes, Width, n_removed);
    });
  });
}

inline double sum_of(const Reals& x) {
  double sum = 0.0;
  for (int l = 0; l < kNativeLanes; ++l) sum += x[l];
  return sum;
}

#endif

}  // namespace rnndyn::kernels::lockstep

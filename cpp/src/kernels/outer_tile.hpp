// The innermost loop of sums of outer products: a tile of the sum in registers.
#pragma once

#include <type_traits>

#include "kernels/pack.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Columns and packs of a tile: 24 sums of the 32 registers there are, or 12 of 16.
inline constexpr Index kTileColumns = kNativeLanes == 8 ? 8 : 4;
inline constexpr Index kTilePacks = 3;

inline void prefetch(const void* where) {
#if defined(__GNUC__)
  __builtin_prefetch(where, 1);
#else
  (void)where;
#endif
}

// Where the vectors of a table are that are summed over: number l begins at first + step *
// picked[l], or at first + step * l without picks.
template <class Real>
struct Vectors {
  const Real* first;
  Index step;
  const Index* picked = nullptr;
};

// c(:, i) += sum over l < n of left_l(i) * right_l, or -=, or =, for i < Columns and the first
// Packs packs of rows.
template <class Real, Index Columns, Index Packs, bool Picked, bool Written = false>
inline void add_tile(Index n, const Vectors<Real>& left, const Vectors<Real>& right, Real* c,
                     Index stride, Index n_removed = 0) {
  constexpr Index kLanes = kLanesOf<Real>;
  NativePack<Real> sums[Columns][Packs] = {};
  RNNDYN_UNROLL
  for (Index i = 0; i < Columns; ++i) {
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) prefetch(c + i * stride + p * kLanes);
  }
  const auto sum = [&](Index l, auto removed) {
    const Real* factors = left.first + left.step * (Picked ? left.picked[l] : l);
    const Real* from = right.first + right.step * (Picked ? right.picked[l] : l);
    NativePack<Real> row[Packs];
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) row[p] = load_pack<Real>(from + p * kLanes);
    RNNDYN_UNROLL
    for (Index i = 0; i < Columns; ++i) {
      RNNDYN_UNROLL
      for (Index p = 0; p < Packs; ++p) {
        if constexpr (decltype(removed)::value) {
          sums[i][p] -= factors[i] * row[p];
        } else {
          sums[i][p] += factors[i] * row[p];
        }
      }
    }
  };
  for (Index l = 0; l < n; ++l) sum(l, std::false_type{});
  for (Index l = n; l < n + n_removed; ++l) sum(l, std::true_type{});
  RNNDYN_UNROLL
  for (Index i = 0; i < Columns; ++i) {
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) {
      Real* to = c + i * stride + p * kLanes;
      if constexpr (!Written) sums[i][p] += load_pack<Real>(to);
      store_pack<Real>(sums[i][p], to);
    }
  }
}

// The same for any number of columns that a tile can have.
template <class Real, Index Packs, bool Picked>
inline void add_narrow_tile(Index columns, Index n, Vectors<Real> left, const Vectors<Real>& right,
                            Real* c, Index stride, Index n_removed = 0) {
  if (columns == kTileColumns) {
    return add_tile<Real, kTileColumns, Packs, Picked>(n, left, right, c, stride, n_removed);
  }
  for (; columns >= 4; columns -= 4, left.first += 4, c += 4 * stride) {
    add_tile<Real, 4, Packs, Picked>(n, left, right, c, stride, n_removed);
  }
  for (; columns >= 1; columns -= 1, left.first += 1, c += stride) {
    add_tile<Real, 1, Packs, Picked>(n, left, right, c, stride, n_removed);
  }
}

}  // namespace rnndyn::kernels

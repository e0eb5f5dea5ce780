// The innermost loop of sums of outer products: a tile of the sum in registers.
#pragma once

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

// c(:, i) += sum over l < n of left[l * kTileColumns + i] * right_l, i < Columns, for the first
// Packs packs of rows. right_l begins at right + step * picked[l], or step * l without picks.
template <class Real, Index Columns, Index Packs, bool Picked>
inline void add_tile(Index n, const Real* left, const Real* right, Index step, const Index* picked,
                     Real* c, Index stride) {
  constexpr Index kLanes = kLanesOf<Real>;
  NativePack<Real> sums[Columns][Packs] = {};
  RNNDYN_UNROLL
  for (Index i = 0; i < Columns; ++i) {
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) prefetch(c + i * stride + p * kLanes);
  }
  for (Index l = 0; l < n; ++l) {
    const Real* from = right + step * (Picked ? picked[l] : l);
    NativePack<Real> row[Packs];
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) row[p] = load_pack<Real>(from + p * kLanes);
    RNNDYN_UNROLL
    for (Index i = 0; i < Columns; ++i) {
      RNNDYN_UNROLL
      for (Index p = 0; p < Packs; ++p) sums[i][p] += left[l * kTileColumns + i] * row[p];
    }
  }
  RNNDYN_UNROLL
  for (Index i = 0; i < Columns; ++i) {
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) {
      NativePack<Real> sum = load_pack<Real>(c + i * stride + p * kLanes);
      sum += sums[i][p];
      store_pack<Real>(sum, c + i * stride + p * kLanes);
    }
  }
}

// The same for fewer columns than a tile has.
template <class Real, Index Packs, bool Picked>
inline void add_narrow_tile(Index columns, Index n, const Real* left, const Real* right, Index step,
                            const Index* picked, Real* c, Index stride) {
  if (columns == kTileColumns) {
    return add_tile<Real, kTileColumns, Packs, Picked>(n, left, right, step, picked, c, stride);
  }
  for (; columns >= 4; columns -= 4, left += 4, c += 4 * stride) {
    add_tile<Real, 4, Packs, Picked>(n, left, right, step, picked, c, stride);
  }
  for (; columns >= 1; columns -= 1, left += 1, c += stride) {
    add_tile<Real, 1, Packs, Picked>(n, left, right, step, picked, c, stride);
  }
}

}  // namespace rnndyn::kernels

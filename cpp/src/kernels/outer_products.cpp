#include "kernels/outer_products.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/outer_tile.hpp"

namespace rnndyn::kernels {
namespace {

// Terms that are summed at once: a column of packs of the right vectors stays in the first cache,
// and the left vectors in the second.
constexpr Index kDepth = 192;
// With this many columns it pays to copy the vectors next to each other.
constexpr Index kColumnsWorthCopying = 48;

template <class Real>
Vectors<Real> from(Vectors<Real> vectors, Index l) {
  if (vectors.picked) {
    vectors.picked += l;
  } else {
    vectors.first += l * vectors.step;
  }
  return vectors;
}

// Vectors l < n next to each other in panels of kTileColumns numbers, one panel after another.
template <class Real>
void pack_left(Index columns, Index n, const Vectors<Real>& left, Real factor, Real* to) {
  using Panel = PackOf<Real, static_cast<int>(kTileColumns)>;
  for (Index l = 0; l < n; ++l) {
    const Real* numbers = left.first + left.step * (left.picked ? left.picked[l] : l);
    Real* panel = to + l * kTileColumns;
    for (Index i = 0; i < columns; i += kTileColumns, panel += n * kTileColumns) {
      Panel pack;
      std::memcpy(&pack, numbers + i, sizeof(pack));
      pack = factor * pack;
      std::memcpy(panel, &pack, sizeof(pack));
    }
  }
}

// Some packs of rows, all columns, from copies.
template <class Real, Index Packs>
void add_rows_copied(Index columns, Index n, const Real* left, const Vectors<Real>& right, Real* c,
                     Index stride, Real* copy) {
  constexpr Index kWidth = Packs * kLanesOf<Real>;
  for (Index l = 0; l < n; ++l) {
    const Real* numbers = right.first + right.step * (right.picked ? right.picked[l] : l);
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) {
      store_pack<Real>(load_pack<Real>(numbers + p * kLanesOf<Real>),
                       copy + l * kWidth + p * kLanesOf<Real>);
    }
  }
  for (Index i = 0; i < columns; i += kTileColumns) {
    add_narrow_tile<Real, Packs, false>(std::min(kTileColumns, columns - i), n,
                                        {left + i * n, kTileColumns}, {copy, kWidth},
                                        c + i * stride, stride);
  }
}

template <class Real>
void add_copied(Index rows, Index columns, Index n, const Vectors<Real>& left,
                const Vectors<Real>& right, Real factor, Real* c, Index stride,
                AlignedVector<Real>& work) {
  constexpr Index kHeight = kTilePacks * kLanesOf<Real>;
  const Index panels = (columns + kTileColumns - 1) / kTileColumns * kTileColumns;
  const auto needed = static_cast<std::size_t>(kDepth * (panels + kHeight));
  if (work.size() < needed) work.resize(needed);
  Real* copy = work.data();
  Real* packed = copy + kDepth * kHeight;
  for (Index first = 0; first < n; first += kDepth) {
    const Index count = std::min(kDepth, n - first);
    pack_left(columns, count, from(left, first), factor, packed);
    Vectors<Real> rest = from(right, first);
    Index row = 0;
    for (; row + kHeight <= rows; row += kHeight, rest.first += kHeight) {
      add_rows_copied<Real, kTilePacks>(columns, count, packed, rest, c + row, stride, copy);
    }
    for (; row < rows; row += kLanesOf<Real>, rest.first += kLanesOf<Real>) {
      add_rows_copied<Real, 1>(columns, count, packed, rest, c + row, stride, copy);
    }
  }
}

// From where they are; the last n_removed are subtracted.
template <class Real, bool Picked>
void add_in_place(Index rows, Index columns, Index n_added, Index n_removed, Vectors<Real> left,
                  Vectors<Real> right, Real* c, Index stride) {
  constexpr Index kHeight = kTilePacks * kLanesOf<Real>;
  if (n_added + n_removed == 0) return;
  for (Index i = 0; i < columns; i += kTileColumns, left.first += kTileColumns) {
    const Index width = std::min(kTileColumns, columns - i);
    Vectors<Real> rest = right;
    Real* to = c + i * stride;
    Index row = 0;
    for (; row + kHeight <= rows; row += kHeight, rest.first += kHeight, to += kHeight) {
      add_narrow_tile<Real, kTilePacks, Picked>(width, n_added, left, rest, to, stride, n_removed);
    }
    for (; row < rows; row += kLanesOf<Real>, rest.first += kLanesOf<Real>, to += kLanesOf<Real>) {
      add_narrow_tile<Real, 1, Picked>(width, n_added, left, rest, to, stride, n_removed);
    }
  }
}

}  // namespace

template <class Real>
void add_outer_products(Index rows, Index columns, Index n_added, Index n_removed,
                        const Index* picked, const Real* left, Index left_step, const Real* right,
                        Index right_step, Real* c, Index stride, AlignedVector<Real>& work) {
  const Vectors<Real> to_left{left, left_step, picked};
  const Vectors<Real> to_right{right, right_step, picked};
  if (columns >= kColumnsWorthCopying) {
    add_copied(rows, columns, n_added, to_left, to_right, Real{1}, c, stride, work);
    add_copied(rows, columns, n_removed, from(to_left, n_added), from(to_right, n_added), Real{-1},
               c, stride, work);
  } else if (picked) {
    add_in_place<Real, true>(rows, columns, n_added, n_removed, to_left, to_right, c, stride);
  } else {
    add_in_place<Real, false>(rows, columns, n_added, n_removed, to_left, to_right, c, stride);
  }
}

template void add_outer_products<double>(Index, Index, Index, Index, const Index*, const double*,
                                         Index, const double*, Index, double*, Index,
                                         AlignedVector<double>&);
template void add_outer_products<float>(Index, Index, Index, Index, const Index*, const float*,
                                        Index, const float*, Index, float*, Index,
                                        AlignedVector<float>&);

}  // namespace rnndyn::kernels

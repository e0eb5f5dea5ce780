#include "kernels/outer_products.hpp"

#include <algorithm>

#include "kernels/outer_tile.hpp"

namespace rnndyn::kernels {
namespace {

// Terms that are summed at once: a column of packs of the right vectors stays in the first cache,
// and the left vectors in the second.
constexpr Index kDepth = 192;
// With this many tiles side by side it pays to copy the right vectors next to each other.
constexpr Index kColumnsWorthCopying = 48;

// Vectors l < n next to each other in panels of kTileColumns numbers, one panel after another.
template <class Real>
void pack_left(Index columns, Index n, const Index* picked, const Real* factors, const Real* left,
               Index step, Real* to) {
  for (Index l = 0; l < n; ++l) {
    const Real* from = left + step * (picked ? picked[l] : l);
    const Real factor = factors ? factors[l] : Real{1};
    Real* panel = to + l * kTileColumns;
    Index i = 0;
    for (; i + kTileColumns <= columns; i += kTileColumns, panel += n * kTileColumns) {
      RNNDYN_UNROLL
      for (Index c = 0; c < kTileColumns; ++c) panel[c] = factor * from[i + c];
    }
    for (Index c = 0; i + c < columns; ++c) panel[c] = factor * from[i + c];
  }
}

// Some packs of rows, all columns.
template <class Real, Index Packs>
void add_rows(Index columns, Index n, const Index* picked, const Real* left, const Real* right,
              Index right_step, Real* c, Index stride, Real* copy) {
  constexpr Index kWidth = Packs * kLanesOf<Real>;
  const bool copies = columns >= kColumnsWorthCopying;
  if (copies) {
    for (Index l = 0; l < n; ++l) {
      const Real* from = right + right_step * (picked ? picked[l] : l);
      RNNDYN_UNROLL
      for (Index p = 0; p < Packs; ++p) {
        store_pack<Real>(load_pack<Real>(from + p * kLanesOf<Real>),
                         copy + l * kWidth + p * kLanesOf<Real>);
      }
    }
    right = copy;
    right_step = kWidth;
  }
  for (Index i = 0; i < columns; i += kTileColumns) {
    const Index width = std::min(kTileColumns, columns - i);
    if (copies || picked == nullptr) {
      add_narrow_tile<Real, Packs, false>(width, n, left + i * n, right, right_step, nullptr,
                                          c + i * stride, stride);
    } else {
      add_narrow_tile<Real, Packs, true>(width, n, left + i * n, right, right_step, picked,
                                         c + i * stride, stride);
    }
  }
}

}  // namespace

template <class Real>
void add_outer_products(Index rows, Index columns, Index n, const Index* picked,
                        const Real* factors, const Real* left, Index left_step, const Real* right,
                        Index right_step, Real* c, Index stride, AlignedVector<Real>& work) {
  constexpr Index kHeight = kTilePacks * kLanesOf<Real>;
  const Index panels = (columns + kTileColumns - 1) / kTileColumns * kTileColumns;
  const auto needed = static_cast<std::size_t>(kDepth * (panels + kHeight));
  if (work.size() < needed) work.resize(needed);
  Real* copy = work.data();
  Real* packed = copy + kDepth * kHeight;
  for (Index first = 0; first < n; first += kDepth) {
    const Index count = std::min(kDepth, n - first);
    const Index* these = picked ? picked + first : nullptr;
    const Real* from_right = picked ? right : right + first * right_step;
    pack_left(columns, count, these, factors ? factors + first : nullptr,
              picked ? left : left + first * left_step, left_step, packed);
    Index row = 0;
    for (; row + kHeight <= rows; row += kHeight) {
      add_rows<Real, kTilePacks>(columns, count, these, packed, from_right + row, right_step,
                                 c + row, stride, copy);
    }
    for (; row + kLanesOf<Real> <= rows; row += kLanesOf<Real>) {
      add_rows<Real, 1>(columns, count, these, packed, from_right + row, right_step, c + row,
                        stride, copy);
    }
  }
}

template void add_outer_products<double>(Index, Index, Index, const Index*, const double*,
                                         const double*, Index, const double*, Index, double*, Index,
                                         AlignedVector<double>&);
template void add_outer_products<float>(Index, Index, Index, const Index*, const float*,
                                        const float*, Index, const float*, Index, float*, Index,
                                        AlignedVector<float>&);

}  // namespace rnndyn::kernels

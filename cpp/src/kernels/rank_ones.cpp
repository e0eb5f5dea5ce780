#include "kernels/rank_ones.hpp"

#include "kernels/pack.hpp"

namespace rnndyn::kernels {
namespace {

using Reals = Pack<kNativeLanes>;

// Columns and packs of j that stay in registers while all pairs are gone through.
constexpr Index kColumns = 6;
constexpr Index kPacks = 3;

template <Index Columns, Index Packs>
void add_tile(Index m, Index padded, const Index* picked, const double* factors, Index n,
              const double* left, const double* right, double* j) {
  Reals sums[Columns][Packs];
  RNNDYN_UNROLL
  for (Index c = 0; c < Columns; ++c) {
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) {
      load<kNativeLanes>(sums[c][p], j + c * padded + p * kNativeLanes);
    }
  }
  for (Index l = 0; l < n; ++l) {
    const double* from_left = left + picked[l] * m;
    const double* from_right = right + picked[l] * padded;
    Reals row[Packs];
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) {
      load<kNativeLanes>(row[p], from_right + p * kNativeLanes);
      row[p] = factors[l] * row[p];
    }
    RNNDYN_UNROLL
    for (Index c = 0; c < Columns; ++c) {
      RNNDYN_UNROLL
      for (Index p = 0; p < Packs; ++p) sums[c][p] += from_left[c] * row[p];
    }
  }
  RNNDYN_UNROLL
  for (Index c = 0; c < Columns; ++c) {
    RNNDYN_UNROLL
    for (Index p = 0; p < Packs; ++p) {
      store<kNativeLanes>(sums[c][p], j + c * padded + p * kNativeLanes);
    }
  }
}

template <Index Columns>
void add_columns(Index m, Index padded, const Index* picked, const double* factors, Index n,
                 const double* left, const double* right, double* j) {
  Index row = 0;
  for (; row + kPacks * kNativeLanes <= padded; row += kPacks * kNativeLanes) {
    add_tile<Columns, kPacks>(m, padded, picked, factors, n, left, right + row, j + row);
  }
  for (; row < padded; row += kNativeLanes) {
    add_tile<Columns, 1>(m, padded, picked, factors, n, left, right + row, j + row);
  }
}

}  // namespace

void add_rank_ones(Index m, Index padded, const Index* picked, const double* factors, Index n,
                   const double* left, const double* right, double* j) {
  Index column = 0;
  for (; column + kColumns <= m; column += kColumns) {
    add_columns<kColumns>(m, padded, picked, factors, n, left + column, right, j + column * padded);
  }
  for (; column < m; ++column) {
    add_columns<1>(m, padded, picked, factors, n, left + column, right, j + column * padded);
  }
}

}  // namespace rnndyn::kernels

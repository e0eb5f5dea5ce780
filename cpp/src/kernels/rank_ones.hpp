// Sums of outer products of pairs of vectors that are picked from two tables.
#pragma once

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Numbers to a pack, whatever the instruction set: vectors below are padded to a multiple of it.
inline constexpr Index kPackPadding = 8;

// j(:, i) += sum over l < n of factors[l] * left[picked[l]](i) * right[picked[l]], i < m.
// `left` has vectors of m numbers one after another, `right` and the columns of j have `padded`
// numbers, a multiple of kPackPadding.
void add_rank_ones(Index m, Index padded, const Index* picked, const double* factors, Index n,
                   const double* left, const double* right, double* j);

}  // namespace rnndyn::kernels

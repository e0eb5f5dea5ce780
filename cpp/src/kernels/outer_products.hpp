// Sums of outer products of vectors that are picked from two tables: products of matrices of which
// some rows and columns take no part.
#pragma once

#include "kernels/pack.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// c(:, i) += sum over l < n_added of left_l(i) * right_l - sum over the n_removed next l of the
// same, for i < columns. left_l is the vector that begins at left + left_step * picked[l], and
// right_l likewise; without picks it is number l itself. The right vectors and the columns of c,
// which are `stride` numbers apart, have `rows` numbers, a multiple of kPaddingOf<Real>; the left
// vectors have `columns` numbers rounded up to such a multiple. `work` keeps memory from one call
// to the next.
template <class Real>
void add_outer_products(Index rows, Index columns, Index n_added, Index n_removed,
                        const Index* picked, const Real* left, Index left_step, const Real* right,
                        Index right_step, Real* c, Index stride, AlignedVector<Real>& work);

}  // namespace rnndyn::kernels

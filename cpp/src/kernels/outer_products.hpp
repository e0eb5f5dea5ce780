// Sums of outer products of vectors that are picked from two tables: products of matrices of which
// some rows and columns take no part.
#pragma once

#include "kernels/pack.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// c(:, i) += sum over l < n of factors[l] * left_l(i) * right_l for i < columns, where left_l is
// the vector that begins at left + left_step * picked[l], and right_l likewise; without picks it is
// number l itself, and without factors they are all 1. The right vectors and the columns of c,
// which are `stride` numbers apart, have `rows` numbers, a multiple of kPaddingOf<Real>. `work`
// keeps memory from one call to the next.
template <class Real>
void add_outer_products(Index rows, Index columns, Index n, const Index* picked,
                        const Real* factors, const Real* left, Index left_step, const Real* right,
                        Index right_step, Real* c, Index stride, AlignedVector<Real>& work);

}  // namespace rnndyn::kernels

// Products and LU of large dense matrices.
#pragma once

#include "kernels/functions.hpp"

namespace rnndyn::kernels {

void multiply(Index m, Index n, Index k, Transposed transposed, double alpha, const double* a,
              Index lda, const double* b, Index ldb, double* c, Index ldc, bool add);
void multiply_vector(Index m, Index n, const double* a, Index lda, const double* x, double* y);
void factor(Index n, double* a, Index* rows);
void solve(Index n, const double* lu, const Index* rows, Index columns, double* x, Index ldx);
template <class Real>
Real largest(Index m, Index n, const Real* a, Index lda);
template <class Real>
void scale_columns(Index m, Index n, const Real* a, const Real* factors, Real* c);

inline constexpr DenseFunctions kDense{&multiply, &multiply_vector, &factor, &solve,
                                       &largest<double>};

}  // namespace rnndyn::kernels

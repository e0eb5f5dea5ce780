// Products and LU of large dense matrices.
#pragma once

#include "kernels/functions.hpp"

namespace rnndyn::kernels {

void multiply(Index m, Index n, Index k, const double* a, Index lda, const double* b, Index ldb,
              bool transpose_b, double* c, Index ldc, bool add);
void multiply_vector(Index m, Index n, const double* a, Index lda, const double* x, double* y);
void factor(Index n, double* a, Index* rows);
void solve(Index n, const double* lu, const Index* rows, double* x);
double largest(Index m, Index n, const double* a, Index lda);

inline constexpr DenseFunctions kDense{&multiply, &multiply_vector, &factor, &solve, &largest};

}  // namespace rnndyn::kernels

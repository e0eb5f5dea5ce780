// Eigenvalues of a real matrix of many rows, each with its condition number.
#pragma once

#include <complex>

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// a is n x n, column by column, of finite numbers. conditions[i] is |y| |x| / |y^H x| for the left
// and right eigenvectors y and x of values[i]; of multiple eigenvalues without as many vectors it
// is large, or infinite. Where the iteration fails, which was never seen, none of them is a number.
void eigensystem(Index n, const double* a, std::complex<double>* values, double* conditions);

}  // namespace rnndyn::kernels

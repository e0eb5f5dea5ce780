// Eigenvalues alone, without vectors: what continuation asks for at every place that it looks at.
#pragma once

#include <complex>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

// All eigenvalues of a real square matrix of finite entries far from overflow, which is
// overwritten. Francis' double-shift QR on the Hessenberg form (Golub, Van Loan, Matrix
// Computations, 4th ed., sec. 7.4 and 7.5), carried out on the rows and columns that eigenvalues
// depend on only. For the small matrices of one network that takes a third of the time of a full
// real Schur form.
std::vector<std::complex<double>> eigenvalues(Matrix& matrix);

}  // namespace rnndyn

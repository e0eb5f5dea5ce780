// LU factors with row pivoting of matrices of some ten to some hundred rows.
#pragma once

#include <vector>

#include "kernels/pack.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Numbers from one column of a matrix of n rows to the next, so that packs may run over its end.
template <class Real>
constexpr Index lu_stride(Index n) {
  return padded<Real>(n) + kPaddingOf<Real>;
}

// Factors a in place; in each column, what lies between its n numbers and the next column has to be
// zero. Row k was swapped with row swaps[k], one after the other. Returns the smallest pivot's
// modulus, infinity for an empty matrix; zero where one is zero or not a number, and then there are
// no factors. `work` keeps memory from one call to the next.
template <class Real>
Real lu_factor(Index n, Real* a, Index stride, Index* swaps, AlignedVector<Real>& work);

// x becomes the solution of a x = x; it has room for `stride` numbers.
template <class Real>
void lu_solve(Index n, const Real* lu, Index stride, const Index* swaps, Real* x);

class LuFactors {
 public:
  // The matrix becomes n x n; its entries are undefined.
  void resize(Index n);
  double* column(Index j) { return data_.data() + j * stride_; }
  // See lu_factor().
  double factor() { return lu_factor(n_, data_.data(), stride_, swaps_.data(), work_); }
  // x becomes the solution of a x = x.
  void solve(double* x);

 private:
  Index n_ = 0, stride_ = 0;
  AlignedVector<double> data_, x_, work_;
  std::vector<Index> swaps_;
};

}  // namespace rnndyn::kernels

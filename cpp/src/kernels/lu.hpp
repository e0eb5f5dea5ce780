// LU factors of a matrix of some ten to some hundred rows, with row pivoting.
#pragma once

#include <vector>

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

class LuFactors {
 public:
  // The matrix becomes n x n; its entries are undefined.
  void resize(Index n);
  double* column(Index j) { return data_.data() + j * stride_; }
  // In place. Returns the smallest pivot's modulus, infinity for an empty matrix; zero where one is
  // zero or not a number, and then there are no factors.
  double factor();
  // x becomes the solution of a x = x.
  void solve(double* x) const;

 private:
  void eliminate(Index j);

  Index n_ = 0, stride_ = 0;  // a column is followed by room for a pack
  std::vector<double> data_;
  std::vector<Index> swaps_;
};

}  // namespace rnndyn::kernels

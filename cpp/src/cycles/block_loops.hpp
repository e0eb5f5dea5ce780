// Products of the blocks of a cyclic system on column-major numbers. M is the size of a block where
// the compiler knows it, which then unrolls these loops; else Eigen::Dynamic. They are loops
// because expressions of Eigen over fixed sizes take the compiler a minute.
#pragma once

#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

template <int M>
constexpr Index block_size(Index m) {
  return M == Eigen::Dynamic ? m : Index{M};
}

// y += a x.
template <int M>
void add_product(Index m_runtime, const double* a, const double* x, double* y) {
  const Index m = block_size<M>(m_runtime);
  for (Index l = 0; l < m; ++l) {
    for (Index r = 0; r < m; ++r) y[r] += a[l * m + r] * x[l];
  }
}

// y += |a| |x|.
template <int M>
void add_absolute_product(Index m_runtime, const double* a, const double* x, double* y) {
  const Index m = block_size<M>(m_runtime);
  for (Index l = 0; l < m; ++l) {
    const double size = std::abs(x[l]);
    for (Index r = 0; r < m; ++r) y[r] += std::abs(a[l * m + r]) * size;
  }
}

// out = a b, where b and out have `columns` columns that start b_stride and out_stride apart. Up to
// this size and for as few columns Eigen's product of large matrices costs more to start.
constexpr Index kSmallBlock = 16;
template <int M>
void multiply_columns(Index m_runtime, const double* a, const double* b, Index b_stride,
                      Index columns, double* out, Index out_stride) {
  const Index m = block_size<M>(m_runtime);
  if (M == Eigen::Dynamic && (m > kSmallBlock || columns > m)) {
    using Stride = Eigen::OuterStride<>;
    dense::multiply(Eigen::Map<const Matrix>(a, m, m),
                    Eigen::Map<const Matrix, 0, Stride>(b, m, columns, Stride(b_stride)),
                    Eigen::Map<Matrix, 0, Stride>(out, m, columns, Stride(out_stride)));
    return;
  }
  double sum[M == Eigen::Dynamic ? kSmallBlock : M];
  for (Index c = 0; c < columns; ++c) {
    for (Index r = 0; r < m; ++r) sum[r] = 0.0;
    add_product<M>(m, a, b + c * b_stride, sum);
    for (Index r = 0; r < m; ++r) out[c * out_stride + r] = sum[r];
  }
}

}  // namespace rnndyn

// Columns of tangent vectors and states, laid out for the processor.
#pragma once

#include <Eigen/Dense>

#include "rnndyn/map.hpp"

namespace rnndyn::lyapunov {

// Numbers in a line of the cache, which is also the widest register: the layout of a block does not
// depend on the instruction set that works on it.
template <class Real>
inline constexpr Index line_size = 64 / static_cast<Index>(sizeof(Real));

template <class Real>
constexpr Index whole_lines(Index rows) {
  return (rows + line_size<Real> - 1) / line_size<Real> * line_size<Real>;
}

// A block owned elsewhere. Rows are a whole number of lines; those beyond the true ones are zero.
template <class Real>
struct View {
  Real* data = nullptr;
  Index rows = 0, columns = 0, stride = 0;

  Real* column(Index j) const { return data + j * stride; }
  View below(Index first_row, Index n_rows) const {
    return {data + first_row, n_rows, columns, stride};
  }
  View left(Index n_columns) const { return {data, rows, n_columns, stride}; }
  View from(Index first, Index n_columns) const { return {column(first), rows, n_columns, stride}; }
  auto matrix() const {
    return Eigen::Map<Eigen::Matrix<Real, -1, -1>, 0, Eigen::OuterStride<>>(
        data, rows, columns, Eigen::OuterStride<>(stride));
  }
};

template <class Real>
class Block {
 public:
  Block() = default;
  Block(Index rows, Index columns)
      : rows_(whole_lines<Real>(rows)),
        columns_(columns),
        stride_(stride_of(rows_)),
        storage_(Eigen::Matrix<Real, -1, 1>::Zero(stride_ * columns)) {}

  View<Real> view() { return {storage_.data(), rows_, columns_, stride_}; }

 private:
  // Columns a multiple of 512 bytes apart would compete for the same few lines of the cache.
  static Index stride_of(Index rows) {
    const auto bytes = rows * static_cast<Index>(sizeof(Real));
    return bytes > 0 && bytes % 512 == 0 ? rows + line_size<Real> : rows;
  }

  Index rows_ = 0, columns_ = 0, stride_ = 0;
  // Aligned to whole lines (EIGEN_MAX_ALIGN_BYTES), and so are all columns by their stride.
  Eigen::Matrix<Real, -1, 1> storage_;
};

}  // namespace rnndyn::lyapunov

// Products of a matrix with blocks of vectors.
//
// The same weights multiply a new block at every time step, so they are packed once, and gates that
// are summed can be summed before the product. A column of a result is always summed in the same
// order, whatever columns and rows it is computed together with: that is what makes results
// independent of the number of threads.
#pragma once

#include <algorithm>
#include <vector>

#include "lyapunov/block.hpp"

namespace rnndyn::lyapunov {

// Rows of a packed matrix that are multiplied together: `height` packets, one depth after another.
struct Panel {
  Index offset;     // of its numbers in the storage
  Index height;     // in packets
  Index first_row;  // multiple of the packet size
};

// Cuts rows into panels of 3 packets; the last ones are lower.
template <class Real>
std::vector<Panel> cut_into_panels(Index rows, Index depth);

template <class Real>
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(Index rows, Index depth);

  // The matrix may be smaller: rows beyond its own become zero, columns beyond stay as they were.
  template <class Derived>
  void pack(const Eigen::MatrixBase<Derived>& matrix) {
    constexpr Index p = packet_size<Real>;
    for (const Panel& panel : panels_) {
      const Index width = panel.height * p;
      const Index given = std::min(width, matrix.rows() - panel.first_row);
      Real* out = storage_.data() + panel.offset;
      for (Index k = 0; k < matrix.cols(); ++k, out += width) {
        for (Index i = 0; i < given; ++i) {
          out[i] = static_cast<Real>(matrix(panel.first_row + i, k));
        }
        for (Index i = std::max<Index>(0, given); i < width; ++i) out[i] = Real(0);
      }
    }
  }

  Index depth() const { return depth_; }
  const std::vector<Panel>& panels() const { return panels_; }
  const Real* data(const Panel& panel) const { return storage_.data() + panel.offset; }

 private:
  Index depth_ = 0;
  std::vector<Panel> panels_;
  Eigen::Matrix<Real, -1, 1> storage_;
};

enum class Update { set, add, subtract };

// Rows of the panel of `out` = (+=, -=) panel * in. `out` has the rows of the whole matrix, and
// `in` at least as many rows as the matrix is deep. The two must not overlap.
template <class Real>
void multiply(const Real* panel, const Panel& shape, Index depth, View<Real> in, View<Real> out,
              Update update);

// The same with only the given columns of the matrix and rows of `in`.
template <class Real>
void multiply_some(const Real* panel, const Panel& shape, const std::vector<Index>& columns,
                   View<Real> in, View<Real> out, Update update);

template <class Real>
void multiply(const PackedMatrix<Real>& matrix, View<Real> in, View<Real> out, Update update) {
  for (const Panel& panel : matrix.panels()) {
    multiply(matrix.data(panel), panel, matrix.depth(), in, out, update);
  }
}

// out = sum over g of diag(scales[g]) * panels[g], for panels of one shape; scales[g] points to the
// scale of the matrix's row 0.
template <class Real>
void sum_of_scaled(const std::vector<const Real*>& panels, const std::vector<const Real*>& scales,
                   const Panel& shape, Index depth, Real* out);

}  // namespace rnndyn::lyapunov

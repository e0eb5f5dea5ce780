// Products of a matrix with blocks of vectors.
//
// The same weights multiply a new block at every time step, so they are packed once, and gates that
// are summed can be summed before the product. A column of a result is always summed in the same
// order, whatever columns and rows it is computed together with: that is what makes results
// independent of the number of threads.
#pragma once

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/tangent/block.hpp"
#include "kernels/tangent/packet.hpp"

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

  // The transpose of a block of no more than depth() rows.
  void pack_transposed(View<Real> block);

  Index depth() const { return depth_; }
  const std::vector<Panel>& panels() const { return panels_; }
  const Real* data(const Panel& panel) const { return storage_.data() + panel.offset; }

 private:
  Index depth_ = 0;
  std::vector<Panel> panels_;
  Eigen::Matrix<Real, -1, 1> storage_;
};

// Sums go on from what `out` holds, term by term, so a product cut into parts of its depth has the
// same rounding errors as a whole one.
enum class Update { set, add, subtract };

// Rows of the panel of `out` = (+=, -=) panel * in. `out` has the rows of the whole matrix, and
// `in` at least `depth` rows. The two must not overlap.
template <class Real>
void multiply(const Real* panel, const Panel& shape, Index depth, View<Real> in, View<Real> out,
              Update update);

// The same, set, with only the given columns of the matrix and rows of `in`.
template <class Real>
void multiply_some(const Real* panel, const Panel& shape, const std::vector<Index>& columns,
                   View<Real> in, View<Real> out);

template <class Real>
void multiply(const PackedMatrix<Real>& matrix, View<Real> in, View<Real> out, Update update) {
  for (const Panel& panel : matrix.panels()) {
    multiply(matrix.data(panel), panel, matrix.depth(), in, out, update);
  }
}

// out = sum over g of diag(scales[g]) * panels[g] for three panels of one shape; scales[g]
// points to the scale of the matrix's row 0. Column by column, so a part of the depth is a part of
// the panels.
template <class Real>
void sum_of_scaled(const std::array<const Real*, 3>& panels,
                   const std::array<const Real*, 3>& scales, const Panel& shape, Index depth,
                   Real* out);

// Columns of a block times the inverse of an upper triangular matrix, in place.
template <class Real>
void divide_by_triangular(View<Real> block, const Eigen::Matrix<Real, -1, -1>& r);

}  // namespace rnndyn::lyapunov

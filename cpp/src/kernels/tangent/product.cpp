#include "kernels/tangent/product.hpp"

#include <algorithm>

#if defined(__GNUC__)
// Vector types lose their alignment attribute as template arguments, which is of no consequence to
// the blocks of packets that are transposed below.
#pragma GCC diagnostic ignored "-Wignored-attributes"
#endif

namespace rnndyn::lyapunov {
namespace {

using Eigen::internal::pload;
using Eigen::internal::ploadu;
using Eigen::internal::pmadd;
using Eigen::internal::pmul;
using Eigen::internal::pnegate;
using Eigen::internal::pset1;
using Eigen::internal::pstore;
using Eigen::internal::pstoreu;
using Eigen::internal::ptranspose;

constexpr Index kPanelPackets = 3;

// A tile of the result is up to 3 packets high and this many columns wide: 24 accumulators where
// there are 32 registers and 12 where there are 16, more than a sum takes cycles to be ready.
template <class Real>
inline constexpr int tile_columns = sizeof(Packet<Real>) == 64 ? 8 : 4;

struct AllColumns {
  Index depth;
  Index size() const { return depth; }
  Index operator[](Index k) const { return k; }
};

struct SomeColumns {
  const std::vector<Index>& columns;
  Index size() const { return static_cast<Index>(columns.size()); }
  Index operator[](Index k) const { return columns[static_cast<std::size_t>(k)]; }
};

template <class Real, Update kUpdate, int kHeight, int kColumns, class Depth>
void tile(const Real* panel, const Depth& depth, const Real* in, Index in_stride, Real* out,
          Index out_stride) {
  constexpr Index p = packet_size<Real>;
  using P = Packet<Real>;
  P sums[kColumns][kHeight];
  for (int j = 0; j < kColumns; ++j) {
    for (int v = 0; v < kHeight; ++v) {
      sums[j][v] =
          kUpdate == Update::set ? pset1<P>(Real(0)) : ploadu<P>(out + j * out_stride + v * p);
    }
  }
  const Index n = depth.size();
  for (Index i = 0; i < n; ++i) {
    const Index k = depth[i];
    const Real* weights = panel + k * kHeight * p;
    P w[kHeight];
    for (int v = 0; v < kHeight; ++v) w[v] = pload<P>(weights + v * p);
    for (int j = 0; j < kColumns; ++j) {
      const P x = pset1<P>(in[j * in_stride + k]);
      const P factor = kUpdate == Update::subtract ? pnegate(x) : x;
      for (int v = 0; v < kHeight; ++v) sums[j][v] = pmadd(w[v], factor, sums[j][v]);
    }
  }
  for (int j = 0; j < kColumns; ++j) {
    for (int v = 0; v < kHeight; ++v) pstoreu(out + j * out_stride + v * p, sums[j][v]);
  }
}

template <class Real, Update kUpdate, int kHeight, int kColumns, class Depth>
void tiles(const Real* panel, const Depth& depth, View<Real> in, View<Real> out) {
  if constexpr (kColumns > 0) {
    Index j = 0;
    for (; j + kColumns <= in.columns; j += kColumns) {
      tile<Real, kUpdate, kHeight, kColumns>(panel, depth, in.column(j), in.stride, out.column(j),
                                             out.stride);
    }
    if (j < in.columns) {
      tiles<Real, kUpdate, kHeight, kColumns - 1>(panel, depth, in.from(j, in.columns - j),
                                                  out.from(j, in.columns - j));
    }
  }
}

// Ten columns are two tiles of five rather than one of eight and one of two.
template <class Real, Update kUpdate, int kHeight, int kColumns, class Depth>
void even_tiles(const Real* panel, const Depth& depth, View<Real> in, View<Real> out) {
  constexpr int widest = tile_columns<Real>;
  if constexpr (kColumns > widest / 2) {
    const Index n_tiles = (in.columns + widest - 1) / widest;
    if (in.columns <= n_tiles * (kColumns - 1) && in.columns < 4 * widest) {
      even_tiles<Real, kUpdate, kHeight, kColumns - 1>(panel, depth, in, out);
      return;
    }
  }
  tiles<Real, kUpdate, kHeight, kColumns>(panel, depth, in, out);
}

template <class Real, Update kUpdate, class Depth>
void multiply_panel(const Real* panel, const Panel& shape, const Depth& depth, View<Real> in,
                    View<Real> out) {
  const View<Real> rows = out.below(shape.first_row, shape.height * packet_size<Real>);
  switch (shape.height) {
    case 1:
      even_tiles<Real, kUpdate, 1, tile_columns<Real>>(panel, depth, in, rows);
      break;
    case 2:
      even_tiles<Real, kUpdate, 2, tile_columns<Real>>(panel, depth, in, rows);
      break;
    default:
      even_tiles<Real, kUpdate, 3, tile_columns<Real>>(panel, depth, in, rows);
  }
}

template <class Real, int kHeight>
void scaled_sum(const std::array<const Real*, 3>& panels, const std::array<const Real*, 3>& scales,
                Index first_row, Index depth, Real* out) {
  constexpr Index p = packet_size<Real>;
  using P = Packet<Real>;
  P first[kHeight], second[kHeight], third[kHeight];
  for (int v = 0; v < kHeight; ++v) {
    first[v] = ploadu<P>(scales[0] + first_row + v * p);
    second[v] = ploadu<P>(scales[1] + first_row + v * p);
    third[v] = ploadu<P>(scales[2] + first_row + v * p);
  }
  const Real* w0 = panels[0];
  const Real* w1 = panels[1];
  const Real* w2 = panels[2];
  for (Index k = 0; k < depth; ++k) {
    for (int v = 0; v < kHeight; ++v) {
      P sum = pmul(first[v], pload<P>(w0));
      sum = pmadd(second[v], pload<P>(w1), sum);
      sum = pmadd(third[v], pload<P>(w2), sum);
      pstore(out, sum);
      w0 += p, w1 += p, w2 += p, out += p;
    }
  }
}

template <class Real, int kHeight>
void divide_rows(View<Real> rows, const Eigen::Matrix<Real, -1, -1>& r) {
  constexpr Index p = packet_size<Real>;
  using P = Packet<Real>;
  for (Index j = 0; j < rows.columns; ++j) {
    const Real* coefficients = r.data() + j * r.rows();
    P sums[kHeight];
    for (int v = 0; v < kHeight; ++v) sums[v] = pload<P>(rows.column(j) + v * p);
    for (Index i = 0; i < j; ++i) {
      const P minus = pset1<P>(-coefficients[i]);
      for (int v = 0; v < kHeight; ++v) {
        sums[v] = pmadd(pload<P>(rows.column(i) + v * p), minus, sums[v]);
      }
    }
    const P scale = pset1<P>(Real(1) / coefficients[j]);
    for (int v = 0; v < kHeight; ++v) pstore(rows.column(j) + v * p, pmul(sums[v], scale));
  }
}

}  // namespace

template <class Real>
std::vector<Panel> cut_into_panels(Index rows, Index depth) {
  constexpr Index p = packet_size<Real>;
  std::vector<Panel> panels;
  Index row = 0;
  for (Index left = whole_packets<Real>(rows) / p; left > 0;) {
    // Two panels of two rather than one of three and one of one, which cannot keep up the rate.
    const Index height = left == 4 ? 2 : std::min(left, kPanelPackets);
    panels.push_back({row * depth, height, row});
    row += height * p;
    left -= height;
  }
  return panels;
}

template <class Real>
PackedMatrix<Real>::PackedMatrix(Index rows, Index depth)
    : depth_(depth),
      panels_(cut_into_panels<Real>(rows, depth)),
      storage_(Eigen::Matrix<Real, -1, 1>::Zero(whole_packets<Real>(rows) * depth)) {}

template <class Real>
void PackedMatrix<Real>::pack_transposed(View<Real> block) {
  constexpr Index p = packet_size<Real>;
  for (const Panel& panel : panels_) {
    const Index width = panel.height * p;
    for (Index v = 0; v < panel.height; ++v) {
      const Index first_column = panel.first_row + v * p;
      Real* out = storage_.data() + panel.offset + v * p;
      for (Index k = 0; k < block.rows; k += p) {
        Eigen::internal::PacketBlock<Packet<Real>, p> square;
        for (Index i = 0; i < p; ++i) {
          square.packet[i] = first_column + i < block.columns
                                 ? pload<Packet<Real>>(block.column(first_column + i) + k)
                                 : pset1<Packet<Real>>(Real(0));
        }
        ptranspose(square);
        for (Index i = 0; i < p; ++i) pstore(out + (k + i) * width, square.packet[i]);
      }
    }
  }
}

template <class Real>
void multiply(const Real* panel, const Panel& shape, Index depth, View<Real> in, View<Real> out,
              Update update) {
  switch (update) {
    case Update::set:
      multiply_panel<Real, Update::set>(panel, shape, AllColumns{depth}, in, out);
      break;
    case Update::add:
      multiply_panel<Real, Update::add>(panel, shape, AllColumns{depth}, in, out);
      break;
    case Update::subtract:
      multiply_panel<Real, Update::subtract>(panel, shape, AllColumns{depth}, in, out);
      break;
  }
}

template <class Real>
void multiply_some(const Real* panel, const Panel& shape, const std::vector<Index>& columns,
                   View<Real> in, View<Real> out) {
  multiply_panel<Real, Update::set>(panel, shape, SomeColumns{columns}, in, out);
}

template <class Real>
void sum_of_scaled(const std::array<const Real*, 3>& panels,
                   const std::array<const Real*, 3>& scales, const Panel& shape, Index depth,
                   Real* out) {
  switch (shape.height) {
    case 1:
      scaled_sum<Real, 1>(panels, scales, shape.first_row, depth, out);
      break;
    case 2:
      scaled_sum<Real, 2>(panels, scales, shape.first_row, depth, out);
      break;
    default:
      scaled_sum<Real, 3>(panels, scales, shape.first_row, depth, out);
  }
}

template <class Real>
void divide_by_triangular(View<Real> block, const Eigen::Matrix<Real, -1, -1>& r) {
  constexpr Index p = packet_size<Real>;
  Index row = 0;
  for (; row + 4 * p <= block.rows; row += 4 * p) {
    divide_rows<Real, 4>(block.below(row, 4 * p), r);
  }
  for (; row < block.rows; row += p) divide_rows<Real, 1>(block.below(row, p), r);
}

#define RNNDYN_INSTANTIATE(Real)                                                                \
  template std::vector<Panel> cut_into_panels<Real>(Index, Index);                              \
  template class PackedMatrix<Real>;                                                            \
  template void multiply(const Real*, const Panel&, Index, View<Real>, View<Real>, Update);     \
  template void multiply_some(const Real*, const Panel&, const std::vector<Index>&, View<Real>, \
                              View<Real>);                                                      \
  template void sum_of_scaled(const std::array<const Real*, 3>&,                                \
                              const std::array<const Real*, 3>&, const Panel&, Index, Real*);   \
  template void divide_by_triangular(View<Real>, const Eigen::Matrix<Real, -1, -1>&);
RNNDYN_INSTANTIATE(double)
RNNDYN_INSTANTIATE(float)
#undef RNNDYN_INSTANTIATE

}  // namespace rnndyn::lyapunov

#include "lyapunov/product.hpp"

#include <algorithm>

namespace rnndyn::lyapunov {
namespace {

using Eigen::internal::padd;
using Eigen::internal::pload;
using Eigen::internal::ploadu;
using Eigen::internal::pmadd;
using Eigen::internal::pmul;
using Eigen::internal::pset1;
using Eigen::internal::pstore;
using Eigen::internal::pstoreu;
using Eigen::internal::psub;

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

template <class Real, int kHeight, int kColumns, class Depth>
void tile(const Real* panel, const Depth& depth, const Real* in, Index in_stride, Real* out,
          Index out_stride, Update update) {
  constexpr Index p = packet_size<Real>;
  using P = Packet<Real>;
  P sums[kColumns][kHeight];
  for (auto& column : sums) {
    for (P& sum : column) sum = pset1<P>(Real(0));
  }
  const Index n = depth.size();
  for (Index i = 0; i < n; ++i) {
    const Index k = depth[i];
    const Real* weights = panel + k * kHeight * p;
    P w[kHeight];
    for (int v = 0; v < kHeight; ++v) w[v] = pload<P>(weights + v * p);
    for (int j = 0; j < kColumns; ++j) {
      const P x = pset1<P>(in[j * in_stride + k]);
      for (int v = 0; v < kHeight; ++v) sums[j][v] = pmadd(w[v], x, sums[j][v]);
    }
  }
  for (int j = 0; j < kColumns; ++j) {
    for (int v = 0; v < kHeight; ++v) {
      Real* target = out + j * out_stride + v * p;
      if (update == Update::set) {
        pstoreu(target, sums[j][v]);
      } else if (update == Update::add) {
        pstoreu(target, padd(ploadu<P>(target), sums[j][v]));
      } else {
        pstoreu(target, psub(ploadu<P>(target), sums[j][v]));
      }
    }
  }
}

template <class Real, int kHeight, int kColumns, class Depth>
void tiles(const Real* panel, const Depth& depth, View<Real> in, View<Real> out, Update update) {
  if constexpr (kColumns > 0) {
    Index j = 0;
    for (; j + kColumns <= in.columns; j += kColumns) {
      tile<Real, kHeight, kColumns>(panel, depth, in.column(j), in.stride, out.column(j),
                                    out.stride, update);
    }
    if (j < in.columns) {
      tiles<Real, kHeight, kColumns - 1>(panel, depth, in.from(j, in.columns - j),
                                         out.from(j, in.columns - j), update);
    }
  }
}

// Ten columns are two tiles of five rather than one of eight and one of two.
template <class Real, int kHeight, int kColumns, class Depth>
void even_tiles(const Real* panel, const Depth& depth, View<Real> in, View<Real> out,
                Update update) {
  constexpr int widest = tile_columns<Real>;
  if constexpr (kColumns > widest / 2) {
    const Index n_tiles = (in.columns + widest - 1) / widest;
    if (in.columns <= n_tiles * (kColumns - 1) && in.columns < 4 * widest) {
      even_tiles<Real, kHeight, kColumns - 1>(panel, depth, in, out, update);
      return;
    }
  }
  tiles<Real, kHeight, kColumns>(panel, depth, in, out, update);
}

template <class Real, class Depth>
void multiply_panel(const Real* panel, const Panel& shape, const Depth& depth, View<Real> in,
                    View<Real> out, Update update) {
  const View<Real> rows = out.below(shape.first_row, shape.height * packet_size<Real>);
  switch (shape.height) {
    case 1:
      even_tiles<Real, 1, tile_columns<Real>>(panel, depth, in, rows, update);
      break;
    case 2:
      even_tiles<Real, 2, tile_columns<Real>>(panel, depth, in, rows, update);
      break;
    default:
      even_tiles<Real, 3, tile_columns<Real>>(panel, depth, in, rows, update);
  }
}

template <class Real, int kHeight>
void scaled_sum(const std::vector<const Real*>& panels, const std::vector<const Real*>& scales,
                Index first_row, Index depth, Real* out) {
  constexpr Index p = packet_size<Real>;
  using P = Packet<Real>;
  const std::size_t n = panels.size();
  const auto scale = [&](std::size_t g, int v) { return ploadu<P>(scales[g] + first_row + v * p); };
  P first[kHeight], second[kHeight], third[kHeight];
  for (int v = 0; v < kHeight; ++v) {
    first[v] = scale(0, v);
    second[v] = n > 1 ? scale(1, v) : pset1<P>(Real(0));
    third[v] = n > 2 ? scale(2, v) : pset1<P>(Real(0));
  }
  const Real* w0 = panels[0];
  const Real* w1 = n > 1 ? panels[1] : w0;
  const Real* w2 = n > 2 ? panels[2] : w0;
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
void multiply(const Real* panel, const Panel& shape, Index depth, View<Real> in, View<Real> out,
              Update update) {
  multiply_panel(panel, shape, AllColumns{depth}, in, out, update);
}

template <class Real>
void multiply_some(const Real* panel, const Panel& shape, const std::vector<Index>& columns,
                   View<Real> in, View<Real> out, Update update) {
  multiply_panel(panel, shape, SomeColumns{columns}, in, out, update);
}

template <class Real>
void sum_of_scaled(const std::vector<const Real*>& panels, const std::vector<const Real*>& scales,
                   const Panel& shape, Index depth, Real* out) {
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

#define RNNDYN_INSTANTIATE(Real)                                                                \
  template std::vector<Panel> cut_into_panels<Real>(Index, Index);                              \
  template class PackedMatrix<Real>;                                                            \
  template void multiply(const Real*, const Panel&, Index, View<Real>, View<Real>, Update);     \
  template void multiply_some(const Real*, const Panel&, const std::vector<Index>&, View<Real>, \
                              View<Real>, Update);                                              \
  template void sum_of_scaled(const std::vector<const Real*>&, const std::vector<const Real*>&, \
                              const Panel&, Index, Real*);
RNNDYN_INSTANTIATE(double)
RNNDYN_INSTANTIATE(float)
#undef RNNDYN_INSTANTIATE

}  // namespace rnndyn::lyapunov

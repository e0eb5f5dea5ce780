#include "newton_kernel.hpp"

#include <array>
#include <utility>

#include "lane_kernel.hpp"
#include "large_kernel.hpp"
#include "small_kernel.hpp"

namespace rnndyn {
namespace {

// All regions' affine maps are tabulated up to this many doubles (1 MiB: stays in the L2 cache).
constexpr Index kTableLimit = Index{1} << 17;

using Factory = std::unique_ptr<NewtonKernel> (*)(const CanonicalMap&, const KernelTables&, Index);

template <int M>
std::unique_ptr<NewtonKernel> make_small(const CanonicalMap& map, const KernelTables& tables,
                                         Index order) {
  return std::make_unique<SmallKernel<M>>(map, tables, order);
}

template <int... Sizes>
constexpr std::array<Factory, sizeof...(Sizes)> factories(
    std::integer_sequence<int, Sizes...> /*sizes*/) {
  return {&make_small<Sizes + 1>...};
}

}  // namespace

KernelTables::KernelTables(const CanonicalMap& map)
    : reach(map),
      diagonal_a(map.a().isDiagonal(0.0)),
      width(affine_width(map.n_states())),
      units(std::max<Index>(8, (map.n_units() + 7) / 8 * 8)) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  const auto at = [](Index i) { return static_cast<std::size_t>(i); };
  base.assign(at(m * width), 0.0);
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < m; ++j) base[at(i * width + j)] = map.a()(i, j);
    base[at(i * width + m)] = map.h1()(i);
  }
  a.assign(at(m * width), 0.0);
  diagonal.assign(at(width), 0.0);
  h1.assign(at(width), 0.0);
  for (Index j = 0; j < m; ++j) {
    for (Index i = 0; i < m; ++i) a[at(j * width + i)] = map.a()(i, j);
    diagonal[at(j)] = map.a()(j, j);
    h1[at(j)] = map.h1()(j);
  }
  rank1.assign(at(h * 2 * width), 0.0);
  w2.assign(at(m * units), 0.0);
  h2.assign(at(units), 0.0);
  for (Index u = 0; u < h; ++u) {
    for (Index i = 0; i < m; ++i) {
      rank1[at(u * 2 * width + i)] = map.w1()(i, u);
      rank1[at(u * 2 * width + width + i)] = map.w2()(u, i);
      w2[at(i * units + u)] = map.w2()(u, i);
    }
    rank1[at(u * 2 * width + width + m)] = map.h2()(u);
    h2[at(u)] = map.h2()(u);
  }
  const Index entry = m * width;
  // Filling the table would take longer than most searches that use the lanes.
  if (h > 16 || (entry << h) > kTableLimit || lanes_suffice(map)) return;

  regions.resize(at(entry << h));
  for (Index code = 0; code < (Index{1} << h); ++code) {
    const auto region = static_cast<Word>(code);
    const Matrix j = map.jacobian(&region);
    const Vector c = map.offset(&region);
    for (Index i = 0; i < m; ++i) {
      for (Index col = 0; col < m; ++col) regions[at(code * entry + i * width + col)] = j(i, col);
      regions[at(code * entry + i * width + m)] = c(i);
    }
  }
}

std::shared_ptr<const KernelTables> make_kernel_tables(const CanonicalMap& map) {
  return std::make_shared<const KernelTables>(map);
}

std::unique_ptr<NewtonKernel> make_newton_kernel(const CanonicalMap& map,
                                                 const KernelTables& tables, Index order) {
  static constexpr auto kSmall =
      factories(std::make_integer_sequence<int, static_cast<int>(kMaxSmallStates)>{});
  const Index m = map.n_states();
  if (auto lanes = make_lane_kernel(map, tables, order)) return lanes;
  if (m <= kMaxSmallStates) return kSmall[static_cast<std::size_t>(m - 1)](map, tables, order);
  return std::make_unique<LargeKernel>(map, order);
}

}  // namespace rnndyn

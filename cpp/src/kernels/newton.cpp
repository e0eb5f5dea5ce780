#include "kernels/newton.hpp"

#include <array>
#include <utility>

#include "kernels/newton_factories.hpp"
#include "kernels/newton_small.hpp"

namespace rnndyn::kernels {
namespace {

using Factory = std::unique_ptr<Newton> (*)(const NewtonTables&, Index, Refutation);

template <int M>
std::unique_ptr<Newton> make_small(const NewtonTables& tables, Index order, Refutation refutation) {
  return std::make_unique<SmallNewton<M>>(tables, order, refutation);
}

template <int... Sizes>
constexpr std::array<Factory, sizeof...(Sizes)> factories(
    std::integer_sequence<int, Sizes...> /*sizes*/) {
  return {&make_small<Sizes + 1>...};
}

}  // namespace

std::unique_ptr<Newton> make_newton(const NewtonTables& tables, Index order,
                                    Refutation refutation) {
  static constexpr auto kSmall =
      factories(std::make_integer_sequence<int, static_cast<int>(kMaxSmallStates)>{});
  if (tables.n_states <= kMaxLaneStates && tables.n_units <= kMaxLaneUnits) {
    if (auto lanes = make_lane_newton(tables, order, refutation)) return lanes;
  }
  return kSmall[static_cast<std::size_t>(tables.n_states - 1)](tables, order, refutation);
}

}  // namespace rnndyn::kernels

// Which method proves what: by how the map looks and by what the orders before have taken, never by
// the clock.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "proof/box_search.hpp"
#include "proof/cell_search.hpp"
#include "proof/cyclic_relaxation.hpp"
#include "proof/dictionary_search.hpp"
#include "proof/homogeneous_boxes.hpp"
#include "proof/prover.hpp"

namespace rnndyn {
namespace {

// What a search that is not asked for a proof spends on one: seconds by prediction for an order,
// and nodes of a tree for all orders.
constexpr double kCheapSeconds = 0.05;
constexpr std::int64_t kCheapNodes = 20000;
// Beyond this a proof by dictionaries is expected to take so long that cells are tried first.
constexpr double kDearSeconds = 2.0;
constexpr double kDearForUnits = 60.0;
// Growth of the tree from one order to the next where nothing is known yet (measured: 5 to 9), and
// where it is split by activities (2 to 4, ALRNNs with 6 to 10 units).
constexpr double kGrowth = 8.0;
constexpr double kGrowthOfUnits = 3.0;
// Boxes that are tried before other methods: a few seconds. One takes about as long as said
// (measured with 50 units).
constexpr double kFewestBoxes = 1e4;
constexpr double kMostBoxes = 1e6;
constexpr double kSecondsOfBox = 4e-6;
// With fewer units other methods find all fixed points in a few milliseconds. A map that is no more
// decided after so many boxes is left to them, and where a proof has to be cheap after what takes
// about 0.2 s: boxes times states times units.
constexpr Index kFewestUnitsOfBoxes = 33;
constexpr std::int64_t kMostBoxesOfFixedPoints = 40'000;
constexpr std::int64_t kCheapBoxes = 10'000'000;
// Systems in activities whose dictionaries are as quick as the search for a P-matrix: bits of all
// steps.
constexpr Index kFewestBitsOfPMatrix = 40;

}  // namespace

bool Prover::all_orders_at_once() const { return map_.n_states() <= 2; }

bool Prover::try_fixed_points(bool only_if_cheap) {
  const Index n_units = map_.n_relevant_units();
  if (context_.options.box || certificate_.orders.front() != 1) return false;
  if (n_units < kFewestUnitsOfBoxes || !radius_of_boxes(map_)) return false;
  std::int64_t most = kMostBoxesOfFixedPoints;
  if (only_if_cheap) most = std::min(most, kCheapBoxes / (map_.n_states() * n_units));
  return prove_by_homogeneous_boxes({1}, most);
}

double Prover::predicted_nodes(Index order, double first_growth) const {
  const auto at = [&](Index k) {
    return k >= 1 ? static_cast<double>(nodes_[static_cast<std::size_t>(k)]) : 0.0;
  };
  if (at(order - 1) > 0.0) {
    const double growth = at(order - 2) > 0.0 ? at(order - 1) / at(order - 2) : first_growth;
    return at(order - 1) * std::max(2.0, growth);
  }
  return 10.0 * static_cast<double>(map_.n_relevant_units() + 1) *
         std::pow(first_growth, static_cast<double>(order - 1));
}

void Prover::begin_cheaply() {
  begin_all_orders();
  // What follows goes from order to order, and each that is not proved is searched in its turn.
  search_ = nullptr;
}

void Prover::begin_all_orders() {
  if (try_fixed_points(true) && orders_left().empty()) return;
  if (try_contraction()) return;
  if (!all_orders_at_once()) return;
  // All orders, or the lower half of them, or a quarter ...
  std::vector<Index> orders = orders_left();
  while (!orders.empty() && !prove(orders, kCheapNodes) && !context_.control.stop_requested()) {
    orders.resize(orders.size() / 2);
  }
  hopeful_ = false;
}

bool Prover::prove_cheaply(Index order) {
  if (is_done(order)) return true;
  if (!hopeful_) return false;
  if (order * map_.n_relevant_units() >= kFewestBitsOfPMatrix && prove_by_p_matrix(order, true)) {
    return true;
  }
  const double budget = kCheapSeconds / dictionary_node_seconds(order * map_.n_relevant_units());
  hopeful_ = predicted_nodes(order, kGrowth) <= budget &&
             prove({order}, static_cast<std::int64_t>(budget));
  return hopeful_;
}

bool Prover::prove(const std::vector<Index>& orders, std::int64_t max_nodes) {
  const ProofMethod method = context_.options.proof.method;
  const bool choose = method == ProofMethod::automatic;
  if (map_.n_relevant_units() == 0) {
    // A linear map: every itinerary is the same, and no order above 1 has a word of its own.
    PartialProof part;
    part.method = ProofMethod::dictionary;
    part.orders = orders;
    part.unbounded = !context_.options.box;
    part.reason = "the map is affine, so its only itinerary is solved";
    part.complete = true;
    part.share = 1.0;
    part.n_leaves = static_cast<std::int64_t>(orders.size());
    settle_all_off(orders);
    certificate_.parts.push_back(std::move(part));
    return finish(orders, !context_.control.stop_requested());
  }
  if (method == ProofMethod::polygons || (choose && all_orders_at_once())) {
    return prove_by_polygons(orders, max_nodes);
  }
  if (method == ProofMethod::cells) return prove_by_cells(orders, max_nodes);
  if (method == ProofMethod::boxes) return prove_by_boxes(orders, max_nodes);
  if (method == ProofMethod::homogeneous_boxes) {
    return prove_by_homogeneous_boxes(orders, max_nodes);
  }
  if (method == ProofMethod::p_matrix) {
    return std::ranges::count_if(orders, [&](Index k) { return prove_by_p_matrix(k, false); }) ==
           std::ssize(orders);
  }
  bool tried_boxes = false;
  bool tried_cells = false;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    const Index order = orders[i];
    if (choose && max_nodes == kNoLimit &&
        order * map_.n_relevant_units() >= kFewestBitsOfPMatrix &&
        prove_by_p_matrix(order, false)) {
      continue;
    }
    const bool may_choose =
        choose && context_.options.box && max_nodes == kNoLimit && !is_homogeneous_;
    // Trees over activities grow slower, and there are no cells to be had of many states.
    const bool by_units =
        may_choose && plan_dictionaries(map_, context_.options.box, order).by_units;
    const double seconds = predicted_nodes(order, by_units ? kGrowthOfUnits : kGrowth) *
                           dictionary_node_seconds(order * map_.n_relevant_units());
    // Many units for every state are what boxes are best at (measured: with 50 units and 3 states
    // they take a tenth of the time, even for fixed points).
    const bool many_units = map_.n_relevant_units() > 4 * map_.n_states();
    if (may_choose && !tried_boxes && boxes_suit(map_) && (many_units || seconds > kCheapSeconds)) {
      tried_boxes = true;
      const std::vector<Index> rest(orders.begin() + static_cast<std::ptrdiff_t>(i), orders.end());
      // For no longer than dictionaries are expected to take, about.
      const double n_nodes = std::clamp(seconds / kSecondsOfBox, kFewestBoxes, kMostBoxes);
      if (prove_by_boxes(rest, static_cast<std::int64_t>(n_nodes))) return true;
      if (context_.control.stop_requested()) return false;
    }
    if (may_choose && !tried_cells && seconds > (by_units ? kDearForUnits : kDearSeconds)) {
      tried_cells = true;
      const std::vector<Index> rest(orders.begin() + static_cast<std::ptrdiff_t>(i), orders.end());
      const CellForecast forecast = forecast_cells(map_, *context_.options.box, rest,
                                                   context_.options.n_threads, context_.control);
      if (forecast.worthwhile && prove_by_cells(rest, max_nodes)) return true;
    }
    if (context_.control.stop_requested()) return false;
    context_.progress.order.store(order);
    if (!prove_by_dictionary(order, max_nodes)) return false;
  }
  return true;
}

}  // namespace rnndyn

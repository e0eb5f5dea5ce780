#include "proof/cell_search.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "proof/cell_cover.hpp"
#include "proof/cell_words.hpp"

namespace rnndyn {
namespace {

Index longest_of(const std::vector<Index>& orders) {
  return orders.empty() ? 0 : *std::max_element(orders.begin(), orders.end());
}

// Programs have tolerances that are meant for numbers of size 1. Where the box is much smaller, the
// same proof is found in other units: A, W1 and W2, regions, slopes and multipliers stay as they
// are when states and offsets are multiplied by the same number, and a power of two that makes them
// larger is exact.
struct OwnUnits {
  CanonicalMap map;
  Box box;
};

std::optional<OwnUnits> own_units(const CanonicalMap& map, const Box& box) {
  constexpr int kSmall = -16;
  const double size = std::max(box.lower.cwiseAbs().maxCoeff(), box.upper.cwiseAbs().maxCoeff());
  if (!(size > 0.0) || !std::isfinite(size) || std::ilogb(size) >= kSmall) return std::nullopt;
  const int shift = -std::ilogb(size);
  const auto larger = [&](const Vector& values) -> Vector {
    return values.unaryExpr([&](double value) { return std::ldexp(value, shift); });
  };
  const Vector h1 = larger(map.h1());
  const Vector h2 = larger(map.h2());
  constexpr double kLargest = 1e150;  // as for parameters of any model
  if (!(h1.cwiseAbs().maxCoeff() < kLargest) ||
      !(h2.size() == 0 || h2.cwiseAbs().maxCoeff() < kLargest)) {
    return std::nullopt;
  }
  return OwnUnits{CanonicalMap(map.a(), map.w1(), map.w2(), h1, h2),
                  Box{larger(box.lower), larger(box.upper)}};
}

}  // namespace

CellForecast forecast_cells(const CanonicalMap& given, const Box& region,
                            const std::vector<Index>& orders, int n_threads, Control& control) {
  const std::optional<OwnUnits> own = own_units(given, region);
  const CanonicalMap& map = own ? own->map : given;
  const Box& box = own ? own->box : region;
  CellCoverOptions options;
  options.max_regions = 20'000;
  options.coarse_only = 3;
  const CellCoverOutcome covered =
      cover_recurrent_set(map, box, longest_of(orders), options, n_threads, control);
  CellForecast forecast;
  forecast.worthwhile = covered.useful;
  forecast.n_regions = covered.n_regions;
  forecast.n_cells = covered.cover.cells.size();
  forecast.n_steps = covered.cover.n_steps();
  forecast.settled = covered.useful && only_loops(covered.cover);
  forecast.reason = covered.reason;
  return forecast;
}

TreeOutcome prove_by_cells(const CanonicalMap& given, const Box& region,
                           const std::vector<Index>& orders, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           const TreeProgress& shown, PartialProof& part,
                           const std::vector<Path>* open, const Interludes* interludes) {
  const std::optional<OwnUnits> own = own_units(given, region);
  const CanonicalMap& map = own ? own->map : given;
  const Box& box = own ? own->box : region;
  part.method = ProofMethod::cells;
  part.orders = orders;
  part.rigorous = options.rigorous;
  const double begun = control.seconds();
  TreeOutcome outcome;
  CellCoverOptions cover_options;
  cover_options.keep_record = options.keep_tree;
  CellCoverOutcome covered =
      cover_recurrent_set(map, box, longest_of(orders), cover_options, n_threads, control);
  part.reason = covered.reason;
  if (!covered.useful) {
    part.seconds = control.seconds() - begun;
    return outcome;
  }
  const Vector size = box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs());
  const CellWords words(map, covered.cover, size, orders, options, covered.n_regions);
  std::vector<CellSubtree> roots;
  if (open == nullptr) {
    roots = words.roots();
  } else {
    for (const Path& path : *open) {
      for (CellSubtree& subtree : words.subtree(path)) roots.push_back(std::move(subtree));
    }
  }
  outcome = search_tree(
      std::move(roots), n_threads, max_nodes, options.keep_tree, control, shown, part,
      [&](CellSubtree&& subtree, std::int64_t budget, Piece<CellSubtree>& piece, int) {
        words.explore(std::move(subtree), budget, piece, control);
      },
      interludes);
  if (covered.all_orders && covered.cover.cells.empty()) {
    part.reason = "the cover of cells is empty: no order has a cycle in the box";
  } else if (covered.all_orders && only_loops(covered.cover)) {
    part.reason =
        "no orbit that stays in the box goes from one cell of the cover to another and "
        "comes back: cycles of all orders stay in one linear region";
  } else {
    part.reason = outcome.complete ? "words over " + std::to_string(covered.cover.cells.size()) +
                                         " cells that cover what recurs in the box"
                                   : "there are too many words over the " +
                                         std::to_string(covered.cover.cells.size()) +
                                         " cells that cover what recurs in the box";
  }
  if (outcome.complete) part.share = 1.0;
  if (covered.record) {
    const RowMatrix& rows = covered.cover.faces.rows;
    Matrix slopes(static_cast<Index>(covered.slopes.size()), map.n_units());
    for (Index i = 0; i < slopes.rows(); ++i) {
      slopes.row(i) = covered.slopes[static_cast<std::size_t>(i)].transpose();
    }
    part.cells = CellsProof{rows.bottomRows(rows.rows() - map.n_states()), std::move(slopes),
                            *std::move(covered.record)};
    // A tree without any node stands for one that was not kept.
    if (part.tree.nodes.empty()) part.tree.nodes.push_back(ProofTree::kRotation);
  }
  part.seconds = control.seconds() - begun;
  return outcome;
}

}  // namespace rnndyn

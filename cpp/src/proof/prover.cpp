#include "proof/prover.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <string>
#include <utility>

#include "parallel/proof_pieces.hpp"
#include "proof/box_search.hpp"
#include "proof/cell_search.hpp"
#include "proof/contraction.hpp"
#include "proof/cyclic_relaxation.hpp"
#include "proof/dictionary_search.hpp"
#include "proof/homogeneous_boxes.hpp"
#include "proof/polygon_search.hpp"
#include "proof/unit_relaxation.hpp"

namespace rnndyn {
namespace {

// A proof that takes longer than this, or than this share of its time limit, pauses for a search,
// for as long again at most.
constexpr double kSearchSeconds = 5.0;
constexpr double kSearchShare = 0.25;
// Dictionaries above this size are not begun: they would not get far, and their copies take memory.
constexpr double kLargestDictionary = 128e6;  // bytes
// Systems in activities for which the search for a P-matrix takes too long: bits of all steps.
constexpr Index kMostBitsOfCheapPMatrix = 150;
constexpr Index kMostBitsOfPMatrix = 800;
// The first dictionary is built in a tenth of a second.
constexpr double kOperationsOfMoment = 2e8;

std::string plural(std::size_t n, const char* noun) {
  std::string text = std::to_string(n);
  text += ' ';
  text += noun;
  if (n != 1) text += 's';
  return text;
}

std::string megabytes(double n_bytes) {
  return std::to_string(static_cast<std::int64_t>(n_bytes / 1e6)) + " MB";
}

bool has_no_offsets(const CanonicalMap& map) {
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(map.relevant_units().data(), i) && map.h2()(i) != 0.0) return false;
  }
  return (map.h1().array() == 0.0).all();
}

// Branches of a search that is resumed come from files. Those of boxes, whose bits are coordinates,
// are checked where they are followed.
void check_open_branches(const PartialProof& part, const CanonicalMap& map) {
  const bool boxes =
      part.method == ProofMethod::boxes || part.method == ProofMethod::homogeneous_boxes;
  if (boxes || part.orders.empty()) return;
  const Index n_bits = *std::ranges::max_element(part.orders) * map.n_units();
  const Index n_faces = std::max(2 * map.n_states(), map.n_units());
  for (const Path& path : part.open) {
    for (std::size_t i = 0; i < path.size(); ++i) {
      const Index bit = path[i].bit;
      if (bit < n_bits && (bit >= 0 || (i == 0 && -1 - bit < n_faces))) continue;
      throw std::invalid_argument("an open branch decides a bit that its proof does not have");
    }
  }
}

}  // namespace

Prover::Prover(SearchContext& context, Search search)
    : context_(context),
      map_(context.map),
      is_homogeneous_(has_no_offsets(context.map)),
      search_(std::move(search)),
      leaves_(context) {
  certificate_.box = context.options.box;
  certificate_.orders = context.options.orders;
  nodes_.assign(static_cast<std::size_t>(context.options.orders.back()) + 1, 0);
}

void Prover::resume(const Certificate& earlier, const std::vector<Itinerary>& known) {
  for (const PartialProof& part : earlier.parts) check_open_branches(part, map_);
  earlier_ = earlier.parts;
  for (const Undecided& undecided : earlier.undecided) pending_.push_back(undecided.itinerary);
  // In any case: or a short time limit would be used up by this alone, again and again.
  const Control::Pause pause(context_.control);
  leaves_.solve(known);
  search_ = nullptr;  // was done then
}

bool Prover::is_done(Index order) const {
  return std::find(done_orders_.begin(), done_orders_.end(), order) != done_orders_.end();
}

std::vector<Index> Prover::orders_left() const {
  std::vector<Index> orders;
  std::ranges::copy_if(certificate_.orders, std::back_inserter(orders),
                       [&](Index order) { return !is_done(order); });
  return orders;
}

bool Prover::try_contraction() {
  const double start = context_.control.seconds();
  std::optional<ContractionProof> proof = prove_contraction(map_, &context_.control);
  if (!proof) return false;
  // Every orbit converges to the fixed point, so its region shows where to solve for it. On a
  // border, or where convergence is slow, the region may be a neighbour's; then Newton's method
  // in symbol space, started from the last state, has to find it.
  Vector z = Vector::Zero(map_.n_states());
  Itinerary itinerary(1, map_.words_per_region());
  bool found = false;
  for (int round = 0; round < 60 && !found; ++round) {
    if (context_.control.stop_requested()) return false;
    for (int step = 0; step < 50; ++step) z = map_.step(z);
    map_.region(z, itinerary.at(0));
    Candidate candidate;
    try {
      candidate = solve_cycle(map_, itinerary, &context_.control);
    } catch (const Stopped&) {
      return false;
    }
    found = candidate.kind == CandidateKind::cycle;
    if (candidate.cycle) z = candidate.cycle->points.col(0);
  }
  if (!found) return false;
  PartialProof part;
  part.method = ProofMethod::contraction;
  part.orders = certificate_.orders;
  part.unbounded = true;
  part.reason = "the map contracts, so it has one fixed point and no other cycle";
  part.complete = true;
  part.n_leaves = 1;
  part.share = 1.0;
  part.contraction = std::move(proof);
  for (std::size_t w = 0; w < itinerary.words; ++w) {
    itinerary.at(0)[w] &= map_.relevant_units()[w];
  }
  leaves_.solve({itinerary});
  part.seconds = context_.control.seconds() - start;
  certificate_.parts.push_back(std::move(part));
  return finish(certificate_.orders, true);
}

bool Prover::prove_by_homogeneous_boxes(const std::vector<Index>& orders, std::int64_t max_nodes) {
  PartialProof part;
  part.method = ProofMethod::homogeneous_boxes;
  part.orders = orders;
  part.unbounded = true;
  const std::optional<double> radius = radius_of_boxes(map_);
  if (orders != std::vector<Index>{1} || context_.options.box) {
    part.reason = "homogeneous boxes are for fixed points in all of R^M";
  } else if (!radius) {
    part.reason = "homogeneous boxes are for maps with at most four states";
  } else {
    context_.progress.order.store(1);
    part.radius = *radius;
    part.reason = "few states: boxes of states, each with its linear regions at once";
    return finish(orders, run(std::move(part), max_nodes));
  }
  certificate_.parts.push_back(std::move(part));
  return finish(orders, false);
}

std::int64_t Prover::n_leaves(Index order) const {
  std::int64_t sum = 0;
  for (const PartialProof& part : certificate_.parts) {
    if (part.orders.front() == order) sum += part.n_leaves;
  }
  return sum;
}

std::int64_t Prover::n_boxes(Index order) const {
  for (const PartialProof& part : certificate_.parts) {
    if (part.method == ProofMethod::homogeneous_boxes && part.complete &&
        part.orders.front() == order) {
      return part.n_nodes;
    }
  }
  return 0;
}

double Prover::seconds(Index order) const {
  double sum = 0.0;
  for (const PartialProof& part : certificate_.parts) {
    if (part.orders.front() == order) sum += part.seconds;
  }
  return sum;
}

bool Prover::run(PartialProof part, std::int64_t max_nodes) {
  // A part of the search that is being resumed is taken over, or gone on with.
  ProofTree kept;
  double seconds_before = 0.0;
  for (PartialProof& old : earlier_) {
    if (old.method != part.method || old.orders != part.orders ||
        old.at_infinity != part.at_infinity || old.unbounded != part.unbounded ||
        old.by_units != part.by_units) {
      continue;
    }
    const bool usable = old.complete || !old.open.empty();
    if (!usable) continue;
    part = std::move(old);
    old.orders.clear();
    if (part.complete) {
      certificate_.parts.push_back(std::move(part));
      leaves_.solve(std::exchange(pending_, {}));
      return true;
    }
    kept = std::move(part.tree);
    part.tree = {};
    seconds_before = part.seconds;
    break;
  }
  const ProofOptions& options = context_.options.proof;
  const double start = context_.control.seconds();
  context_.progress.share.store(0.0);
  const TreeProgress progress{context_.progress.n_nodes, context_.progress.n_open,
                              context_.progress.share};
  const int n_threads = context_.options.n_threads;
  const Interludes interludes{[this] { return is_time_to_search(); },
                              [this](std::vector<Itinerary> leaves) {
                                leaves_.solve(std::move(leaves));
                                if (is_time_to_search()) search_once();
                              }};
  switch (part.method) {
    case ProofMethod::polygons:
      rnndyn::prove_by_polygons(map_, context_.options.box, part.orders, options, n_threads,
                                max_nodes, context_.control, progress, part, part.pivot,
                                &interludes);
      break;
    case ProofMethod::cells: {
      const std::vector<Path> open = std::move(part.open);
      part.open.clear();
      rnndyn::prove_by_cells(map_, *context_.options.box, part.orders, options, n_threads,
                             max_nodes, context_.control, progress, part,
                             open.empty() ? nullptr : &open, &interludes);
      break;
    }
    case ProofMethod::boxes:
      rnndyn::prove_by_boxes(map_, *context_.options.box, options, n_threads, max_nodes,
                             context_.control, progress, part, &interludes);
      break;
    case ProofMethod::homogeneous_boxes:
      rnndyn::prove_by_homogeneous_boxes(map_, part.radius, options, n_threads, max_nodes,
                                         context_.control, progress, part, &interludes);
      break;
    default:
      prove_by_dictionaries(map_, context_.options.box, options, n_threads, max_nodes,
                            context_.control, progress, part, &interludes);
      break;
  }
  part.rigorous = part.rigorous && options.rigorous;
  if (!kept.nodes.empty()) part.tree = spliced(kept, part.tree);
  // What an earlier search left unsolved comes after its tree, so that every resumption gets on.
  leaves_.solve(std::exchange(pending_, {}));
  part.seconds = seconds_before + context_.control.seconds() - start;
  const bool complete = part.complete;
  certificate_.parts.push_back(std::move(part));
  return complete;
}

bool Prover::prove_by_dictionary(Index order, std::int64_t max_nodes) {
  PartialProof part =
      plan_dictionaries(map_, is_homogeneous_ ? std::optional<Box>{} : context_.options.box, order);
  const double n_bytes =
      part.by_units ? UnitRelaxation::n_bytes(map_, order) : CyclicRelaxation::n_bytes(map_, order);
  if (n_bytes > kLargestDictionary) {
    part.reason = "a dictionary of this order takes " + megabytes(n_bytes) + ", more than the " +
                  megabytes(kLargestDictionary) +
                  " that this method goes up to: ask for smaller orders, or search";
    certificate_.parts.push_back(std::move(part));
    return finish({order}, false);
  }
  part.reason = "branch and bound over ";
  part.reason += plural(static_cast<std::size_t>(order * map_.n_relevant_units()), "bit");
  // What takes a while before its first node would leave no time for a search.
  const double n_operations = part.by_units ? UnitRelaxation::n_operations(map_, order)
                                            : CyclicRelaxation::n_operations(map_, order);
  if (n_operations > kOperationsOfMoment) search_once();
  bool complete = true;
  if (is_homogeneous_) {
    settle_all_off({order});
  } else {
    complete = run(part, max_nodes);
  }
  if (complete && (part.unbounded || part.by_faces)) {
    part.at_infinity = true;
    complete = run(std::move(part), max_nodes);
  }
  for (const PartialProof& done : certificate_.parts) {
    if (done.method == ProofMethod::dictionary && done.orders.front() == order && done.complete) {
      nodes_[static_cast<std::size_t>(order)] += done.n_nodes;
    }
  }
  return finish({order}, complete);
}

bool Prover::prove_by_polygons(const std::vector<Index>& orders, std::int64_t max_nodes) {
  PartialProof part;
  part.method = ProofMethod::polygons;
  part.orders = orders;
  const std::optional<Box> box = is_homogeneous_ ? std::nullopt : context_.options.box;
  part.unbounded = !box;
  const PolygonPlan plan = plan_polygons(map_, box, orders, max_nodes, context_.control, [this] {
    if (is_time_to_search()) search_once();
  });
  part.radius = part.unbounded ? plan.radius : 0.0;
  part.reason = map_.n_states() == 1 ? "one state: images of intervals, all orders in one tree"
                                     : "two states: images of polygons, all orders in one tree";
  bool complete = true;
  if (is_homogeneous_) {
    settle_all_off(orders);
  } else {
    complete = run(part, max_nodes);
  }
  if (complete && part.unbounded) {
    PartialProof beyond = part;
    beyond.at_infinity = true;
    beyond.pivot = plan.pivot;
    complete = run(std::move(beyond), max_nodes);
  }
  return finish(orders, complete);
}

void Prover::settle_all_off(const std::vector<Index>& orders) {
  std::vector<Itinerary> leaves;
  for (const Index order : orders) leaves.emplace_back(order, map_.words_per_region());
  leaves_.solve(std::move(leaves));
}

bool Prover::prove_by_cells(const std::vector<Index>& orders, std::int64_t max_nodes) {
  if (!context_.options.box) {
    PartialProof part;
    part.method = ProofMethod::cells;
    part.orders = orders;
    part.reason = "cells cover a box, and none was given";
    certificate_.parts.push_back(std::move(part));
    return finish(orders, false);
  }
  PartialProof part;
  part.method = ProofMethod::cells;
  part.orders = orders;
  return finish(orders, run(std::move(part), max_nodes));
}

bool Prover::prove_by_boxes(const std::vector<Index>& orders, std::int64_t max_nodes) {
  PartialProof part;
  part.method = ProofMethod::boxes;
  part.orders = orders;
  if (!context_.options.box) {
    part.reason = "boxes of first states divide a box, and none was given";
  } else if (!boxes_suit(map_)) {
    part.reason = "boxes of first states are for maps with at most six states";
  } else {
    part.reason = "boxes of first states, all orders in one tree";
    return finish(orders, run(std::move(part), max_nodes));
  }
  certificate_.parts.push_back(std::move(part));
  return finish(orders, false);
}

// Order 1, which all others rest on.
bool Prover::begin_p_matrix() {
  if (fixed_point_) return true;
  if (!may_have_p_matrix_) return false;
  p_matrix_.emplace(map_, &context_.control);
  multipliers_of_fixed_point_ = p_matrix_->multipliers(1);
  if (multipliers_of_fixed_point_) fixed_point_ = p_matrix_->fixed_point();
  may_have_p_matrix_ = fixed_point_.has_value();
  return may_have_p_matrix_;
}

bool Prover::prove_by_p_matrix(Index order, bool only_if_cheap) {
  const Index n_bits = order * map_.n_relevant_units();
  if (n_bits > (only_if_cheap ? kMostBitsOfCheapPMatrix : kMostBitsOfPMatrix)) return false;
  const double start = context_.control.seconds();
  if (!begin_p_matrix()) return false;
  std::optional<Vector> multipliers =
      order == 1 ? multipliers_of_fixed_point_ : p_matrix_->multipliers(order);
  if (!multipliers) return false;
  PartialProof part;
  part.method = ProofMethod::p_matrix;
  part.orders = {order};
  part.unbounded = true;
  part.reason = order == 1 ? "its complementarity problem has a P-matrix, so one solution"
                           : "its complementarity problem has a P-matrix, so one solution: the "
                             "fixed point";
  part.complete = true;
  part.share = 1.0;
  part.p_matrix = std::move(multipliers);
  if (order == 1) {
    part.n_leaves = 1;
    leaves_.solve({*fixed_point_});
  }
  // That of a search which is resumed is as good, but was not kept in full.
  for (PartialProof& old : earlier_) {
    if (old.method == part.method && old.orders == part.orders) old.orders.clear();
  }
  part.seconds = context_.control.seconds() - start;
  certificate_.parts.push_back(std::move(part));
  return finish({order}, true);
}

bool Prover::finish(const std::vector<Index>& orders, bool proved) {
  if (!proved || !leaves_.all_solved()) return false;
  for (const Index order : orders) {
    if (!is_done(order)) done_orders_.push_back(order);
  }
  std::sort(done_orders_.begin(), done_orders_.end());
  if (context_.options.method == SearchMethod::complete) {
    context_.progress.fraction.store(static_cast<double>(done_orders_.size()) /
                                     static_cast<double>(certificate_.orders.size()));
  }
  return true;
}

bool Prover::is_time_to_search() const {
  if (!search_) return false;
  const double pause = std::min(kSearchSeconds, kSearchShare * context_.options.time_limit);
  return context_.control.seconds() >= pause;
}

void Prover::search_once() {
  if (!search_) return;
  const Search search = std::exchange(search_, nullptr);
  const std::vector<Index> orders = orders_left();
  Control& outer = context_.control;
  // A proof that has failed leaves all the time there is.
  const double limit = context_.options.time_limit;
  const double seconds = std::isfinite(limit) ? kSearchShare * limit : kSearchSeconds;
  if (orders.empty() || outer.stop_requested()) return;
  const double fraction = context_.progress.fraction.load();
  Control control(seconds, [&] { return !outer.stop_requested(); });
  search(orders, seconds, control);
  context_.progress.fraction.store(fraction);
}

Certificate Prover::certificate() && {
  leaves_.solve(std::exchange(pending_, {}));
  for (Collection::Member& member : context_.collection.members()) {
    if (!is_done(member.order())) continue;
    member.hits = std::max<std::int64_t>(member.hits, 1);
    if (member.inside_box) leaves_.doubt(member);
  }
  certificate_.undecided = leaves_.take_undecided();
  // A resumed search may have begun without rigour.
  for (const Index order : done_orders_) {
    const bool rigorous = std::all_of(
        certificate_.parts.begin(), certificate_.parts.end(), [&](const PartialProof& part) {
          const bool concerns =
              std::find(part.orders.begin(), part.orders.end(), order) != part.orders.end();
          return part.rigorous || !part.complete || !concerns;
        });
    if (rigorous) certificate_.proved_orders.push_back(order);
  }
  if (certificate_.proved_orders.size() == certificate_.orders.size()) {
    certificate_.status = ProofStatus::proved;
  } else {
    certificate_.status = context_.control.reason() == StopReason::none ? ProofStatus::searched
                                                                        : ProofStatus::partial;
  }
  // What is left of an interrupted search that was not taken up again stays as it was.
  for (PartialProof& old : earlier_) {
    if (!old.orders.empty()) certificate_.parts.push_back(std::move(old));
  }
  return std::move(certificate_);
}

}  // namespace rnndyn

#include "rnndyn/smooth/search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "smooth/at_rest.hpp"
#include "smooth/degenerate.hpp"
#include "smooth/starts.hpp"

namespace rnndyn::smooth {
namespace {

constexpr std::size_t kBatch = 16;
// Restarts in a row without anything new that end an order: so many, and so many for each cycle
// that is known. While the indices tell that one is missing, so many times more.
constexpr std::int64_t kRestarts = 256;
constexpr std::int64_t kRestartsPerCycle = 16;
constexpr std::int64_t kPatience = 16;
// Computed points that repeat within this distance may be a cycle of a shorter period.
constexpr double kNearlyRepeated = 1e-4;
// What is not proved is listed if it solves its equations as well as rounding allows.
constexpr double kAcceptedResidual = 1e-10;
// A fixed point whose error bound is larger than this may be known better.
constexpr double kWellKnown = 1e-9;
// What is known worse than this, because the network stands still around it, is degenerate.
constexpr double kDegenerate = 1e-8;
// Of the ends of restarts of which nothing is proved so many are listed, and the others counted:
// where gates are closed a network stands still within rounding errors in whole regions.
constexpr std::int64_t kMostUnproved = 16;

// What a worker brings back.
struct Outcome {
  StartSource source = StartSource::box;
  NewtonEnd end = NewtonEnd::failed;
  Matrix points;
  std::int32_t met = Collection::kNone;
  std::int64_t n_solves = 0;
  Verified verified;
  // Nearly a fixed point, of which it is proved that there is none.
  bool is_standing = false;
};

class OrderSearch {
 public:
  OrderSearch(const SmoothMap& map, const SmoothSearchOptions& options, Control& control,
              SearchProgress& progress, Collection& collection,
              std::vector<std::unique_ptr<Newton>>& workers)
      : map_(map),
        options_(options),
        control_(control),
        progress_(progress),
        collection_(collection),
        workers_(workers),
        choice_(options.states.cols() > 0) {}

  OrderStatistics run(Index order);

 private:
  std::vector<Outcome> run_batch();
  void restart(Outcome& outcome, std::uint64_t number, Newton& newton) const;
  void verify_new(std::vector<Outcome>& outcomes);
  void file(Outcome& outcome);
  void join_degenerate(Outcome& outcome);
  void file_shorter(Outcome& outcome, Index period);
  bool settle(Matrix& points, Verified& verified) const;
  std::int32_t take_in(Matrix points, Verified verified);
  std::int64_t patience() const;

  const SmoothMap& map_;
  const SmoothSearchOptions& options_;
  Control& control_;
  SearchProgress& progress_;
  Collection& collection_;
  std::vector<std::unique_ptr<Newton>>& workers_;
  SourceChoice choice_;
  Index order_ = 1;
  std::deque<Matrix> attached_;
  std::uint64_t n_drawn_ = 0;
  std::int64_t since_new_ = 0;
  OrderStatistics statistics_;
};

// Sign of det(I - DF^order) at a cycle whose period divides the order; 0 where it is not known.
int index_for(const Member& member, Index order) {
  const Verified& v = member.verified;
  // With P around the cycle, I - P^m has the sign of I - P for odd m, of (I - P)(I + P) for even m:
  // the other factors come in complex pairs.
  const bool even = order / member.order() % 2 == 0;
  return even ? v.index * v.index_of_double : v.index;
}

IndexSum index_sum(const Collection& collection, Index order, const std::vector<Index>& searched) {
  IndexSum result{order, 0, true};
  for (Index d = 1; d <= order; ++d) {
    if (order % d == 0 && std::ranges::find(searched, d) == searched.end()) result.known = false;
  }
  for (const Member& member : collection.members()) {
    if (order % member.order() != 0) continue;
    const int index = index_for(member, order);
    if (index == 0) result.known = false;
    result.sum += index * member.order();
  }
  return result;
}

std::int64_t OrderSearch::patience() const {
  if (options_.max_restarts) return *options_.max_restarts;
  std::int64_t n_known = 0;
  for (const Member& member : collection_.members()) n_known += member.order() == order_ ? 1 : 0;
  const std::int64_t usual = kRestarts + kRestartsPerCycle * n_known;
  const IndexSum sum = index_sum(collection_, order_, options_.orders);
  return sum.known && sum.sum != 1 ? kPatience * usual : usual;
}

void OrderSearch::restart(Outcome& outcome, std::uint64_t number, Newton& newton) const {
  const std::int64_t before = newton.n_solves();
  if (outcome.source != StartSource::attached) {
    RandomStream stream(options_.seed, static_cast<std::uint64_t>(order_), number);
    outcome.source = choice_.draw(stream);
    outcome.points =
        draw_start(outcome.source, order_, options_.states, collection_, newton, stream);
  }
  outcome.end = newton.solve(outcome.points, {}, [&](const Matrix& points) {
    outcome.met = collection_.lookup(points);
    return outcome.met != Collection::kNone || control_.stop_requested();
  });
  outcome.n_solves = newton.n_solves() - before;
}

std::vector<Outcome> OrderSearch::run_batch() {
  std::vector<Outcome> outcomes(kBatch);
  for (Outcome& outcome : outcomes) {
    if (attached_.empty()) break;
    outcome.source = StartSource::attached;
    outcome.points = std::move(attached_.front());
    attached_.pop_front();
  }
  parallel_for(outcomes.size(), options_.n_threads, [&](std::size_t item, int thread) {
    if (control_.stop_requested()) return;
    restart(outcomes[item], n_drawn_ + item, *workers_[static_cast<std::size_t>(thread)]);
  });
  n_drawn_ += kBatch;
  return outcomes;
}

// Of the converged ones, those that are not told from an earlier one of the batch by eye wait for
// that one's ball.
void OrderSearch::verify_new(std::vector<Outcome>& outcomes) {
  std::vector<Outcome*> fresh;
  for (Outcome& outcome : outcomes) {
    if (outcome.end != NewtonEnd::converged) continue;
    const bool twin = std::ranges::any_of(fresh, [&](const Outcome* other) {
      return agree(outcome.points, other->points, Collection::kSame);
    });
    if (!twin) fresh.push_back(&outcome);
  }
  parallel_for(fresh.size(), options_.n_threads, [&](std::size_t item, int) {
    if (control_.stop_requested()) return;
    fresh[item]->verified = Verifier(map_, fresh[item]->points).verify();
  });
}

std::int32_t OrderSearch::take_in(Matrix points, Verified verified) {
  if (!verified.certified && !(verified.residual < kAcceptedResidual)) return Collection::kNone;
  if (!verified.certified && collection_.n_unproved(order_) >= kMostUnproved) {
    ++statistics_.n_undecided;
    return Collection::kNone;
  }
  const std::int32_t id = collection_.add(map_, std::move(points), std::move(verified));
  const Member& member = collection_.members()[static_cast<std::size_t>(id)];
  for (Matrix& start : partners_of(member, *workers_.front()))
    attached_.push_back(std::move(start));
  return id;
}

// Where gates are closed, a fixed point that Newton's method has come to is proved, or known well,
// only by other equations: takes the one that the points stand for. False where there is none.
bool OrderSearch::settle(Matrix& points, Verified& verified) const {
  if (verified.certified && verified.error_bound < kWellKnown && verified.index != 0) return true;
  AtRest rest = decide_at_rest(map_, points);
  if (!rest.decided) return true;
  if (!rest.verified.certified) return verified.certified;
  if (verified.certified) {
    // Known before and now: the two must be the same.
    const Matrix apart = (rest.point - points).cwiseAbs();
    const Matrix bounds = verified.errors + rest.verified.errors;
    if (!(apart.array() <= bounds.array()).all()) return true;
  }
  points = std::move(rest.point);
  verified = std::move(rest.verified);
  return true;
}

// Points that nearly repeat: the shorter cycle is taken in, too, if there is one, and shows by its
// ball whether it is what was found.
void OrderSearch::file_shorter(Outcome& outcome, Index period) {
  Matrix points = outcome.points.leftCols(period);
  if (workers_.front()->solve(points, {}, nullptr) != NewtonEnd::converged) return;
  if (!agree(outcome.points, points, 10.0 * kNearlyRepeated)) return;
  if (period_within(points, kNearlyRepeated) < period) return;
  if (collection_.lookup(points.replicate(1, order_ / period)) == Collection::kNone) {
    Verified verified = Verifier(map_, points).verify();
    if (period == 1 && !settle(points, verified)) {
      outcome.is_standing = true;
      return;
    }
    if (!verified.certified) {
      outcome.met = collection_.join_degenerate(map_, points, verified.residual);
      if (outcome.met != Collection::kNone) return;
    }
    if (collection_.lookup(points.replicate(1, order_ / period)) == Collection::kNone &&
        (verified.certified || verified.residual < kAcceptedResidual)) {
      collection_.add(map_, std::move(points), std::move(verified));
      collection_.begin_order(map_, order_, control_);
    }
  }
  outcome.met = collection_.lookup(outcome.points);
}

// Of what is degenerate one is listed.
void OrderSearch::join_degenerate(Outcome& outcome) {
  if (!(outcome.verified.residual < kAcceptedResidual)) return;
  outcome.met = collection_.join_degenerate(map_, outcome.points, outcome.verified.residual);
  if (outcome.met == Collection::kNone) return;
  // Whether a cycle of this order is near one of a shorter period is not known.
  const Member& member = collection_.members()[static_cast<std::size_t>(outcome.met)];
  if (member.order() != order_) ++statistics_.n_undecided;
}

void OrderSearch::file(Outcome& outcome) {
  const bool independent = is_independent(outcome.source);
  ++statistics_.n_restarts;
  statistics_.n_solves += outcome.n_solves;
  ++since_new_;
  if (outcome.end == NewtonEnd::converged) outcome.met = collection_.lookup(outcome.points);
  if (outcome.end == NewtonEnd::converged && outcome.met == Collection::kNone) {
    const Index period = period_within(outcome.points, kNearlyRepeated);
    if (period < order_) file_shorter(outcome, period);
  }
  bool fresh = false;
  if (outcome.end == NewtonEnd::converged && outcome.met == Collection::kNone) {
    if (!outcome.verified.certified) {
      outcome.verified = Verifier(map_, outcome.points).verify();
    }
    bool exists = true;
    if (order_ == 1) {
      exists = settle(outcome.points, outcome.verified);
      outcome.met = collection_.lookup(outcome.points);
    } else if (outcome.is_standing && !outcome.verified.certified) {
      exists = false;
      ++statistics_.n_undecided;
    }
    if (outcome.met == Collection::kNone) {
      outcome.met = collection_.lookup(outcome.points, outcome.verified);
    }
    if (outcome.met == Collection::kNone && exists && !outcome.verified.certified) {
      join_degenerate(outcome);
    }
    if (outcome.met == Collection::kNone && exists) {
      outcome.met = take_in(outcome.points, outcome.verified);
      fresh = outcome.met != Collection::kNone;
    }
  }
  bool hit = false;
  if (outcome.met != Collection::kNone) {
    Member& member = collection_.members()[static_cast<std::size_t>(outcome.met)];
    hit = member.order() == order_;
    if (hit) {
      ++member.hits;
      if (independent) ++member.independent;
    }
  }
  if (fresh) {
    if (outcome.verified.certified) since_new_ = 0;
    statistics_.n_solves_at_last_new = statistics_.n_solves;
    statistics_.seconds_at_last_new = control_.seconds();
    progress_.n_cycles.fetch_add(1);
  }
  choice_.record(outcome.source, outcome.n_solves, hit, fresh);
  progress_.n_restarts.fetch_add(1);
  progress_.n_solves.fetch_add(outcome.n_solves);
}

OrderStatistics OrderSearch::run(Index order) {
  order_ = order;
  statistics_.order = order;
  statistics_.method = SearchMethod::heuristic;
  progress_.order.store(order);
  // Cycles of the orders before are many by then, and there is nothing to tell them from.
  if (control_.stop_requested()) return statistics_;
  const double start = control_.seconds();
  collection_.begin_order(map_, order, control_);
  choice_.update(collection_.members().size());
  for (const Matrix& guess : options_.guesses) {
    if (guess.cols() == order) attached_.push_back(guess);
  }
  // Where a network is at rest, or was when it was begun: random states of a box that is wide, as
  // that of cells which forget little, hardly come near it.
  if (order == 1) attached_.push_back(Matrix::Zero(map_.n_states(), 1));
  while (!control_.stop_requested()) {
    if (attached_.empty() && since_new_ >= patience()) {
      statistics_.complete = true;
      break;
    }
    std::vector<Outcome> outcomes = run_batch();
    verify_new(outcomes);
    for (Outcome& outcome : outcomes) {
      // The others were not made before a stop, or not verified, which takes as long as a search.
      const bool verified = outcome.end != NewtonEnd::converged || outcome.verified.certified;
      if (outcome.n_solves > 0 && (verified || !control_.stop_requested())) file(outcome);
    }
    choice_.update(collection_.members().size());
  }
  statistics_.seconds = control_.seconds() - start;
  statistics_.seconds_at_last_new -= statistics_.n_solves_at_last_new > 0 ? start : 0.0;
  for (const Member& member : collection_.members()) {
    if (member.order() != order) continue;
    statistics_.n_hits += member.independent;
    statistics_.n_singletons += member.independent == 1 && member.hits == 1 ? 1 : 0;
  }
  if (statistics_.n_hits > 0) {
    statistics_.coverage = 1.0 - static_cast<double>(statistics_.n_singletons) /
                                     static_cast<double>(statistics_.n_hits);
  }
  return statistics_;
}

std::vector<Matrix> jacobians_of(const SmoothMap& map, const Matrix& points) {
  std::vector<Matrix> jacobians(static_cast<std::size_t>(points.cols()));
  Vector next;
  for (Index t = 0; t < points.cols(); ++t) {
    map.jacobian(points.col(t), next, jacobians[static_cast<std::size_t>(t)]);
  }
  return jacobians;
}

// Takes the middle of what a degenerate cycle cannot be told from, where that has an end.
void centre_degenerate(const SmoothMap& map, const Member& member, SmoothCycle& cycle) {
  Matrix other = member.furthest;
  if (other.size() == 0) {
    // Only one was found: where others would be.
    other = member.points + Collection::kSame * direction_of_rest(map, member.points);
    if (!other.allFinite()) return;
  }
  const double residual = std::max(member.residual, member.verified.residual);
  const Neighbourhood around = neighbourhood_of(map, member.points, other, residual);
  if (!(around.reach > kDegenerate) || !std::isfinite(around.reach)) return;
  cycle.points = rotated(around.centre, first_step(around.centre));
  cycle.verified.error_bound = around.reach;
  cycle.verified.residual = Verifier(map, cycle.points).verify().residual;
  cycle.multipliers = multipliers(jacobians_of(map, cycle.points));
  cycle.multipliers.stability = Stability::nonhyperbolic;
}

std::vector<SmoothCycle> listed(const SmoothMap& map, const Collection& collection,
                                const std::vector<Index>& orders, int n_threads) {
  std::vector<const Member*> members;
  for (const Member& member : collection.members()) {
    if (std::ranges::find(orders, member.order()) != orders.end()) members.push_back(&member);
  }
  std::vector<SmoothCycle> cycles(members.size());
  parallel_for(members.size(), n_threads, [&](std::size_t item, int) {
    const Member& member = *members[item];
    SmoothCycle& cycle = cycles[item];
    const Index first = first_step(member.points);
    cycle.points = rotated(member.points, first);
    cycle.verified = member.verified;
    // Every point keeps its own bounds.
    if (cycle.verified.certified) cycle.verified.errors = rotated(member.verified.errors, first);
    cycle.multipliers = multipliers(member.jacobians);
    cycle.hits = member.hits;
    if (!member.verified.certified) centre_degenerate(map, member, cycle);
  });
  std::ranges::stable_sort(cycles, [](const SmoothCycle& a, const SmoothCycle& b) {
    if (a.points.cols() != b.points.cols()) return a.points.cols() < b.points.cols();
    return comes_before(a.points.col(0), b.points.col(0));
  });
  return cycles;
}

}  // namespace

SmoothCycle cycle_near(const SmoothMap& map, Matrix points) {
  Newton(map).solve(points, {}, nullptr);
  SmoothCycle cycle;
  cycle.points = rotated(points, first_step(points));
  cycle.verified = Verifier(map, cycle.points).verify();
  if (points.cols() == 1 && !cycle.verified.certified) {
    AtRest rest = decide_at_rest(map, cycle.points);
    if (rest.verified.certified) {
      cycle.points = std::move(rest.point);
      cycle.verified = std::move(rest.verified);
    }
  }
  cycle.multipliers = multipliers(jacobians_of(map, cycle.points));
  return cycle;
}

SmoothSearchResult find_smooth_cycles(const SmoothMap& map, const SmoothSearchOptions& options,
                                      Control& control, SearchProgress& progress) {
  std::vector<std::unique_ptr<Newton>> workers;
  for (int i = 0; i < std::max(1, options.n_threads); ++i) {
    workers.push_back(std::make_unique<Newton>(map));
  }
  SmoothSearchResult result;
  Collection collection;
  std::vector<Index> orders = options.orders;
  std::ranges::sort(orders);
  for (const Index order : orders) {
    OrderSearch search(map, options, control, progress, collection, workers);
    result.statistics.push_back(search.run(order));
  }
  for (const Index order : orders) {
    result.index_sums.push_back(index_sum(collection, order, orders));
  }
  result.cycles = listed(map, collection, orders, options.n_threads);
  result.stopped_by = control.reason();
  return result;
}

}  // namespace rnndyn::smooth

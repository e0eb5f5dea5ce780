#include <algorithm>
#include <iterator>
#include <map>
#include <stdexcept>

#include "proof/prover.hpp"
#include "rnndyn/regions.hpp"
#include "search/context.hpp"
#include "strategy/index_sum.hpp"
#include "strategy/random_search.hpp"

namespace rnndyn {
namespace {

// Below this many bits all patterns are listed without asking which regions are empty.
constexpr Index kSmallBits = 14;
// Regions that are worth finding by linear programs before listing.
constexpr std::size_t kMaxCells = 4096;
// `automatic` lists every itinerary when that takes at most about this many operations (up to about
// 0.1 s); `exhaustive` refuses beyond kMaxListed itineraries.
constexpr double kCheapListing = 2e8;
constexpr double kMaxListed = 1e11;
// What a core does in a second, and how much longer a Newton step takes than by products where it
// has to be an orthogonal elimination.
constexpr double kFlopsPerSecond = 2e9;
constexpr double kStableStep = 20.0;

// The alphabet for listing `order`: all bit patterns where few, else the nonempty regions.
// `cells` caches the latter between orders. Nothing where there are too many, or where the control
// says stop.
class Alphabets {
 public:
  Alphabets(const CanonicalMap& map, Control& control) : map_(map), control_(control) {}

  const std::vector<Word>* for_order(Index order) {
    if (map_.n_relevant_units() * order <= kSmallBits) {
      if (!patterns_) patterns_ = all_bit_patterns(map_, std::size_t{1} << kSmallBits);
      return &*patterns_;
    }
    if (!tried_) {
      tried_ = true;
      try {
        cells_ = nonempty_regions(map_, kMaxCells, &control_);
      } catch (const Stopped&) {
        return nullptr;
      }
      if (!cells_) cells_ = all_bit_patterns(map_, std::size_t{1} << 20);
    }
    return cells_ ? &*cells_ : nullptr;
  }
  double size(const std::vector<Word>& alphabet) const {
    return static_cast<double>(alphabet.size() / map_.words_per_region());
  }

 private:
  const CanonicalMap& map_;
  Control& control_;
  bool tried_ = false;
  std::optional<std::vector<Word>> patterns_, cells_;
};

// What a search at random knows in case that the proof is stopped. It has a collection of its own,
// so that nothing of it is in the answer about orders that were proved.
class Meanwhile {
 public:
  explicit Meanwhile(SearchContext& context) : context_(context), found_(context.options.box) {}

  void search(const std::vector<Index>& orders, double seconds, Control& control) {
    SearchContext context{context_.map,      context_.options, control,
                          context_.progress, found_,           make_newton_tables(context_.map)};
    RandomSearch random(context);
    for (const Index order : orders) {
      if (control.stop_requested()) return;
      // No look at the clock comes between the start and the end of a step.
      const double step = NewtonKernel(context_.map, *context.tables, order).flops();
      if (kStableStep * step > kFlopsPerSecond * seconds) return;
      context.progress.order.store(order);
      OrderStatistics& statistics = statistics_[order];
      statistics.order = order;
      random.search(statistics);
    }
  }

  // Adds what it knows about an order that is not proved, if that was searched.
  bool add(OrderStatistics& statistics) {
    const auto searched = statistics_.find(statistics.order);
    if (searched == statistics_.end()) return false;
    for (Collection::Member& member : found_.members()) {
      if (member.order() != statistics.order) continue;
      const std::int64_t hits = member.hits;
      const Itinerary itinerary = member.itinerary();
      const std::int32_t id = context_.collection.add(itinerary, std::move(member.candidate));
      if (id >= 0) context_.collection.members()[static_cast<std::size_t>(id)].hits += hits;
    }
    statistics.n_restarts = searched->second.n_restarts;
    statistics.n_solves += searched->second.n_solves;
    statistics.n_hits = searched->second.n_hits;
    statistics.n_singletons = searched->second.n_singletons;
    statistics.coverage = searched->second.coverage;
    statistics.seconds += searched->second.seconds;
    return true;
  }

 private:
  SearchContext& context_;
  Collection found_;
  std::map<Index, OrderStatistics> statistics_;
};

// What a proof leaves open is open, too, where every itinerary was listed, and boxes that lead to
// it have not settled the order.
void count_undecided(const Certificate& certificate, OrderStatistics& statistics) {
  const auto open = std::ranges::count_if(certificate.undecided, [&](const Undecided& undecided) {
    return undecided.itinerary.order == statistics.order;
  });
  if (open > 0) statistics.n_boxes = 0;
  if (statistics.method != SearchMethod::exhaustive) return;
  statistics.n_undecided = std::max<std::int64_t>(statistics.n_undecided, open);
  if (statistics.n_undecided > 0) statistics.coverage.reset();
}

// With a proof, whatever it takes.
SearchResult find_completely(SearchContext& context) {
  const SearchOptions& options = context.options;
  Meanwhile meanwhile(context);
  Prover prover(context, [&](const std::vector<Index>& orders, double seconds, Control& control) {
    meanwhile.search(orders, seconds, control);
  });
  if (options.resume) prover.resume(*options.resume, options.known);
  const bool choose = options.proof.method == ProofMethod::automatic;
  const bool contraction = options.proof.method == ProofMethod::contraction;
  bool settled = choose && prover.try_fixed_points(false) && prover.orders_left().empty();
  settled = settled || ((choose || contraction) && prover.try_contraction());
  if (!settled && !contraction) prover.prove(prover.orders_left(), Prover::kNoLimit);
  prover.search_once();  // where there is no proof
  SearchResult result;
  for (const Index order : options.orders) {
    OrderStatistics statistics;
    statistics.order = order;
    statistics.method = SearchMethod::complete;
    // A tree over several orders is one effort; its first order is charged with it.
    statistics.n_solves = statistics.n_solves_at_last_new = prover.n_leaves(order);
    statistics.seconds = statistics.seconds_at_last_new = prover.seconds(order);
    statistics.complete = prover.is_done(order);
    statistics.n_boxes = prover.n_boxes(order);
    if (statistics.complete) statistics.coverage = 1.0;
    result.statistics.push_back(statistics);
  }
  result.certificate = std::move(prover).certificate();
  for (OrderStatistics& statistics : result.statistics) {
    count_undecided(*result.certificate, statistics);
    if (!statistics.complete) meanwhile.add(statistics);
  }
  return result;
}

// Treats the orders one after another, each in its own way.
class OrderByOrder {
 public:
  explicit OrderByOrder(SearchContext& context)
      : context_(context),
        options_(context.options),
        alphabets_(context.map, context.control),
        random_(context),
        meanwhile_(context) {
    if (options_.method != SearchMethod::automatic) return;
    prover_.emplace(context,
                    [this](const std::vector<Index>& orders, double seconds, Control& control) {
                      meanwhile_.search(orders, seconds, control);
                    });
    prover_->begin_cheaply();
  }

  SearchResult run() {
    SearchResult result;
    const auto n_orders = static_cast<double>(options_.orders.size());
    for (std::size_t i = 0; i < options_.orders.size(); ++i) {
      if (context_.control.stop_requested()) break;
      context_.progress.order.store(options_.orders[i]);
      context_.progress.fraction.store(static_cast<double>(i) / n_orders);
      std::optional<OrderStatistics> statistics = treat(options_.orders[i]);
      if (!statistics) break;
      result.statistics.push_back(std::move(*statistics));
    }
    if (prover_) {
      result.certificate = std::move(*prover_).certificate();
      for (OrderStatistics& statistics : result.statistics) {
        count_undecided(*result.certificate, statistics);
      }
    }
    // Orders that were not reached are listed as such.
    for (std::size_t i = result.statistics.size(); i < options_.orders.size(); ++i) {
      OrderStatistics statistics;
      statistics.order = options_.orders[i];
      statistics.method = options_.method;
      if (meanwhile_.add(statistics)) statistics.method = SearchMethod::heuristic;
      result.statistics.push_back(statistics);
    }
    return result;
  }

 private:
  // Nothing where it was stopped before there is something to say.
  std::optional<OrderStatistics> treat(Index order) {
    OrderStatistics statistics;
    statistics.order = order;
    const double start = context_.control.seconds();
    const std::optional<SearchMethod> method = method_for(order);
    if (!method) return std::nullopt;
    statistics.method = *method;
    switch (*method) {
      case SearchMethod::exhaustive:
        list_exhaustively(context_, *alphabets_.for_order(order), statistics);
        break;
      case SearchMethod::complete:
        statistics.n_solves = prover_->n_leaves(order);
        statistics.n_boxes = prover_->n_boxes(order);
        statistics.complete = true;
        statistics.coverage = 1.0;
        break;
      case SearchMethod::automatic:
      case SearchMethod::heuristic:
      case SearchMethod::scyfi:
        random_.search(statistics);
        break;
    }
    statistics.seconds = context_.control.seconds() - start;
    charge(statistics);
    return statistics;
  }

  // Nothing where the alphabet could not be found in time.
  std::optional<SearchMethod> method_for(Index order) {
    const bool choose = options_.method == SearchMethod::automatic;
    if (!choose && options_.method != SearchMethod::exhaustive) return options_.method;
    // Regions of so many units take longer to list than they took to be proved empty.
    if (choose && prover_->n_boxes(order) > 0) return SearchMethod::complete;
    const std::vector<Word>* alphabet = alphabets_.for_order(order);
    if (context_.control.stop_requested()) return std::nullopt;
    const double n_listed =
        alphabet != nullptr ? count_necklaces(alphabets_.size(*alphabet), order) : 0.0;
    if (!choose) {
      if (alphabet == nullptr || n_listed > kMaxListed) throw TooManyItineraries(order);
      return SearchMethod::exhaustive;
    }
    const double flops = n_listed * NewtonKernel(context_.map, *context_.tables, order).flops();
    const bool cheap = alphabet != nullptr && flops <= kCheapListing;
    // Listing comes with margins and is certain in its own way, a proof is proof: where both are
    // cheap the user gets both.
    const bool proved = prover_->prove_cheaply(order);
    if (cheap) return SearchMethod::exhaustive;
    return proved ? SearchMethod::complete : SearchMethod::heuristic;
  }

  // What other efforts than this order's own it is charged with.
  void charge(OrderStatistics& statistics) const {
    if (statistics.method == SearchMethod::complete) {
      // All orders may have been proved at once, before.
      statistics.seconds = std::max(statistics.seconds, prover_->seconds(statistics.order));
      statistics.n_solves_at_last_new = statistics.n_solves;
    }
    if (statistics.method != SearchMethod::heuristic && statistics.method != SearchMethod::scyfi) {
      statistics.seconds_at_last_new = statistics.seconds;
    } else if (prover_ && statistics.n_solves_at_last_new == 0) {
      // What there is was met by the attempt of a proof, of this order or of all.
      statistics.seconds_at_last_new =
          std::max(prover_->seconds(statistics.order), prover_->seconds(options_.orders.front()));
    }
  }

  SearchContext& context_;
  const SearchOptions& options_;
  Alphabets alphabets_;
  RandomSearch random_;
  Meanwhile meanwhile_;
  std::optional<Prover> prover_;
};

SearchResult find_once(const CanonicalMap& map, const SearchOptions& options, Control& control,
                       SearchProgress& progress) {
  Collection collection(options.box);
  // The tables serve listing and random searches; a small proof is done sooner than they are made.
  const bool proof = options.method == SearchMethod::complete;
  SearchContext context{map,      options,    control,
                        progress, collection, proof ? nullptr : make_newton_tables(map)};
  SearchResult result = proof ? find_completely(context) : OrderByOrder(context).run();
  progress.fraction.store(1.0);
  collection.extract(options.orders, control, result);
  result.stopped_by = control.reason();
  return result;
}

// Puts what a search of one order found in the place of what was known of that order.
void replace_order(SearchResult& result, SearchResult&& more) {
  const Index order = more.statistics.front().order;
  std::erase_if(result.cycles,
                [&](const FoundCycle& f) { return f.cycle.itinerary.order == order; });
  const auto place = std::ranges::find_if(
      result.cycles, [&](const FoundCycle& found) { return found.cycle.itinerary.order > order; });
  result.cycles.insert(place, std::make_move_iterator(more.cycles.begin()),
                       std::make_move_iterator(more.cycles.end()));
  for (OrderStatistics& statistics : result.statistics) {
    if (statistics.order == order) statistics = more.statistics.front();
  }
}

// Searches on at the orders of which the index sum tells that a cycle is missing: the restarts that
// were made, and further ones, until kPatience times as many in a row bring nothing new.
void search_on(const CanonicalMap& map, const SearchOptions& options, Control& control,
               SearchProgress& progress, SearchResult& result) {
  constexpr std::int64_t kPatience = 4;
  for (std::size_t i = 0; i < result.statistics.size(); ++i) {
    const OrderStatistics& statistics = result.statistics[i];
    if (statistics.method != SearchMethod::heuristic || n_missing(statistics) == 0) continue;
    if (control.stop_requested()) return;
    SearchOptions further = options;
    further.orders = {statistics.order};
    further.method = SearchMethod::heuristic;
    further.max_restarts = kPatience * statistics.n_restarts;
    SearchResult more = find_once(map, further, control, progress);
    result.stopped_by = more.stopped_by;
    const auto n_known = std::ranges::count_if(result.cycles, [&](const FoundCycle& found) {
      return found.cycle.itinerary.order == statistics.order;
    });
    if (!more.continua.empty() || std::ssize(more.cycles) <= n_known) continue;
    replace_order(result, std::move(more));
    add_index_sums(map, options, result);
  }
}

}  // namespace

SearchResult find_cycles(const CanonicalMap& map, const SearchOptions& options, Control& control,
                         SearchProgress& progress) {
  SearchResult result = find_once(map, options, control, progress);
  add_index_sums(map, options, result);
  if (!options.max_restarts) search_on(map, options, control, progress, result);
  return result;
}

}  // namespace rnndyn

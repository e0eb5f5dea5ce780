#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "search/context.hpp"
#include "search/region_path.hpp"
#include "search/starts.hpp"
#include "search/visited.hpp"

namespace rnndyn {
namespace {

constexpr std::int64_t kDefaultIterations = 60;
// Of fixed points where paths do what Newton's method does not do soon, as published.
constexpr std::int64_t kIterationsBesidePaths = 20;
// Restarts in a row without a new cycle that end an order by default: at least kMinRestarts, and as
// many as it took to find the last one kPatience times over.
constexpr std::int64_t kMinRestarts = 400;
constexpr double kPatience = 1.0;

// With fewer states Newton's method settles often enough, and its kernels take less time for an
// itinerary than a change of one bit does.
constexpr Index kFewStates = 10;
// Itineraries that a path comes through, for every bit of them.
constexpr double kPathLength = 1.5;
constexpr std::uint64_t kHalvings = 6;  // of a state where a path begins, at most
// A path's products of matrices and vectors take so many times as long for an operation as Newton's
// method does.
constexpr double kPathSlowness = 8.0;
// Paths from a fixed point that take the time of more restarts than this wait until so many have
// shown whether they are needed: where all but a few settle on the only fixed point known, one is
// enough.
constexpr double kCostlyPath = 32.0;
constexpr std::int64_t kRestartsBeforePaths = 32;
constexpr double kMostSettle = 0.9;

constexpr Index kShortOrbit = 40;
// What the orbit before a restart may cost: it saves about as many.
constexpr double kTransientSolves = 12.0;
// Long orbits begin at zero and in random states. What an attractor draws in slowly is met at their
// ends and nowhere else, so that there is one of kLongOrbit steps in any case; more of them and
// longer ones take no more than this share of what the restarts of an order cost at least.
constexpr Index kLongOrbit = 400;
constexpr Index kMostLongOrbits = 8;
constexpr double kLongOrbitShare = 0.03;
constexpr double kWorkBetweenLooks = 1e7;
// Steps of networks whose matrices do not fit into the second cache wait for memory: an operation
// takes so many times as long as one of Newton's method.
constexpr double kNearBytes = 2e6;
constexpr double kFarSlowness = 12.0;
constexpr Index kStatesAtATime = 256;  // of those given, between two looks at what they found

struct Restart {
  StartSource source = StartSource::random_bits;
  bool chosen = false;                 // the source of an independent one, beforehand
  std::int32_t root = -1;              // of a neighbour
  std::optional<Index> state;          // of those given, at which it begins
  std::optional<Vector> point;         // of a cycle from which a path begins
  Itinerary itinerary;                 // where it starts (neighbours), then where it settled
  std::vector<std::uint64_t> visited;  // hashes of the itineraries solved
  std::vector<Itinerary> met;          // of these, those that may hold a continuum; on a path, all
                                       // that may hold a cycle
  std::int64_t n_solves = 0;
  std::int32_t outcome = Collection::kRejected;  // kUnknown: settled on `itinerary`
  bool finished = false;
};

class HeuristicSearch {
 public:
  HeuristicSearch(SearchContext& context, OrderStatistics& statistics)
      : context_(context),
        statistics_(statistics),
        order_(statistics.order),
        kernels_(context.make_kernels(order_)),
        paths_(make_paths()),
        most_iterations_(context.max_iterations_or(
            paths_.empty() || order_ > 1 ? kDefaultIterations : kIterationsBesidePaths)),
        choice_(path_solves(), order_),
        neighbours_(context.map, order_, !paths_.empty()),
        start_seconds_(context.control.seconds()),
        restarts_before_(context.progress.n_restarts.load()),
        fraction_(context.progress.fraction.load()) {
    // Hits count per order: a cycle of lower order met here says nothing about its own order.
    for (Collection::Member& member : context_.collection.members()) {
      if (member.order() == order_) member.hits = member.independent = 0;
    }
    if (paths_are_costly()) neighbours_.hold_paths();
  }

  void run() {
    if (order_ == 1) follow_short_orbit();
    begin_at_states();
    // With many units what follows takes tenths of a second before anything is found.
    if (context_.control.stop_requested()) return estimate_coverage();
    sampler_.emplace(context_.map, context_.options.box, context_.options.seed);
    follow_long_orbits();
    neighbours_.add_from_shorter(context_.collection);
    for (const Collection::Member& member : context_.collection.members()) {
      if (member.order() == order_) neighbours_.add_flips(member, -1);
    }
    while (!context_.control.stop_requested()) {
      if (neighbours_.empty() && since_new_ >= patience()) allow_paths();
      if (neighbours_.empty() && since_new_ >= patience()) {
        statistics_.complete = true;
        break;
      }
      std::vector<Restart> batch = make_batch();
      const std::uint64_t first = next_restart_;
      next_restart_ += batch.size();
      run_batch(batch, first);
    }
    estimate_coverage();
  }

 private:
  bool is_large() const { return context_.map.n_states() > kFewStates; }
  // None where the units are so few that Newton's method takes less for an itinerary than a path
  // for the change of one bit.
  std::vector<RegionPath> make_paths() const {
    std::vector<RegionPath> paths;
    if (!is_large() || context_.map.n_relevant_units() == 0) return paths;
    paths.emplace_back(context_.map, order_, &context_.control);
    if (paths.front().flops() > kernels_.front()->flops()) return {};
    while (paths.size() < kernels_.size()) {
      paths.emplace_back(context_.map, order_, &context_.control);
    }
    return paths;
  }
  // Of a restart along a path.
  std::optional<double> path_solves() const {
    if (paths_.empty()) return std::nullopt;
    return kPathLength * static_cast<double>(context_.map.n_relevant_units() * order_);
  }

  // At other orders Newton's method settles so rarely that paths are worth what they take, and
  // where there are no more units than states they come to their end soon.
  bool paths_are_costly() const {
    if (paths_.empty() || order_ > 1 || context_.map.n_units() <= context_.map.n_states()) {
      return false;
    }
    const double path = 2.0 * *path_solves() * paths_.front().flops() * kPathSlowness;
    return path > kCostlyPath * kTypicalSolves * kernels_.front()->flops();
  }
  void allow_paths() {
    if (!neighbours_.paths_held()) return;
    std::int64_t n_known = 0;
    for (const Collection::Member& member : context_.collection.members()) {
      n_known += member.order() == order_ ? 1 : 0;
    }
    const bool settles =
        static_cast<double>(n_settled_) >= kMostSettle * static_cast<double>(n_independent_);
    neighbours_.allow_paths(n_known == 1 && settles ? std::optional<std::size_t>(1) : std::nullopt);
  }

  // Of an orbit to begin with.
  Index longest_transient() const {
    if (!is_large()) return kLongestTransient;
    const double steps = kTransientSolves * kernels_.front()->flops() / step_flops();
    return std::clamp(static_cast<Index>(steps), Index{10}, kLongestTransient);
  }
  // Of a step of an orbit, in operations of Newton's method that take as long.
  double step_flops() const {
    const auto m = static_cast<double>(context_.map.n_states());
    const double numbers = m * (m + 2.0 * static_cast<double>(context_.map.n_units()));
    const bool far = static_cast<double>(sizeof(double)) * numbers > kNearBytes;
    return (2.0 * numbers + 1.0) * (far ? kFarSlowness : 1.0);
  }

  std::int64_t patience() const {
    if (context_.options.max_restarts) return *context_.options.max_restarts;
    return std::max(kMinRestarts,
                    static_cast<std::int64_t>(kPatience * static_cast<double>(last_new_)));
  }

  void run_batch(std::vector<Restart>& batch, std::uint64_t first) {
    // Groups of fixed size, so that the result does not depend on the number of threads.
    const std::size_t group = 2 * static_cast<std::size_t>(kernels_.front()->lanes());
    const std::size_t n_groups = (batch.size() + group - 1) / group;
    parallel_for(n_groups, threads_for(batch.size()), [&](std::size_t g, int thread) {
      const std::size_t begin = g * group;
      const std::size_t count = std::min(group, batch.size() - begin);
      try {
        run_group(std::span(batch).subspan(begin, count), first + begin,
                  static_cast<std::size_t>(thread));
      } catch (const Stopped&) {  // its restarts are not finished
      }
    });
    merge(batch);
  }

  // The states given come before everything else. Like ends of orbits they do not count among the
  // independent starts.
  void begin_at_states() {
    const Index n_states = context_.options.states.cols();
    for (Index first = 0; first < n_states; first += kStatesAtATime) {
      if (context_.control.stop_requested()) return;
      std::vector<Restart> batch(
          static_cast<std::size_t>(std::min(kStatesAtATime, n_states - first)));
      for (std::size_t i = 0; i < batch.size(); ++i) {
        batch[i].source = StartSource::neighbour;
        batch[i].state = first + static_cast<Index>(i);
      }
      run_batch(batch, 0);
    }
    // What they find says nothing about how long to go on at random.
    last_new_ = 0;
  }

  // Where one fixed point attracts all, it is found before anything is made ready to look for more:
  // in a fifth of the time that long orbits and the first restarts take.
  void follow_short_orbit() {
    Vector state = Vector::Zero(context_.map.n_states());
    std::vector<Restart> batch(1);
    batch.front().source = StartSource::neighbour;
    Itinerary& itinerary = batch.front().itinerary;
    itinerary = Itinerary(order_, context_.map.words_per_region());
    if (!kernels_.front()->read_itinerary(state, kShortOrbit, itinerary.bits.data())) return;
    try {
      run_group(batch, 0, 0);
    } catch (const Stopped&) {
    }
    merge(batch);
  }

  // Where long orbits are in the end is where the restarts begin. These starts do not count among
  // the independent ones, of which each has the same chance to meet any cycle.
  void follow_long_orbits() {
    NewtonKernel& kernel = *kernels_.front();
    const double step = step_flops();
    const double restarts = static_cast<double>(kMinRestarts) * kTypicalSolves * kernel.flops();
    const double steps = std::min(kLongOrbitShare * restarts / step, 1e6);
    const auto affordable = static_cast<Index>(steps);
    const Index n_orbits = std::clamp(affordable / kLongOrbit, Index{1}, kMostLongOrbits);
    const Index transient = std::max(kLongOrbit, affordable / n_orbits);
    const auto until_look = static_cast<Index>(1.0 + kWorkBetweenLooks / step);
    for (Index i = 0; i < n_orbits; ++i) {
      Vector state = Vector::Zero(context_.map.n_states());
      if (i > 0) {
        RandomStream stream(context_.options.seed, kLongOrbitTopic, static_cast<std::uint64_t>(i));
        sampler_->draw(stream, state);
      }
      Itinerary itinerary(order_, context_.map.words_per_region());
      bool bounded = true;
      for (Index left = transient; bounded && left > 0; left -= until_look + order_) {
        if (context_.control.stop_requested()) return;
        bounded = kernel.read_itinerary(state, std::min(left, until_look), itinerary.bits.data());
      }
      if (bounded) neighbours_.add(std::move(itinerary));
    }
  }

  // The result is the same either way.
  int threads_for(std::size_t batch_size) const {
    const double work =
        static_cast<double>(batch_size) * kTypicalSolves * kernels_.front()->flops();
    return threads_worth(work, context_.options.n_threads);
  }

  // Small batches first, so that what they teach is used soon; larger ones later, for many threads.
  std::vector<Restart> make_batch() {
    if (next_restart_ == 0 && is_large()) return one_of_each();
    const std::uint64_t size = std::min<std::uint64_t>(256, 8 + next_restart_ / 2);
    std::vector<Restart> batch(size);
    for (std::size_t i = 0; i < batch.size() && !neighbours_.empty(); i += 2) {
      batch[i] = next_neighbour();
    }
    return batch;
  }

  Restart next_neighbour() {
    Neighbours::Start start = neighbours_.pop();
    Restart restart;
    restart.source = StartSource::neighbour;
    restart.itinerary = std::move(start.itinerary);
    restart.root = start.root;
    restart.point = std::move(start.point);
    return restart;
  }

  // Where Newton's method settles soon, it does so from anywhere, and in fewer solves than a path
  // takes. At higher orders the ends of long orbits, which then are the first neighbours, may say
  // more.
  std::vector<Restart> one_of_each() {
    std::vector<Restart> batch;
    for (const StartSource source : {StartSource::random_bits, StartSource::random_states,
                                     StartSource::orbit, StartSource::warm_orbit}) {
      if (order_ > 1 && !neighbours_.empty()) batch.push_back(next_neighbour());
      batch.emplace_back().source = source;
      batch.back().chosen = true;
    }
    return batch;
  }

  // Runs restarts numbered from `number` side by side in the lanes of one kernel: Newton's method
  // in symbol space until each settles, meets an itinerary of known outcome, or comes round to one
  // of its own (then it would circle for ever). A lane that falls free takes the next restart.
  void run_group(std::span<Restart> group, std::uint64_t number, std::size_t thread) {
    NewtonKernel& kernel = *kernels_[thread];
    const auto lanes = static_cast<std::size_t>(kernel.lanes());
    const std::size_t words = context_.map.words_per_region();
    std::vector<Word> current(static_cast<std::size_t>(order_) * words * lanes, 0);
    std::vector<Word> next(current.size());
    std::vector<NewtonStatus> status(lanes);
    std::vector<Restart*> running(lanes, nullptr);
    std::size_t upcoming = 0;
    double since_check = 0.0;
    for (;;) {
      unsigned active = 0;
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        while (running[lane] == nullptr && upcoming < group.size()) {
          Restart& restart = group[upcoming];
          draw(restart, number + upcoming++, thread);
          if (restart.finished) continue;
          kernel.begin(static_cast<int>(lane));
          put_lane(restart.itinerary, current, lane, lanes);
          if (goes_on(restart, current, lane, lanes)) running[lane] = &restart;
        }
        if (running[lane] != nullptr) {
          active |= 1U << lane;
          since_check += kernel.flops();
        }
      }
      if (active == 0) return;
      if (since_check > 1e6) {
        since_check = 0.0;
        if (context_.control.stop_requested()) return;
      }
      kernel.iterate(current.data(), next.data(), active, status.data());
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        if (running[lane] == nullptr) continue;
        Restart& restart = *running[lane];
        ++restart.n_solves;
        switch (status[lane]) {
          case NewtonStatus::settled:
            restart.itinerary = take_lane(current, lane, lanes, order_, words);
            restart.outcome = Collection::kUnknown;
            restart.finished = true;
            break;
          case NewtonStatus::diverged:
            restart.finished = true;
            break;
          case NewtonStatus::singular:
            restart.met.push_back(take_lane(current, lane, lanes, order_, words));
            [[fallthrough]];
          case NewtonStatus::moved:
            goes_on(restart, next, lane, lanes);
            break;
        }
        if (restart.finished) running[lane] = nullptr;
      }
      current.swap(next);
    }
  }

  // Where the restart begins; where it follows a path, all of it.
  void draw(Restart& restart, std::uint64_t number, std::size_t thread) {
    const bool neighbour = restart.source == StartSource::neighbour;
    if (restart.state) {
      Vector state = context_.options.states.col(*restart.state);
      restart.itinerary = Itinerary(order_, context_.map.words_per_region());
      restart.finished = !kernels_[thread]->read_itinerary(state, 0, restart.itinerary.bits.data());
      // Of a cycle that the states go round several of them are points.
      if (!restart.finished) restart.itinerary = canonical_rotation(restart.itinerary);
      return;
    }
    if (neighbour && !restart.point) return;
    RandomStream stream(context_.options.seed, static_cast<std::uint64_t>(order_), number);
    if (!neighbour && !restart.chosen) restart.source = choice_.draw(stream);
    if (neighbour || restart.source == StartSource::path) {
      follow_path(restart, stream, paths_[thread]);
      return;
    }
    NewtonKernel& kernel = *kernels_[thread];
    restart.itinerary = Itinerary(order_, context_.map.words_per_region());
    draw_start(restart.source, context_.map, *sampler_, kernel, longest_transient(), stream,
               restart.itinerary);
  }

  void follow_path(Restart& restart, RandomStream& stream, RegionPath& path) const {
    Vector state;
    if (restart.point) {
      state.resize(restart.point->size());
      for (double& x : state) x = stream.normal();
      restart.n_solves =
          path.follow_from_cycle(*restart.point, restart.itinerary, state, restart.met);
    } else {
      // From nearer to the origin, too, and from what the map makes of it: curves from afar are
      // short.
      sampler_->draw(stream, state);
      state *= std::ldexp(1.0, -static_cast<int>(stream.below(kHalvings)));
      if (stream.below(2) == 0) state = context_.map.step(state);
      restart.n_solves = path.follow(state, restart.met);
    }
    restart.finished = true;
  }

  // Whether the restart has something new to solve; else it is finished.
  bool goes_on(Restart& restart, const std::vector<Word>& buffer, std::size_t lane,
               std::size_t lanes) const {
    const std::uint64_t hash = hash_words(buffer.data() + lane, buffer.size() / lanes, lanes);
    const std::int32_t known = visited_.lookup(hash);
    auto& own = restart.visited;
    if (known != VisitedItineraries::kUnknown) {
      restart.outcome = known;
      restart.finished = true;
    } else if (restart.n_solves >= most_iterations_ ||
               std::find(own.begin(), own.end(), hash) != own.end()) {
      restart.finished = true;
    } else {
      own.push_back(hash);
    }
    return !restart.finished;
  }

  void merge(std::vector<Restart>& batch) {
    std::vector<Itinerary> settled;
    for (Restart& restart : batch) {
      for (Itinerary& itinerary : restart.met) {
        itinerary = canonical_rotation(itinerary);
        settled.push_back(itinerary);
      }
      if (restart.outcome != Collection::kUnknown) continue;
      restart.itinerary = canonical_rotation(restart.itinerary);
      settled.push_back(restart.itinerary);
    }
    const auto n_known = static_cast<std::int32_t>(context_.collection.members().size());
    statistics_.n_solves += file_candidates(context_, settled, Refutation::likely);
    // In a batch that is cut short the new members are those that happened to be verified: counting
    // its hits would make what is known look like more than it is.
    const bool counts = !context_.control.stop_requested();
    std::vector<char> announced(context_.collection.members().size(), 0);
    roots_.resize(announced.size(), -1);
    met_elsewhere_.resize(announced.size(), 0);
    for (Restart& restart : batch) {
      if (!restart.finished) continue;
      // Every member the restart came by: continua on the way, and what it settled on.
      std::vector<std::int32_t> reached;
      for (const Itinerary& itinerary : restart.met) {
        reached.push_back(context_.collection.lookup(itinerary));
      }
      if (restart.outcome == Collection::kUnknown) {
        restart.outcome = context_.collection.lookup(restart.itinerary);
        if (restart.outcome == Collection::kUnknown) continue;  // stopped before it was verified
      }
      reached.push_back(restart.outcome);
      std::sort(reached.begin(), reached.end());
      reached.erase(std::unique(reached.begin(), reached.end()), reached.end());
      for (const std::uint64_t hash : restart.visited) visited_.insert(hash, reached.back());

      ++statistics_.n_restarts;
      statistics_.n_solves += restart.n_solves;
      const bool independent = restart.source != StartSource::neighbour;
      if (independent) ++since_new_;
      bool any_hit = false;
      bool any_fresh = false;
      for (const std::int32_t id : reached) {
        if (id < 0) continue;
        const auto at = static_cast<std::size_t>(id);
        Collection::Member& member = context_.collection.members()[at];
        const bool fresh = id >= n_known && announced[at] == 0;
        announced[at] = 1;
        if (member.order() == order_) {
          ++member.hits;
          member.independent += independent && counts ? 1 : 0;
          any_hit = true;
          any_fresh = any_fresh || fresh;
        }
        if (fresh) roots_[at] = independent ? id : restart.root;
        if (!independent && restart.root != id) met_elsewhere_[at] = 1;
        if (fresh) welcome(member, roots_[at]);
      }
      if (independent && restart.source != StartSource::path) {
        ++n_independent_;
        n_settled_ += any_hit ? 1 : 0;
      }
      if (independent) {
        choice_.record(restart.source, static_cast<double>(restart.n_solves), any_hit, any_fresh);
      }
    }
    choice_.update();
    if (n_independent_ >= kRestartsBeforePaths) allow_paths();
    report();
  }

  void welcome(const Collection::Member& member, std::int32_t root) {
    if (order_ % member.order() == 0) neighbours_.add_flips(member, root);
    if (member.order() != order_) return;
    since_new_ = 0;
    last_new_ = statistics_.n_restarts;
    statistics_.n_solves_at_last_new = statistics_.n_solves;
    statistics_.seconds_at_last_new = context_.control.seconds() - start_seconds_;
  }

  void report() {
    context_.progress.n_restarts.store(restarts_before_ + statistics_.n_restarts);
    context_.progress.n_solves.store(statistics_.n_solves);
    const double share = 1.0 / static_cast<double>(context_.options.orders.size());
    const double done = static_cast<double>(since_new_) / static_cast<double>(patience());
    context_.progress.fraction.store(fraction_ + share * std::min(1.0, done));
  }

  void estimate_coverage() {
    roots_.resize(context_.collection.members().size(), -1);
    met_elsewhere_.resize(roots_.size(), 0);
    for (std::size_t id = 0; id < roots_.size(); ++id) {
      const Collection::Member& member = context_.collection.members()[id];
      if (member.order() != order_ || !member.inside_box) continue;
      statistics_.n_hits += member.independent;
      // A hit counts as a singleton if without its restart the cycle would not be known: nothing
      // else met it but neighbours that are themselves owed to that restart.
      const bool own = roots_[id] == static_cast<std::int32_t>(id) && met_elsewhere_[id] == 0;
      statistics_.n_singletons += member.independent == 1 && own ? 1 : 0;
    }
    if (statistics_.n_hits > 0) {
      // Good (Biometrika 40, 237, 1953): the next hit is a new cycle with probability f1 / n.
      statistics_.coverage = 1.0 - static_cast<double>(statistics_.n_singletons) /
                                       static_cast<double>(statistics_.n_hits);
    }
  }

  SearchContext& context_;
  OrderStatistics& statistics_;
  Index order_;
  std::vector<std::unique_ptr<NewtonKernel>> kernels_;
  std::vector<RegionPath> paths_;  // one for each kernel, or none
  std::int64_t most_iterations_;
  std::optional<StateSampler> sampler_;  // made when first needed, and before threads are
  SourceChoice choice_;
  Neighbours neighbours_;
  // By member: the independent discovery it is owed to (its own number if an independent restart
  // met it first), and whether a neighbour met it that is owed to another one.
  std::vector<std::int32_t> roots_;
  std::vector<char> met_elsewhere_;
  VisitedItineraries visited_;
  std::uint64_t next_restart_ = 0;
  std::int64_t since_new_ = 0;
  std::int64_t n_independent_ = 0, n_settled_ = 0;  // restarts of Newton's method
  std::int64_t last_new_ = 0;  // restarts when the last new cycle of this order was found
  double start_seconds_;
  std::int64_t restarts_before_;  // of the orders searched earlier
  double fraction_;
};

}  // namespace

void search_heuristically(SearchContext& context, OrderStatistics& statistics) {
  HeuristicSearch(context, statistics).run();
}

}  // namespace rnndyn

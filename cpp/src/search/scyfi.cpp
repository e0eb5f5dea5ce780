#include <algorithm>
#include <span>

#include "cycles/likely_candidate.hpp"
#include "search/context.hpp"
#include "search/starts.hpp"
#include "search/visited.hpp"

namespace rnndyn {
namespace {

// Defaults of the published implementation for N_out and N_in.
std::int64_t published_restarts(Index order) { return order < 8 ? 10 : order < 30 ? 40 : 100; }
std::int64_t published_iterations(Index order) {
  if (order < 3) return 20;
  if (order < 6) return 60;
  if (order < 8) return 300;
  return order < 20 ? 1080 : 1115;
}

// A settled itinerary that was not known when the restart began.
struct Discovery {
  Itinerary itinerary;
  Candidate candidate;
  std::int64_t n_solves;  // of the restart, when it was made
};

struct Restart {
  std::int64_t iteration = 0;
  std::int64_t n_solves = 0;
  std::vector<Discovery> discoveries;
  std::vector<std::int32_t> hits;                            // members met again
  std::vector<std::pair<std::uint64_t, Itinerary>> settled;  // hash and smallest rotation, if new
  bool finished = false;
};

// Algorithm 1 of Eisenmann, Monfared, Goering, Durstewitz (NeurIPS 2023) with the bookkeeping of
// the published code: both counters start again when a new cycle is found, a settled or singular
// itinerary is replaced by a fresh random one within the same restart. Only the identity of cycles
// differs: itineraries instead of rounded coordinates.
//
// Restarts draw from streams of their own, so several run side by side and count as if one had
// followed the other: what comes after a restart that found something new is thrown away.
class Scyfi {
 public:
  Scyfi(SearchContext& context, OrderStatistics& statistics)
      : context_(context),
        statistics_(statistics),
        order_(statistics.order),
        kernels_(context.make_kernels(order_)),
        lanes_(static_cast<std::size_t>(kernels_.front()->lanes())),
        sampler_(context.map, context.options.box, context.options.seed),
        source_(context.map.w2_is_identity() ? StartSource::random_bits
                                             : StartSource::random_states),
        max_restarts_(context.max_restarts_or(published_restarts(order_))),
        max_iterations_(context.max_iterations_or(published_iterations(order_))),
        start_seconds_(context.control.seconds()),
        restarts_before_(context.progress.n_restarts.load()),
        fraction_(context.progress.fraction.load()) {}

  void run() {
    // Few at first, since a discovery makes the rest of the batch worthless; more while none comes.
    std::size_t batch_size = lanes_;
    while (in_a_row_ < max_restarts_) {
      std::vector<Restart> batch(
          std::min<std::size_t>(batch_size, static_cast<std::size_t>(max_restarts_ - in_a_row_)));
      const std::size_t n_groups = (batch.size() + lanes_ - 1) / lanes_;
      // A restart may take fewer iterations than it has.
      const double work = static_cast<double>(batch.size()) * kernels_.front()->flops() *
                          static_cast<double>(max_iterations_);
      const int n_threads = threads_worth(work, context_.options.n_threads);
      parallel_for(n_groups, n_threads, [&](std::size_t g, int thread) {
        const std::size_t begin = g * lanes_;
        const std::size_t count = std::min(lanes_, batch.size() - begin);
        try {
          run_group(std::span(batch).subspan(begin, count), next_restart_ + begin,
                    *kernels_[static_cast<std::size_t>(thread)]);
        } catch (const Stopped&) {  // and with it the batch
        }
      });
      if (context_.control.stop_requested()) return;
      batch_size = merge(batch) ? lanes_ : std::min<std::size_t>(2 * batch_size, 32);
      report();
    }
    statistics_.complete = true;
  }

 private:
  void run_group(std::span<Restart> group, std::uint64_t number, NewtonKernel& kernel) const {
    const std::size_t words = context_.map.words_per_region();
    std::vector<Word> current(static_cast<std::size_t>(order_) * words * lanes_, 0);
    std::vector<Word> next(current.size());
    std::vector<NewtonStatus> status(lanes_);
    std::vector<RandomStream> streams;
    Itinerary start(order_, words);
    const auto redraw = [&](std::size_t lane, std::vector<Word>& buffer) {
      draw_start(source_, context_.map, sampler_, kernel, kLongestTransient, streams[lane], start);
      kernel.begin(static_cast<int>(lane));
      put_lane(start, buffer, lane, lanes_);
    };
    for (std::size_t lane = 0; lane < group.size(); ++lane) {
      streams.emplace_back(context_.options.seed, static_cast<std::uint64_t>(order_),
                           number + lane);
      redraw(lane, current);
    }
    double since_check = 0.0;
    for (;;) {
      unsigned active = 0;
      for (std::size_t lane = 0; lane < group.size(); ++lane) {
        active |= group[lane].finished ? 0U : 1U << lane;
      }
      if (active == 0) return;
      since_check += kernel.flops() * static_cast<double>(lanes_);
      if (since_check > 1e6) {
        since_check = 0.0;
        if (context_.control.stop_requested()) return;
      }
      kernel.iterate(current.data(), next.data(), active, status.data());
      for (std::size_t lane = 0; lane < group.size(); ++lane) {
        Restart& restart = group[lane];
        if (restart.finished) continue;
        ++restart.n_solves;
        ++restart.iteration;
        if (status[lane] != NewtonStatus::moved) {
          if (status[lane] != NewtonStatus::diverged) settle(restart, current, lane);
          redraw(lane, next);
        }
        restart.finished = restart.iteration >= max_iterations_;
      }
      current.swap(next);
    }
  }

  void settle(Restart& restart, const std::vector<Word>& buffer, std::size_t lane) const {
    const std::uint64_t hash = hash_words(buffer.data() + lane, buffer.size() / lanes_, lanes_);
    std::int32_t id = settled_.lookup(hash);
    if (id == VisitedItineraries::kUnknown) {
      const Itinerary itinerary = canonical_rotation(
          take_lane(buffer, lane, lanes_, order_, context_.map.words_per_region()));
      id = context_.collection.lookup(itinerary);
      if (id == Collection::kUnknown) {
        discover(restart, itinerary);
        return;
      }
      restart.settled.emplace_back(hash, itinerary);
    }
    if (id >= 0) restart.hits.push_back(id);
  }

  void discover(Restart& restart, const Itinerary& itinerary) const {
    for (const Discovery& own : restart.discoveries) {
      if (own.itinerary == itinerary) return;
    }
    Candidate candidate =
        likely_candidate(context_.map, itinerary, &context_.control, false).candidate;
    candidate = enlarged(context_.map, std::move(candidate), &context_.control);
    const Index order = candidate.cycle       ? candidate.cycle->itinerary.order
                        : candidate.continuum ? candidate.continuum->itinerary.order
                                              : 0;
    if (order == order_ && candidate.kind != CandidateKind::virtual_cycle) restart.iteration = 0;
    restart.discoveries.push_back({itinerary, std::move(candidate), restart.n_solves});
  }

  // Returns whether a new cycle of this order came up; the restarts after it were not counted then.
  bool merge(std::vector<Restart>& batch) {
    for (Restart& restart : batch) {
      ++next_restart_;
      ++statistics_.n_restarts;
      bool fresh = false;
      for (const std::int32_t id : restart.hits) count_hit(id);
      for (const auto& [hash, itinerary] : restart.settled) {
        settled_.insert(hash, context_.collection.lookup(itinerary));
      }
      for (Discovery& discovery : restart.discoveries) {
        const std::size_t before = context_.collection.members().size();
        const std::int32_t id =
            context_.collection.add(discovery.itinerary, std::move(discovery.candidate));
        count_hit(id);
        if (context_.collection.members().size() == before) continue;
        if (context_.collection.members().back().order() != order_) continue;
        fresh = true;
        statistics_.n_solves_at_last_new = statistics_.n_solves + discovery.n_solves;
        statistics_.seconds_at_last_new = context_.control.seconds() - start_seconds_;
      }
      statistics_.n_solves += restart.n_solves;
      in_a_row_ = fresh ? 0 : in_a_row_ + 1;
      if (fresh) return true;
    }
    return false;
  }

  void count_hit(std::int32_t id) {
    if (id < 0) return;
    Collection::Member& member = context_.collection.members()[static_cast<std::size_t>(id)];
    if (member.order() == order_) ++member.hits;
  }

  void report() {
    context_.progress.n_cycles.store(
        static_cast<std::int64_t>(context_.collection.members().size()));
    context_.progress.n_restarts.store(restarts_before_ + statistics_.n_restarts);
    context_.progress.n_solves.store(statistics_.n_solves);
    const double share = 1.0 / static_cast<double>(context_.options.orders.size());
    context_.progress.fraction.store(fraction_ + share * static_cast<double>(in_a_row_) /
                                                     static_cast<double>(max_restarts_));
  }

  SearchContext& context_;
  OrderStatistics& statistics_;
  Index order_;
  std::vector<std::unique_ptr<NewtonKernel>> kernels_;
  std::size_t lanes_;
  StateSampler sampler_;
  // The published code draws from the regions that random states visit where W2 is not I.
  StartSource source_;
  std::int64_t max_restarts_, max_iterations_;
  VisitedItineraries settled_;  // members by hash, to spare looking for the smallest rotation
  std::uint64_t next_restart_ = 0;
  std::int64_t in_a_row_ = 0;  // restarts since the last new cycle
  double start_seconds_;
  std::int64_t restarts_before_;  // of the orders searched earlier
  double fraction_;
};

}  // namespace

void search_scyfi(SearchContext& context, OrderStatistics& statistics) {
  Scyfi(context, statistics).run();
}

}  // namespace rnndyn

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "cycles/likely_candidate.hpp"
#include "search/context.hpp"

namespace rnndyn {
namespace {

// Prefixes are lengthened until there are this many to share out among threads.
constexpr std::size_t kTasks = 256;
// Two colours have more than kTasks prefixes of this length, and one colour never has more than
// one.
constexpr Index kLongestPrefix = 32;
// Itineraries that a task keeps although the kernel could say nothing of them; further ones are
// solved at once, to keep only what is something.
constexpr std::size_t kMaxDoubtful = 256;
// What solving one takes, in steps of the kernel.
constexpr double kSolveSteps = 30.0;

// A prenecklace, to be completed to all necklaces that begin with it.
struct Prefix {
  std::vector<std::uint32_t> colours;
  Index period;  // of the longest Lyndon prefix
};

// Necklaces in lexicographic order (Fredricksen, Kessler, Maiorana; Ruskey, Combinatorial
// Generation, 2003, sec. 7.2, whose recursion is a loop here: it would be as deep as the order).
class NecklaceWalk {
 public:
  NecklaceWalk(std::uint32_t n_colours, Index order)
      : n_colours_(n_colours),
        order_(order),
        colours_(static_cast<std::size_t>(order) + 1, 0),
        periods_(colours_.size(), 1) {}

  // Calls visit(colours) with `order` colours for each necklace below the prefix, until it returns
  // false.
  template <typename Visit>
  bool complete(const Prefix& prefix, Visit&& visit) {
    std::copy(prefix.colours.begin(), prefix.colours.end(), colours_.begin() + 1);
    const std::size_t given = prefix.colours.size();
    const auto last = static_cast<std::size_t>(order_);
    periods_[given] = prefix.period;
    std::size_t t = given;  // the last position that has a colour
    for (;;) {
      for (; t < last; ++t) {  // the smallest colour, which keeps the period
        colours_[t + 1] = colours_[t + 1 - static_cast<std::size_t>(periods_[t])];
        periods_[t + 1] = periods_[t];
      }
      if (order_ % periods_[last] == 0 && !visit(colours_.data() + 1)) return false;
      while (t > given && colours_[t] + 1 == n_colours_) --t;
      if (t == given) return true;
      ++colours_[t];
      periods_[t] = static_cast<Index>(t);
    }
  }

  // All prenecklaces of the smallest length that gives at least kTasks of them.
  std::vector<Prefix> prefixes() {
    std::vector<Prefix> found{{{}, 1}};
    const Index longest = std::min(order_, kLongestPrefix);
    for (Index length = 1; length <= longest && found.size() < kTasks; ++length) {
      std::vector<Prefix> longer;
      for (const Prefix& prefix : found) {
        std::copy(prefix.colours.begin(), prefix.colours.end(), colours_.begin() + 1);
        const std::uint32_t smallest = colours_[static_cast<std::size_t>(length - prefix.period)];
        for (std::uint32_t colour = smallest; colour < n_colours_; ++colour) {
          colours_[static_cast<std::size_t>(length)] = colour;
          longer.push_back({{colours_.begin() + 1, colours_.begin() + 1 + length},
                            colour == smallest ? prefix.period : length});
        }
      }
      found = std::move(longer);
    }
    return found;
  }

 private:
  std::uint32_t n_colours_;
  Index order_;
  std::vector<std::uint32_t> colours_;  // [1 ... order]; [0] is the sentinel 0
  std::vector<Index> periods_;          // of the longest Lyndon prefix of the first t colours
};

// How far all tasks together are, for whoever watches.
class ListingProgress {
 public:
  ListingProgress(SearchProgress& shown, double share, double total)
      : shown_(shown), before_(shown.fraction.load()), share_(share), total_(total) {}

  void add(std::int64_t n) { n_done_.fetch_add(n, std::memory_order_relaxed); }
  void show() {
    const auto done = n_done_.load(std::memory_order_relaxed);
    shown_.n_solves.store(done);
    shown_.fraction.store(before_ + share_ * std::min(1.0, static_cast<double>(done) / total_));
  }

 private:
  SearchProgress& shown_;
  double before_, share_, total_;
  std::atomic<std::int64_t> n_done_{0};
};

// What a task has found.
struct Listed {
  std::vector<Itinerary> candidates;
  std::vector<std::int64_t> positions;  // itineraries listed when the candidate was met
  std::int64_t n = 0;                   // itineraries listed
};

// Takes the itineraries of one task, as many at a time as the kernel has lanes, and keeps those
// that it does not refute.
class Sieve {
 public:
  Sieve(SearchContext& context, const std::vector<Word>& regions, Index order, NewtonKernel& kernel,
        ListingProgress& progress, Listed& listed)
      : context_(context),
        regions_(regions),
        order_(order),
        words_(context.map.words_per_region()),
        lanes_(static_cast<std::size_t>(kernel.lanes())),
        kernel_(kernel),
        progress_(progress),
        listed_(listed),
        batch_(static_cast<std::size_t>(order) * words_ * lanes_, 0),
        next_(batch_.size()),
        status_(lanes_) {
    for (int lane = 0; lane < kernel_.lanes(); ++lane) kernel_.begin(lane);
  }

  // Takes the itinerary of so many regions, given by their numbers. This and what follows return
  // false when the call is to end, or throw Stopped.
  bool take(const std::uint32_t* colours) {
    for (std::size_t t = 0; t < static_cast<std::size_t>(order_); ++t) {
      for (std::size_t w = 0; w < words_; ++w) {
        batch_[(t * words_ + w) * lanes_ + filled_] = regions_[colours[t] * words_ + w];
      }
    }
    return ++filled_ < lanes_ || flush();
  }

  bool flush() {
    if (filled_ == 0) return true;
    kernel_.iterate(batch_.data(), next_.data(), (1U << filled_) - 1U, status_.data());
    for (std::size_t lane = 0; lane < filled_; ++lane) {
      ++listed_.n;
      // What follows another itinerary is refuted; what leaves the finite range is not.
      if (status_[lane] != NewtonStatus::moved) keep(lane);
    }
    progress_.add(static_cast<std::int64_t>(filled_));
    since_look_ += kernel_.flops() * static_cast<double>(filled_);
    filled_ = 0;
    if (since_look_ < kBetweenLooks) return true;
    since_look_ = 0.0;
    progress_.show();
    return !context_.control.stop_requested();
  }

 private:
  // Operations between looks at the clock: a millisecond or so.
  static constexpr double kBetweenLooks = 1e6;

  void keep(std::size_t lane) {
    Itinerary itinerary = take_lane(batch_, lane, lanes_, order_, words_);
    if (status_[lane] == NewtonStatus::singular && ++n_doubtful_ > kMaxDoubtful) {
      since_look_ += kSolveSteps * kernel_.flops();
      if (is_refuted(itinerary)) return;
    }
    listed_.candidates.push_back(std::move(itinerary));
    listed_.positions.push_back(listed_.n);
  }

  bool is_refuted(const Itinerary& itinerary) const {
    const Candidate candidate = real_candidate(context_.map, itinerary, &context_.control);
    return candidate.decided && candidate.kind != CandidateKind::cycle &&
           candidate.kind != CandidateKind::continuum;
  }

  SearchContext& context_;
  const std::vector<Word>& regions_;
  Index order_;
  std::size_t words_, lanes_;
  NewtonKernel& kernel_;
  ListingProgress& progress_;
  Listed& listed_;
  std::vector<Word> batch_, next_;
  std::vector<NewtonStatus> status_;
  std::size_t filled_ = 0;
  std::size_t n_doubtful_ = 0;
  double since_look_ = 0.0;
};

// All itineraries of one order, in tasks that threads share out.
class Listing {
 public:
  Listing(SearchContext& context, const std::vector<Word>& regions, Index order)
      : context_(context),
        regions_(regions),
        order_(order),
        n_regions_(static_cast<std::uint32_t>(regions.size() / context.map.words_per_region())),
        tasks_(NecklaceWalk(n_regions_, order).prefixes()),
        listed_(tasks_.size()) {}

  void list() {
    const auto kernels = context_.make_kernels(order_, Refutation::bounded);
    const double total = count_necklaces(n_regions_, order_);
    const double share = 1.0 / static_cast<double>(context_.options.orders.size());
    ListingProgress progress(context_.progress, share, total);
    const bool small = total * kernels.front()->flops() < 1e6;  // not worth waking threads for
    parallel_for(
        tasks_.size(), small ? 1 : context_.options.n_threads, [&](std::size_t task, int thread) {
          if (context_.control.stop_requested()) return;
          Sieve sieve(context_, regions_, order_, *kernels[static_cast<std::size_t>(thread)],
                      progress, listed_[task]);
          const auto take = [&](const std::uint32_t* colours) { return sieve.take(colours); };
          try {
            if (NecklaceWalk(n_regions_, order_).complete(tasks_[task], take)) sieve.flush();
          } catch (const Stopped&) {
          }
        });
  }

  // Solves the candidates, and says when the last of them was something: by the counts of the walk,
  // as if one thread had done it all.
  void file(OrderStatistics& statistics) const {
    std::vector<Itinerary> all;
    for (const Listed& by_task : listed_) {
      all.insert(all.end(), by_task.candidates.begin(), by_task.candidates.end());
    }
    const std::int64_t n_solved = file_candidates(context_, all, Refutation::bounded);
    std::int64_t n_listed = 0;
    std::int64_t n_candidates = 0;
    for (const Listed& by_task : listed_) {
      for (std::size_t i = 0; i < by_task.candidates.size(); ++i) {
        const Itinerary& candidate = by_task.candidates[i];
        ++n_candidates;
        statistics.n_undecided += context_.collection.is_undecided(candidate) ? 1 : 0;
        if (!is_member(candidate)) continue;
        statistics.n_solves_at_last_new = n_listed + by_task.positions[i] + n_candidates;
      }
      n_listed += by_task.n;
    }
    statistics.n_itineraries = n_listed;
    statistics.n_solves = n_listed + n_solved;
  }

 private:
  // Whether a candidate has turned out to be a cycle or continuum of this very order.
  bool is_member(const Itinerary& candidate) const {
    const std::int32_t id = context_.collection.lookup(candidate);
    return id >= 0 && context_.collection.members()[static_cast<std::size_t>(id)].order() == order_;
  }

  SearchContext& context_;
  const std::vector<Word>& regions_;
  Index order_;
  std::uint32_t n_regions_;
  std::vector<Prefix> tasks_;
  std::vector<Listed> listed_;  // by task
};

}  // namespace

double count_necklaces(double n_colours, Index order) {
  double sum = 0.0;
  for (Index shift = 1; shift <= order; ++shift) {
    sum += std::pow(n_colours, static_cast<double>(std::gcd(shift, order)));
  }
  return sum / static_cast<double>(order);
}

void list_exhaustively(SearchContext& context, const std::vector<Word>& regions,
                       OrderStatistics& statistics) {
  Listing listing(context, regions, statistics.order);
  listing.list();
  listing.file(statistics);
  for (Collection::Member& member : context.collection.members()) {
    if (member.order() == statistics.order) member.hits = 1;
  }
  statistics.complete = !context.control.stop_requested();
  if (statistics.complete && statistics.n_undecided == 0) statistics.coverage = 1.0;
}

}  // namespace rnndyn

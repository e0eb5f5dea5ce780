#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

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

bool is_refuted(const CanonicalMap& map, const Itinerary& itinerary) {
  const Candidate candidate = solve_cycle(map, itinerary);
  return candidate.decided && candidate.kind != CandidateKind::cycle &&
         candidate.kind != CandidateKind::continuum;
}

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
  const Index order = statistics.order;
  const std::size_t words = context.map.words_per_region();
  const auto n_regions = static_cast<std::uint32_t>(regions.size() / words);
  const auto kernels = context.make_kernels(order, Refutation::bounded);
  const std::vector<Prefix> tasks = NecklaceWalk(n_regions, order).prefixes();
  const double total = count_necklaces(n_regions, order);
  const double before = context.progress.fraction.load();
  const double share = 1.0 / static_cast<double>(context.options.orders.size());

  // Candidates of each task, and how many itineraries the task had listed when it met them.
  std::vector<std::vector<Itinerary>> candidates(tasks.size());
  std::vector<std::vector<std::int64_t>> positions(tasks.size());
  std::vector<std::int64_t> n_listed(tasks.size(), 0);
  std::atomic<std::int64_t> n_done{0};
  const bool small = total * kernels.front()->flops() < 1e6;  // not worth waking threads for
  parallel_for(
      tasks.size(), small ? 1 : context.options.n_threads, [&](std::size_t task, int thread) {
        if (context.control.stop_requested()) return;
        NewtonKernel& kernel = *kernels[static_cast<std::size_t>(thread)];
        kernel.begin();
        const auto lanes = static_cast<std::size_t>(kernel.lanes());
        NecklaceWalk walk(n_regions, order);
        std::vector<Word> listed(static_cast<std::size_t>(order) * words * lanes, 0);
        std::vector<Word> next(listed.size());
        std::vector<NewtonStatus> status(lanes);
        std::size_t filled = 0;
        std::size_t n_doubtful = 0;
        double since_check = 0.0;
        const auto flush = [&]() {
          kernel.iterate(listed.data(), next.data(), (1U << filled) - 1U, status.data());
          for (std::size_t lane = 0; lane < filled; ++lane) {
            ++n_listed[task];
            // What follows another itinerary is refuted; what leaves the finite range is not.
            if (status[lane] == NewtonStatus::moved) continue;
            Itinerary itinerary = take_lane(listed, lane, lanes, order, words);
            if (status[lane] == NewtonStatus::singular && ++n_doubtful > kMaxDoubtful) {
              since_check += kSolveSteps * kernel.flops();
              if (is_refuted(context.map, itinerary)) continue;
            }
            candidates[task].push_back(std::move(itinerary));
            positions[task].push_back(n_listed[task]);
          }
          n_done.fetch_add(static_cast<std::int64_t>(filled), std::memory_order_relaxed);
          since_check += kernel.flops() * static_cast<double>(filled);
          filled = 0;
          if (since_check < 1e6) return true;  // look at the clock every millisecond or so
          since_check = 0.0;
          const auto done = n_done.load(std::memory_order_relaxed);
          context.progress.n_solves.store(done);
          context.progress.fraction.store(before +
                                          share * std::min(1.0, static_cast<double>(done) / total));
          return !context.control.stop_requested();
        };
        const auto list = [&](const std::uint32_t* colours) {
          for (std::size_t t = 0; t < static_cast<std::size_t>(order); ++t) {
            for (std::size_t w = 0; w < words; ++w) {
              listed[(t * words + w) * lanes + filled] = regions[colours[t] * words + w];
            }
          }
          return ++filled < lanes || flush();
        };
        try {
          if (walk.complete(tasks[task], list) && filled > 0) flush();
        } catch (const Stopped&) {
        }
      });
  std::vector<Itinerary> all;
  for (const std::vector<Itinerary>& found : candidates)
    all.insert(all.end(), found.begin(), found.end());
  const std::int64_t n_solved = file_candidates(context, all);
  // Counts of the walk at the last candidate that was something, as if one thread had done it all.
  std::int64_t listed = 0;
  std::int64_t n_candidates = 0;
  for (std::size_t task = 0; task < tasks.size(); ++task) {
    for (std::size_t i = 0; i < candidates[task].size(); ++i) {
      ++n_candidates;
      statistics.n_undecided += context.collection.is_undecided(candidates[task][i]) ? 1 : 0;
      const std::int32_t id = context.collection.lookup(candidates[task][i]);
      if (id < 0 || context.collection.members()[static_cast<std::size_t>(id)].order() != order)
        continue;
      statistics.n_solves_at_last_new = listed + positions[task][i] + n_candidates;
    }
    listed += n_listed[task];
  }
  statistics.n_itineraries = listed;
  statistics.n_solves = listed + n_solved;
  for (Collection::Member& member : context.collection.members()) {
    if (member.order() == order) member.hits = 1;
  }
  statistics.complete = !context.control.stop_requested();
  if (statistics.complete && statistics.n_undecided == 0) statistics.coverage = 1.0;
}

}  // namespace rnndyn

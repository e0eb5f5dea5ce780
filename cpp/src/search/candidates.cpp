#include <algorithm>
#include <unordered_set>

#include "cycles/likely_candidate.hpp"
#include "search/context.hpp"

namespace rnndyn {
namespace {

// Exact arithmetic takes about 100 ns for each of these operations, so that a search spends some
// tenths of a second on doubtful candidates that are none.
constexpr double kMostDoubt = 5e5;
constexpr std::size_t kDoubtfulTogether = 32;

}  // namespace

Itinerary take_lane(const std::vector<Word>& buffer, std::size_t lane, std::size_t lanes,
                    Index order, std::size_t words) {
  Itinerary itinerary(order, words);
  for (std::size_t i = 0; i < itinerary.bits.size(); ++i)
    itinerary.bits[i] = buffer[i * lanes + lane];
  return itinerary;
}

void put_lane(const Itinerary& itinerary, std::vector<Word>& buffer, std::size_t lane,
              std::size_t lanes) {
  for (std::size_t i = 0; i < itinerary.bits.size(); ++i)
    buffer[i * lanes + lane] = itinerary.bits[i];
}

std::int64_t file_candidates(SearchContext& context, const std::vector<Itinerary>& candidates,
                             Refutation refutation) {
  std::vector<const Itinerary*> fresh;
  std::unordered_set<Itinerary, ItineraryHash> seen;
  for (const Itinerary& candidate : candidates) {
    if (context.collection.lookup(candidate) != Collection::kUnknown) continue;
    if (seen.insert(candidate).second) fresh.push_back(&candidate);
  }
  std::int64_t n_done = 0;
  // In parts of fixed size, so that what is spent on doubts does not depend on the threads.
  const std::size_t part = refutation == Refutation::likely ? kDoubtfulTogether : fresh.size();
  for (std::size_t begin = 0; begin < fresh.size(); begin += part) {
    const std::size_t n = std::min(part, fresh.size() - begin);
    const bool exactly = refutation == Refutation::bounded || context.doubt < kMostDoubt;
    std::vector<LikelyCandidate> answers(n);
    std::vector<char> done(n, 0);
    const int n_threads = fresh.size() < 4 ? 1 : context.options.n_threads;
    parallel_for(n, n_threads, [&](std::size_t i, int /*thread*/) {
      if (context.control.stop_requested()) return;
      try {
        LikelyCandidate& answer = answers[i];
        answer = likely_candidate(context.map, *fresh[begin + i], &context.control, exactly);
        answer.candidate = enlarged(context.map, std::move(answer.candidate), &context.control);
        done[i] = 1;
      } catch (const Stopped&) {
      }
    });
    for (std::size_t i = 0; i < n; ++i) {
      if (done[i] == 0) continue;
      const Itinerary& itinerary = *fresh[begin + i];
      if (answers[i].doubtful) {
        const auto size = static_cast<double>(context.map.n_states() * itinerary.order);
        context.doubt += size * size * size;
      }
      context.collection.add(itinerary, std::move(answers[i].candidate));
      ++n_done;
    }
  }
  context.progress.n_cycles.store(static_cast<std::int64_t>(context.collection.members().size()));
  return n_done;
}

}  // namespace rnndyn

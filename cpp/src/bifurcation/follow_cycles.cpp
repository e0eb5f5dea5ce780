#include <algorithm>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bifurcation/branch.hpp"
#include "bifurcation/event_table.hpp"
#include "bifurcation/relatives.hpp"
#include "rnndyn/bifurcation.hpp"

namespace rnndyn {
namespace {

// Itineraries analysed between two looks at the time limit.
constexpr std::size_t kBatch = 256;

// All itineraries to look at, each once.
class Closure {
 public:
  Closure(const CanonicalPath& path, Index max_order) : path_(path), max_order_(max_order) {}

  void add(Itinerary itinerary) {
    const auto [place, fresh] =
        index_.try_emplace(itinerary, static_cast<std::int64_t>(itineraries_.size()));
    if (fresh) itineraries_.push_back(std::move(itinerary));
  }
  std::int64_t index(const Itinerary& itinerary) const {
    const auto found = index_.find(itinerary);
    return found == index_.end() ? -1 : found->second;
  }
  const std::vector<Itinerary>& itineraries() const { return itineraries_; }

  // What a branch can turn into at its ends, and what can be born with it.
  void add_relatives(const Branch& branch) {
    for (const Stretch& stretch : branch.stretches) {
      add_relatives_at(branch, stretch.begin_cut);
      add_relatives_at(branch, stretch.end_cut);
    }
    if (!branch.on_border.empty()) add(branch.turned_off);
    for (const Contact& contact : branch.contacts) {
      const Cut& cut = branch.cuts[static_cast<std::size_t>(contact.cut)];
      std::vector<Itinerary> partners = border_partners(path_, branch.itinerary, cut.vanishing);
      // All points in one border point of smaller order are that cycle: what can be real there is
      // for the cycles of that order to say, not for the many words that collapse onto it.
      const Index order = border_point(branch.itinerary, cut.vanishing).order;
      std::erase_if(partners, [&](const Itinerary& i) { return i.order > order; });
      add_all(std::move(partners));
    }
    if (2 * branch.itinerary.order > max_order_) return;
    for (const InnerEvent& inner : branch.inner) {
      if (inner.root.kind != EventKind::degenerate_flip) continue;
      add_all(flip_successors(path_, branch.itinerary, inner.root.s));
    }
  }

 private:
  void add_relatives_at(const Branch& branch, int index) {
    if (index < 0) return;
    const Cut& cut = branch.cuts[static_cast<std::size_t>(index)];
    if (cut.diverges) return;
    add_all(border_partners(path_, branch.itinerary, cut.vanishing));
    add_all(border_words(path_, branch.itinerary, cut.vanishing, max_order_));
  }
  void add_all(std::vector<Itinerary> itineraries) {
    for (Itinerary& itinerary : itineraries) add(std::move(itinerary));
  }

  const CanonicalPath& path_;
  Index max_order_;
  std::vector<Itinerary> itineraries_;
  std::unordered_map<Itinerary, std::int64_t, ItineraryHash> index_;
};

}  // namespace

FollowedCycles follow_cycles(const CanonicalPath& path, const std::vector<Itinerary>& start,
                             Index max_order, int n_threads, Control& control,
                             FollowProgress& progress) {
  Closure closure(path, max_order);
  for (const Itinerary& itinerary : start) closure.add(path.canonical(itinerary));
  std::vector<Branch> branches;
  FollowedCycles result;
  while (branches.size() < closure.itineraries().size()) {
    const std::size_t first = branches.size();
    const std::size_t n = std::min(kBatch, closure.itineraries().size() - first);
    std::vector<Branch> fresh(n);
    std::vector<char> done(n, 0);
    parallel_for(n, n_threads, [&](std::size_t i, int) {
      if (control.stop_requested()) return;
      try {
        fresh[i] = analyse_branch(path, closure.itineraries()[first + i], &control);
      } catch (const Stopped&) {
        return;
      }
      done[i] = 1;
      progress.n_analysed.fetch_add(1, std::memory_order_relaxed);
    });
    for (std::size_t i = 0; i < n; ++i) {
      if (done[i] == 0) fresh[i].itinerary = closure.itineraries()[first + i];
      // Cycles of twice the order are not asked for beyond the largest one.
      if (2 * fresh[i].itinerary.order > max_order) fresh[i].flips_everywhere = false;
      branches.push_back(std::move(fresh[i]));
      if (done[i] != 0) closure.add_relatives(branches.back());
    }
    progress.n_known.store(static_cast<std::int64_t>(closure.itineraries().size()));
    if (control.reason() != StopReason::none) break;
  }
  result.stopped_by = control.reason();
  result.n_analysed = progress.n_analysed.load();
  // A part of the table is of no use, and making it may take long.
  if (result.stopped_by != StopReason::none) return result;
  build_event_table(
      path, branches,
      [&](const Itinerary& itinerary) {
        const std::int64_t i = closure.index(itinerary);
        return i < static_cast<std::int64_t>(branches.size()) ? i : -1;
      },
      result);
  return result;
}

}  // namespace rnndyn

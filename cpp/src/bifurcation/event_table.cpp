#include "bifurcation/event_table.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "bifurcation/relatives.hpp"

namespace rnndyn {
namespace {

// Ends of different itineraries at one event agree to this, beyond their brackets.
constexpr double kSameEvent = 1e-9;

// One end of one stretch.
struct End {
  std::size_t branch;
  std::size_t segment;  // index into the segments of the result
  bool is_begin;
  int sign;  // of det(I - J)
  Index n_unstable;
  const Cut* cut;
  bool contact;  // a cycle that is real at this very s only
};

class EventTable {
 public:
  EventTable(const CanonicalPath& path, const std::vector<Branch>& branches,
             const std::function<std::int64_t(const Itinerary&)>& index, FollowedCycles& out)
      : path_(path), branches_(branches), index_(index), out_(out) {}

  void run() {
    collect();
    join();
    infinities();
    collisions();
    for (std::size_t b = 0; b < branches_.size(); ++b) gaps_of(b);
    sort_events();
  }

 private:
  PathSegment& segment(const End& end) { return out_.segments[end.segment]; }
  void attach(const End& end, std::int64_t event) {
    (end.is_begin ? segment(end).begin_event : segment(end).end_event) = event;
    if (end.contact) segment(end).end_event = event;
  }
  std::int64_t listed(std::size_t branch) const { return listed_[branch]; }

  void list(std::size_t b) {
    if (listed_[b] >= 0) return;
    listed_[b] = static_cast<std::int64_t>(out_.itineraries.size());
    out_.itineraries.push_back(branches_[b].itinerary);
  }

  void collect() {
    listed_.assign(branches_.size(), -1);
    ends_of_.resize(branches_.size());
    for (std::size_t b = 0; b < branches_.size(); ++b) {
      const Branch& branch = branches_[b];
      if (!branch.stretches.empty()) list(b);
      for (const Stretch& s : branch.stretches) {
        const std::size_t at = out_.segments.size();
        PathSegment fresh;
        fresh.itinerary = listed_[b];
        fresh.begin = s.begin;
        fresh.end = s.end;
        fresh.n_unstable_begin = s.n_unstable_begin;
        fresh.n_unstable_end = s.n_unstable_end;
        out_.segments.push_back(fresh);
        if (s.begin_cut >= 0) {
          add_end({b, at, true, s.begin_sign, s.n_unstable_begin,
                   &branch.cuts[static_cast<std::size_t>(s.begin_cut)], false});
        }
        if (s.end_cut >= 0) {
          add_end({b, at, false, s.end_sign, s.n_unstable_end,
                   &branch.cuts[static_cast<std::size_t>(s.end_cut)], false});
        }
      }
    }
    for (std::size_t b = 0; b < branches_.size(); ++b) add_contacts(b);
    for (std::size_t b = 0; b < branches_.size(); ++b) {
      for (const InnerEvent& inner : branches_[b].inner) {
        PathEvent event;
        static_cast<PathRoot&>(event) = inner.root;
        event.itinerary = listed_[b];
        event.n_unstable_before = inner.n_unstable_before;
        event.n_unstable_after = inner.n_unstable_after;
        event.outcome = inner.root.kind == EventKind::border_collision ? Outcome::none
                                                                       : Outcome::stability_change;
        inner_.emplace_back(b, out_.events.size());
        out_.events.push_back(event);
      }
    }
  }

  void add_end(const End& end) {
    ends_of_[end.branch].push_back(ends_.size());
    ends_.push_back(end);
  }

  // A cycle on the border at s = 0 or s = 1 of which nothing is left inside becomes a segment of
  // no length, once for all itineraries that meet there.
  void add_contacts(std::size_t b) {
    const Branch& branch = branches_[b];
    for (int side = 0; side < 2; ++side) {
      if (branch.contact_cut[side] < 0) continue;
      const Cut& cut = branch.cuts[static_cast<std::size_t>(branch.contact_cut[side])];
      bool first = true;
      for (const Itinerary& partner : border_partners(path_, branch.itinerary, cut.vanishing)) {
        const std::int64_t other = index_(partner);
        if (other < 0) continue;
        const auto p = static_cast<std::size_t>(other);
        first = first && ends_at(p, cut.s, cut.upper - cut.lower).empty() &&
                !(branches_[p].contact_cut[side] >= 0 && partner < branch.itinerary);
      }
      if (!first) continue;
      list(b);
      PathSegment fresh;
      fresh.itinerary = listed_[b];
      fresh.begin = fresh.end = cut.s;
      fresh.n_unstable_begin = fresh.n_unstable_end = branch.contact_n_unstable[side];
      out_.segments.push_back(fresh);
      add_end({b, out_.segments.size() - 1, true, branch.contact_sign[side],
               branch.contact_n_unstable[side], &cut, true});
    }
  }

  std::vector<std::size_t> ends_at(std::size_t branch, double s, double width) const {
    std::vector<std::size_t> found;
    for (const std::size_t e : ends_of_[branch]) {
      const Cut& cut = *ends_[e].cut;
      if (std::abs(cut.s - s) <= kSameEvent + width + cut.upper - cut.lower) found.push_back(e);
    }
    return found;
  }

  // Groups of ends that meet: union-find over the relation "bits that vanish flipped".
  std::size_t root(std::size_t e) {
    while (parent_[e] != e) e = parent_[e] = parent_[parent_[e]];
    return e;
  }
  void join() {
    parent_.resize(ends_.size());
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    for (std::size_t e = 0; e < ends_.size(); ++e) {
      const Cut& cut = *ends_[e].cut;
      for (const std::size_t other : ends_at(ends_[e].branch, cut.s, 0.0)) {
        if (ends_[other].cut == &cut) parent_[root(other)] = root(e);
      }
      if (cut.diverges) continue;
      for (const Itinerary& partner :
           border_partners(path_, branches_[ends_[e].branch].itinerary, cut.vanishing)) {
        const std::int64_t p = index_(partner);
        if (p < 0) continue;
        for (const std::size_t other :
             ends_at(static_cast<std::size_t>(p), cut.s, cut.upper - cut.lower)) {
          if (!ends_[other].cut->diverges) parent_[root(other)] = root(e);
        }
      }
    }
  }

  PathEvent event_at(const End& end, EventKind kind) const {
    PathEvent event;
    event.kind = kind;
    event.s = end.cut->s;
    event.lower = end.cut->lower;
    event.upper = end.cut->upper;
    event.residual = end.cut->residual;
    event.converged = end.cut->converged;
    event.itinerary = listed(end.branch);
    return event;
  }

  void infinities() {
    for (std::size_t e = 0; e < ends_.size(); ++e) {
      const End& end = ends_[e];
      if (!end.cut->diverges || root(e) != e) continue;
      PathEvent event = event_at(end, EventKind::degenerate_transcritical);
      event.outcome = Outcome::infinity;
      for (std::size_t other = 0; other < ends_.size(); ++other) {
        if (root(other) != e) continue;
        (ends_[other].is_begin ? event.n_unstable_after : event.n_unstable_before) =
            ends_[other].n_unstable;
        attach(ends_[other], static_cast<std::int64_t>(out_.events.size()));
      }
      out_.events.push_back(event);
    }
  }

  void collisions() {
    std::vector<std::vector<std::size_t>> groups(ends_.size());
    for (std::size_t e = 0; e < ends_.size(); ++e) {
      if (!ends_[e].cut->diverges) groups[root(e)].push_back(e);
    }
    for (std::vector<std::size_t>& group : groups) {
      if (!group.empty()) collision(group);
    }
  }

  Index order_of(std::size_t e) const { return branches_[ends_[e].branch].itinerary.order; }

  // All ends that meet in one border point. Of each order, what comes in and goes out on the other
  // side with the same sign of det(I - J) is one cycle that persists; two on one side with opposite
  // signs are a nonsmooth fold. Cycles of larger order than the smallest that remain collapse onto
  // it and belong to its event.
  void collision(std::vector<std::size_t>& group) {
    std::stable_sort(group.begin(), group.end(),
                     [&](std::size_t a, std::size_t b) { return order_of(a) < order_of(b); });
    const Index base = order_of(group.front());
    std::vector<char> used(group.size(), 0);
    std::int64_t base_event = -1;
    for (const bool persistence : {true, false}) {
      for (std::size_t a = 0; a < group.size(); ++a) {
        for (std::size_t b = a + 1; b < group.size() && used[a] == 0; ++b) {
          const End& x = ends_[group[a]];
          const End& y = ends_[group[b]];
          if (used[b] != 0 || order_of(group[a]) != order_of(group[b])) continue;
          if (x.contact || y.contact || x.sign == 0 || y.sign == 0) continue;
          if ((x.is_begin != y.is_begin) != persistence) continue;
          if ((x.sign == y.sign) != persistence) continue;
          used[a] = used[b] = 1;
          const std::int64_t event = pair(x, y, persistence);
          if (base_event < 0 && order_of(group[a]) == base) base_event = event;
        }
      }
    }
    for (std::size_t a = 0; a < group.size(); ++a) {
      if (used[a] != 0) continue;
      const End& end = ends_[group[a]];
      if (base_event >= 0 && order_of(group[a]) > base) {
        attach_larger(end, base, base_event);
      } else {
        const std::int64_t event = lone(end);
        if (base_event < 0) base_event = event;
      }
    }
  }

  std::int64_t pair(const End& x, const End& y, bool persistence) {
    const bool swap = persistence && x.is_begin;
    const End& first = swap ? y : x;  // the branch before
    const End& second = swap ? x : y;
    PathEvent event = event_at(first, EventKind::border_collision);
    // Of two brackets of the same root the narrower one that is verified.
    if (second.cut->converged &&
        (!first.cut->converged ||
         second.cut->upper - second.cut->lower < first.cut->upper - first.cut->lower)) {
      event.s = second.cut->s;
      event.lower = second.cut->lower;
      event.upper = second.cut->upper;
      event.residual = second.cut->residual;
      event.converged = second.cut->converged;
    }
    name_bit(first, event);
    event.partner = listed(second.branch);
    event.outcome = persistence ? Outcome::persistence : Outcome::nonsmooth_fold;
    event.n_unstable_before = first.n_unstable;
    event.n_unstable_after = second.n_unstable;
    const auto at = static_cast<std::int64_t>(out_.events.size());
    attach(first, at);
    attach(second, at);
    out_.events.push_back(event);
    return at;
  }

  static void name_bit(const End& end, PathEvent& event) {
    if (end.cut->vanishing.empty()) return;
    event.time_index = end.cut->vanishing.front().time;
    event.unit = end.cut->vanishing.front().unit;
  }

  void attach_larger(const End& end, Index base, std::int64_t event) {
    attach(end, event);
    PathEvent& target = out_.events[static_cast<std::size_t>(event)];
    const bool doubled = branches_[end.branch].itinerary.order == 2 * base;
    if (doubled && target.doubled < 0) target.doubled = listed(end.branch);
  }

  // An end that meets no other one.
  std::int64_t lone(const End& end) {
    const Branch& branch = branches_[end.branch];
    // Half of it may be a cycle that goes through a degenerate flip, or a part of it through a
    // center, at this s.
    for (const Itinerary& partner : border_partners(path_, branch.itinerary, end.cut->vanishing)) {
      const std::int64_t p = index_(partner);
      if (p < 0 || partner.order >= branch.itinerary.order) continue;
      for (const auto& [owner, event] : inner_) {
        if (owner != static_cast<std::size_t>(p)) continue;
        const PathEvent& target = out_.events[event];
        if (std::abs(target.s - end.cut->s) > kSameEvent + target.upper - target.lower) continue;
        attach_larger(end, partner.order, static_cast<std::int64_t>(event));
        return static_cast<std::int64_t>(event);
      }
    }
    PathEvent event = event_at(end, end.cut->vanishing.empty() ? EventKind::degenerate_transcritical
                                                               : EventKind::border_collision);
    name_bit(end, event);
    (end.is_begin ? event.n_unstable_after : event.n_unstable_before) = end.n_unstable;
    const bool at_end = end.cut->s == 0.0 || end.cut->s == 1.0;
    if (at_end && !end.cut->vanishing.empty()) {
      // What it meets lies outside the path.
      event.outcome = end.contact ? Outcome::nonsmooth_fold : Outcome::persistence;
    } else {
      out_.gaps.push_back({branch.itinerary, end.cut->s, "no cycle found that it meets here"});
    }
    const auto at = static_cast<std::int64_t>(out_.events.size());
    attach(end, at);
    out_.events.push_back(event);
    return at;
  }

  void gaps_of(std::size_t b) {
    for (const double s : branches_[b].unresolved) {
      out_.gaps.push_back(
          {branches_[b].itinerary, s, "the sign of a pre-activation or determinant is in doubt"});
    }
    if (branches_[b].singular_everywhere) {
      out_.gaps.push_back({branches_[b].itinerary, 0.0, "det(I - J) vanishes on the whole path"});
    }
  }

  // Itineraries, segments and events in an order that depends on nothing but the result.
  void sort_events() {
    std::vector<std::size_t> names(out_.itineraries.size());
    std::iota(names.begin(), names.end(), std::size_t{0});
    std::sort(names.begin(), names.end(), [&](std::size_t a, std::size_t b) {
      return out_.itineraries[a] < out_.itineraries[b];
    });
    std::vector<std::int64_t> renamed(names.size());
    std::vector<Itinerary> itineraries;
    for (std::size_t i = 0; i < names.size(); ++i) {
      renamed[names[i]] = static_cast<std::int64_t>(i);
      itineraries.push_back(std::move(out_.itineraries[names[i]]));
    }
    out_.itineraries = std::move(itineraries);
    const auto rename = [&](std::int64_t& i) {
      if (i >= 0) i = renamed[static_cast<std::size_t>(i)];
    };
    for (PathEvent& event : out_.events) {
      rename(event.itinerary);
      rename(event.partner);
      rename(event.doubled);
    }
    std::vector<std::size_t> by_s(out_.events.size());
    std::iota(by_s.begin(), by_s.end(), std::size_t{0});
    std::stable_sort(by_s.begin(), by_s.end(), [&](std::size_t a, std::size_t b) {
      const PathEvent& x = out_.events[a];
      const PathEvent& y = out_.events[b];
      return std::pair(x.s, x.itinerary) < std::pair(y.s, y.itinerary);
    });
    std::vector<std::int64_t> place(by_s.size());
    std::vector<PathEvent> events;
    for (std::size_t i = 0; i < by_s.size(); ++i) {
      place[by_s[i]] = static_cast<std::int64_t>(i);
      events.push_back(out_.events[by_s[i]]);
    }
    out_.events = std::move(events);
    for (PathSegment& s : out_.segments) {
      rename(s.itinerary);
      if (s.begin_event >= 0) s.begin_event = place[static_cast<std::size_t>(s.begin_event)];
      if (s.end_event >= 0) s.end_event = place[static_cast<std::size_t>(s.end_event)];
    }
    std::sort(out_.segments.begin(), out_.segments.end(),
              [](const PathSegment& a, const PathSegment& b) {
                return std::pair(a.itinerary, a.begin) < std::pair(b.itinerary, b.begin);
              });
    std::sort(out_.gaps.begin(), out_.gaps.end(), [](const PathGap& a, const PathGap& b) {
      return a.s < b.s || (a.s == b.s && a.itinerary < b.itinerary);
    });
  }

  const CanonicalPath& path_;
  const std::vector<Branch>& branches_;
  const std::function<std::int64_t(const Itinerary&)>& index_;
  FollowedCycles& out_;
  std::vector<std::int64_t> listed_;
  std::vector<End> ends_;
  std::vector<std::vector<std::size_t>> ends_of_;  // of each branch
  std::vector<std::size_t> parent_;
  std::vector<std::pair<std::size_t, std::size_t>> inner_;  // branch, event
};

}  // namespace

void build_event_table(const CanonicalPath& path, const std::vector<Branch>& branches,
                       const std::function<std::int64_t(const Itinerary&)>& index,
                       FollowedCycles& out) {
  EventTable(path, branches, index, out).run();
}

}  // namespace rnndyn

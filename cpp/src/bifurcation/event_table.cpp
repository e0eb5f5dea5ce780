#include "bifurcation/event_table.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "bifurcation/contacts.hpp"
#include "bifurcation/relatives.hpp"

namespace rnndyn {
namespace {

// What is in doubt at places closer than this is one gap.
constexpr double kOneGap = 0.02;

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
    sort_record(out_);
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
    add_contacts();
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

  // A cycle that is real at one s only becomes a segment of no length.
  void add_contacts() {
    for (const auto& [b, contact] : contacts_without_branch(path_, branches_, index_)) {
      const Cut& cut = branches_[b].cuts[static_cast<std::size_t>(contact->cut)];
      list(b);
      PathSegment fresh;
      fresh.itinerary = listed_[b];
      fresh.begin = fresh.end = cut.s;
      fresh.n_unstable_begin = fresh.n_unstable_end = contact->n_unstable;
      out_.segments.push_back(fresh);
      add_end({b, out_.segments.size() - 1, true, contact->sign, contact->n_unstable, &cut, true});
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

  // Groups of ends that meet: union-find over the relations "bits that vanish flipped" and "same
  // border point". Either alone would do but for zeros that are not found at quite the same place.
  std::size_t root(std::size_t e) {
    while (parent_[e] != e) e = parent_[e] = parent_[parent_[e]];
    return e;
  }
  void join() {
    parent_.resize(ends_.size());
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
    std::unordered_map<Itinerary, std::vector<std::size_t>, ItineraryHash> at_point;
    for (std::size_t e = 0; e < ends_.size(); ++e) {
      const Cut& cut = *ends_[e].cut;
      if (cut.diverges || cut.vanishing.empty()) continue;
      auto& here = at_point[border_point(branches_[ends_[e].branch].itinerary, cut.vanishing)];
      for (const std::size_t other : here) {
        const Cut& its = *ends_[other].cut;
        if (std::abs(its.s - cut.s) <= kSameEvent + its.upper - its.lower + cut.upper - cut.lower)
          parent_[root(other)] = root(e);
      }
      here.push_back(e);
    }
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
      const End& end = ends_[group[a]];
      if (used[a] != 0) {
        if (base_event >= 0 && order_of(group[a]) > base) note_attached(end, base_event);
        continue;
      }
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
    note_attached(end, event);
    PathEvent& target = out_.events[static_cast<std::size_t>(event)];
    const bool doubled = branches_[end.branch].itinerary.order == 2 * base;
    if (doubled && target.doubled < 0) target.doubled = listed(end.branch);
  }

  void note_attached(const End& end, std::int64_t event) {
    out_.attached.push_back({event, listed(end.branch)});
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
    } else if (!end.contact) {
      out_.gaps.push_back({branch.itinerary, end.cut->s, "no cycle found that it meets here"});
    }
    const auto at = static_cast<std::int64_t>(out_.events.size());
    attach(end, at);
    out_.events.push_back(event);
    return at;
  }

  // One gap for places of an itinerary that follow each other closely.
  void add_gaps(const Itinerary& itinerary, std::vector<double> places, const std::string& reason) {
    std::sort(places.begin(), places.end());
    for (std::size_t first = 0, last; first < places.size(); first = last + 1) {
      last = first;
      while (last + 1 < places.size() && places[last + 1] - places[last] < kOneGap) ++last;
      std::ostringstream text;
      text << reason;
      if (last > first) {
        text << ", as at " << last - first << " more places within " << places[last] - places[first]
             << " after it";
      }
      out_.gaps.push_back({itinerary, places[first], text.str()});
    }
  }

  void gaps_of(std::size_t b) {
    const Branch& branch = branches_[b];
    add_gaps(branch.itinerary, branch.continua, "a continuum of cycles may exist at this place");
    std::vector<double> alone;
    for (const double s : branch.on_border) {
      const std::int64_t other = index_(branch.turned_off);
      if (other < 0 || !is_real(branches_[static_cast<std::size_t>(other)], s, 0.0))
        alone.push_back(s);
    }
    add_gaps(branch.itinerary, alone,
             "the cycle lies on a border all along, and is not isolated beyond it");
    add_gaps(branch.itinerary, branch.unresolved,
             "the sign of a pre-activation or determinant is in doubt");
    add_gaps(branch.itinerary, branch.merged,
             "borders are met one so shortly after the other here that they count as one event");
    if (branch.singular_everywhere) {
      out_.gaps.push_back({branch.itinerary, 0.0, "det(I - J) vanishes on the whole path"});
    }
    if (branch.flips_everywhere) {
      out_.gaps.push_back({branch.itinerary, branch.stretches.front().begin,
                           "a multiplier is -1 on the whole path, with a continuum of cycles of "
                           "twice the order"});
    }
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

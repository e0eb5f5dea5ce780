#include "search/collection.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace rnndyn {
namespace {

// Seconds, after a stop.
constexpr double kMomentOfStopped = 0.1;
constexpr double kOperationsOfPair = 100.0;

// Whether every orbit of `small` belongs to `large`: those in its relative interior follow the same
// regions, and the others are their limits.
bool is_part_of(const Continuum& small, const Continuum& large) {
  return small.itinerary.order == large.itinerary.order &&
         small.basis.cols() <= large.basis.cols() && contains(large, small.itinerary, small.zeros);
}

// By itinerary. Two of a million agree in their first twenty regions, so that most comparisons of
// whole itineraries would be slow: numbers made of the first regions come first.
std::vector<Collection::Member*> sorted(const std::vector<Collection::Member*>& members) {
  struct Entry {
    Index order;
    Word head;
    Collection::Member* member;
  };
  Word used = 0;
  for (const Collection::Member* member : members) {
    for (const Word word : member->itinerary().bits) used |= word;
  }
  const auto width = static_cast<Index>(std::bit_width(used));
  std::vector<Entry> entries;
  entries.reserve(members.size());
  for (Collection::Member* member : members) {
    const Itinerary& itinerary = member->itinerary();
    Word head = 0;
    if (itinerary.words == 1 && width > 0) {
      const Index n = std::min(itinerary.order, 64 / width);
      for (Index t = 0; t < n; ++t) {
        head = (width < 64 ? head << width : 0) | itinerary.at(t)[0];
      }
    }
    entries.push_back({itinerary.order, head, member});
  }
  std::ranges::sort(entries, [](const Entry& a, const Entry& b) {
    if (a.order != b.order) return a.order < b.order;
    if (a.head != b.head) return a.head < b.head;
    return a.member->itinerary() < b.member->itinerary();
  });
  std::vector<Collection::Member*> result;
  result.reserve(entries.size());
  for (const Entry& entry : entries) result.push_back(entry.member);
  return result;
}

// Whether members of a continuum may lie in the box: all that bounds of where they begin say.
bool may_reach(const Continuum& continuum, const std::optional<Box>& box) {
  if (!box) return true;
  // Directions and extents are rounded; one too many is listed rather than one too few.
  constexpr double kSlack = 1e-9;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Index n_directions = continuum.basis.cols();
  double from = -kInfinity;  // of a line: the part of it that is in the box
  double to = kInfinity;
  for (Index j = 0; j < continuum.points.rows(); ++j) {
    const double point = continuum.points(j, 0);
    const double slack =
        kSlack * (std::abs(point) + std::abs(box->lower(j)) + std::abs(box->upper(j)));
    const double below = box->lower(j) - slack - point;
    const double above = box->upper(j) + slack - point;
    double low = 0.0;
    double high = 0.0;
    for (Index d = 0; d < n_directions; ++d) {
      const double slope = continuum.basis(j, d);
      if (slope == 0.0) continue;
      const double a = slope * continuum.extent(d, 0);
      const double b = slope * continuum.extent(d, 1);
      low += std::min(a, b);
      high += std::max(a, b);
    }
    if (low > above || high < below) return false;
    if (n_directions != 1 || std::abs(continuum.basis(j, 0)) < kSlack) continue;
    const double slope = continuum.basis(j, 0);
    from = std::max(from, std::min(below / slope, above / slope));
    to = std::min(to, std::max(below / slope, above / slope));
  }
  if (n_directions != 1) return true;
  const double room = kSlack * (std::abs(from) + std::abs(to));
  return from <= to + room && from <= continuum.extent(0, 1) + room &&
         to >= continuum.extent(0, 0) - room;
}

}  // namespace

std::int32_t Collection::lookup(const Itinerary& itinerary) const {
  const auto known = outcome_.find(itinerary);
  return known == outcome_.end() ? kUnknown : known->second;
}

bool Collection::same(const Candidate& a, const Candidate& b) const {
  if (a.cycle.has_value() != b.cycle.has_value()) return false;
  if (a.continuum) return a.continuum->basis.cols() == b.continuum->basis.cols();
  // Away from borders the itinerary says it all. On one it does not: its bits are cleared there,
  // and they may be those of a cycle inside the region.
  if (!a.cycle->on_border && !b.cycle->on_border) return true;
  const bool decided = a.decided && b.decided;
  if (decided && a.cycle->on_border != b.cycle->on_border) return false;
  const double tolerance = a.cycle->error_bound + b.cycle->error_bound +
                           1e-12 * (1.0 + a.cycle->points.cwiseAbs().maxCoeff());
  const Index k = a.cycle->itinerary.order;
  for (Index shift = 0; shift < k; ++shift) {
    if (rotated(b.cycle->itinerary, shift) != a.cycle->itinerary) continue;
    if (decided) {
      // Two cycles with the same signs everywhere would be joined by a continuum.
      if (rotated(b.cycle->zeros, shift) == a.cycle->zeros) return true;
      continue;
    }
    double distance = 0.0;
    for (Index t = 0; t < k; ++t) {
      const auto apart = a.cycle->points.col(t) - b.cycle->points.col((t + shift) % k);
      distance = std::max(distance, apart.cwiseAbs().maxCoeff());
    }
    if (distance <= tolerance) return true;
  }
  return false;
}

bool Collection::inside_box(const Matrix& points) const {
  if (!box_) return true;
  return (points.array() >= box_->lower.array().replicate(1, points.cols())).all() &&
         (points.array() <= box_->upper.array().replicate(1, points.cols())).all();
}

std::int32_t Collection::add(const Itinerary& itinerary, Candidate candidate) {
  std::int32_t id = kRejected;
  const bool decided = candidate.decided;
  if (candidate.kind == CandidateKind::cycle || candidate.kind == CandidateKind::continuum) {
    Member member;
    member.candidate = std::move(candidate);
    auto& twins = by_itinerary_[member.itinerary()];
    for (const std::int32_t twin : twins) {
      if (same(members_[static_cast<std::size_t>(twin)].candidate, member.candidate)) id = twin;
    }
    if (id == kRejected) {
      id = static_cast<std::int32_t>(members_.size());
      twins.push_back(id);
      member.inside_box = member.candidate.cycle ? inside_box(member.points())
                                                 : may_reach(*member.candidate.continuum, box_);
      members_.push_back(std::move(member));
    }
  }
  outcome_.emplace(itinerary, id);
  if (!decided) undecided_.insert(itinerary);
  return id;
}

void Collection::extract(const std::vector<Index>& orders, Control& control, SearchResult& result) {
  Control moment(kMomentOfStopped, {});
  Control& clock = control.stop_requested() ? moment : control;
  // Two itineraries differ after a few words, mostly.
  Looks looks(&clock);
  const auto in_time = [&]() {
    try {
      looks.after(kOperationsOfPair);
    } catch (const Stopped&) {
    }
    return clock.reason() == StopReason::none;
  };
  std::vector<FoundContinuum> continua;
  for (const Member& member : members_) {
    if (member.candidate.continuum) {
      continua.push_back({*member.candidate.continuum, member.hits});
    }
  }
  const auto wanted = [&](Index order) {
    return std::find(orders.begin(), orders.end(), order) != orders.end();
  };
  for (std::size_t i = 0; i < continua.size(); ++i) {
    const Continuum& own = continua[i].continuum;
    if (!wanted(own.itinerary.order) || !may_reach(own, box_)) continue;
    bool part = false;
    for (std::size_t j = 0; j < continua.size() && !part && in_time(); ++j) {
      const Continuum& other = continua[j].continuum;
      // Of two that contain each other the first stays.
      part = i != j && is_part_of(own, other) && (j < i || !is_part_of(other, own));
    }
    if (!part) result.continua.push_back(continua[i]);
  }
  std::vector<Member*> listed;
  for (Member& member : members_) {
    if (!member.candidate.cycle || !member.inside_box || !wanted(member.order())) continue;
    bool absorbed = false;
    if (member.candidate.cycle->on_border) {
      for (const FoundContinuum& found : continua) {
        if (absorbed || !in_time()) break;
        absorbed = (found.continuum.itinerary.order == member.order() &&
                    contains(found.continuum, member.itinerary(), member.candidate.cycle->zeros));
      }
    }
    if (!absorbed) listed.push_back(&member);
  }
  // A search that is stopped may have a million of them, each of which is moved once.
  result.cycles.reserve(listed.size());
  for (Member* member : sorted(listed)) {
    result.cycles.push_back({std::move(*member->candidate.cycle), member->hits});
  }
  std::sort(result.continua.begin(), result.continua.end(), [](const auto& a, const auto& b) {
    return a.continuum.itinerary < b.continuum.itinerary;
  });
}

}  // namespace rnndyn

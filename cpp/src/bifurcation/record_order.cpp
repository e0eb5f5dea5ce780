#include <algorithm>
#include <numeric>
#include <utility>

#include "bifurcation/event_table.hpp"

namespace rnndyn {

void sort_record(FollowedCycles& record) {
  std::vector<std::size_t> names(record.itineraries.size());
  std::iota(names.begin(), names.end(), std::size_t{0});
  std::sort(names.begin(), names.end(), [&](std::size_t a, std::size_t b) {
    return record.itineraries[a] < record.itineraries[b];
  });
  std::vector<std::int64_t> renamed(names.size());
  std::vector<Itinerary> itineraries;
  for (std::size_t i = 0; i < names.size(); ++i) {
    renamed[names[i]] = static_cast<std::int64_t>(i);
    itineraries.push_back(std::move(record.itineraries[names[i]]));
  }
  record.itineraries = std::move(itineraries);
  const auto rename = [&](std::int64_t& i) {
    if (i >= 0) i = renamed[static_cast<std::size_t>(i)];
  };
  for (PathEvent& event : record.events) {
    rename(event.itinerary);
    rename(event.partner);
    rename(event.doubled);
  }
  std::vector<std::size_t> by_s(record.events.size());
  std::iota(by_s.begin(), by_s.end(), std::size_t{0});
  std::stable_sort(by_s.begin(), by_s.end(), [&](std::size_t a, std::size_t b) {
    const PathEvent& x = record.events[a];
    const PathEvent& y = record.events[b];
    return std::pair(x.s, x.itinerary) < std::pair(y.s, y.itinerary);
  });
  std::vector<std::int64_t> place(by_s.size());
  std::vector<PathEvent> events;
  for (std::size_t i = 0; i < by_s.size(); ++i) {
    place[by_s[i]] = static_cast<std::int64_t>(i);
    events.push_back(record.events[by_s[i]]);
  }
  record.events = std::move(events);
  for (PathSegment& s : record.segments) {
    rename(s.itinerary);
    if (s.begin_event >= 0) s.begin_event = place[static_cast<std::size_t>(s.begin_event)];
    if (s.end_event >= 0) s.end_event = place[static_cast<std::size_t>(s.end_event)];
  }
  std::sort(record.segments.begin(), record.segments.end(),
            [](const PathSegment& a, const PathSegment& b) {
              return std::pair(a.itinerary, a.begin) < std::pair(b.itinerary, b.begin);
            });
  for (PathAttachment& a : record.attached) {
    rename(a.itinerary);
    a.event = place[static_cast<std::size_t>(a.event)];
  }
  const auto position = [](const PathAttachment& a) { return std::pair(a.event, a.itinerary); };
  std::sort(
      record.attached.begin(), record.attached.end(),
      [&](const PathAttachment& a, const PathAttachment& b) { return position(a) < position(b); });
  // A cycle may both begin and end there.
  record.attached.erase(std::unique(record.attached.begin(), record.attached.end(),
                                    [&](const PathAttachment& a, const PathAttachment& b) {
                                      return position(a) == position(b);
                                    }),
                        record.attached.end());
  std::sort(record.gaps.begin(), record.gaps.end(), [](const PathGap& a, const PathGap& b) {
    return a.s < b.s || (a.s == b.s && a.itinerary < b.itinerary);
  });
}

}  // namespace rnndyn

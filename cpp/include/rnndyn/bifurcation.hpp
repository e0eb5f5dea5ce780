// Cycles along a straight path between two maps: what happens to them where, and what they become.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "rnndyn/cycles.hpp"
#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// (1 - s) start + s end, parameter by parameter, for s in [0, 1].
class CanonicalPath {
 public:
  // Throws std::invalid_argument when the two maps differ in shape.
  CanonicalPath(CanonicalMap start, CanonicalMap end);

  const CanonicalMap& start() const { return start_; }
  const CanonicalMap& end() const { return end_; }
  Index n_states() const { return start_.n_states(); }
  Index n_units() const { return start_.n_units(); }
  // Units that can change the map somewhere on the path; see CanonicalMap::relevant_units.
  const std::vector<Index>& relevant_units() const { return relevant_; }
  // The smallest rotation of the primitive itinerary, without the bits of irrelevant units.
  Itinerary canonical(Itinerary itinerary) const;

 private:
  CanonicalMap start_, end_;
  std::vector<Index> relevant_;
};

// The numbers are part of the file format of results.
enum class EventKind : std::int8_t {
  border_collision = 0,
  degenerate_transcritical = 1,  // a multiplier passes +1
  degenerate_flip = 2,           // a multiplier passes -1
  center = 3                     // a complex pair passes the unit circle
};
enum class Outcome : std::int8_t {
  persistence = 0,
  nonsmooth_fold = 1,
  none = 2,  // touches the border and turns back, is real at this s only, or unexplained
  infinity = 3,
  stability_change = 4
};

struct PathRoot {
  EventKind kind = EventKind::border_collision;
  double s = 0.0;
  double lower = 0.0;  // bracket of s
  double upper = 0.0;
  double residual = 0.0;   // |pre-activation|, |1 - mu|, |1 + mu| or | |mu| - 1 |
  bool converged = false;  // the defining function changes its sign within the bracket
  Index time_index = -1;
  Index unit = -1;
};

// Everything that happens to the candidate of one itinerary, real or virtual, in [0, 1]: border
// collisions, degenerate transcritical and degenerate flip; by increasing s.
std::vector<PathRoot> events_on_path(const CanonicalPath& path, const Itinerary& itinerary);

struct PathEvent : PathRoot {
  std::int64_t itinerary = -1;  // indices into FollowedCycles::itineraries
  std::int64_t partner = -1;
  std::int64_t doubled = -1;
  Outcome outcome = Outcome::none;
  // Multipliers outside the unit circle; at a nonsmooth fold those of `itinerary` and of `partner`;
  // -1 where there is no cycle.
  Index n_unstable_before = -1;
  Index n_unstable_after = -1;
};

struct PathSegment {
  std::int64_t itinerary = -1;
  double begin = 0.0;
  double end = 1.0;
  std::int64_t begin_event = -1;
  std::int64_t end_event = -1;
  Index n_unstable_begin = -1;
  Index n_unstable_end = -1;
};

struct PathGap {
  Itinerary itinerary;
  double s = 0.0;
  std::string reason;
};

// A cycle of larger order, all points of which run into the border point of an event, or that
// begins or ends at a change of stability of a cycle of smaller order.
struct PathAttachment {
  std::int64_t event = -1;
  std::int64_t itinerary = -1;
};

struct FollowedCycles {
  std::vector<Itinerary> itineraries;    // those with a segment
  std::vector<PathSegment> segments;     // by itinerary, then by s
  std::vector<PathEvent> events;         // by s
  std::vector<PathAttachment> attached;  // by event, then by itinerary
  std::vector<PathGap> gaps;
  std::int64_t n_analysed = 0;  // itineraries looked at
  StopReason stopped_by = StopReason::none;
};

// Written by the call while it runs, for an observer.
struct FollowProgress {
  std::atomic<std::int64_t> n_analysed{0};
  std::atomic<std::int64_t> n_known{0};
};

// Where the cycles of the given itineraries, and all that are joined to them by events in [0, 1],
// exist. `max_order` limits the cycles that are born from those of smaller order.
FollowedCycles follow_cycles(const CanonicalPath& path, const std::vector<Itinerary>& start,
                             Index max_order, int n_threads, Control& control,
                             FollowProgress& progress);

// The candidate of one itinerary at one s.
struct PathPoint {
  Matrix points;  // M x order, in the order of the itinerary given; infinite where singular
  double spectral_radius = 0.0;
  Index n_unstable = 0;
  int determinant_sign = 0;  // of I - J_k ... J_1
};
std::vector<PathPoint> cycle_on_path(const CanonicalPath& path, const Itinerary& itinerary,
                                     const std::vector<double>& s);

}  // namespace rnndyn

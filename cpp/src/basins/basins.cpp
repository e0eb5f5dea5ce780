#include "rnndyn/basins.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>

#include "basins/orbit_map.hpp"

namespace rnndyn {
namespace {

constexpr std::size_t kStride = static_cast<std::size_t>(kOrbits);
constexpr int kBlocksBetweenPolls = 32;

// The coordinates of one of the orbits that lie side by side.
struct LaneState {
  const double* first;
  double operator()(Index i) const { return first[static_cast<std::size_t>(i) * kStride]; }
};

// Finds the neighbourhood that a state is in.
class Places {
 public:
  explicit Places(const std::vector<Neighbourhood>& neighbourhoods)
      : neighbourhoods_(neighbourhoods) {
    for (const Neighbourhood& place : neighbourhoods) {
      Index narrowest = 0;
      place.half_widths.minCoeff(&narrowest);
      narrowest_.push_back(narrowest);
    }
  }

  // Attractor of the neighbourhood that the state is in, or kUndecided.
  std::int32_t find(const LaneState& state) const {
    for (const Neighbourhood& place : neighbourhoods_) {
      if (contains(place, state)) return place.attractor;
    }
    return kUndecided;
  }

  // The same for the states of all orbits at once, for which nearly always one comparison is
  // enough; returns whether any is in a neighbourhood.
  bool find_all(const double* states, std::int32_t* found) const {
    std::fill_n(found, kOrbits, kUndecided);
    bool any_found = false;
    for (std::size_t n = 0; n < neighbourhoods_.size(); ++n) {
      const Neighbourhood& place = neighbourhoods_[n];
      const double* row = states + static_cast<std::size_t>(narrowest_[n]) * kStride;
      const double center = place.center(narrowest_[n]);
      const double half_width = place.half_widths(narrowest_[n]);
      const std::uint32_t near = kernels::functions().near_center(row, center, half_width);
      if (near == 0) continue;
      for (std::size_t lane = 0; lane < kStride; ++lane) {
        if (((near >> lane) & 1U) != 0 && found[lane] == kUndecided &&
            contains(place, LaneState{states + lane})) {
          found[lane] = place.attractor;
          any_found = true;
        }
      }
    }
    return any_found;
  }

 private:
  static bool contains(const Neighbourhood& place, const LaneState& state) {
    const Index m = place.center.size();
    for (Index i = 0; i < m; ++i) {
      if (!(std::abs(state(i) - place.center(i)) <= place.half_widths(i))) return false;
    }
    double square = 0.0;
    for (Index row = 0; row < m; ++row) {
      double sum = 0.0;
      for (Index i = row; i < m; ++i) sum += place.factor(row, i) * (state(i) - place.center(i));
      square += sum * sum;
      if (!(square <= 1.0)) return false;
    }
    return true;
  }

  const std::vector<Neighbourhood>& neighbourhoods_;
  std::vector<Index> narrowest_;
};

struct Shared {
  const OrbitMap& map;
  const Places& places;
  Index n_states;
  std::size_t n_points;
  // Writes the state that the orbit of a number begins with, its entries kStride apart.
  const std::function<void(std::size_t, double*)>& first_state;
  const BasinOptions& options;
  Index interval;  // steps between two looks at the neighbourhoods
  Control& control;
  BasinProgress& progress;
  BasinRun& run;
  std::atomic<std::size_t> next{0};
};

// Follows kOrbits orbits at a time; an orbit that is done makes room for the next point.
class Follower {
 public:
  explicit Follower(Shared& shared)
      : shared_(shared),
        from_(shared.map.buffer_size(), 0.0),
        to_(shared.map.buffer_size(), 0.0),
        saved_(shared.interval > 1 ? shared.map.buffer_size() : 0, 0.0),
        again_(saved_.size(), 0.0) {}

  void follow() {
    for (std::size_t lane = 0; lane < kStride; ++lane) refill(lane);
    for (int block = 0; n_busy_ > 0; ++block) {
      if (block % kBlocksBetweenPolls == 0 && shared_.control.stop_requested()) return;
      if (shared_.interval > 1) saved_ = from_;
      std::array<double, kStride> beyond{};
      for (Index t = 0; t < shared_.interval; ++t) {
        shared_.map.step(from_.data(), to_.data(), shared_.options.escape_radius, beyond.data());
        from_.swap(to_);
      }
      finish_block(beyond);
    }
  }

 private:
  static constexpr std::size_t kNoPoint = static_cast<std::size_t>(-1);

  void finish_block(const std::array<double, kStride>& beyond) {
    now_ += shared_.interval;
    std::array<std::int32_t, kStride> found;
    const bool any_found = shared_.places.find_all(from_.data(), found.data());
    std::int64_t any_beyond = 0;
    for (std::size_t lane = 0; lane < kStride; ++lane) any_beyond |= beyond[lane] != 0.0 ? 1 : 0;
    if (!any_found && any_beyond == 0 && now_ < deadline_) return;
    std::array<bool, kStride> ended{};
    bool any = false;
    for (std::size_t lane = 0; lane < kStride; ++lane) {
      ended[lane] = point_[lane] != kNoPoint && (beyond[lane] != 0.0 || found[lane] != kUndecided);
      any = any || ended[lane];
    }
    if (any && shared_.interval > 1) {
      replay(ended);
    } else if (any) {
      for (std::size_t lane = 0; lane < kStride; ++lane) {
        if (ended[lane]) finish(lane, beyond[lane] != 0.0 ? kEscaped : found[lane], now_);
      }
    }
    deadline_ = std::numeric_limits<Index>::max();
    for (std::size_t lane = 0; lane < kStride; ++lane) {
      if (point_[lane] == kNoPoint) continue;
      if (!ended[lane] && now_ - begun_[lane] >= shared_.options.max_steps) {
        finish(lane, kUndecided, now_);
        ended[lane] = true;
      }
      if (ended[lane]) refill(lane);
      if (point_[lane] != kNoPoint) {
        deadline_ = std::min(deadline_, begun_[lane] + shared_.options.max_steps);
      }
    }
  }

  // Steps through the block again to see at which step its orbits ended.
  void replay(const std::array<bool, kStride>& ended) {
    std::array<bool, kStride> open = ended;
    std::array<double, kStride> beyond{};
    for (Index t = 1; t <= shared_.interval; ++t) {
      shared_.map.step(saved_.data(), again_.data(), shared_.options.escape_radius, beyond.data());
      saved_.swap(again_);
      for (std::size_t lane = 0; lane < kStride; ++lane) {
        if (!open[lane]) continue;
        const std::int32_t label =
            beyond[lane] != 0.0 ? kEscaped : shared_.places.find(LaneState{saved_.data() + lane});
        if (label == kUndecided) continue;
        finish(lane, label, now_ - shared_.interval + t);
        open[lane] = false;
      }
    }
  }

  void finish(std::size_t lane, std::int32_t label, Index now) {
    const std::size_t point = point_[lane];
    const Index n_steps = now - begun_[lane];
    const bool in_time = n_steps <= shared_.options.max_steps;
    shared_.run.labels[point] = in_time ? label : kUndecided;
    shared_.run.n_steps[point] = in_time ? n_steps : shared_.options.max_steps;
    shared_.progress.n_points.fetch_add(1, std::memory_order_relaxed);
  }

  // Starts the next orbit that is not decided by its first state.
  void refill(std::size_t lane) {
    n_busy_ -= point_[lane] == kNoPoint ? 0 : 1;
    const Index n_states = shared_.n_states;
    double* state = from_.data() + lane;
    for (;;) {
      point_[lane] = shared_.next.fetch_add(1, std::memory_order_relaxed);
      if (point_[lane] >= shared_.n_points) break;
      shared_.first_state(point_[lane], state);
      double largest = 0.0;
      for (Index i = 0; i < n_states; ++i) {
        largest = std::max(largest, std::abs(state[static_cast<std::size_t>(i) * kStride]));
      }
      begun_[lane] = now_;
      const std::int32_t label = largest <= shared_.options.escape_radius
                                     ? shared_.places.find(LaneState{state})
                                     : kEscaped;
      if (label == kUndecided) {
        ++n_busy_;
        return;
      }
      finish(lane, label, now_);
    }
    point_[lane] = kNoPoint;
    // Nobody looks at an idle orbit; it goes on from somewhere.
    for (Index i = 0; i < n_states; ++i) state[static_cast<std::size_t>(i) * kStride] = 0.0;
  }

  Shared& shared_;
  std::vector<double> from_, to_, saved_, again_;
  std::array<std::size_t, kStride> point_ = [] {
    std::array<std::size_t, kStride> none;
    none.fill(kNoPoint);
    return none;
  }();
  // Steps made by this thread so far, the count at which each orbit began, and the one at which the
  // first of them has had enough.
  Index now_ = 0;
  std::array<Index, kStride> begun_{};
  Index deadline_ = 0;
  int n_busy_ = 0;
};

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

void check(const CanonicalMap& map, const std::vector<Neighbourhood>& neighbourhoods,
           const BasinOptions& options) {
  const Index m = map.n_states();
  // Steps are counted over all orbits of a thread.
  require(options.max_steps >= 0 && options.max_steps <= std::numeric_limits<Index>::max() / 2,
          "max_steps is out of range");
  require(options.escape_radius > 0.0, "escape_radius must be positive");
  for (const Neighbourhood& place : neighbourhoods) {
    require(place.center.size() == m && place.half_widths.size() == m && place.factor.rows() == m &&
                place.factor.cols() == m && place.attractor >= 0,
            "a neighbourhood must have one entry per state of the map");
  }
}

BasinRun follow(const CanonicalMap& map, std::size_t n_points,
                const std::function<void(std::size_t, double*)>& first_state,
                const std::vector<Neighbourhood>& neighbourhoods, const BasinOptions& options,
                Control& control, BasinProgress& progress) {
  check(map, neighbourhoods, options);
  BasinRun run;
  run.labels.assign(n_points, kNotReached);
  run.n_steps.assign(n_points, 0);
  const OrbitMap lanes(map);
  const Places places(neighbourhoods);
  // Looking should not take longer than stepping: one look costs about three terms of a step for
  // each neighbourhood, and what is done for every look as much as 24. What is found does not
  // depend on this.
  const Index looking = 24 + 3 * static_cast<Index>(neighbourhoods.size());
  const Index interval = std::clamp<Index>(looking / lanes.n_terms(), 1, 32);
  Shared shared{lanes,   places,   map.n_states(), n_points, first_state,
                options, interval, control,        progress, run};
  const int n_workers = std::max(1, options.n_threads);
  parallel_for(static_cast<std::size_t>(n_workers), n_workers,
               [&shared](std::size_t, int) { Follower(shared).follow(); });
  run.stopped_by = control.reason();
  return run;
}

}  // namespace

BasinRun basins(const CanonicalMap& map, const PlaneOfStates& plane,
                const std::vector<Index>& points, const std::vector<Neighbourhood>& neighbourhoods,
                const BasinOptions& options, Control& control, BasinProgress& progress) {
  const Index m = map.n_states();
  require(plane.origin.size() == m && plane.directions.rows() == m && plane.directions.cols() == 2,
          "the plane must have one entry per state of the map");
  for (const Index point : points) {
    require(point >= 0 && point < plane.size(), "a point is not one of the plane");
  }
  const auto first_state = [&](std::size_t point, double* state) {
    const Index number = points[point];
    const double x = plane.x(number % plane.x.size());
    const double y = plane.y(number / plane.x.size());
    for (Index i = 0; i < m; ++i) {
      state[static_cast<std::size_t>(i) * kStride] =
          plane.origin(i) + x * plane.directions(i, 0) + y * plane.directions(i, 1);
    }
  };
  return follow(map, points.size(), first_state, neighbourhoods, options, control, progress);
}

BasinRun basins(const CanonicalMap& map, const Matrix& states,
                const std::vector<Neighbourhood>& neighbourhoods, const BasinOptions& options,
                Control& control, BasinProgress& progress) {
  const Index m = map.n_states();
  require(states.rows() == m, "the states must have one entry per state of the map");
  const auto first_state = [&](std::size_t point, double* state) {
    for (Index i = 0; i < m; ++i) {
      state[static_cast<std::size_t>(i) * kStride] = states(i, static_cast<Index>(point));
    }
  };
  return follow(map, static_cast<std::size_t>(states.cols()), first_state, neighbourhoods, options,
                control, progress);
}

}  // namespace rnndyn

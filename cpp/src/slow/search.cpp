// Restarts, and what becomes of their ends.
#include <algorithm>
#include <cmath>

#include "rnndyn/slow_points.hpp"

namespace rnndyn::slow {
namespace {

// Ends closer than this, in the scale of the map, are the same.
constexpr double kSame = 1e-5;
// A start this close to a curve has it traced already.
constexpr double kOnCurve = 0.02;
constexpr std::size_t kBatch = 16;
constexpr std::int64_t kRestarts = 128;
constexpr std::uint64_t kTopic = ~std::uint64_t{0} - 16;

class Collector {
 public:
  Collector(const Landscape& landscape, const SlowPointOptions& options, SlowPointResult& result)
      : landscape_(landscape), options_(options), result_(result) {}

  // Whether it is a slow point that was not known.
  bool file(SlowPoint point);
  void trace(Control& control);

 private:
  SlowPoint* twin_in(std::vector<SlowPoint>& points, const SlowPoint& point) const;
  bool is_traced(const Vector& state) const;

  const Landscape& landscape_;
  const SlowPointOptions& options_;
  SlowPointResult& result_;
  std::vector<SlowPoint> others_;  // fixed points, and where q is flat
};

SlowPoint* Collector::twin_in(std::vector<SlowPoint>& points, const SlowPoint& point) const {
  const double same = kSame * landscape_.scale();
  const auto twin = std::ranges::find_if(points, [&](const SlowPoint& other) {
    return (other.state - point.state).cwiseAbs().maxCoeff() < same;
  });
  return twin == points.end() ? nullptr : &*twin;
}

bool Collector::file(SlowPoint point) {
  point.hits = 1;
  const bool is_fixed = point.speed < kFixed * landscape_.scale();
  if (is_fixed || !point.is_minimum) {
    ++(is_fixed ? result_.n_fixed_points : result_.n_flat);
    if (twin_in(others_, point) == nullptr) others_.push_back(std::move(point));
    return false;
  }
  if (!(point.speed <= options_.max_speed)) return false;
  if (SlowPoint* twin = twin_in(result_.points, point)) {
    ++twin->hits;
    return false;
  }
  result_.points.push_back(std::move(point));
  return true;
}

bool Collector::is_traced(const Vector& state) const {
  const double near = kOnCurve * landscape_.scale();
  return std::ranges::any_of(result_.curves, [&](const SlowCurve& curve) {
    for (Index s = 0; s + 1 < curve.points.cols(); ++s) {
      const Vector side = curve.points.col(s + 1) - curve.points.col(s);
      const Vector to = state - curve.points.col(s);
      const double share = std::clamp(to.dot(side) / side.squaredNorm(), 0.0, 1.0);
      if ((to - share * side).norm() < near) return true;
    }
    return false;
  });
}

void Collector::trace(Control& control) {
  std::vector<const SlowPoint*> starts;
  for (const SlowPoint& point : result_.points) starts.push_back(&point);
  for (const SlowPoint& point : others_) starts.push_back(&point);
  for (const SlowPoint* start : starts) {
    if (control.stop_requested()) return;
    if (is_traced(start->state)) continue;
    if (auto curve = trace_curve(landscape_, start->state, control)) {
      result_.curves.push_back(std::move(*curve));
    }
  }
  std::ranges::stable_sort(result_.curves, std::ranges::greater{}, &SlowCurve::length);
}

}  // namespace

SlowPointResult find_slow_points(const Landscape& landscape, const SlowPointOptions& options,
                                 Control& control, SearchProgress& progress) {
  SlowPointResult result;
  Collector collector(landscape, options, result);
  const std::int64_t patience = options.max_restarts.value_or(kRestarts);
  std::int64_t since_new = 0;
  for (std::uint64_t first = 0; since_new < patience && !control.stop_requested();
       first += kBatch) {
    std::vector<std::optional<SlowPoint>> ends(kBatch);
    std::vector<char> done(kBatch, 0);
    parallel_for(kBatch, options.n_threads, [&](std::size_t item, int) {
      if (control.stop_requested()) return;
      RandomStream stream(options.seed, kTopic, first + item);
      const auto n_given = static_cast<std::uint64_t>(options.states.cols());
      const bool given = n_given > 0 && stream.uniform() < 0.5;
      ends[item] = landscape.descend(
          given ? Vector(options.states.col(static_cast<Index>(stream.below(n_given))))
                : landscape.draw(stream));
      done[item] = 1;
    });
    for (std::size_t i = 0; i < kBatch; ++i) {
      if (done[i] == 0) continue;
      ++result.n_restarts;
      ++since_new;
      if (!ends[i]) {
        ++result.n_failed;
      } else if (collector.file(std::move(*ends[i]))) {
        since_new = 0;
        progress.n_cycles.fetch_add(1);
      }
    }
    progress.n_restarts.store(result.n_restarts);
    const double ends_at = static_cast<double>(std::max<std::int64_t>(1, patience));
    progress.fraction.store(std::min(1.0, static_cast<double>(since_new) / ends_at));
  }
  std::ranges::stable_sort(result.points, {}, &SlowPoint::speed);
  collector.trace(control);
  result.stopped_by = control.reason();
  result.complete = result.stopped_by == StopReason::none;
  return result;
}

}  // namespace rnndyn::slow

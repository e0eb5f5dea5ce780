#include <algorithm>
#include <stdexcept>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/bifurcation.hpp"

namespace rnndyn::bindings {
namespace {

template <typename T, typename Record, typename Value>
py::array_t<T> column(const std::vector<Record>& records, Value value) {
  py::array_t<T> result(static_cast<py::ssize_t>(records.size()));
  std::transform(records.begin(), records.end(), result.mutable_data(),
                 [&](const Record& r) { return static_cast<T>(value(r)); });
  return result;
}

Itinerary itinerary_from(const CanonicalMap& map, const BoolArray& bits) {
  const std::vector<Word> packed = pack_itinerary(bits, map.n_units());
  if (packed.empty()) throw std::invalid_argument("an itinerary needs at least one region");
  Itinerary itinerary(bits.shape(0), map.words_per_region());
  itinerary.bits = packed;
  return itinerary;
}

BoolArray bits_of(const Itinerary& itinerary, Index n_units) {
  BoolArray bits({itinerary.order, n_units});
  for (Index t = 0; t < itinerary.order; ++t) {
    unpack_region(itinerary.at(t), n_units, bits.mutable_data() + t * n_units);
  }
  return bits;
}

template <typename Record>
py::dict root_columns(const std::vector<Record>& roots) {
  py::dict columns;
  columns["kind"] = column<std::int8_t>(roots, [](const PathRoot& r) { return r.kind; });
  columns["s"] = column<double>(roots, [](const PathRoot& r) { return r.s; });
  columns["s_lower"] = column<double>(roots, [](const PathRoot& r) { return r.lower; });
  columns["s_upper"] = column<double>(roots, [](const PathRoot& r) { return r.upper; });
  columns["residual"] = column<double>(roots, [](const PathRoot& r) { return r.residual; });
  columns["converged"] = column<bool>(roots, [](const PathRoot& r) { return r.converged; });
  columns["time_index"] =
      column<std::int64_t>(roots, [](const PathRoot& r) { return r.time_index; });
  columns["unit"] = column<std::int64_t>(roots, [](const PathRoot& r) { return r.unit; });
  return columns;
}

py::dict event_columns(const std::vector<PathEvent>& events) {
  using Event = PathEvent;
  py::dict columns = root_columns(events);
  columns["itinerary"] = column<std::int64_t>(events, [](const Event& e) { return e.itinerary; });
  columns["partner"] = column<std::int64_t>(events, [](const Event& e) { return e.partner; });
  columns["outcome"] = column<std::int8_t>(events, [](const Event& e) { return e.outcome; });
  columns["doubled"] = column<std::int64_t>(events, [](const Event& e) { return e.doubled; });
  columns["n_unstable_before"] =
      column<std::int64_t>(events, [](const Event& e) { return e.n_unstable_before; });
  columns["n_unstable_after"] =
      column<std::int64_t>(events, [](const Event& e) { return e.n_unstable_after; });
  return columns;
}

py::dict segment_columns(const std::vector<PathSegment>& segments) {
  using Segment = PathSegment;
  py::dict columns;
  columns["itinerary"] =
      column<std::int64_t>(segments, [](const Segment& s) { return s.itinerary; });
  columns["s_begin"] = column<double>(segments, [](const Segment& s) { return s.begin; });
  columns["s_end"] = column<double>(segments, [](const Segment& s) { return s.end; });
  columns["begin_event"] =
      column<std::int64_t>(segments, [](const Segment& s) { return s.begin_event; });
  columns["end_event"] =
      column<std::int64_t>(segments, [](const Segment& s) { return s.end_event; });
  columns["n_unstable_begin"] =
      column<std::int64_t>(segments, [](const Segment& s) { return s.n_unstable_begin; });
  columns["n_unstable_end"] =
      column<std::int64_t>(segments, [](const Segment& s) { return s.n_unstable_end; });
  return columns;
}

py::dict result_record(const FollowedCycles& result, Index n_units) {
  py::list itineraries;
  for (const Itinerary& i : result.itineraries) itineraries.append(bits_of(i, n_units));
  py::list gaps;
  for (const PathGap& gap : result.gaps) {
    py::dict record;
    record["itinerary"] = bits_of(gap.itinerary, n_units);
    record["s"] = gap.s;
    record["reason"] = gap.reason;
    gaps.append(record);
  }
  py::dict record;
  record["itineraries"] = itineraries;
  record["segments"] = segment_columns(result.segments);
  record["events"] = event_columns(result.events);
  py::dict attached;
  attached["event"] =
      column<std::int64_t>(result.attached, [](const PathAttachment& a) { return a.event; });
  attached["itinerary"] =
      column<std::int64_t>(result.attached, [](const PathAttachment& a) { return a.itinerary; });
  record["attached"] = attached;
  record["gaps"] = gaps;
  record["n_analysed"] = result.n_analysed;
  record["stopped_by"] = reason_name(result.stopped_by);
  return record;
}

py::dict points_record(const std::vector<PathPoint>& found, Index order, Index m) {
  const auto n = static_cast<py::ssize_t>(found.size());
  DoubleArray points({n, static_cast<py::ssize_t>(order), static_cast<py::ssize_t>(m)});
  double* out = points.mutable_data();
  for (const PathPoint& point : found) {
    out = std::copy_n(point.points.data(), point.points.size(), out);
  }
  py::dict record;
  record["points"] = points;
  record["spectral_radius"] =
      column<double>(found, [](const PathPoint& p) { return p.spectral_radius; });
  record["n_unstable"] =
      column<std::int64_t>(found, [](const PathPoint& p) { return p.n_unstable; });
  record["det_sign"] =
      column<std::int8_t>(found, [](const PathPoint& p) { return p.determinant_sign; });
  return record;
}

}  // namespace

void register_bifurcation(py::module_& module) {
  module.def(
      "follow_cycles",
      [](const CanonicalMap& map0, const CanonicalMap& map1, const py::list& itineraries,
         Index max_order, int n_threads, const std::optional<py::function>& observer,
         std::optional<double> time_limit) {
        if (max_order < 1) throw std::invalid_argument("max_order must be at least 1");
        const CanonicalPath path(map0, map1);
        std::vector<Itinerary> start;
        for (const py::handle bits : itineraries) {
          start.push_back(itinerary_from(map0, bits.cast<BoolArray>()));
        }
        FollowProgress progress;
        const auto observe = [&] {
          if (observer) (*observer)(progress.n_analysed.load(), progress.n_known.load());
        };
        const FollowedCycles result = run_interruptible(time_limit, observe, [&](Control& control) {
          return follow_cycles(path, start, max_order, n_threads, control, progress);
        });
        return result_record(result, map0.n_units());
      },
      py::arg("map0"), py::arg("map1"), py::arg("itineraries"), py::arg("max_order"),
      py::arg("n_threads") = 1, py::arg("observer") = std::nullopt,
      py::arg("time_limit") = std::nullopt);

  module.def(
      "events_on_path",
      [](const CanonicalMap& map0, const CanonicalMap& map1, const BoolArray& bits) {
        const CanonicalPath path(map0, map1);
        const Itinerary itinerary = itinerary_from(map0, bits);
        std::vector<PathRoot> events;
        {
          const py::gil_scoped_release release;
          events = events_on_path(path, itinerary);
        }
        return root_columns(events);
      },
      py::arg("map0"), py::arg("map1"), py::arg("itinerary"));

  module.def(
      "cycle_on_path",
      [](const CanonicalMap& map0, const CanonicalMap& map1, const BoolArray& bits,
         const std::vector<double>& s) {
        const CanonicalPath path(map0, map1);
        const Itinerary itinerary = itinerary_from(map0, bits);
        std::vector<PathPoint> found;
        {
          const py::gil_scoped_release release;
          found = cycle_on_path(path, itinerary, s);
        }
        return points_record(found, itinerary.order, map0.n_states());
      },
      py::arg("map0"), py::arg("map1"), py::arg("itinerary"), py::arg("s"));
}

}  // namespace rnndyn::bindings

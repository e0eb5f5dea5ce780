#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/smooth/continuation.hpp"
#include "smooth_records.hpp"

namespace rnndyn::bindings {
namespace {

using smooth::Curve;
using smooth::CurveEnd;
using smooth::CurveEvent;
using smooth::CurveEventKind;
using smooth::CurveNode;
using smooth::CurveStart;
using smooth::CurveTube;
using smooth::SmoothMap;
using smooth::SmoothPath;

const char* end_name(CurveEnd end) {
  switch (end) {
    case CurveEnd::at_first:
      return "first";
    case CurveEnd::at_last:
      return "last";
    case CurveEnd::merged:
      return "merged";
    case CurveEnd::stopped:
      return "stopped";
    case CurveEnd::unproved:
      break;
  }
  return "unproved";
}

const char* kind_name(CurveEventKind kind) {
  switch (kind) {
    case CurveEventKind::fold:
      return "fold";
    case CurveEventKind::flip:
      return "flip";
    case CurveEventKind::neimark_sacker:
      break;
  }
  return "neimark_sacker";
}

// A row for every entry.
template <class Items, class Vector_of>
DoubleArray table(const Items& items, Index width, const Vector_of& vector_of) {
  DoubleArray rows({static_cast<Index>(items.size()), width});
  double* out = rows.mutable_data();
  for (const auto& item : items) {
    const Vector& row = vector_of(item);
    std::copy_n(row.data(), width, out);
    out += width;
  }
  return rows;
}

template <class Items, class Value>
auto column(const Items& items, const Value& value) {
  using Number = std::decay_t<decltype(value(items.front()))>;
  py::array_t<Number> numbers(static_cast<py::ssize_t>(items.size()));
  Number* out = numbers.mutable_data();
  for (const auto& item : items) *out++ = value(item);
  return numbers;
}

py::dict event_record(const CurveEvent& event) {
  py::dict record;
  record["kind"] = kind_name(event.kind);
  record["node"] = event.node;
  record["s"] = event.s;
  record["s_lower"] = event.s_lower;
  record["s_upper"] = event.s_upper;
  record["points"] = rows_of(event.points);
  record["residual"] = event.residual;
  record["n_unstable_before"] = event.n_unstable_before;
  record["n_unstable_after"] = event.n_unstable_after;
  record["confirmed"] = event.confirmed;
  return record;
}

py::dict curve_record(const Curve& curve, Index n_states, Index order) {
  DoubleArray points({static_cast<Index>(curve.nodes.size()), order, n_states});
  double* out = points.mutable_data();
  for (const CurveNode& node : curve.nodes) {
    out = std::copy_n(node.points.data(), node.points.size(), out);
  }
  py::list events;
  for (const CurveEvent& event : curve.events) events.append(event_record(event));
  const Index width = n_states * order + 1;
  py::dict record;
  record["s"] = column(curve.nodes, [](const CurveNode& node) { return node.s; });
  record["points"] = points;
  record["error_bounds"] =
      column(curve.nodes, [](const CurveNode& node) { return node.error_bound; });
  record["n_unstable"] = column(curve.nodes, [](const CurveNode& node) {
    return static_cast<std::int64_t>(node.n_unstable);
  });
  record["spectral_radius"] =
      column(curve.nodes, [](const CurveNode& node) { return node.spectral_radius; });
  record["centres"] =
      table(curve.tubes, width, [](const CurveTube& t) -> const Vector& { return t.centre; });
  record["directions"] =
      table(curve.tubes, width, [](const CurveTube& t) -> const Vector& { return t.direction; });
  record["reaches"] =
      table(curve.tubes, width, [](const CurveTube& t) -> const Vector& { return t.reach; });
  record["sigma_begin"] = column(curve.tubes, [](const CurveTube& t) { return t.sigma_begin; });
  record["sigma_end"] = column(curve.tubes, [](const CurveTube& t) { return t.sigma_end; });
  record["direction_of_s"] = column(
      curve.tubes, [](const CurveTube& t) { return static_cast<std::int64_t>(t.direction_of_s); });
  record["events"] = events;
  record["unexplained"] = curve.unexplained;
  record["end"] = end_name(curve.end);
  return record;
}

CurveStart start_from(const SmoothPath& path, const py::handle& entry) {
  const auto fields = py::cast<py::tuple>(entry);
  const auto points = py::cast<DoubleArray>(fields[0]);
  if (points.ndim() != 2 || points.shape(1) != path.n_states()) {
    throw std::invalid_argument("points must have shape (k, n_states)");
  }
  CurveStart start;
  start.points = Eigen::Map<const Matrix>(points.data(), points.shape(1), points.shape(0));
  start.s = py::cast<double>(fields[1]);
  start.heading = py::cast<Vector>(fields[2]);
  if (start.heading.size() != start.points.size() + 1) {
    throw std::invalid_argument("a heading must have k n_states + 1 entries");
  }
  return start;
}

py::object doubled_record(const SmoothPath& path, const DoubleArray& points, double s) {
  if (points.ndim() != 2 || points.shape(1) != path.n_states()) {
    throw std::invalid_argument("points must have shape (k, n_states)");
  }
  const Matrix columns = Eigen::Map<const Matrix>(points.data(), points.shape(1), points.shape(0));
  const auto start = smooth::doubled_start(path, columns, s);
  if (!start) return py::none();
  return py::make_tuple(rows_of(start->points), start->s, start->heading);
}

py::list points_records(const SmoothPath& path, const Vector& centre, const Vector& direction,
                        double sigma_begin, double sigma_end, Index order,
                        const std::vector<double>& s) {
  const Index size = order * path.n_states() + 1;
  if (centre.size() != size || direction.size() != size) {
    throw std::invalid_argument("centre and direction must have k n_states + 1 entries");
  }
  CurveTube tube;
  tube.centre = centre;
  tube.direction = direction;
  tube.sigma_begin = sigma_begin;
  tube.sigma_end = sigma_end;
  py::list result;
  for (const Matrix& points : smooth::points_of_tube(path, tube, order, s)) {
    result.append(rows_of(points));
  }
  return result;
}

}  // namespace

void register_smooth_path(py::module_& module) {
  py::class_<SmoothPath>(module, "SmoothPath", py::module_local())
      .def(py::init<SmoothMap, SmoothMap>(), py::arg("first"), py::arg("last"))
      .def_property_readonly("n_states", &SmoothPath::n_states)
      .def(
          "rate",
          [](const SmoothPath& path, const Vector& z, double s) {
            return path.at(s).rate(path.slopes(), z);
          },
          py::arg("state"), py::arg("s"))
      .def(
          "rate_bounds",
          [](const SmoothPath& path, const Vector& lower, const Vector& upper, double from,
             double to) {
            const auto rate =
                path.over({from, to}).rate(path.slopes(), smooth::IntervalVector(lower, upper));
            return py::make_tuple(rate.lower, rate.upper);
          },
          py::arg("lower"), py::arg("upper"), py::arg("s_lower"), py::arg("s_upper"))
      .def(
          "jacobians",
          [](const SmoothPath& path, const DoubleArray& points, double s) {
            const SmoothMap map = path.at(s);
            const Matrix columns = points_from(map, points, "points must have shape (k, n_states)");
            py::list jacobians;
            Vector next;
            Matrix jacobian;
            for (Index t = 0; t < columns.cols(); ++t) {
              map.jacobian(columns.col(t), next, jacobian);
              jacobians.append(jacobian);
            }
            return jacobians;
          },
          py::arg("points"), py::arg("s"))
      .def("doubled_start", &doubled_record, py::arg("points"), py::arg("s"))
      .def("points_of_tube", &points_records, py::arg("centre"), py::arg("direction"),
           py::arg("sigma_begin"), py::arg("sigma_end"), py::arg("order"), py::arg("s"));
  module.def(
      "cycle_near",
      [](const SmoothMap& map, const DoubleArray& points) {
        return cycle_record(smooth::cycle_near(
            map, points_from(map, points, "points must have shape (k, n_states)")));
      },
      py::arg("network"), py::arg("points"));
  module.def(
      "follow_curves",
      [](const SmoothPath& path, const py::list& starts, int n_threads,
         std::optional<double> time_limit) {
        std::vector<CurveStart> all;
        for (const py::handle& entry : starts) all.push_back(start_from(path, entry));
        const auto curves = run_interruptible(
            time_limit, [] {},
            [&](Control& control) { return smooth::follow_curves(path, all, n_threads, control); });
        py::list result;
        for (std::size_t i = 0; i < curves.size(); ++i) {
          result.append(curve_record(curves[i], path.n_states(), all[i].points.cols()));
        }
        return result;
      },
      py::arg("path"), py::arg("starts"), py::kw_only(), py::arg("n_threads") = 1,
      py::arg("time_limit") = std::nullopt);
}

}  // namespace rnndyn::bindings

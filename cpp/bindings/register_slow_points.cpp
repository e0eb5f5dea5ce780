#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/slow_points.hpp"

namespace rnndyn::bindings {
namespace {

using slow::Landscape;
using slow::SlowCurve;
using slow::SlowPoint;

py::dict point_record(const SlowPoint& point) {
  py::dict record;
  record["state"] = point.state;
  record["q"] = point.q;
  record["speed"] = point.speed;
  record["gradient_norm"] = point.gradient_norm;
  record["drift"] = point.drift;
  record["curvatures"] = point.curvatures;
  record["is_minimum"] = point.is_minimum;
  record["n_borders"] = point.n_borders;
  record["multipliers"] = point.multipliers.values;
  record["log_moduli"] = point.multipliers.log_moduli;
  record["hits"] = point.hits;
  return record;
}

py::dict curve_record(const SlowCurve& curve) {
  py::dict record;
  record["points"] = RowMatrix(curve.points.transpose());
  record["speeds"] = curve.speeds;
  record["rates"] = curve.rates;
  record["length"] = curve.length;
  record["across"] = curve.across;
  record["is_closed"] = curve.is_closed;
  return record;
}

py::dict result_record(const slow::SlowPointResult& result) {
  py::list points, curves;
  for (const SlowPoint& point : result.points) points.append(point_record(point));
  for (const SlowCurve& curve : result.curves) curves.append(curve_record(curve));
  py::dict record;
  record["points"] = points;
  record["curves"] = curves;
  record["n_restarts"] = result.n_restarts;
  record["n_fixed_points"] = result.n_fixed_points;
  record["n_flat"] = result.n_flat;
  record["n_failed"] = result.n_failed;
  record["complete"] = result.complete;
  record["stopped_by"] = reason_name(result.stopped_by);
  return record;
}

template <class Map>
void register_search(py::module_& module) {
  module.def(
      "find_slow_points",
      [](const Map& map, std::uint64_t seed, std::optional<std::int64_t> max_restarts,
         double max_speed, const std::optional<DoubleArray>& states, int n_threads,
         std::optional<double> time_limit, const std::optional<py::function>& observer) {
        slow::SlowPointOptions options;
        options.seed = seed;
        options.max_restarts = max_restarts;
        options.max_speed = max_speed;
        options.n_threads = n_threads;
        options.states = Matrix(map.n_states(), 0);
        if (states) {
          if (states->ndim() != 2 || states->shape(1) != map.n_states()) {
            throw std::invalid_argument("states must have shape (S, n_states)");
          }
          options.states =
              Eigen::Map<const Matrix>(states->data(), map.n_states(), states->shape(0));
        }
        const std::unique_ptr<Landscape> landscape = slow::landscape_of(map);
        SearchProgress progress;
        const auto observe = [&] {
          if (!observer) return;
          (*observer)(1, progress.n_cycles.load(), progress.n_restarts.load(), 0,
                      progress.fraction.load());
        };
        return result_record(run_interruptible(time_limit, observe, [&](Control& control) {
          return slow::find_slow_points(*landscape, options, control, progress);
        }));
      },
      py::arg("network"), py::kw_only(), py::arg("seed") = 0,
      py::arg("max_restarts") = std::nullopt,
      py::arg("max_speed") = std::numeric_limits<double>::infinity(),
      py::arg("states") = std::nullopt, py::arg("n_threads") = 1,
      py::arg("time_limit") = std::nullopt, py::arg("observer") = std::nullopt);
}

}  // namespace

void register_slow_points(py::module_& module) {
  register_search<smooth::SmoothMap>(module);
  register_search<CanonicalMap>(module);
}

}  // namespace rnndyn::bindings

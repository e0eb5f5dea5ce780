#include <stdexcept>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/basins.hpp"

namespace rnndyn::bindings {
namespace {

using NumberArray = py::array_t<std::int64_t, py::array::c_style>;
using LabelArray = py::array_t<std::int32_t, py::array::c_style>;

std::vector<Neighbourhood> neighbourhoods_from(Index m, const DoubleArray& centers,
                                               const DoubleArray& factors,
                                               const DoubleArray& half_widths,
                                               const LabelArray& attractors) {
  const py::ssize_t n = attractors.size();
  if (attractors.ndim() != 1 || centers.ndim() != 2 || half_widths.ndim() != 2 ||
      factors.ndim() != 3 || centers.shape(0) != n || half_widths.shape(0) != n ||
      factors.shape(0) != n || centers.shape(1) != m || half_widths.shape(1) != m ||
      factors.shape(1) != m || factors.shape(2) != m) {
    throw std::invalid_argument(
        "neighbourhoods must have centers (K, M), factors (K, M, M), half_widths (K, M) and "
        "attractors (K,)");
  }
  std::vector<Neighbourhood> neighbourhoods;
  for (py::ssize_t i = 0; i < n; ++i) {
    neighbourhoods.push_back({Eigen::Map<const RowMatrix>(factors.data() + i * m * m, m, m),
                              Eigen::Map<const Vector>(centers.data() + i * m, m),
                              Eigen::Map<const Vector>(half_widths.data() + i * m, m),
                              attractors.data()[i]});
  }
  return neighbourhoods;
}

template <class Array, class Values>
Array array_from(const Values& values) {
  Array array(static_cast<py::ssize_t>(values.size()));
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

py::dict record_of(const BasinRun& run) {
  py::dict record;
  record["labels"] = array_from<LabelArray>(run.labels);
  record["n_steps"] = array_from<NumberArray>(run.n_steps);
  record["stopped_by"] = reason_name(run.stopped_by);
  return record;
}

void register_basins_of_states(py::module_& module) {
  module.def(
      "basins_of_states",
      [](const CanonicalMap& map, const RowMatrix& states, const DoubleArray& centers,
         const DoubleArray& factors, const DoubleArray& half_widths, const LabelArray& attractors,
         Index max_steps, double escape_radius, int n_threads, std::optional<double> time_limit,
         const std::optional<py::function>& observer) {
        const auto neighbourhoods =
            neighbourhoods_from(map.n_states(), centers, factors, half_widths, attractors);
        const Matrix columns = states.transpose();
        const BasinOptions options{max_steps, escape_radius, n_threads};
        BasinProgress progress;
        const auto observe = [&] {
          if (observer) (*observer)(progress.n_points.load());
        };
        return record_of(run_interruptible(time_limit, observe, [&](Control& control) {
          return basins(map, columns, neighbourhoods, options, control, progress);
        }));
      },
      py::arg("canonical_map"), py::arg("states"), py::arg("centers"), py::arg("factors"),
      py::arg("half_widths"), py::arg("attractors"), py::kw_only(), py::arg("max_steps"),
      py::arg("escape_radius"), py::arg("n_threads") = 1, py::arg("time_limit") = std::nullopt,
      py::arg("observer") = std::nullopt);
}

}  // namespace

void register_basins(py::module_& module) {
  register_basins_of_states(module);
  module.def(
      "basins",
      [](const CanonicalMap& map, const Vector& origin, const RowMatrix& directions,
         const Vector& x, const Vector& y, const NumberArray& points, const DoubleArray& centers,
         const DoubleArray& factors, const DoubleArray& half_widths, const LabelArray& attractors,
         Index max_steps, double escape_radius, int n_threads, std::optional<double> time_limit,
         const std::optional<py::function>& observer) {
        const PlaneOfStates plane{origin, directions.transpose(), x, y};
        if (points.ndim() != 1) throw std::invalid_argument("points must have one dimension");
        const std::vector<Index> chosen(points.data(), points.data() + points.size());
        const auto neighbourhoods =
            neighbourhoods_from(map.n_states(), centers, factors, half_widths, attractors);
        const BasinOptions options{max_steps, escape_radius, n_threads};
        BasinProgress progress;
        const auto observe = [&] {
          if (observer) (*observer)(progress.n_points.load());
        };
        return record_of(run_interruptible(time_limit, observe, [&](Control& control) {
          return basins(map, plane, chosen, neighbourhoods, options, control, progress);
        }));
      },
      py::arg("canonical_map"), py::arg("origin"), py::arg("directions"), py::arg("x"),
      py::arg("y"), py::arg("points"), py::arg("centers"), py::arg("factors"),
      py::arg("half_widths"), py::arg("attractors"), py::kw_only(), py::arg("max_steps"),
      py::arg("escape_radius"), py::arg("n_threads") = 1, py::arg("time_limit") = std::nullopt,
      py::arg("observer") = std::nullopt);
}

}  // namespace rnndyn::bindings

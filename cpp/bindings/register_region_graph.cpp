#include <stdexcept>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/region_graph.hpp"

namespace rnndyn::bindings {
namespace {

using NumberArray = py::array_t<std::int64_t, py::array::c_style>;

const char* end_name(RegionGraphEnd end) {
  switch (end) {
    case RegionGraphEnd::exhausted:
      return "exhausted";
    case RegionGraphEnd::max_regions:
      return "max_regions";
    case RegionGraphEnd::stopped:
      break;
  }
  return "stopped";
}

py::dict record_of(const CanonicalMap& map, const RegionGraph& graph) {
  const auto n = static_cast<py::ssize_t>(graph.regions.size());
  const auto n_edges = static_cast<py::ssize_t>(graph.transitions.size());
  const Index m = map.n_states();
  BoolArray regions({n, map.n_units()});
  DoubleArray states({n, m});
  BoolArray initial(n);
  BoolArray expanded(n);
  for (py::ssize_t i = 0; i < n; ++i) {
    const RegionOfGraph& region = graph.regions[static_cast<std::size_t>(i)];
    unpack_region(region.bits.data(), map.n_units(), regions.mutable_data() + i * map.n_units());
    std::copy(region.state.data(), region.state.data() + m, states.mutable_data() + i * m);
    initial.mutable_data()[i] = region.initial;
    expanded.mutable_data()[i] = region.expanded;
  }
  NumberArray sources(n_edges);
  NumberArray targets(n_edges);
  BoolArray proved(n_edges);
  for (py::ssize_t i = 0; i < n_edges; ++i) {
    const Transition& transition = graph.transitions[static_cast<std::size_t>(i)];
    sources.mutable_data()[i] = transition.source;
    targets.mutable_data()[i] = transition.target;
    proved.mutable_data()[i] = transition.proved;
  }
  py::dict record;
  record["regions"] = regions;
  record["states"] = states;
  record["initial"] = initial;
  record["expanded"] = expanded;
  record["sources"] = sources;
  record["targets"] = targets;
  record["proved"] = proved;
  record["n_empty"] = graph.n_programs_empty;
  record["end"] = end_name(graph.end);
  return record;
}

}  // namespace

void register_region_graph(py::module_& module) {
  module.def(
      "region_graph",
      [](const CanonicalMap& map, const Vector& lower, const Vector& upper,
         const std::optional<std::pair<Vector, Vector>>& start, std::int64_t max_regions,
         int n_threads, std::optional<double> time_limit,
         const std::optional<py::function>& observer) {
        const Index m = map.n_states();
        if (lower.size() != m || upper.size() != m ||
            (start && (start->first.size() != m || start->second.size() != m))) {
          throw std::invalid_argument("boxes must have one entry per state of the map");
        }
        RegionGraphOptions options;
        options.box = {lower, upper};
        if (start) options.start = StateBox{start->first, start->second};
        options.max_regions = max_regions;
        options.n_threads = n_threads;
        RegionGraphProgress progress;
        StopReason reason = StopReason::none;
        const auto observe = [&] {
          if (observer) (*observer)(progress.n_expanded.load(), progress.n_regions.load());
        };
        const RegionGraph graph = run_interruptible(time_limit, observe, [&](Control& control) {
          RegionGraph found = region_graph(map, options, control, progress);
          reason = control.reason();
          return found;
        });
        py::dict record = record_of(map, graph);
        record["stopped_by"] = reason_name(reason);
        return record;
      },
      py::arg("canonical_map"), py::arg("lower"), py::arg("upper"), py::kw_only(),
      py::arg("start") = std::nullopt, py::arg("max_regions"), py::arg("n_threads") = 1,
      py::arg("time_limit") = std::nullopt, py::arg("observer") = std::nullopt);
}

}  // namespace rnndyn::bindings

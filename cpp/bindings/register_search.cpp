#include <cmath>
#include <stdexcept>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "proof_record.hpp"
#include "rnndyn/random.hpp"
#include "rnndyn/search.hpp"

namespace rnndyn::bindings {
namespace {

SearchMethod method_from(const std::string& name) {
  if (name == "auto") return SearchMethod::automatic;
  if (name == "exhaustive") return SearchMethod::exhaustive;
  if (name == "search") return SearchMethod::heuristic;
  if (name == "scyfi") return SearchMethod::scyfi;
  if (name == "complete") return SearchMethod::complete;
  throw std::invalid_argument("unknown method '" + name + "'");
}

const char* method_name(SearchMethod method) {
  switch (method) {
    case SearchMethod::exhaustive:
      return "exhaustive";
    case SearchMethod::heuristic:
      return "search";
    case SearchMethod::scyfi:
      return "scyfi";
    case SearchMethod::complete:
      return "complete";
    case SearchMethod::automatic:
      break;
  }
  return "auto";
}

template <typename T>
py::array_t<T> column(const FoundCycle* first, std::size_t n, T (*value)(const FoundCycle&)) {
  py::array_t<T> result(static_cast<py::ssize_t>(n));
  T* data = result.mutable_data();
  for (std::size_t i = 0; i < n; ++i) data[i] = value(first[i]);
  return result;
}

// All cycles of one order as columns.
py::dict block(const CanonicalMap& map, const FoundCycle* first, std::size_t n) {
  const Index order = first->cycle.itinerary.order;
  const Index m = map.n_states();
  const Index h = map.n_units();
  const auto count = static_cast<py::ssize_t>(n);
  DoubleArray points({count, static_cast<py::ssize_t>(order), static_cast<py::ssize_t>(m)});
  BoolArray itineraries({count, static_cast<py::ssize_t>(order), static_cast<py::ssize_t>(h)});
  py::array_t<std::complex<double>> multipliers({count, static_cast<py::ssize_t>(m)});
  DoubleArray log_moduli({count, static_cast<py::ssize_t>(m)});
  for (std::size_t i = 0; i < n; ++i) {
    const Cycle& cycle = first[i].cycle;
    const auto at = static_cast<Index>(i);
    std::copy_n(cycle.points.data(), order * m, points.mutable_data() + at * order * m);
    const Itinerary visible = visible_itinerary(map, cycle.itinerary, cycle.points);
    for (Index t = 0; t < order; ++t) {
      unpack_region(visible.at(t), h, itineraries.mutable_data() + (at * order + t) * h);
    }
    std::copy_n(cycle.multipliers.values.data(), m, multipliers.mutable_data() + at * m);
    std::copy_n(cycle.multipliers.log_moduli.data(), m, log_moduli.mutable_data() + at * m);
  }
  py::dict columns;
  columns["order"] = order;
  columns["points"] = points;
  columns["itinerary"] = itineraries;
  columns["multipliers"] = multipliers;
  columns["log_moduli"] = log_moduli;
  columns["spectral_radius"] = column<double>(
      first, n, [](const FoundCycle& f) { return f.cycle.multipliers.spectral_radius; });
  columns["stability"] = column<std::int8_t>(first, n, [](const FoundCycle& f) {
    return static_cast<std::int8_t>(f.cycle.multipliers.stability);
  });
  columns["residual"] =
      column<double>(first, n, [](const FoundCycle& f) { return f.cycle.residual; });
  columns["margin"] = column<double>(first, n, [](const FoundCycle& f) { return f.cycle.margin; });
  columns["error_bound"] =
      column<double>(first, n, [](const FoundCycle& f) { return f.cycle.error_bound; });
  columns["on_border"] =
      column<bool>(first, n, [](const FoundCycle& f) { return f.cycle.on_border; });
  columns["certified"] =
      column<bool>(first, n, [](const FoundCycle& f) { return f.cycle.certified; });
  columns["hits"] = column<std::int64_t>(first, n, [](const FoundCycle& f) { return f.hits; });
  return columns;
}

const char* name_of(IndexReason reason) {
  constexpr const char* kNames[] = {
      "",          "no_box",        "restricted", "order_not_searched", "continuum",
      "on_border", "not_certified", "too_long",   "sign_is_open"};
  return kNames[static_cast<int>(reason)];
}

py::dict statistics_record(const OrderStatistics& statistics) {
  py::dict record;
  record["order"] = statistics.order;
  record["method"] = method_name(statistics.method);
  record["n_restarts"] = statistics.n_restarts;
  record["n_solves"] = statistics.n_solves;
  record["n_itineraries"] = statistics.n_itineraries;
  record["n_undecided"] = statistics.n_undecided;
  record["n_hits"] = statistics.n_hits;
  record["n_singletons"] = statistics.n_singletons;
  record["coverage"] = statistics.coverage;
  record["n_solves_at_last_new"] = statistics.n_solves_at_last_new;
  record["seconds"] = statistics.seconds;
  record["seconds_at_last_new"] = statistics.seconds_at_last_new;
  record["complete"] = statistics.complete;
  record["n_boxes"] = statistics.n_boxes;
  const IndexSum& index = statistics.index;
  record["index_sum"] = index.sum;
  record["index_unknown"] = py::make_tuple(name_of(index.reason), index.order, index.n);
  return record;
}

py::dict result_record(const CanonicalMap& map, const SearchResult& result) {
  py::list blocks;
  for (std::size_t i = 0; i < result.cycles.size();) {
    std::size_t end = i;
    while (end < result.cycles.size() &&
           result.cycles[end].cycle.itinerary.order == result.cycles[i].cycle.itinerary.order) {
      ++end;
    }
    blocks.append(block(map, &result.cycles[i], end - i));
    i = end;
  }
  py::list continua;
  for (const FoundContinuum& found : result.continua) {
    py::dict record = continuum_record(map, found.continuum);
    record["hits"] = found.hits;
    continua.append(record);
  }
  py::list statistics;
  for (const OrderStatistics& s : result.statistics) statistics.append(statistics_record(s));
  py::dict record;
  record["blocks"] = blocks;
  record["continua"] = continua;
  record["statistics"] = statistics;
  record["stopped_by"] = reason_name(result.stopped_by);
  record["certificate"] =
      result.certificate ? py::object(certificate_record(map, *result.certificate)) : py::none();
  return record;
}

// A state a row becomes a state a column.
Matrix states_of(const CanonicalMap& map, const Matrix& rows) {
  if (rows.cols() != map.n_states()) {
    throw std::invalid_argument("states must have one column per state of the map");
  }
  return rows.transpose();
}

}  // namespace

void register_search(py::module_& module) {
  py::register_exception<TooManyItineraries>(module, "TooManyItinerariesError", PyExc_ValueError);
  module.def(
      "find_cycles",
      [](const CanonicalMap& map, const std::vector<Index>& orders, const std::string& method,
         std::uint64_t seed, std::optional<std::int64_t> max_restarts,
         std::optional<std::int64_t> max_iterations, const std::optional<Vector>& box_lower,
         const std::optional<Vector>& box_upper, const std::optional<Matrix>& states, int n_threads,
         std::optional<double> time_limit, const std::optional<py::function>& observer,
         const std::string& proof_method, const std::string& branching, bool rigorous,
         bool keep_tree, const std::optional<py::dict>& resume,
         const std::optional<py::list>& known) {
        for (const Index order : orders) {
          if (order < 1) throw std::invalid_argument("orders must be at least 1");
        }
        for (const auto& corner : {box_lower, box_upper}) {
          if (corner && corner->size() != map.n_states()) {
            throw std::invalid_argument("a corner of the box must have one entry per state");
          }
        }
        SearchOptions options;
        options.orders = orders;
        options.method = method_from(method);
        options.seed = seed;
        options.max_restarts = max_restarts;
        options.max_iterations = max_iterations;
        if (box_lower && box_upper) options.box = Box{*box_lower, *box_upper};
        if (states) options.states = states_of(map, *states);
        options.n_threads = n_threads;
        if (time_limit) options.time_limit = *time_limit;
        options.proof.method = proof_method_from(proof_method);
        if (branching != "violation" && branching != "time_order") {
          throw std::invalid_argument("branching must be 'violation' or 'time_order'");
        }
        options.proof.branching =
            branching == "violation" ? BranchingRule::violation : BranchingRule::time_order;
        options.proof.rigorous = rigorous;
        options.proof.keep_tree = keep_tree;
        if (resume) options.resume = certificate_from(map, *resume);
        if (known) options.known = itineraries_from(map, *known);

        SearchProgress progress;
        const auto observe = [&] {
          if (!observer) return;
          (*observer)(progress.order.load(), progress.n_cycles.load(), progress.n_restarts.load(),
                      progress.n_solves.load(), progress.fraction.load(), progress.n_nodes.load(),
                      progress.n_open.load(), progress.share.load());
        };
        const SearchResult result = run_interruptible(time_limit, observe, [&](Control& control) {
          return find_cycles(map, options, control, progress);
        });
        return result_record(map, result);
      },
      py::arg("canonical_map"), py::arg("orders"), py::arg("method") = "auto", py::arg("seed") = 0,
      py::kw_only(), py::arg("max_restarts") = std::nullopt,
      py::arg("max_iterations") = std::nullopt, py::arg("box_lower") = std::nullopt,
      py::arg("box_upper") = std::nullopt, py::arg("states") = std::nullopt,
      py::arg("n_threads") = 1, py::arg("time_limit") = std::nullopt,
      py::arg("observer") = std::nullopt, py::arg("proof_method") = "auto",
      py::arg("branching") = "violation", py::arg("rigorous") = true, py::arg("keep_tree") = false,
      py::arg("resume") = std::nullopt, py::arg("known") = std::nullopt);

  module.def(
      "philox",
      [](std::array<std::uint64_t, 2> key, std::array<std::uint64_t, 4> counter, py::ssize_t n) {
        py::array_t<std::uint64_t> numbers(n);
        std::uint64_t* data = numbers.mutable_data();
        for (py::ssize_t i = 0; i < n; i += 4) {
          const PhiloxBlock drawn = philox4x64(counter, key);
          ++counter[0];
          std::copy_n(drawn.begin(), std::min<py::ssize_t>(4, n - i), data + i);
        }
        return numbers;
      },
      py::arg("key"), py::arg("counter"), py::arg("n"));
}

}  // namespace rnndyn::bindings

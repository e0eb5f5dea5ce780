#include <stdexcept>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/smooth/complete.hpp"
#include "rnndyn/smooth/newton.hpp"
#include "rnndyn/smooth/piecewise_index.hpp"
#include "rnndyn/smooth/search.hpp"
#include "smooth_records.hpp"

namespace rnndyn::bindings {
namespace {

using smooth::Interval;
using smooth::SmoothCycle;
using smooth::SmoothMap;

SmoothMap smooth_map(const System& system, const Vector& input) {
  const auto* network = std::get_if<RecurrentNetwork>(&system.kind());
  if (network == nullptr) throw std::invalid_argument("only recurrent networks are smooth maps");
  return SmoothMap(*network, input);
}

py::dict statistics_record(const OrderStatistics& statistics) {
  py::dict record;
  record["order"] = statistics.order;
  record["n_restarts"] = statistics.n_restarts;
  record["n_solves"] = statistics.n_solves;
  record["n_hits"] = statistics.n_hits;
  record["n_singletons"] = statistics.n_singletons;
  record["n_undecided"] = statistics.n_undecided;
  record["coverage"] = statistics.coverage;
  record["n_solves_at_last_new"] = statistics.n_solves_at_last_new;
  record["seconds"] = statistics.seconds;
  record["seconds_at_last_new"] = statistics.seconds_at_last_new;
  record["complete"] = statistics.complete;
  return record;
}

py::dict result_record(const smooth::SmoothSearchResult& result) {
  py::list cycles, statistics, sums;
  for (const SmoothCycle& cycle : result.cycles) cycles.append(cycle_record(cycle));
  for (const OrderStatistics& order : result.statistics) {
    statistics.append(statistics_record(order));
  }
  for (const smooth::IndexSum& sum : result.index_sums) {
    py::dict record;
    record["order"] = sum.order;
    record["sum"] = sum.sum;
    record["known"] = sum.known;
    sums.append(record);
  }
  py::dict record;
  record["cycles"] = cycles;
  record["statistics"] = statistics;
  record["index_sums"] = sums;
  record["stopped_by"] = reason_name(result.stopped_by);
  return record;
}

// Bounds of one of the functions at many numbers: (lower, upper).
py::tuple bounds_of(const DoubleArray& x, Interval (*function)(Interval)) {
  DoubleArray lower(x.size()), upper(x.size());
  for (py::ssize_t i = 0; i < x.size(); ++i) {
    const Interval value = function(Interval(x.data()[i]));
    lower.mutable_data()[i] = value.lo;
    upper.mutable_data()[i] = value.hi;
  }
  return py::make_tuple(lower, upper);
}

std::vector<Matrix> matrices_from(const DoubleArray& array) {
  if (array.ndim() != 3 || array.shape(0) < 1 || array.shape(1) != array.shape(2)) {
    throw std::invalid_argument("matrices must have shape (k, n_states, n_states)");
  }
  std::vector<Matrix> matrices;
  const Index n = array.shape(1);
  for (Index t = 0; t < array.shape(0); ++t) {
    matrices.emplace_back(Eigen::Map<const RowMatrix>(array.data() + t * n * n, n, n));
  }
  return matrices;
}

void register_functions(py::module_& module) {
  module.def(
      "certified_sign",
      [](const DoubleArray& jacobians, const DoubleArray& radii) {
        return smooth::certified_sign(matrices_from(jacobians), matrices_from(radii));
      },
      py::arg("jacobians"), py::arg("radii"));
  const std::pair<const char*, Interval (*)(Interval)> functions[] = {
      {"tanh_bounds", &smooth::tanh_of},
      {"tanh_slope_bounds", &smooth::tanh_slope},
      {"logistic_bounds", &smooth::logistic},
      {"logistic_slope_bounds", &smooth::logistic_slope}};
  for (const auto& [name, function] : functions) {
    module.def(
        name, [function](const DoubleArray& x) { return bounds_of(x, function); }, py::arg("x"));
  }
}

void register_smooth_map(py::module_& module) {
  py::class_<SmoothMap>(module, "SmoothMap", py::module_local())
      .def(py::init(&smooth_map), py::arg("system"), py::arg("constant_input"))
      .def_property_readonly("n_states", &SmoothMap::n_states)
      .def(
          "step",
          [](const SmoothMap& map, const Vector& z) {
            Vector next;
            map.step(z, next);
            return next;
          },
          py::arg("state"))
      .def(
          "jacobian",
          [](const SmoothMap& map, const Vector& z) {
            Vector next;
            Matrix derivative;
            map.jacobian(z, next, derivative);
            return derivative;
          },
          py::arg("state"))
      .def("input_jacobian", &SmoothMap::input_jacobian, py::arg("state"), py::arg("weight_ih"))
      .def(
          "step_bounds",
          [](const SmoothMap& map, const Vector& lower, const Vector& upper) {
            const auto image = map.step(smooth::IntervalVector(lower, upper));
            return py::make_tuple(image.lower, image.upper);
          },
          py::arg("lower"), py::arg("upper"))
      .def(
          "jacobian_bounds",
          [](const SmoothMap& map, const Vector& lower, const Vector& upper) {
            smooth::IntervalVector image;
            smooth::IntervalMatrix derivative;
            map.jacobian(smooth::IntervalVector(lower, upper), image, derivative);
            return py::make_tuple(derivative.mid, derivative.radius);
          },
          py::arg("lower"), py::arg("upper"))
      .def("invariant_box",
           [](const SmoothMap& map) {
             const auto box = map.invariant_box();
             return py::make_tuple(box.lower, box.upper);
           })
      .def(
          "newton",
          [](const SmoothMap& map, const DoubleArray& points) {
            Matrix columns = points_from(map, points, "points must have shape (k, n_states)");
            smooth::Newton newton(map);
            const bool converged =
                newton.solve(columns, {}, nullptr) == smooth::NewtonEnd::converged;
            return py::make_tuple(rows_of(columns), converged);
          },
          py::arg("points"))
      .def(
          "verify",
          [](const SmoothMap& map, const DoubleArray& points) {
            const Matrix columns = points_from(map, points, "points must have shape (k, n_states)");
            return verified_record(smooth::Verifier(map, columns).verify());
          },
          py::arg("points"));
}

py::dict proof_record(const smooth::CompleteProof& proof) {
  py::list undecided, missed;
  for (const auto& box : proof.undecided) undecided.append(py::make_tuple(box.lower, box.upper));
  for (const Matrix& points : proof.missed) missed.append(rows_of(points));
  py::dict record;
  record["order"] = proof.order;
  record["proved"] = proof.proved;
  record["n_boxes"] = proof.n_boxes;
  record["stopped_by"] = reason_name(proof.stopped_by);
  record["undecided"] = undecided;
  record["missed"] = missed;
  return record;
}

void register_proof(py::module_& module) {
  module.def(
      "prove_smooth_complete",
      [](const SmoothMap& map, Index order, const std::vector<DoubleArray>& known,
         std::int64_t max_boxes, int n_threads, std::optional<double> time_limit,
         const std::optional<py::function>& observer) {
        std::vector<Matrix> solutions;
        for (const DoubleArray& points : known) {
          solutions.push_back(points_from(map, points, "points must have shape (k, n_states)"));
        }
        const smooth::CompleteOptions options{max_boxes, n_threads};
        SearchProgress progress;
        const auto observe = [&] {
          if (!observer) return;
          (*observer)(order, solutions.size(), 0, 0, progress.fraction.load(),
                      progress.n_nodes.load(), progress.n_open.load(), progress.share.load());
        };
        return proof_record(run_interruptible(time_limit, observe, [&](Control& control) {
          return smooth::prove_complete(map, order, solutions, options, control, progress);
        }));
      },
      py::arg("network"), py::arg("order"), py::arg("known"), py::kw_only(), py::arg("max_boxes"),
      py::arg("n_threads") = 1, py::arg("time_limit") = std::nullopt,
      py::arg("observer") = std::nullopt);
}

// Signs (n, 2) of cycles of one order, given by their regions (n, k, n_units).
py::array_t<std::int8_t> index_signs(const CanonicalMap& map, const BoolArray& regions) {
  if (regions.ndim() != 3 || regions.shape(1) < 1 || regions.shape(2) != map.n_units()) {
    throw std::invalid_argument("regions must have shape (n, k, n_units)");
  }
  const auto n = regions.shape(0), k = regions.shape(1);
  py::array_t<std::int8_t> signs({n, py::ssize_t{2}});
  std::int8_t* out = signs.mutable_data();
  for (py::ssize_t i = 0; i < n; ++i) {
    const BoolArray own({k, regions.shape(2)}, regions.data() + i * k * regions.shape(2));
    Itinerary itinerary(k, map.words_per_region());
    itinerary.bits = pack_itinerary(own, map.n_units());
    const smooth::IndexSigns found = smooth::index_signs(map, itinerary);
    *out++ = static_cast<std::int8_t>(found.index);
    *out++ = static_cast<std::int8_t>(found.index_of_double);
  }
  return signs;
}

void register_piecewise_index(py::module_& module) {
  module.def("index_signs", &index_signs, py::arg("canonical_map"), py::arg("regions"));
  module.def(
      "image_bounds",
      [](const CanonicalMap& map, const Vector& lower, const Vector& upper) {
        const auto image = smooth::image(map, smooth::IntervalVector(lower, upper));
        return py::make_tuple(image.lower, image.upper);
      },
      py::arg("canonical_map"), py::arg("lower"), py::arg("upper"));
  module.def(
      "piecewise_invariant_box",
      [](const CanonicalMap& map, const DoubleArray& states) -> py::object {
        if (states.ndim() != 2 || states.shape(1) != map.n_states()) {
          throw std::invalid_argument("states must have shape (S, n_states)");
        }
        const Matrix columns =
            Eigen::Map<const Matrix>(states.data(), map.n_states(), states.shape(0));
        const auto box = smooth::invariant_box(map, columns);
        if (!box) return py::none();
        return py::make_tuple(box->lower, box->upper);
      },
      py::arg("canonical_map"), py::arg("states"));
}

}  // namespace

void register_smooth(py::module_& module) {
  register_functions(module);
  register_smooth_map(module);
  register_proof(module);
  register_piecewise_index(module);
  module.def(
      "find_smooth_cycles",
      [](const SmoothMap& map, const std::vector<Index>& orders, std::uint64_t seed,
         std::optional<std::int64_t> max_restarts, const std::optional<DoubleArray>& states,
         const std::vector<DoubleArray>& guesses, int n_threads, std::optional<double> time_limit,
         const std::optional<py::function>& observer) {
        for (const Index order : orders) {
          if (order < 1) throw std::invalid_argument("orders must be at least 1");
        }
        smooth::SmoothSearchOptions options;
        options.orders = orders;
        options.seed = seed;
        options.max_restarts = max_restarts;
        options.n_threads = n_threads;
        options.states = states ? points_from(map, *states, "states must have shape (S, n_states)")
                                : Matrix(map.n_states(), 0);
        for (const DoubleArray& points : guesses) {
          options.guesses.push_back(
              points_from(map, points, "guesses must have shape (k, n_states)"));
        }
        SearchProgress progress;
        const auto observe = [&] {
          if (!observer) return;
          (*observer)(progress.order.load(), progress.n_cycles.load(), progress.n_restarts.load(),
                      progress.n_solves.load(), progress.fraction.load());
        };
        return result_record(run_interruptible(time_limit, observe, [&](Control& control) {
          return smooth::find_smooth_cycles(map, options, control, progress);
        }));
      },
      py::arg("network"), py::arg("orders"), py::kw_only(), py::arg("seed") = 0,
      py::arg("max_restarts") = std::nullopt, py::arg("states") = std::nullopt,
      py::arg("guesses") = std::vector<DoubleArray>(), py::arg("n_threads") = 1,
      py::arg("time_limit") = std::nullopt, py::arg("observer") = std::nullopt);
}

}  // namespace rnndyn::bindings

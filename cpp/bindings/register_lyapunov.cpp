#include <memory>
#include <stdexcept>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/lyapunov.hpp"

namespace rnndyn::bindings {
namespace {

using IntArray = py::array_t<std::int64_t>;

CellKind kind_from(const std::string& name) {
  if (name == "rnn_tanh") return CellKind::tanh_rnn;
  if (name == "rnn_relu") return CellKind::relu_rnn;
  if (name == "gru") return CellKind::gru;
  if (name == "lstm") return CellKind::lstm;
  throw std::invalid_argument("unknown kind '" + name + "'");
}

using LayerArrays = std::tuple<Matrix, Matrix, std::optional<Vector>, std::optional<Vector>>;

System recurrent_network(const std::string& kind, const std::vector<LayerArrays>& layers,
                         bool reset_after) {
  RecurrentNetwork network{kind_from(kind), {}, reset_after};
  for (const auto& [weight_ih, weight_hh, bias_ih, bias_hh] : layers) {
    const Vector no_bias = Vector::Zero(weight_hh.rows());
    network.layers.push_back(
        {weight_ih, weight_hh, bias_ih.value_or(no_bias), bias_hh.value_or(no_bias)});
  }
  return System(std::move(network));
}

System piecewise_linear_system(const CanonicalMap& map, const std::optional<Matrix>& input_h1,
                               const std::optional<Matrix>& input_h2) {
  const Index n_inputs = input_h1 ? input_h1->cols() : input_h2 ? input_h2->cols() : 0;
  return System(DrivenMap{map, input_h1.value_or(Matrix::Zero(map.n_states(), n_inputs)),
                          input_h2.value_or(Matrix::Zero(map.n_units(), n_inputs))});
}

// Rows of the array are columns here, so the numbers lie in the same order.
Matrix columns_from(const DoubleArray& rows, Index n_columns, const char* message) {
  if (rows.ndim() != 2 || rows.shape(1) != n_columns) throw std::invalid_argument(message);
  return Eigen::Map<const Matrix>(rows.data(), rows.shape(1), rows.shape(0));
}

DoubleArray rows_from(const Matrix& columns) {
  DoubleArray rows({columns.cols(), columns.rows()});
  std::copy_n(columns.data(), columns.size(), rows.mutable_data());
  return rows;
}

// (B, n, m) <-> B matrices.
std::vector<Matrix> blocks_from(const DoubleArray& array, Index n_blocks, Index n_rows) {
  if (array.ndim() != 3 || array.shape(0) != n_blocks || array.shape(1) != n_rows) {
    throw std::invalid_argument("blocks must have shape (B, n_states, m)");
  }
  std::vector<Matrix> blocks;
  const Index size = array.shape(1) * array.shape(2);
  for (Index b = 0; b < array.shape(0); ++b) {
    blocks.emplace_back(
        Eigen::Map<const RowMatrix>(array.data() + b * size, array.shape(1), array.shape(2)));
  }
  return blocks;
}

DoubleArray array_from(const std::vector<Matrix>& blocks, Index n_rows, Index n_columns) {
  DoubleArray array({static_cast<py::ssize_t>(blocks.size()), n_rows, n_columns});
  double* data = array.mutable_data();
  for (const Matrix& block : blocks) {
    Eigen::Map<RowMatrix>(data, n_rows, n_columns) = block;
    data += block.size();
  }
  return array;
}

// The functions are shared, not copied: copying a Python object needs the interpreter's lock.
System differentiable_map(Index n_states, const py::function& step, const py::function& jacobian) {
  const auto call = [n_states](const py::function& function, const Matrix& states) {
    DoubleArray array({states.cols(), n_states});
    std::copy_n(states.data(), states.size(), array.mutable_data());
    return DoubleArray(py::reinterpret_borrow<py::object>(function(array)));
  };
  // The last reference is dropped by the System, which Python destroys with the lock held.
  const auto shared_step = std::make_shared<py::function>(step);
  const auto shared_jacobian = std::make_shared<py::function>(jacobian);
  DifferentiableMap map;
  map.n_states = n_states;
  map.step = [=](const Matrix& states) {
    const py::gil_scoped_acquire acquire;
    return columns_from(call(*shared_step, states), n_states,
                        "step must return an array of shape (B, n_states)");
  };
  map.jacobian = [=](const Matrix& states) {
    const py::gil_scoped_acquire acquire;
    const DoubleArray array = call(*shared_jacobian, states);
    const std::vector<Matrix> blocks = blocks_from(array, states.cols(), n_states);
    Matrix side_by_side(n_states, n_states * states.cols());
    for (Index b = 0; b < states.cols(); ++b) {
      side_by_side.middleCols(b * n_states, n_states) = blocks[static_cast<std::size_t>(b)];
    }
    return side_by_side;
  };
  return System(std::move(map));
}

Matrix inputs_at_once(const System& system, const std::optional<DoubleArray>& inputs,
                      Index n_sequences) {
  if (!inputs) return Matrix::Zero(system.n_inputs(), n_sequences);
  Matrix columns = columns_from(*inputs, system.n_inputs(), "inputs must have shape (B, n_inputs)");
  if (columns.cols() != n_sequences) {
    throw std::invalid_argument("inputs must have one row for each state");
  }
  return columns;
}

InputSeries series_from(const System& system, const std::optional<DoubleArray>& inputs,
                        Index n_sequences) {
  if (!inputs) return {Matrix::Zero(system.n_inputs(), n_sequences), 1};
  if (inputs->ndim() != 3 || inputs->shape(0) != n_sequences || inputs->shape(1) < 1 ||
      inputs->shape(2) != system.n_inputs()) {
    throw std::invalid_argument("inputs must have shape (B, T, n_inputs) with T at least 1");
  }
  return {Eigen::Map<const Matrix>(inputs->data(), system.n_inputs(),
                                   inputs->shape(0) * inputs->shape(1)),
          inputs->shape(1)};
}

std::optional<Frames> frames_from(const System& system,
                                  const std::optional<std::vector<DoubleArray>>& arrays, bool joint,
                                  Index n_sequences, Index n_exponents) {
  if (!arrays) return std::nullopt;
  std::vector<Index> sizes = system.layer_sizes();
  if (joint) sizes = {system.n_states()};
  if (arrays->size() != sizes.size()) {
    throw std::invalid_argument("frames must have one array for each layer");
  }
  Frames frames;
  for (std::size_t f = 0; f < sizes.size(); ++f) {
    frames.push_back(blocks_from((*arrays)[f], n_sequences, sizes[f]));
    if ((*arrays)[f].shape(2) != std::min(n_exponents, sizes[f])) {
      throw std::invalid_argument("a frame must have one vector for each exponent of its layer");
    }
  }
  return frames;
}

IntArray integers(const std::vector<Index>& values) {
  IntArray array(static_cast<py::ssize_t>(values.size()));
  std::copy(values.begin(), values.end(), array.mutable_data());
  return array;
}

py::dict run_record(const System& system, const LyapunovRun& run, Index n_samples_asked) {
  const auto n_sequences = static_cast<py::ssize_t>(run.log_growth.size());
  const auto n_windows = static_cast<py::ssize_t>(run.window_steps.size());
  const auto n_exponents = static_cast<py::ssize_t>(run.layer_of.size());
  DoubleArray growth({n_sequences, n_windows, n_exponents});
  double* data = growth.mutable_data();
  for (const Matrix& of_sequence : run.log_growth) {
    data = std::copy_n(of_sequence.data(), of_sequence.size(), data);
  }
  py::list frames;
  for (const std::vector<Matrix>& of_layer : run.frames) {
    frames.append(array_from(of_layer, of_layer.front().rows(), of_layer.front().cols()));
  }
  py::dict record;
  record["log_growth"] = growth;
  record["window_steps"] = integers(run.window_steps);
  record["layer"] = integers(run.layer_of);
  record["frames"] = frames;
  record["states"] = rows_from(run.states);
  record["largest_states"] = run.largest_states;
  record["natural_size"] = run.natural_size;
  record["derivative_terms"] = run.derivative_terms;
  record["periods"] = integers(run.periods);
  record["n_steps_done"] = run.n_steps_done;
  record["stopped_by"] = reason_name(run.stopped_by);
  record["diverged_at"] = integers(run.diverged_at);
  record["qr_interval"] = integers(run.qr_interval);
  record["n_orthonormalizations"] = run.n_orthonormalizations;
  record["n_householder"] = run.n_householder;
  record["covariant"] = py::none();
  if (n_samples_asked > 0 && !run.covariant_vectors.empty()) {
    const auto n_samples = static_cast<py::ssize_t>(run.covariant_steps.size());
    DoubleArray vectors({n_sequences, n_samples, system.n_states(), n_exponents});
    double* out = vectors.mutable_data();
    for (const auto& of_sequence : run.covariant_vectors) {
      for (const Matrix& sample : of_sequence) {
        Eigen::Map<RowMatrix>(out, sample.rows(), sample.cols()) = sample;
        out += sample.size();
      }
    }
    py::dict covariant;
    covariant["steps"] = integers(run.covariant_steps);
    covariant["vectors"] = vectors;
    record["covariant"] = covariant;
  }
  return record;
}

void register_systems(py::module_& module) {
  py::class_<System>(module, "System", py::module_local())
      .def_property_readonly("n_states", &System::n_states)
      .def_property_readonly("n_inputs", &System::n_inputs)
      .def_property_readonly("layer_sizes", &System::layer_sizes)
      .def_property_readonly("single_threaded", &System::single_threaded)
      .def(
          "step",
          [](const System& system, const DoubleArray& states,
             const std::optional<DoubleArray>& inputs) {
            const Matrix columns =
                columns_from(states, system.n_states(), "states must have shape (B, n_states)");
            return rows_from(system.step(columns, inputs_at_once(system, inputs, columns.cols())));
          },
          py::arg("states"), py::arg("inputs") = std::nullopt)
      .def(
          "tangent",
          [](const System& system, const DoubleArray& states,
             const std::optional<DoubleArray>& inputs, const DoubleArray& block) {
            const Matrix columns =
                columns_from(states, system.n_states(), "states must have shape (B, n_states)");
            const auto blocks = blocks_from(block, columns.cols(), system.n_states());
            return array_from(
                system.tangent(columns, inputs_at_once(system, inputs, columns.cols()), blocks),
                system.n_states(), block.shape(2));
          },
          py::arg("states"), py::arg("inputs"), py::arg("block"));

  module.def("recurrent_network", &recurrent_network, py::arg("kind"), py::arg("layers"),
             py::arg("reset_after") = true);
  module.def("piecewise_linear_system", &piecewise_linear_system, py::arg("canonical_map"),
             py::arg("input_h1") = std::nullopt, py::arg("input_h2") = std::nullopt);
  module.def("differentiable_map", &differentiable_map, py::arg("n_states"), py::arg("step"),
             py::arg("jacobian"));
}

void register_spectrum(py::module_& module) {
  module.def(
      "lyapunov_spectrum",
      [](const System& system, const DoubleArray& states, const std::optional<DoubleArray>& inputs,
         const std::optional<std::vector<DoubleArray>>& frames, Index n_settle, Index n_warmup,
         Index n_steps, Index n_exponents, Index window, Index qr_interval, bool joint,
         bool single_precision, Index n_covariant, std::uint64_t seed, int n_threads,
         std::optional<double> time_limit, const std::optional<py::function>& observer) {
        const Matrix columns =
            columns_from(states, system.n_states(), "states must have shape (B, n_states)");
        if (columns.cols() < 1) throw std::invalid_argument("there must be at least one sequence");
        if (n_settle < 0 || n_warmup < 0 || n_steps < 1 || window < 1 || qr_interval < 0 ||
            n_covariant < 0 || n_exponents < 1 || n_exponents > system.n_states()) {
          throw std::invalid_argument("a number of steps or exponents is out of range");
        }
        LyapunovOptions options;
        options.n_settle = n_settle;
        options.n_warmup = n_warmup;
        options.n_steps = n_steps;
        options.n_exponents = n_exponents;
        options.window = window;
        options.qr_interval = qr_interval;
        options.joint = joint || system.layer_sizes().size() == 1;
        options.single_precision = single_precision;
        options.n_covariant = n_covariant;
        options.seed = seed;
        options.n_threads = n_threads;
        if (n_covariant > 0 && !options.joint) {
          throw std::invalid_argument("covariant vectors need one frame of the whole state");
        }
        const InputSeries series = series_from(system, inputs, columns.cols());
        const auto given = frames_from(system, frames, options.joint, columns.cols(), n_exponents);
        LyapunovProgress progress;
        const Index total = n_settle + n_warmup + n_steps;
        const auto observe = [&] {
          if (observer) (*observer)(progress.n_steps.load(), total, progress.largest.load());
        };
        const LyapunovRun run = run_interruptible(time_limit, observe, [&](Control& control) {
          return lyapunov_spectrum(system, columns, series, given, options, control, progress);
        });
        return run_record(system, run, n_covariant);
      },
      py::arg("system"), py::arg("states"), py::arg("inputs") = std::nullopt,
      py::arg("frames") = std::nullopt, py::arg("n_settle") = 0, py::arg("n_warmup") = 0,
      py::kw_only(), py::arg("n_steps"), py::arg("n_exponents"), py::arg("window") = 1,
      py::arg("qr_interval") = 0, py::arg("joint") = false, py::arg("single_precision") = false,
      py::arg("n_covariant") = 0, py::arg("seed") = 0, py::arg("n_threads") = 1,
      py::arg("time_limit") = std::nullopt, py::arg("observer") = std::nullopt);
}

}  // namespace

void register_lyapunov(py::module_& module) {
  register_systems(module);
  register_spectrum(module);
}

}  // namespace rnndyn::bindings

// Lyapunov spectra: networks that need not be piecewise linear, and how tangent vectors grow along
// their orbits.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

enum class CellKind { tanh_rnn, relu_rnn, gru, lstm };

// Rows of the weights gate by gate, in the order of torch.nn: r, z, n (GRU); i, f, g, o (LSTM).
struct RecurrentLayer {
  Matrix weight_ih, weight_hh;
  Vector bias_ih, bias_hh;
};

// Layers on top of each other, as torch.nn.RNN, GRU and LSTM define them. The state of an LSTM
// layer is h, then c.
struct RecurrentNetwork {
  CellKind kind;
  std::vector<RecurrentLayer> layers;
  // Of GRUs: the reset gate multiplies W_hn h + b_hn, as in torch.nn, and not h.
  bool reset_after = true;
};

// A canonical map whose h1 and h2 are moved by inputs s: h1 + input_h1 s, h2 + input_h2 s.
struct DrivenMap {
  CanonicalMap map;
  Matrix input_h1, input_h2;
};

// A smooth map given by functions of the states of a batch (a column each) at once; `jacobian`
// returns the matrices side by side. They are only ever called from the thread that asked for them.
struct DifferentiableMap {
  Index n_states;
  std::function<Matrix(const Matrix& states)> step, jacobian;
};

class System {
 public:
  using Kind = std::variant<RecurrentNetwork, DrivenMap, DifferentiableMap>;
  // Throws std::invalid_argument when shapes disagree or a value is not finite.
  explicit System(Kind kind);

  const Kind& kind() const { return kind_; }
  Index n_states() const;
  Index n_inputs() const { return n_inputs_; }
  // States of each layer; the Jacobian is block lower triangular in these.
  const std::vector<Index>& layer_sizes() const { return layer_sizes_; }
  bool single_threaded() const { return std::holds_alternative<DifferentiableMap>(kind_); }

  // One step of a batch: states (n_states, B), inputs (n_inputs, B).
  Matrix step(const Matrix& states, const Matrix& inputs) const;
  // Its derivative applied to blocks, one (n_states, m) for each state of the batch.
  std::vector<Matrix> tangent(const Matrix& states, const Matrix& inputs,
                              const std::vector<Matrix>& blocks) const;

 private:
  Kind kind_;
  Index n_inputs_ = 0;
  std::vector<Index> layer_sizes_;
};

struct LyapunovOptions {
  Index n_settle = 0;  // steps of the state alone
  Index n_warmup = 0;  // then steps of state and frame that are not recorded
  Index n_steps = 0;   // then steps that are
  Index n_exponents = 0;
  Index window = 1;       // steps that one row of the result is summed over
  Index qr_interval = 0;  // 0: chosen from what the block loses
  bool joint = false;     // one frame of the whole state instead of one for each layer
  bool single_precision = false;
  Index n_covariant = 0;  // samples of covariant vectors
  std::uint64_t seed = 0;
  int n_threads = 1;
};

// Frames: one for each layer (one in all where joint) of each sequence.
using Frames = std::vector<std::vector<Matrix>>;  // [layer][sequence], (layer size, vectors)

struct LyapunovRun {
  std::vector<Index> layer_of;  // of each exponent
  // [sequence], (exponents, windows): sums of ln R_ii over a window.
  std::vector<Matrix> log_growth;
  std::vector<Index> window_steps;
  Frames frames;
  // At the end; those of a homogeneous map whose numbers have underflowed times a power of two.
  Matrix states;
  Matrix largest_states;          // [sequence, window], largest modulus of an entry of a state
  double natural_size = 0.0;      // of states beyond which an orbit meets nothing new
  double derivative_terms = 0.0;  // size of the terms that may cancel in an entry of a Jacobian
  std::vector<Index> periods;     // of the cycle that an orbit has come back to, 0 for none
  Index n_steps_done = 0;
  StopReason stopped_by = StopReason::none;
  std::vector<Index> diverged_at;  // step from the start after which a number was not finite, or -1
  std::vector<Index> qr_interval;
  std::int64_t n_orthonormalizations = 0, n_householder = 0;
  std::vector<Index> covariant_steps;
  std::vector<std::vector<Matrix>> covariant_vectors;  // [sequence][sample]
};

struct LyapunovProgress {
  std::atomic<Index> n_steps{0};     // of settling, warm-up and recording together
  std::atomic<double> largest{0.0};  // mean largest exponent so far
};

// Inputs of sequence b at step t (settling and warm-up included): column b * n_times + t % n_times.
struct InputSeries {
  Matrix values;  // (n_inputs, B * n_times)
  Index n_times = 1;
};

// The result is the same for any number of threads.
LyapunovRun lyapunov_spectrum(const System& system, const Matrix& states, const InputSeries& inputs,
                              const std::optional<Frames>& frames, const LyapunovOptions& options,
                              Control& control, LyapunovProgress& progress);

}  // namespace rnndyn

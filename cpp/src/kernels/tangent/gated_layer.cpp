// tanh and ReLU networks, GRU and LSTM: the new state is an elementwise function of W_hh h and
// W_ih x, so the tangent map is a sum of scaled products with the same weights.
#include <array>

#include "kernels/tangent/activation.hpp"
#include "kernels/tangent/layer.hpp"
#include "kernels/tangent/product.hpp"

namespace rnndyn::lyapunov {
namespace {

constexpr int kMostGates = 4;

int n_gates(CellKind kind) {
  switch (kind) {
    case CellKind::gru:
      return 3;
    case CellKind::lstm:
      return 4;
    default:
      return 1;
  }
}

template <class Real>
struct GatedWork : LayerWork {
  // W_hh h + b_hh and W_ih x + b_ih of every gate; a column each for the sequences.
  std::array<Block<Real>, kMostGates> hidden, input;
  std::array<Block<Real>, kMostGates> value, slope;
  // How the sum of a gate's pre-activations enters the new state.
  std::array<Block<Real>, kMostGates> hidden_scale, input_scale;
  Block<Real> carry;       // GRU: z of dh' = ... + z dh; LSTM: f of dc' = ... + f dc
  Block<Real> cell_slope;  // LSTM: d h' / d c'
  Block<Real> cell_tanh;
  // Where the reset gate r comes before the weights: r h, and the derivative h r' of that.
  Block<Real> gated, reset_scale;
  std::vector<Block<Real>> gated_frames, candidate_frames;  // one for each sequence
  std::vector<Eigen::Matrix<Real, -1, 1>> scratch;          // a panel for each thread
};

template <class Real>
class GatedLayer : public Layer<Real> {
 public:
  GatedLayer(CellKind kind, bool reset_after, const RecurrentLayer& weights, ParallelFor parallel)
      : kind_(kind),
        reset_before_(kind == CellKind::gru && !reset_after),
        n_units_(weights.weight_hh.cols()),
        n_inputs_(weights.weight_ih.cols()),
        parallel_(parallel) {
    for (int g = 0; g < n_gates(kind); ++g) {
      const auto i = static_cast<std::size_t>(g);
      hidden_[i] = PackedMatrix<Real>(n_units_, n_units_);
      hidden_[i].pack(weights.weight_hh.middleRows(g * n_units_, n_units_));
      input_[i] = PackedMatrix<Real>(n_units_, n_inputs_);
      input_[i].pack(weights.weight_ih.middleRows(g * n_units_, n_units_));
      hidden_bias_[i] = weights.bias_hh.segment(g * n_units_, n_units_).template cast<Real>();
      input_bias_[i] = weights.bias_ih.segment(g * n_units_, n_units_).template cast<Real>();
    }
  }

  Index n_units() const override { return n_units_; }
  Index n_parts() const override { return kind_ == CellKind::lstm ? 2 : 1; }

  std::unique_ptr<LayerWork> make_work(Index n_sequences, int n_threads) const override {
    auto work = std::make_unique<GatedWork<Real>>();
    const auto block = [&] { return Block<Real>(n_units_, n_sequences); };
    for (std::size_t g = 0; g < n_gates_(); ++g) {
      work->hidden[g] = block(), work->input[g] = block();
      work->value[g] = block(), work->slope[g] = block();
      work->hidden_scale[g] = block(), work->input_scale[g] = block();
    }
    work->carry = block(), work->cell_slope = block(), work->cell_tanh = block();
    if (reset_before_) work->gated = block(), work->reset_scale = block();
    work->scratch.resize(static_cast<std::size_t>(n_threads));
    constexpr Index highest = 3 * packet_size<Real>;
    for (auto& scratch : work->scratch) scratch.resize(highest * std::max(n_units_, n_inputs_));
    return work;
  }

  void advance(View<Real> inputs, View<Real> states, View<Real> next_states,
               LayerWork& layer_work) const override {
    auto& work = static_cast<GatedWork<Real>&>(layer_work);
    const View<Real> h = part(states, 0);
    for (std::size_t g = 0; g < n_gates_(); ++g) {
      multiply(input_[g], inputs, work.input[g].view(), Update::set);
      true_rows(work.input[g]).colwise() += input_bias_[g];
      if (reset_before_ && g == 2) continue;
      multiply(hidden_[g], h, work.hidden[g].view(), Update::set);
      true_rows(work.hidden[g]).colwise() += hidden_bias_[g];
      if (!(kind_ == CellKind::gru && g == 2)) {
        true_rows(work.hidden[g]) += true_rows(work.input[g]);
      }
    }
    const View<Real> next_h = part(next_states, 0);
    switch (kind_) {
      case CellKind::tanh_rnn:
        tanh_and_slope(true_rows(work.hidden[0]), true_rows(next_h),
                       true_rows(work.hidden_scale[0]));
        break;
      case CellKind::relu_rnn:
        true_rows(next_h) = true_rows(work.hidden[0]).cwiseMax(Real(0));
        true_rows(work.hidden_scale[0]) =
            (true_rows(work.hidden[0]).array() > Real(0)).template cast<Real>();
        break;
      case CellKind::gru:
        advance_gru(h, next_h, work);
        break;
      case CellKind::lstm:
        advance_lstm(part(states, 1), next_h, part(next_states, 1), work);
        break;
    }
  }

  void propagate(LayerWork& layer_work, const std::vector<View<Real>>& frames,
                 const std::vector<View<Real>>& below, const std::vector<View<Real>>& next_frames,
                 int n_threads) const override {
    auto& work = static_cast<GatedWork<Real>&>(layer_work);
    if (reset_before_) {
      propagate_reset_before(work, frames, below, next_frames, n_threads);
      return;
    }
    const auto task = [&](std::size_t panel, int thread) {
      propagate_rows(work, work.scratch[static_cast<std::size_t>(thread)], panel, frames, below,
                     next_frames);
    };
    parallel_(hidden_[0].panels().size(), n_threads, task);
  }

 private:
  std::size_t n_gates_() const { return static_cast<std::size_t>(n_gates(kind_)); }
  View<Real> part(View<Real> block, Index number) const {
    return block.below(number * this->part_rows(), this->part_rows());
  }
  auto true_rows(View<Real> view) const { return view.below(0, n_units_).matrix(); }
  auto true_rows(Block<Real>& block) const { return true_rows(block.view()); }

  // h' = (1 - z) n + z h, n = tanh(W_in x + b_in + r (W_hn h + b_hn)), or with W_hn (r h) + b_hn
  // inside.
  void advance_gru(View<Real> h, View<Real> next_h, GatedWork<Real>& work) const {
    sigmoid_and_slope(true_rows(work.hidden[0]), true_rows(work.value[0]),
                      true_rows(work.slope[0]));
    sigmoid_and_slope(true_rows(work.hidden[1]), true_rows(work.value[1]),
                      true_rows(work.slope[1]));
    const auto r = true_rows(work.value[0]).array();
    const auto z = true_rows(work.value[1]).array();
    const auto hidden_n = true_rows(work.hidden[2]).array();
    auto n = true_rows(work.value[2]);
    if (reset_before_) {
      true_rows(work.gated) = (r * true_rows(h).array()).matrix();
      multiply(hidden_[2], work.gated.view(), work.hidden[2].view(), Update::set);
      true_rows(work.hidden[2]).colwise() += hidden_bias_[2];
      n = true_rows(work.input[2]) + true_rows(work.hidden[2]);
    } else {
      n = (true_rows(work.input[2]).array() + r * hidden_n).matrix();
    }
    tanh_and_slope(n, n, true_rows(work.slope[2]));
    true_rows(next_h) = (n.array() + z * (true_rows(h).array() - n.array())).matrix();

    auto scale_n = true_rows(work.input_scale[2]);
    scale_n = ((Real(1) - z) * true_rows(work.slope[2]).array()).matrix();
    if (reset_before_) {
      true_rows(work.reset_scale) =
          (true_rows(h).array() * true_rows(work.slope[0]).array()).matrix();
    }
    true_rows(work.hidden_scale[2]) = (scale_n.array() * r).matrix();
    true_rows(work.hidden_scale[0]) =
        (scale_n.array() * hidden_n * true_rows(work.slope[0]).array()).matrix();
    true_rows(work.hidden_scale[1]) =
        ((true_rows(h).array() - n.array()) * true_rows(work.slope[1]).array()).matrix();
    true_rows(work.input_scale[0]) = true_rows(work.hidden_scale[0]);
    true_rows(work.input_scale[1]) = true_rows(work.hidden_scale[1]);
    true_rows(work.carry) = z.matrix();
  }

  // c' = f c + i g, h' = o tanh(c').
  void advance_lstm(View<Real> c, View<Real> next_h, View<Real> next_c,
                    GatedWork<Real>& work) const {
    for (const std::size_t g : {0U, 1U, 3U}) {
      sigmoid_and_slope(true_rows(work.hidden[g]), true_rows(work.value[g]),
                        true_rows(work.slope[g]));
    }
    tanh_and_slope(true_rows(work.hidden[2]), true_rows(work.value[2]), true_rows(work.slope[2]));
    const auto i = true_rows(work.value[0]).array();
    const auto f = true_rows(work.value[1]).array();
    const auto g = true_rows(work.value[2]).array();
    const auto o = true_rows(work.value[3]).array();
    true_rows(next_c) = (f * true_rows(c).array() + i * g).matrix();
    tanh_and_slope(true_rows(next_c), true_rows(work.cell_tanh), true_rows(work.cell_slope));
    true_rows(next_h) = (o * true_rows(work.cell_tanh).array()).matrix();

    true_rows(work.cell_slope).array() *= o;
    true_rows(work.carry) = f.matrix();
    const auto slope = [&](std::size_t gate) { return true_rows(work.slope[gate]).array(); };
    true_rows(work.hidden_scale[0]) = (g * slope(0)).matrix();
    true_rows(work.hidden_scale[1]) = (true_rows(c).array() * slope(1)).matrix();
    true_rows(work.hidden_scale[2]) = (i * slope(2)).matrix();
    true_rows(work.hidden_scale[3]) = (true_rows(work.cell_tanh).array() * slope(3)).matrix();
  }

  using Frames = std::vector<View<Real>>;

  // d(r h) = r dh + h r' (W_hr dh + W_ir dx) is needed in all rows before W_hn multiplies it, so
  // the panels are gone through twice.
  void propagate_reset_before(GatedWork<Real>& work, const Frames& frames, const Frames& below,
                              const Frames& next_frames, int n_threads) const {
    const auto from_below = [&](std::size_t b) { return below.empty() ? View<Real>{} : below[b]; };
    const auto column = [&](Block<Real>& block, std::size_t b) {
      return block.view().column(static_cast<Index>(b));
    };
    for (auto* blocks : {&work.gated_frames, &work.candidate_frames}) {
      blocks->resize(frames.size());
      for (std::size_t b = 0; b < frames.size(); ++b) {
        if ((*blocks)[b].view().columns == frames[b].columns) continue;
        (*blocks)[b] = Block<Real>(n_units_, frames[b].columns);
      }
    }
    const std::vector<Panel>& panels = hidden_[0].panels();
    parallel_(panels.size(), n_threads, [&](std::size_t panel, int) {
      for (std::size_t b = 0; b < frames.size(); ++b) {
        const View<Real> gated = work.gated_frames[b].view();
        one_gate(0, panel, frames[b], from_below(b), gated);
        scale_rows(panels[panel], column(work.reset_scale, b), gated);
        add_scaled_rows(panels[panel], column(work.value[0], b), frames[b], gated);
      }
    });
    parallel_(panels.size(), n_threads, [&](std::size_t panel, int) {
      for (std::size_t b = 0; b < frames.size(); ++b) {
        const View<Real> candidate = work.candidate_frames[b].view();
        one_gate(2, panel, work.gated_frames[b].view(), from_below(b), candidate);
        one_gate(1, panel, frames[b], from_below(b), next_frames[b]);
        scale_rows(panels[panel], column(work.hidden_scale[1], b), next_frames[b]);
        add_scaled_rows(panels[panel], column(work.input_scale[2], b), candidate, next_frames[b]);
        add_scaled_rows(panels[panel], column(work.carry, b), frames[b], next_frames[b]);
      }
    });
  }

  // The rows of one panel of the next frames.
  void propagate_rows(GatedWork<Real>& work, Eigen::Matrix<Real, -1, 1>& scratch, std::size_t panel,
                      const Frames& frames, const Frames& below, const Frames& next_frames) const {
    const Panel& shape = hidden_[0].panels()[panel];
    const bool is_lstm = kind_ == CellKind::lstm;
    if (kind_ == CellKind::gru || is_lstm) {
      // The first three gates change h (GRU) or c (LSTM).
      const Index target = is_lstm ? 1 : 0;
      add_gates(hidden_, work.hidden_scale, n_units_, scratch, panel, frames, next_frames, target,
                true);
      if (!below.empty()) {
        add_gates(input_, is_lstm ? work.hidden_scale : work.input_scale, n_inputs_, scratch, panel,
                  below, next_frames, target, false);
      }
    }
    for (std::size_t b = 0; b < frames.size(); ++b) {
      const auto column = [&](Block<Real>& block) {
        return block.view().column(static_cast<Index>(b));
      };
      const View<Real> h = part(frames[b], 0);
      const View<Real> next_h = part(next_frames[b], 0);
      if (kind_ == CellKind::gru) {
        add_scaled_rows(shape, column(work.carry), h, next_h);
        continue;
      }
      if (is_lstm)
        add_scaled_rows(shape, column(work.carry), part(frames[b], 1), part(next_frames[b], 1));
      const std::size_t gate = is_lstm ? 3 : 0;
      one_gate(gate, panel, h, below.empty() ? View<Real>{} : below[b], next_h);
      scale_rows(shape, column(work.hidden_scale[gate]), next_h);
      if (is_lstm) add_scaled_rows(shape, column(work.cell_slope), part(next_frames[b], 1), next_h);
    }
  }

  // The panel of sum_g diag(scale_g) W_g, g = 0, 1, 2, times the frames. Forming the sum first is
  // less work than a product with each W_g from the second column on. Where frames are narrow, the
  // weights are taken a few columns at a time, which stay in the nearest cache for all sequences.
  void add_gates(const std::array<PackedMatrix<Real>, kMostGates>& weights,
                 std::array<Block<Real>, kMostGates>& scales, Index depth,
                 Eigen::Matrix<Real, -1, 1>& scratch, std::size_t panel, const Frames& in,
                 const Frames& out, Index target, bool first_term) const {
    constexpr std::size_t n_gates = 3;
    constexpr Index few_columns = 48, part_of_depth = 48;
    const Panel& shape = weights[0].panels()[panel];
    const Index width = shape.height * packet_size<Real>;
    Index columns = 0;
    for (const View<Real>& frame : in) columns = std::max(columns, frame.columns);
    const Index step = columns <= few_columns ? std::min(part_of_depth, depth) : depth;
    for (Index k = 0; k < depth; k += step) {
      const Index n = std::min(step, depth - k);
      for (std::size_t b = 0; b < in.size(); ++b) {
        std::array<const Real*, n_gates> panels{}, scale{};
        for (std::size_t g = 0; g < n_gates; ++g) {
          panels[g] = weights[g].data(shape) + k * width;
          scale[g] = scales[g].view().column(static_cast<Index>(b));
        }
        sum_of_scaled(panels, scale, shape, n, scratch.data());
        multiply(scratch.data(), shape, n, in[b].below(k, n), part(out[b], target),
                 first_term && k == 0 ? Update::set : Update::add);
      }
    }
  }

  void one_gate(std::size_t gate, std::size_t panel, View<Real> h, View<Real> below,
                View<Real> out) const {
    const Panel& shape = hidden_[gate].panels()[panel];
    multiply(hidden_[gate].data(shape), shape, n_units_, h, out, Update::set);
    if (below.data == nullptr) return;
    const Panel& input_shape = input_[gate].panels()[panel];
    multiply(input_[gate].data(input_shape), input_shape, n_inputs_, below, out, Update::add);
  }

  static void scale_rows(const Panel& shape, const Real* scale, View<Real> out) {
    const Index n = shape.height * packet_size<Real>;
    const Real* s = scale + shape.first_row;
    for (Index j = 0; j < out.columns; ++j) {
      Real* column = out.column(j) + shape.first_row;
      for (Index i = 0; i < n; ++i) column[i] *= s[i];
    }
  }

  static void add_scaled_rows(const Panel& shape, const Real* scale, View<Real> in,
                              View<Real> out) {
    const Index n = shape.height * packet_size<Real>;
    const Real* s = scale + shape.first_row;
    for (Index j = 0; j < out.columns; ++j) {
      const Real* from = in.column(j) + shape.first_row;
      Real* column = out.column(j) + shape.first_row;
      for (Index i = 0; i < n; ++i) column[i] += s[i] * from[i];
    }
  }

  CellKind kind_;
  bool reset_before_;
  Index n_units_, n_inputs_;
  ParallelFor parallel_;
  std::array<PackedMatrix<Real>, kMostGates> hidden_, input_;
  std::array<Eigen::Matrix<Real, -1, 1>, kMostGates> hidden_bias_, input_bias_;
};

}  // namespace

template <class Real>
std::unique_ptr<Layer<Real>> make_gated_layer(CellKind kind, bool reset_after,
                                              const RecurrentLayer& weights, ParallelFor parallel) {
  return std::make_unique<GatedLayer<Real>>(kind, reset_after, weights, parallel);
}
template std::unique_ptr<Layer<double>> make_gated_layer(CellKind, bool, const RecurrentLayer&,
                                                         ParallelFor);
template std::unique_ptr<Layer<float>> make_gated_layer(CellKind, bool, const RecurrentLayer&,
                                                        ParallelFor);

}  // namespace rnndyn::lyapunov

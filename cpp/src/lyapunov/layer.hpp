// One layer of a network as the tangent propagation sees it: a step of a few sequences at once, and
// the derivative of that step applied to blocks of tangent vectors without forming Jacobians.
#pragma once

#include <memory>
#include <vector>

#include "lyapunov/product.hpp"
#include "rnndyn/lyapunov.hpp"

namespace rnndyn::lyapunov {

// What a group of sequences keeps for one layer: the derivatives at the last step, and buffers.
class LayerWork {
 public:
  LayerWork() = default;
  LayerWork(const LayerWork&) = delete;
  LayerWork& operator=(const LayerWork&) = delete;
  virtual ~LayerWork() = default;
};

template <class Real>
class Layer {
 public:
  Layer() = default;
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;
  virtual ~Layer() = default;

  Index n_states() const { return n_units() * n_parts(); }
  // The state has this many parts (h and c of an LSTM) of so many units; each part is padded to
  // whole packets in blocks.
  virtual Index n_units() const = 0;
  virtual Index n_parts() const { return 1; }
  Index part_rows() const { return whole_packets<Real>(n_units()); }
  Index rows() const { return n_parts() * part_rows(); }

  virtual std::unique_ptr<LayerWork> make_work(Index n_sequences, int n_threads) const = 0;

  // states -> next_states (rows(), n_sequences), and the derivatives of the step into `work`.
  virtual void advance(View<Real> inputs, View<Real> states, View<Real> next_states,
                       LayerWork& work) const = 0;

  // For each sequence: next_frame = J frame (+ its derivative to the input times below, where the
  // inputs have tangent vectors too: those of the layer below after this step).
  virtual void propagate(LayerWork& work, const std::vector<View<Real>>& frames,
                         const std::vector<View<Real>>& below,
                         const std::vector<View<Real>>& next_frames, int n_threads) const = 0;
};

template <class Real>
std::unique_ptr<Layer<Real>> make_gated_layer(CellKind kind, const RecurrentLayer& weights);
template <class Real>
std::unique_ptr<Layer<Real>> make_piecewise_linear_layer(const DrivenMap& map);
template <class Real>
std::unique_ptr<Layer<Real>> make_differentiable_layer(const DifferentiableMap& map);

template <class Real>
std::vector<std::unique_ptr<Layer<Real>>> make_layers(const System& system);

// A dense state <-> the padded rows of a block.
template <class Real, class Derived>
void spread(const Layer<Real>& layer, const Eigen::MatrixBase<Derived>& dense, View<Real> block) {
  for (Index part = 0; part < layer.n_parts(); ++part) {
    block.matrix().middleRows(part * layer.part_rows(), layer.n_units()) =
        dense.middleRows(part * layer.n_units(), layer.n_units()).template cast<Real>();
  }
}
template <class Real>
Matrix gathered(const Layer<Real>& layer, View<Real> block) {
  Matrix dense(layer.n_states(), block.columns);
  for (Index part = 0; part < layer.n_parts(); ++part) {
    dense.middleRows(part * layer.n_units(), layer.n_units()) =
        block.matrix()
            .middleRows(part * layer.part_rows(), layer.n_units())
            .template cast<double>();
  }
  return dense;
}

}  // namespace rnndyn::lyapunov

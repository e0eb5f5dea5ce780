// One layer of a network as the tangent propagation sees it: a step of a few sequences at once, and
// the derivative of that step applied to blocks of tangent vectors without forming Jacobians.
#pragma once

#include <memory>
#include <vector>

#include "kernels/tangent/block.hpp"
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
  // whole lines in blocks.
  virtual Index n_units() const = 0;
  virtual Index n_parts() const { return 1; }
  Index part_rows() const { return whole_lines<Real>(n_units()); }
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

// How a layer starts threads: those of the core, whichever module its code is in.
using ParallelFor = decltype(&parallel_for);

template <class Real>
std::unique_ptr<Layer<Real>> make_gated_layer(CellKind kind, bool reset_after,
                                              const RecurrentLayer& weights, ParallelFor parallel);
template <class Real>
std::unique_ptr<Layer<Real>> make_piecewise_linear_layer(const DrivenMap& map,
                                                         ParallelFor parallel);
}  // namespace rnndyn::lyapunov

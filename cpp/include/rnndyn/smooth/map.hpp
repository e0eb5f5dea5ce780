// A tanh, GRU or LSTM network under a constant input: one step and its derivative, for numbers and
// for boxes.
#pragma once

#include <vector>

#include "rnndyn/lyapunov.hpp"
#include "rnndyn/smooth/interval.hpp"

namespace rnndyn::smooth {

// Weights and their absolute values. On a piece of a path they are only known to lie within a
// radius; without one they are exact.
struct Weights {
  Matrix value, size, radius;

  Weights() = default;
  explicit Weights(Matrix exact) : value(std::move(exact)), size(value.cwiseAbs()) {}
  Weights(Matrix middle, Matrix reach)
      : value(std::move(middle)), size(value.cwiseAbs()), radius(std::move(reach)) {}

  bool is_exact() const { return radius.size() == 0; }
};

// One layer with everything that does not depend on the state summed up.
struct Layer {
  Index n = 0, n_below = 0;  // n_below = 0: the bottom layer, whose input is in the biases
  Weights hidden, input;     // of h and of the new h of the layer below, gate by gate
  Vector bias, bias_radius;  // of the sums that are multiplied with `hidden`
  Vector candidate, candidate_radius;  // GRU: what is added outside the reset gate
};

class SmoothMap {
 public:
  // Throws std::invalid_argument for ReLU units, and when shapes disagree or a value is not finite.
  SmoothMap(const RecurrentNetwork& network, const Vector& input);
  // Layers whose weights may lie within a radius: all maps of a piece of a path at once.
  // `reset_after`, for GRUs: the reset gate multiplies W_hn h + b_hn, as in torch.nn, and not h.
  SmoothMap(CellKind kind, bool reset_after, std::vector<Layer> layers);

  CellKind kind() const { return kind_; }
  bool reset_after() const { return reset_after_; }
  Index n_states() const { return n_states_; }
  const std::vector<Layer>& layers() const { return layers_; }
  Index n_layer_states(const Layer& layer) const {
    return kind_ == CellKind::lstm ? 2 * layer.n : layer.n;
  }

  void step(const ConstVectorRef& z, Vector& next) const;
  // The step and its derivative.
  void jacobian(const ConstVectorRef& z, Vector& next, Matrix& derivative) const;
  // Derivative of the step with respect to the external input, given its weights.
  Matrix input_jacobian(const ConstVectorRef& z, const Matrix& weight_ih) const;
  // The same over a box: every value and every derivative is enclosed.
  IntervalVector step(const IntervalVector& box) const;
  void jacobian(const IntervalVector& box, IntervalVector& next, IntervalMatrix& derivative) const;

  // Derivative of the step with respect to s where the layers change with it at the rate `slopes`,
  // layers of the same shapes.
  Vector rate(const std::vector<Layer>& slopes, const ConstVectorRef& z) const;
  IntervalVector rate(const std::vector<Layer>& slopes, const IntervalVector& box) const;

  // A box that the map takes into its own interior, and in which all its cycles lie: |h| <= 1, and
  // for the LSTM |c_i| <= 1 / (1 - f_i), f_i the largest forget gate for such h.
  IntervalVector invariant_box() const;

 private:
  CellKind kind_;
  bool reset_after_;
  Index n_states_ = 0;
  std::vector<Layer> layers_;
};

}  // namespace rnndyn::smooth

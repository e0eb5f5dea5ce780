#include <stdexcept>

#include "kernels/functions.hpp"
#include "lyapunov/layers.hpp"

namespace rnndyn {
namespace {

Index gates_of(CellKind kind) { return kind == CellKind::gru ? 3 : kind == CellKind::lstm ? 4 : 1; }

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

void check_layer(const RecurrentLayer& layer, Index n_gates, Index n_inputs) {
  const Index n = layer.weight_hh.cols();
  require(n > 0, "a layer must have at least one unit");
  require(layer.weight_hh.rows() == n_gates * n,
          "weight_hh must have one row per gate and unit, and one column per unit");
  require(layer.weight_ih.rows() == n_gates * n, "weight_ih must have as many rows as weight_hh");
  require(n_inputs < 0 || layer.weight_ih.cols() == n_inputs,
          "weight_ih must have one column for each unit of the layer below");
  require(layer.bias_ih.size() == n_gates * n && layer.bias_hh.size() == n_gates * n,
          "a bias must have one entry per row of the weights");
  require(layer.weight_ih.allFinite() && layer.weight_hh.allFinite() && layer.bias_ih.allFinite() &&
              layer.bias_hh.allFinite(),
          "weights and biases must be finite");
}

// Widths of the layers and of the input, checked.
struct Shape {
  std::vector<Index> layer_sizes;
  Index n_inputs = 0;

  void operator()(const RecurrentNetwork& network) {
    require(!network.layers.empty(), "a network must have at least one layer");
    n_inputs = network.layers.front().weight_ih.cols();
    Index below = -1;
    for (const RecurrentLayer& layer : network.layers) {
      check_layer(layer, gates_of(network.kind), below);
      below = layer.weight_hh.cols();
      layer_sizes.push_back(below * (network.kind == CellKind::lstm ? 2 : 1));
    }
  }
  void operator()(const DrivenMap& driven) {
    n_inputs = driven.input_h1.cols();
    layer_sizes = {driven.map.n_states()};
    require(driven.input_h1.rows() == driven.map.n_states() &&
                driven.input_h2.rows() == driven.map.n_units() &&
                driven.input_h2.cols() == n_inputs,
            "input weights must have one row per entry of h1 or h2, and one column per input");
    require(driven.input_h1.allFinite() && driven.input_h2.allFinite(),
            "input weights must be finite");
  }
  void operator()(const DifferentiableMap& map) {
    require(map.n_states > 0, "a map must have at least one state");
    layer_sizes = {map.n_states};
  }
};

}  // namespace

System::System(Kind kind) : kind_(std::move(kind)) {
  Shape shape;
  std::visit(shape, kind_);
  n_inputs_ = shape.n_inputs;
  layer_sizes_ = shape.layer_sizes;
}

Index System::n_states() const {
  Index sum = 0;
  for (const Index size : layer_sizes_) sum += size;
  return sum;
}

namespace lyapunov {
namespace {

template <class Real>
struct MakeLayers {
  using Layers = std::vector<std::unique_ptr<Layer<Real>>>;
  Layers operator()(const RecurrentNetwork& network) const {
    Layers layers;
    for (const RecurrentLayer& weights : network.layers) {
      layers.push_back(kernels::tangent<Real>().make_gated_layer(network.kind, network.reset_after,
                                                                 weights, &parallel_for));
    }
    return layers;
  }
  Layers operator()(const DrivenMap& map) const {
    Layers layers;
    layers.push_back(kernels::tangent<Real>().make_piecewise_linear_layer(map, &parallel_for));
    return layers;
  }
  Layers operator()(const DifferentiableMap& map) const {
    Layers layers;
    layers.push_back(make_differentiable_layer<Real>(map));
    return layers;
  }
};

}  // namespace

template <class Real>
std::vector<std::unique_ptr<Layer<Real>>> make_layers(const System& system) {
  return std::visit(MakeLayers<Real>{}, system.kind());
}
template std::vector<std::unique_ptr<Layer<double>>> make_layers(const System&);
template std::vector<std::unique_ptr<Layer<float>>> make_layers(const System&);

}  // namespace lyapunov

Matrix System::step(const Matrix& states, const Matrix& inputs) const {
  Matrix next(states.rows(), states.cols());
  using lyapunov::Block;
  const auto layers = lyapunov::make_layers<double>(*this);
  Block<double> from_below(n_inputs_, states.cols());
  from_below.view().matrix().topRows(n_inputs_) = inputs;
  Index first = 0;
  for (const auto& layer : layers) {
    Block<double> before(layer->rows(), states.cols()), after(layer->rows(), states.cols());
    spread(*layer, states.middleRows(first, layer->n_states()), before.view());
    layer->advance(from_below.view(), before.view(), after.view(),
                   *layer->make_work(states.cols(), 1));
    next.middleRows(first, layer->n_states()) = gathered(*layer, after.view());
    first += layer->n_states();
    from_below = std::move(after);
  }
  return next;
}

std::vector<Matrix> System::tangent(const Matrix& states, const Matrix& inputs,
                                    const std::vector<Matrix>& blocks) const {
  using lyapunov::Block;
  using lyapunov::View;
  const auto layers = lyapunov::make_layers<double>(*this);
  Block<double> from_below(n_inputs_, states.cols());
  from_below.view().matrix().topRows(n_inputs_) = inputs;
  std::vector<Matrix> results;
  for (const Matrix& block : blocks) results.emplace_back(block.rows(), block.cols());
  std::vector<Block<double>> below;
  Index first = 0;
  for (const auto& layer : layers) {
    Block<double> before(layer->rows(), states.cols()), after(layer->rows(), states.cols());
    const auto work = layer->make_work(states.cols(), 1);
    spread(*layer, states.middleRows(first, layer->n_states()), before.view());
    layer->advance(from_below.view(), before.view(), after.view(), *work);
    std::vector<Block<double>> frames, next_frames;
    std::vector<View<double>> frame_views, next_views, below_views;
    for (const Matrix& block : blocks) {
      frames.emplace_back(layer->rows(), block.cols());
      next_frames.emplace_back(layer->rows(), block.cols());
      spread(*layer, block.middleRows(first, layer->n_states()), frames.back().view());
    }
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      frame_views.push_back(frames[b].view());
      next_views.push_back(next_frames[b].view());
      if (!below.empty()) below_views.push_back(below[b].view());
    }
    layer->propagate(*work, frame_views, below_views, next_views, 1);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      results[b].middleRows(first, layer->n_states()) = gathered(*layer, next_views[b]);
    }
    first += layer->n_states();
    from_below = std::move(after);
    below = std::move(next_frames);
  }
  return results;
}

}  // namespace rnndyn

// A map given by functions: its Jacobians come ready-made.
#include <stdexcept>

#include "lyapunov/layers.hpp"

namespace rnndyn::lyapunov {
namespace {

struct DifferentiableWork : LayerWork {
  Matrix jacobians;
};

template <class Real>
class DifferentiableLayer : public Layer<Real> {
 public:
  explicit DifferentiableLayer(const DifferentiableMap& map) : map_(map) {}

  Index n_units() const override { return map_.n_states; }

  std::unique_ptr<LayerWork> make_work(Index, int) const override {
    return std::make_unique<DifferentiableWork>();
  }

  void advance(View<Real>, View<Real> states, View<Real> next_states,
               LayerWork& work) const override {
    const Index n = map_.n_states;
    const Matrix dense = states.matrix().topRows(n).template cast<double>();
    const Matrix next = map_.step(dense);
    if (next.rows() != n || next.cols() != dense.cols()) {
      throw std::invalid_argument("step must return as many states as it was given");
    }
    Matrix& jacobians = static_cast<DifferentiableWork&>(work).jacobians;
    jacobians = map_.jacobian(dense);
    if (jacobians.rows() != n || jacobians.cols() != n * dense.cols()) {
      throw std::invalid_argument("jacobian must return one square matrix for each state");
    }
    next_states.matrix().topRows(n) = next.template cast<Real>();
  }

  void propagate(LayerWork& work, const std::vector<View<Real>>& frames,
                 const std::vector<View<Real>>&, const std::vector<View<Real>>& next_frames,
                 int) const override {
    const Index n = map_.n_states;
    const Matrix& jacobians = static_cast<DifferentiableWork&>(work).jacobians;
    for (std::size_t b = 0; b < frames.size(); ++b) {
      next_frames[b].matrix().topRows(n).noalias() =
          jacobians.middleCols(static_cast<Index>(b) * n, n).template cast<Real>() *
          frames[b].matrix().topRows(n);
    }
  }

 private:
  DifferentiableMap map_;
};

}  // namespace

template <class Real>
std::unique_ptr<Layer<Real>> make_differentiable_layer(const DifferentiableMap& map) {
  return std::make_unique<DifferentiableLayer<Real>>(map);
}
template std::unique_ptr<Layer<double>> make_differentiable_layer(const DifferentiableMap&);
template std::unique_ptr<Layer<float>> make_differentiable_layer(const DifferentiableMap&);

}  // namespace rnndyn::lyapunov

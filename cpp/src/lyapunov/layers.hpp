// The layers of a system, and its states as the layers lay them out.
#pragma once

#include "kernels/tangent/layer.hpp"

namespace rnndyn::lyapunov {

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

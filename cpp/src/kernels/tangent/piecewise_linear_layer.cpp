// F(z) = A z + W1 relu(W2 z + h2) + h1 with h1 and h2 moved by inputs. Units that are off add
// nothing: their columns of W1 are left out of the tangent map.
#include "kernels/tangent/layer.hpp"
#include "kernels/tangent/product.hpp"

namespace rnndyn::lyapunov {
namespace {

template <class Real>
struct PiecewiseLinearWork : LayerWork {
  Block<Real> preactivations, input_part;
  std::vector<std::vector<Index>> active;  // units of each sequence
  std::vector<Block<Real>> products;       // W2 times the frame of each sequence
};

template <class Real>
class PiecewiseLinearLayer : public Layer<Real> {
 public:
  PiecewiseLinearLayer(const DrivenMap& driven, ParallelFor parallel)
      : n_states_(driven.map.n_states()),
        n_units_(driven.map.n_units()),
        n_inputs_(driven.input_h1.cols()),
        w2_is_identity_(driven.map.w2_is_identity()),
        a_is_diagonal_(driven.map.a().isDiagonal(0.0)),
        parallel_(parallel),
        w1_(n_states_, n_units_),
        h1_(driven.map.h1().template cast<Real>()),
        h2_(driven.map.h2().template cast<Real>()) {
    const CanonicalMap& map = driven.map;
    // As in a ReLU network, where the state is the rectified pre-activation itself.
    only_rectified_ = n_units_ == n_states_ && map.a().isZero(0.0) && map.w1().isIdentity(0.0);
    w1_.pack(map.w1());
    a_diagonal_.setZero(whole_packets<Real>(n_states_));
    a_diagonal_.head(n_states_) = map.a().diagonal().template cast<Real>();
    if (!a_is_diagonal_) {
      a_ = PackedMatrix<Real>(n_states_, n_states_);
      a_.pack(map.a());
    }
    if (!w2_is_identity_) {
      w2_ = PackedMatrix<Real>(n_units_, n_states_);
      w2_.pack(map.w2());
    }
    if (n_inputs_ > 0) {
      input_h1_ = PackedMatrix<Real>(n_states_, n_inputs_);
      input_h1_.pack(driven.input_h1);
      input_h2_ = PackedMatrix<Real>(n_units_, n_inputs_);
      input_h2_.pack(driven.input_h2);
    }
  }

  Index n_units() const override { return n_states_; }

  std::unique_ptr<LayerWork> make_work(Index n_sequences, int) const override {
    auto work = std::make_unique<PiecewiseLinearWork<Real>>();
    work->preactivations = Block<Real>(n_units_, n_sequences);
    work->input_part = Block<Real>(std::max(n_units_, n_states_), n_sequences);
    work->active.resize(static_cast<std::size_t>(n_sequences));
    work->products.resize(static_cast<std::size_t>(n_sequences));
    return work;
  }

  void advance(View<Real> inputs, View<Real> states, View<Real> next_states,
               LayerWork& layer_work) const override {
    auto& work = static_cast<PiecewiseLinearWork<Real>&>(layer_work);
    const View<Real> p = work.preactivations.view();
    auto units = p.matrix().topRows(n_units_);
    if (w2_is_identity_) {
      units = states.matrix().topRows(n_units_);
    } else {
      multiply(w2_, states, p, Update::set);
    }
    units.colwise() += h2_;
    if (n_inputs_ > 0) multiply(input_h2_, inputs, p, Update::add);
    for (Index b = 0; b < p.columns; ++b) {
      std::vector<Index>& active = work.active[static_cast<std::size_t>(b)];
      active.clear();
      Real* column = p.column(b);
      for (Index i = 0; i < n_units_; ++i) {
        if (column[i] > Real(0)) {
          active.push_back(i);
        } else if (column[i] <= Real(0)) {  // and a NaN stays one
          column[i] = Real(0);
        }
      }
    }
    multiply(w1_, p, next_states, Update::set);
    add_linear_part(states, next_states);
    next_states.matrix().topRows(n_states_).colwise() += h1_;
    if (n_inputs_ > 0) multiply(input_h1_, inputs, next_states, Update::add);
  }

  void propagate(LayerWork& layer_work, const std::vector<View<Real>>& frames,
                 const std::vector<View<Real>>&, const std::vector<View<Real>>& next_frames,
                 int n_threads) const override {
    auto& work = static_cast<PiecewiseLinearWork<Real>&>(layer_work);
    std::vector<View<Real>> rectified(frames);
    if (!w2_is_identity_) {
      for (std::size_t b = 0; b < frames.size(); ++b) {
        Block<Real>& products = work.products[b];
        if (products.view().columns < frames[b].columns) {
          products = Block<Real>(n_units_, frames[b].columns);
        }
        rectified[b] = products.view().left(frames[b].columns);
      }
      parallel_(w2_.panels().size(), n_threads, [&](std::size_t item, int) {
        const Panel& panel = w2_.panels()[item];
        for (std::size_t b = 0; b < frames.size(); ++b) {
          multiply(w2_.data(panel), panel, n_states_, frames[b], rectified[b], Update::set);
        }
      });
    }
    if (only_rectified_) {
      for (std::size_t b = 0; b < frames.size(); ++b) {
        next_frames[b].matrix().setZero();
        for (const Index i : work.active[b]) {
          next_frames[b].matrix().row(i) = rectified[b].matrix().row(i);
        }
      }
      return;
    }
    parallel_(w1_.panels().size(), n_threads, [&](std::size_t item, int) {
      const Panel& panel = w1_.panels()[item];
      for (std::size_t b = 0; b < frames.size(); ++b) {
        multiply_some(w1_.data(panel), panel, work.active[b], rectified[b], next_frames[b]);
        if (a_is_diagonal_) {
          add_diagonal_part(panel, frames[b], next_frames[b]);
        } else {
          multiply(a_.data(a_.panels()[item]), a_.panels()[item], n_states_, frames[b],
                   next_frames[b], Update::add);
        }
      }
    });
  }

 private:
  void add_linear_part(View<Real> in, View<Real> out) const {
    if (!a_is_diagonal_) {
      multiply(a_, in, out, Update::add);
      return;
    }
    for (const Panel& panel : w1_.panels()) add_diagonal_part(panel, in, out);
  }

  void add_diagonal_part(const Panel& panel, View<Real> in, View<Real> out) const {
    const Index n = panel.height * packet_size<Real>;
    const Real* a = a_diagonal_.data() + panel.first_row;
    for (Index j = 0; j < in.columns; ++j) {
      const Real* from = in.column(j) + panel.first_row;
      Real* to = out.column(j) + panel.first_row;
      for (Index i = 0; i < n; ++i) to[i] += a[i] * from[i];
    }
  }

  Index n_states_, n_units_, n_inputs_;
  bool w2_is_identity_, a_is_diagonal_, only_rectified_ = false;
  ParallelFor parallel_;
  PackedMatrix<Real> a_, w1_, w2_, input_h1_, input_h2_;
  Eigen::Matrix<Real, -1, 1> a_diagonal_, h1_, h2_;
};

}  // namespace

template <class Real>
std::unique_ptr<Layer<Real>> make_piecewise_linear_layer(const DrivenMap& map,
                                                         ParallelFor parallel) {
  return std::make_unique<PiecewiseLinearLayer<Real>>(map, parallel);
}
template std::unique_ptr<Layer<double>> make_piecewise_linear_layer(const DrivenMap&, ParallelFor);
template std::unique_ptr<Layer<float>> make_piecewise_linear_layer(const DrivenMap&, ParallelFor);

}  // namespace rnndyn::lyapunov

#include "lyapunov/orbit_watch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rnndyn::lyapunov {
namespace {

// Longer cycles are not looked for.
constexpr Index kLongestPeriod = 256;
// Part of the largest state seen within which an orbit has come back. Far more than rounding: the
// cycle is solved for from there, and what is no stable cycle does not pass that.
constexpr double kReturned = 1e-4;
// Powers of two between which the states of homogeneous maps are kept, and the step between.
template <class Real>
constexpr int kSmallest = sizeof(Real) == 8 ? -300 : -40;
template <class Real>
constexpr int kRescaling = sizeof(Real) == 8 ? 500 : 70;
// An unscaled state is not made smaller than this power of two.
constexpr int kSmallestShown = -900;

// Whether every sequence has one input for all times.
bool is_constant(const InputSeries& inputs) {
  for (Index column = 0; column < inputs.values.cols(); ++column) {
    if (inputs.values.col(column) != inputs.values.col(column - column % inputs.n_times)) {
      return false;
    }
  }
  return true;
}

bool all_zero(const Matrix& values) { return (values.array() == 0.0).all(); }

struct IsHomogeneous {
  const InputSeries& inputs;

  bool operator()(const RecurrentNetwork& network) const {
    if (network.kind != CellKind::relu_rnn || !all_zero(inputs.values)) return false;
    return std::all_of(
        network.layers.begin(), network.layers.end(), [](const RecurrentLayer& layer) {
          return (layer.bias_ih.array() == 0.0).all() && (layer.bias_hh.array() == 0.0).all();
        });
  }
  bool operator()(const DrivenMap& driven) const {
    return (driven.map.h1().array() == 0.0).all() && (driven.map.h2().array() == 0.0).all() &&
           all_zero(inputs.values);
  }
  bool operator()(const DifferentiableMap&) const { return false; }
};

struct NaturalSize {
  const InputSeries& inputs;

  double largest_input(const Matrix& weights, Index row) const {
    if (inputs.values.size() == 0) return 0.0;
    return (weights.row(row) * inputs.values).cwiseAbs().maxCoeff();
  }
  double operator()(const RecurrentNetwork& network) const {
    if (network.kind != CellKind::relu_rnn) return std::numeric_limits<double>::infinity();
    double size = 0.0;
    for (const RecurrentLayer& layer : network.layers) {
      size = std::max(size, (layer.bias_ih + layer.bias_hh).cwiseAbs().maxCoeff());
    }
    const Matrix& weights = network.layers.front().weight_ih;
    for (Index i = 0; i < weights.rows(); ++i) size = std::max(size, largest_input(weights, i));
    return size;
  }
  double operator()(const DrivenMap& driven) const {
    double size = 0.0;
    for (Index i = 0; i < driven.map.n_states(); ++i) {
      size = std::max(size, std::abs(driven.map.h1()(i)) + largest_input(driven.input_h1, i));
    }
    for (Index u = 0; u < driven.map.n_units(); ++u) {
      const double weight = driven.map.w2().row(u).cwiseAbs().maxCoeff();
      if (weight == 0.0) continue;
      const double offset = std::abs(driven.map.h2()(u)) + largest_input(driven.input_h2, u);
      size = std::max(size, offset / weight);
    }
    return size;
  }
  double operator()(const DifferentiableMap&) const { return 1.0; }
};

}  // namespace

bool is_homogeneous(const System& system, const InputSeries& inputs) {
  return std::visit(IsHomogeneous{inputs}, system.kind());
}

double natural_size(const System& system, const InputSeries& inputs) {
  return std::visit(NaturalSize{inputs}, system.kind());
}

template <class Real>
OrbitWatch<Real>::OrbitWatch(const System& system, const InputSeries& inputs, Index n_sequences)
    : homogeneous_(is_homogeneous(system, inputs)),
      autonomous_(is_constant(inputs)),
      seen_(static_cast<std::size_t>(n_sequences)) {}

template <class Real>
void OrbitWatch<Real>::see(Index sequence, Index time, std::vector<Block<Real>>& states) {
  Seen& seen = seen_[static_cast<std::size_t>(sequence)];
  double size = 0.0;
  for (Block<Real>& block : states) {
    if (block.view().rows == 0) continue;
    size = std::max(size,
                    static_cast<double>(block.view().matrix().col(sequence).cwiseAbs().maxCoeff()));
  }
  const double true_size = seen.scale == 0 ? size : std::ldexp(size, -seen.scale);
  seen.largest = std::max(seen.largest, true_size);
  seen.largest_ever = std::max(seen.largest_ever, true_size);
  if (homogeneous_) {
    keep_in_range(seen, sequence, size, states);
  } else if (autonomous_) {
    look_for_return(seen, sequence, time, states);
  }
}

template <class Real>
void OrbitWatch<Real>::forget(Index sequence) {
  seen_[static_cast<std::size_t>(sequence)] = {};
}

template <class Real>
void OrbitWatch<Real>::begin_window() {
  for (Seen& seen : seen_) seen.largest = 0.0;
}

// By powers of two, which round nothing.
template <class Real>
void OrbitWatch<Real>::keep_in_range(Seen& seen, Index sequence, double size,
                                     std::vector<Block<Real>>& states) {
  int change = 0;
  if (size > 0.0 && size < std::ldexp(1.0, kSmallest<Real>)) change = kRescaling<Real>;
  if (seen.scale > 0 && size > std::ldexp(1.0, -kSmallest<Real>)) change = -kRescaling<Real>;
  if (change == 0) return;
  const auto factor = static_cast<Real>(std::ldexp(1.0, change));
  for (Block<Real>& block : states) block.view().matrix().col(sequence) *= factor;
  seen.scale += change;
}

// As R. P. Brent, "An improved Monte Carlo factorization algorithm", BIT 20 (1980) 176-184, finds a
// period: states are compared with one that is replaced after twice as long every time.
template <class Real>
void OrbitWatch<Real>::look_for_return(Seen& seen, Index sequence, Index time,
                                       std::vector<Block<Real>>& states) {
  const double tolerance = kReturned * seen.largest_ever;
  bool returned = seen.reference_time >= 0;
  Index row = 0;
  for (std::size_t l = 0; l < states.size() && returned; ++l) {
    const View<Real> view = states[l].view();
    const Real* column = view.column(sequence);
    for (Index i = 0; i < view.rows && returned; ++i) {
      returned = std::abs(static_cast<double>(column[i]) - seen.reference(row + i)) <= tolerance;
    }
    row += view.rows;
  }
  const Index since = time - seen.reference_time;
  if (returned) {
    seen.period = since;
  } else if (since < seen.patience && seen.reference_time >= 0) {
    return;
  } else {
    seen.period = 0;
    seen.patience = std::min(2 * seen.patience, kLongestPeriod);
  }
  row = 0;
  for (Block<Real>& block : states) row += block.view().rows;
  seen.reference.resize(row);
  row = 0;
  for (Block<Real>& block : states) {
    seen.reference.segment(row, block.view().rows) =
        block.view().matrix().col(sequence).template cast<double>();
    row += block.view().rows;
  }
  seen.reference_time = time;
}

template <class Real>
Index OrbitWatch<Real>::period(Index sequence, Index time) const {
  const Seen& seen = of(sequence);
  return time - seen.reference_time < std::max<Index>(1, seen.period) ? seen.period : 0;
}

template <class Real>
Matrix OrbitWatch<Real>::unscaled(Index sequence, const Matrix& state) const {
  const int scale = of(sequence).scale;
  if (scale == 0) return state;
  int exponent = 0;
  std::frexp(state.cwiseAbs().maxCoeff(), &exponent);
  const int shift = std::max(-scale, kSmallestShown - exponent);
  return state.unaryExpr([shift](double value) { return std::ldexp(value, shift); });
}

template class OrbitWatch<double>;
template class OrbitWatch<float>;

}  // namespace rnndyn::lyapunov

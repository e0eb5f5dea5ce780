#include "rnndyn/smooth/map.hpp"

#include <stdexcept>

#include "smooth/algebra.hpp"

namespace rnndyn::smooth {
namespace {

// ---- One layer ----------------------------------------------------------------------------------

// How the derivatives of the gates' sums enter those of the new state: d(target) = sum over g of
// diag(scale[g]) (W_g dh + V_g dx) + diag(carry) d(target's old value), where the target is h, or c
// of an LSTM, whose h follows with output_scale (of the last gate) and cell_scale (of dc').
template <class T>
struct Scales {
  Entries<T> gate[4], candidate;  // candidate: GRU, of V_n dx
  Entries<T> carry, cell_scale;
  Entries<T> reset, reset_slope;  // GRU with the reset gate before: r and h r'
};

template <class T>
void advance_tanh(const Layer& layer, const Entries<T>& h, const Entries<T>& below,
                  Entries<T>& next, Scales<T>* scales) {
  const Entries<T> sums = gate_sums<T>(layer, h, below);
  if (scales) scales->gate[0] = zeros<T>(layer.n);
  for (Index i = 0; i < layer.n; ++i) {
    const T p = get(sums, i);
    put(next, i, tanh_of(p));
    if (scales) put(scales->gate[0], i, tanh_slope(p));
  }
}

template <class T>
void advance_gru(const Layer& layer, bool reset_after, const Entries<T>& h, const Entries<T>& below,
                 Entries<T>& next, Scales<T>* scales) {
  const Index n = layer.n;
  Entries<T> gates = biases<T>(layer.bias.head(2 * n), layer.bias_radius.head(2 * n));
  add_product(gates, layer.hidden, 0, h);
  if (layer.n_below > 0) {
    add_product(gates, layer.input, 0, below);
  }
  Entries<T> reset = zeros<T>(n);
  for (Index i = 0; i < n; ++i) put(reset, i, logistic(get(gates, i)));
  const CandidateSums<T> sums = candidate_sums<T>(layer, h, below, reset, reset_after);
  if (scales) {
    for (Entries<T>* e : {&scales->gate[0], &scales->gate[1], &scales->gate[2], &scales->candidate,
                          &scales->carry, &scales->reset_slope}) {
      *e = zeros<T>(n);
    }
    scales->reset = reset;
  }
  for (Index i = 0; i < n; ++i) {
    const T r = get(reset, i), hidden = get(sums.hidden, i), old = get(h, i);
    const T z = logistic(get(gates, n + i));
    const T p = reset_after ? get(sums.outside, i) + r * hidden : get(sums.outside, i) + hidden;
    const T m = tanh_of(p);
    put(next, i, mixture(z, m, old));
    if (!scales) continue;
    const T slope = (T(1.0) - z) * tanh_slope(p);
    const T reset_slope = logistic_slope(get(gates, i));
    put(scales->candidate, i, slope);
    put(scales->gate[1], i, (old - m) * logistic_slope(get(gates, n + i)));
    put(scales->carry, i, z);
    put(scales->reset_slope, i, old * reset_slope);
    put(scales->gate[2], i, slope * r);
    put(scales->gate[0], i, slope * hidden * reset_slope);
  }
}

template <class T>
void advance_lstm(const Layer& layer, const Entries<T>& state, const Entries<T>& below,
                  Entries<T>& next, Scales<T>* scales) {
  const Index n = layer.n;
  const Entries<T> sums = gate_sums<T>(layer, part(state, 0, n), below);
  if (scales) {
    for (Entries<T>& e : scales->gate) e = zeros<T>(n);
    scales->carry = zeros<T>(n), scales->cell_scale = zeros<T>(n);
  }
  for (Index j = 0; j < n; ++j) {
    const T p[4] = {get(sums, j), get(sums, n + j), get(sums, 2 * n + j), get(sums, 3 * n + j)};
    const T i = logistic(p[0]), f = logistic(p[1]), g = tanh_of(p[2]), o = logistic(p[3]);
    const T old = get(state, n + j);
    const T c = f * old + i * g;
    const T t = tanh_of(c);
    put(next, j, o * t);
    put(next, n + j, c);
    if (!scales) continue;
    put(scales->gate[0], j, g * logistic_slope(p[0]));
    put(scales->gate[1], j, old * logistic_slope(p[1]));
    put(scales->gate[2], j, i * tanh_slope(p[2]));
    put(scales->gate[3], j, t * logistic_slope(p[3]));
    put(scales->carry, j, f);
    put(scales->cell_scale, j, o * tanh_slope(c));
  }
}

template <class T>
void advance(const SmoothMap& map, const Layer& layer, const Entries<T>& state,
             const Entries<T>& below, Entries<T>& next, Scales<T>* scales) {
  switch (map.kind()) {
    case CellKind::gru:
      return advance_gru<T>(layer, map.reset_after(), state, below, next, scales);
    case CellKind::lstm:
      return advance_lstm<T>(layer, state, below, next, scales);
    default:
      return advance_tanh<T>(layer, state, below, next, scales);
  }
}

// Derivative of the layer's new state with respect to its own h (the first n columns, and c in the
// next n) or to the new h of the layer below.
template <class T>
Square<T> layer_derivative(const SmoothMap& map, const Layer& layer, bool of_input,
                           const Scales<T>& scales) {
  const Index n = layer.n, size = map.n_layer_states(layer);
  Square<T> d;
  set_zero(d, size, of_input ? layer.n_below : size);
  if (map.kind() == CellKind::lstm) {
    for (Index g = 0; g < 3; ++g) {
      add_gate<T>(d, {n, 0}, layer, of_input, g, scales.gate[static_cast<std::size_t>(g)]);
    }
    if (!of_input) add_diagonal(d, {n, n}, scales.carry);
    add_gate<T>(d, {0, 0}, layer, of_input, 3, scales.gate[3]);
    const Square<T> cells = block_of(d, {n, 0}, n, of_input ? layer.n_below : size);
    add_scaled_block(d, {0, 0}, scales.cell_scale, cells);
    return d;
  }
  if (map.kind() != CellKind::gru) {
    add_gate<T>(d, {0, 0}, layer, of_input, 0, scales.gate[0]);
    return d;
  }
  add_gate<T>(d, {0, 0}, layer, of_input, 1, scales.gate[1]);
  if (!of_input) add_diagonal(d, {0, 0}, scales.carry);
  if (map.reset_after()) {
    add_gate<T>(d, {0, 0}, layer, of_input, 0, scales.gate[0]);
    add_gate<T>(d, {0, 0}, layer, of_input, 2, of_input ? scales.candidate : scales.gate[2]);
  } else {
    if (of_input) add_gate<T>(d, {0, 0}, layer, true, 2, scales.candidate);
    add_reset_before<T>(d, {0, 0}, layer, of_input, scales.candidate, scales.reset,
                        scales.reset_slope);
  }
  return d;
}

// The step of all layers, and where wanted the derivative, which is lower triangular in the layers.
template <class T>
void advance_all(const SmoothMap& map, const Entries<T>& z, Entries<T>& next,
                 Square<T>* derivative) {
  if (derivative) set_zero(*derivative, map.n_states(), map.n_states());
  Index first = 0, first_below = 0;
  Entries<T> below;
  for (const Layer& layer : map.layers()) {
    const Index size = map.n_layer_states(layer);
    const Entries<T> state = part(z, first, size);
    Entries<T> after = zeros<T>(size);
    Scales<T> scales;
    advance<T>(map, layer, state, below, after, derivative ? &scales : nullptr);
    put_part(next, first, after);
    if (derivative) {
      put_block(*derivative, {first, first}, layer_derivative<T>(map, layer, false, scales));
      if (layer.n_below > 0) {
        const Square<T> by_input = layer_derivative<T>(map, layer, true, scales);
        const Square<T> chain = block_of(*derivative, {first_below, 0}, layer.n_below, first);
        put_block(*derivative, {first, 0}, times(by_input, chain));
      }
    }
    below = part(after, 0, layer.n);
    first_below = first;
    first += size;
  }
}

// out += rows [first, first + out.size()) of the weights times x, where there are any.
template <class T>
void add_below(Entries<T>& out, const Layer& layer, Index first, const Entries<T>& x) {
  if (layer.n_below > 0) add_product(out, layer.input, first, x);
}

// How fast the new state of a GRU moves with the sums of its gates, of which `sums` has the rates.
template <class T>
Entries<T> gru_rate(const SmoothMap& map, const Layer& layer, const Layer& slope,
                    const Entries<T>& h, const Entries<T>& below, const Entries<T>& below_rate,
                    const Scales<T>& scales) {
  const Index n = layer.n;
  Entries<T> gates = biases<T>(slope.bias.head(2 * n), slope.bias_radius.head(2 * n));
  add_product(gates, slope.hidden, 0, h);
  add_below<T>(gates, slope, 0, below);
  add_below<T>(gates, layer, 0, below_rate);
  CandidateSums<T> sums = candidate_sums<T>(slope, h, below, scales.reset, map.reset_after());
  add_below<T>(sums.outside, layer, 2 * n, below_rate);
  Entries<T> rate = zeros<T>(n);
  if (!map.reset_after()) {
    Entries<T> gated = zeros<T>(n);
    for (Index i = 0; i < n; ++i) put(gated, i, get(scales.reset_slope, i) * get(gates, i));
    add_product(sums.hidden, layer.hidden, 2 * n, gated);
  }
  for (Index i = 0; i < n; ++i) {
    const T outside = get(scales.candidate, i) * get(sums.outside, i);
    const T inside = map.reset_after() ? get(scales.gate[2], i) * get(sums.hidden, i) +
                                             get(scales.gate[0], i) * get(gates, i)
                                       : get(scales.candidate, i) * get(sums.hidden, i);
    put(rate, i, outside + inside + get(scales.gate[1], i) * get(gates, n + i));
  }
  return rate;
}

// The same for one layer of any kind.
template <class T>
Entries<T> layer_rate(const SmoothMap& map, const Layer& layer, const Layer& slope,
                      const Entries<T>& state, const Entries<T>& below,
                      const Entries<T>& below_rate, const Scales<T>& scales) {
  const Index n = layer.n;
  if (map.kind() == CellKind::gru) {
    return gru_rate<T>(map, layer, slope, state, below, below_rate, scales);
  }
  Entries<T> sums = gate_sums<T>(slope, part(state, 0, n), below);
  add_below<T>(sums, layer, 0, below_rate);
  Entries<T> rate = zeros<T>(map.n_layer_states(layer));
  for (Index i = 0; i < n; ++i) {
    if (map.kind() != CellKind::lstm) {
      put(rate, i, get(scales.gate[0], i) * get(sums, i));
      continue;
    }
    const T cell = get(scales.gate[0], i) * get(sums, i) +
                   get(scales.gate[1], i) * get(sums, n + i) +
                   get(scales.gate[2], i) * get(sums, 2 * n + i);
    put(rate, n + i, cell);
    put(rate, i, get(scales.gate[3], i) * get(sums, 3 * n + i) + get(scales.cell_scale, i) * cell);
  }
  return rate;
}

template <class T>
Entries<T> rate_of(const SmoothMap& map, const std::vector<Layer>& slopes, const Entries<T>& z) {
  Entries<T> rates = zeros<T>(map.n_states());
  Entries<T> below, below_rate;
  Index first = 0;
  for (std::size_t l = 0; l < map.layers().size(); ++l) {
    const Layer& layer = map.layers()[l];
    const Index size = map.n_layer_states(layer);
    const Entries<T> state = part(z, first, size);
    Entries<T> after = zeros<T>(size);
    Scales<T> scales;
    advance<T>(map, layer, state, below, after, &scales);
    const Entries<T> rate = layer_rate<T>(map, layer, slopes[l], state, below, below_rate, scales);
    put_part(rates, first, rate);
    below = part(after, 0, layer.n);
    below_rate = part(rate, 0, layer.n);
    first += size;
  }
  return rates;
}

Layer prepared(CellKind kind, bool reset_after, const RecurrentLayer& weights, bool bottom,
               const Vector& input) {
  Layer layer;
  layer.n = weights.weight_hh.cols();
  layer.hidden = Weights(weights.weight_hh);
  Vector constant = weights.bias_ih, size = weights.bias_ih.cwiseAbs();
  if (bottom) {
    constant += weights.weight_ih * input;
    size += weights.weight_ih.cwiseAbs() * input.cwiseAbs();
  } else {
    layer.n_below = weights.weight_ih.cols();
    layer.input = Weights(weights.weight_ih);
  }
  // What the sums of so many terms can be off.
  const double g = gamma(static_cast<double>(weights.weight_ih.cols()) + 3.0) * kOutward;
  const Index n = layer.n;
  layer.bias = constant + weights.bias_hh;
  layer.bias_radius = (size + weights.bias_hh.cwiseAbs()).array() * g + kUnderflow;
  if (kind == CellKind::gru) {
    // torch keeps the two biases of the candidate apart; without the reset gate between them they
    // are one.
    layer.candidate = reset_after ? Vector(constant.tail(n)) : Vector(layer.bias.tail(n));
    layer.candidate_radius = layer.bias_radius.tail(n);
    layer.bias.tail(n) = reset_after ? Vector(weights.bias_hh.tail(n)) : Vector(Vector::Zero(n));
    layer.bias_radius.tail(n).setZero();
  }
  return layer;
}

}  // namespace

SmoothMap::SmoothMap(const RecurrentNetwork& network, const Vector& input)
    : kind_(network.kind), reset_after_(network.reset_after) {
  if (kind_ == CellKind::relu_rnn) {
    throw std::invalid_argument("a network of ReLU units is not smooth");
  }
  const System checked(network);  // shapes and values
  if (input.size() != checked.n_inputs() || !input.allFinite()) {
    throw std::invalid_argument("the input must have one finite entry for each external input");
  }
  for (const RecurrentLayer& weights : network.layers) {
    layers_.push_back(prepared(kind_, reset_after_, weights, layers_.empty(), input));
    n_states_ += n_layer_states(layers_.back());
  }
  if (!invariant_box().upper.allFinite()) {
    throw std::invalid_argument(
        "the sum of a forget gate of this LSTM can reach about 700, where the gate cannot be told "
        "from 1 and its cell state has no bound: make the weights or the bias of the gate smaller");
  }
}

SmoothMap::SmoothMap(CellKind kind, bool reset_after, std::vector<Layer> layers)
    : kind_(kind), reset_after_(reset_after), layers_(std::move(layers)) {
  for (const Layer& layer : layers_) n_states_ += n_layer_states(layer);
}

void SmoothMap::step(const ConstVectorRef& z, Vector& next) const {
  next.resize(n_states_);
  advance_all<double>(*this, z, next, nullptr);
}

void SmoothMap::jacobian(const ConstVectorRef& z, Vector& next, Matrix& derivative) const {
  next.resize(n_states_);
  advance_all<double>(*this, z, next, &derivative);
}

Matrix SmoothMap::input_jacobian(const ConstVectorRef& z, const Matrix& weight_ih) const {
  // The bottom layer with its external input as a layer below.
  Layer bottom = layers_.front();
  bottom.n_below = weight_ih.cols();
  bottom.input = Weights(weight_ih);
  const Index size = n_layer_states(bottom);
  Matrix derivative = Matrix::Zero(n_states_, weight_ih.cols());
  const Vector nothing = Vector::Zero(bottom.n_below);  // the input itself is in the biases
  Vector after = Vector::Zero(size);
  Scales<double> scales;
  advance<double>(*this, bottom, z.head(size), nothing, after, &scales);
  derivative.topRows(size) = layer_derivative<double>(*this, bottom, true, scales);
  Index first = size, first_below = 0;
  for (std::size_t l = 1; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const Vector below = after.head(layers_[l - 1].n);
    const Index own = n_layer_states(layer);
    after = Vector::Zero(own);
    advance<double>(*this, layer, z.segment(first, own), below, after, &scales);
    derivative.middleRows(first, own) = layer_derivative<double>(*this, layer, true, scales) *
                                        derivative.middleRows(first_below, layer.n_below).eval();
    first_below = first;
    first += own;
  }
  return derivative;
}

IntervalVector SmoothMap::step(const IntervalVector& box) const {
  IntervalVector next(n_states_);
  advance_all<Interval>(*this, box, next, nullptr);
  return next;
}

void SmoothMap::jacobian(const IntervalVector& box, IntervalVector& next,
                         IntervalMatrix& derivative) const {
  next = IntervalVector(n_states_);
  advance_all<Interval>(*this, box, next, &derivative);
}

Vector SmoothMap::rate(const std::vector<Layer>& slopes, const ConstVectorRef& z) const {
  return rate_of<double>(*this, slopes, z);
}

IntervalVector SmoothMap::rate(const std::vector<Layer>& slopes, const IntervalVector& box) const {
  return rate_of<Interval>(*this, slopes, box);
}

IntervalVector SmoothMap::invariant_box() const {
  IntervalVector box(n_states_);
  box.lower.setConstant(-1.0);
  box.upper.setConstant(1.0);
  if (kind_ != CellKind::lstm) return box;
  Index first = 0;
  for (const Layer& layer : layers_) {
    const Index n = layer.n;
    const IntervalVector unit(Vector::Constant(n, -1.0), Vector::Constant(n, 1.0));
    const IntervalVector below(Vector::Constant(layer.n_below, -1.0),
                               Vector::Constant(layer.n_below, 1.0));
    const IntervalVector sums = gate_sums<Interval>(layer, unit, below);
    for (Index i = 0; i < n; ++i) {
      // 1 - f = logistic(-p), which keeps its digits where f is close to 1.
      const Interval rest = logistic(Interval(-sums[n + i].hi));
      const double reach = up(1.0 / rest.lo);
      box.set(first + n + i, {-reach, reach});
    }
    first += 2 * n;
  }
  return box;
}

}  // namespace rnndyn::smooth

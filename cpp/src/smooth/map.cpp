#include "rnndyn/smooth/map.hpp"

#include <stdexcept>

namespace rnndyn::smooth {
namespace {

// ---- Vectors of numbers or of intervals ---------------------------------------------------------

template <class T>
struct Types;
template <>
struct Types<double> {
  using Entries = Vector;
  using Square = Matrix;
};
template <>
struct Types<Interval> {
  using Entries = IntervalVector;
  using Square = IntervalMatrix;
};
template <class T>
using Entries = typename Types<T>::Entries;
template <class T>
using Square = typename Types<T>::Square;

double get(const Vector& v, Index i) { return v(i); }
Interval get(const IntervalVector& v, Index i) { return v[i]; }
void put(Vector& v, Index i, double value) { v(i) = value; }
void put(IntervalVector& v, Index i, Interval value) { v.set(i, value); }

Vector part(const ConstVectorRef& v, Index first, Index n) { return v.segment(first, n); }
IntervalVector part(const IntervalVector& v, Index first, Index n) {
  return {v.lower.segment(first, n), v.upper.segment(first, n)};
}
void put_part(Vector& v, Index first, const Vector& values) {
  v.segment(first, values.size()) = values;
}
void put_part(IntervalVector& v, Index first, const IntervalVector& values) {
  v.lower.segment(first, values.size()) = values.lower;
  v.upper.segment(first, values.size()) = values.upper;
}
template <class T>
Entries<T> zeros(Index n) {
  if constexpr (std::is_same_v<T, double>) {
    return Vector::Zero(n);
  } else {
    return IntervalVector(n);
  }
}

// out += rows of W x.
void add_product(Vector& out, const Matrix& w, const Matrix&, const Vector& x) {
  out.noalias() += w * x;
}
void add_product(IntervalVector& out, const Matrix& w, const Matrix& abs_w,
                 const IntervalVector& x) {
  const Index n = x.size();
  Vector mid(n), reach(n);
  // A sum of n products in any order is off by gamma(n) |W| |x| (Higham, sec. 3.1).
  const double g = gamma(static_cast<double>(n) + 1.0);
  for (Index i = 0; i < n; ++i) {
    mid(i) = x[i].mid();
    reach(i) = x[i].radius() + g * std::abs(mid(i));
  }
  const Vector sum = w * mid;
  const Vector spread = abs_w * reach;
  for (Index i = 0; i < out.size(); ++i) {
    const double r = spread(i) * kOutward + kUnderflow;
    out.set(i, out[i] + Interval(down(sum(i) - r), up(sum(i) + r)));
  }
}

template <class T>
Entries<T> biases(const Vector& bias, const Vector& radius) {
  if constexpr (std::is_same_v<T, double>) {
    return bias;
  } else {
    return IntervalVector::around(bias, radius);
  }
}

// ---- Matrices of numbers or of intervals --------------------------------------------------------

// A block of a matrix, addressed in the same way in both kinds.
struct Place {
  Index row, col;
};

// out += diag(scale) w, at `place`.
void add_scaled(Matrix& out, Place place, const Vector& scale, const Eigen::Ref<const Matrix>& w,
                const Eigen::Ref<const Matrix>&) {
  out.block(place.row, place.col, w.rows(), w.cols()) +=
      (w.array().colwise() * scale.array()).matrix();
}
void add_scaled(IntervalMatrix& out, Place place, const IntervalVector& scale,
                const Eigen::Ref<const Matrix>& w, const Eigen::Ref<const Matrix>& abs_w) {
  constexpr double u = 2.0 * kUnitRoundoff;
  Vector mid(scale.size()), reach(scale.size());
  for (Index i = 0; i < scale.size(); ++i) {
    mid(i) = scale[i].mid();
    reach(i) = scale[i].radius() + u * std::abs(mid(i));
  }
  auto m = out.mid.block(place.row, place.col, w.rows(), w.cols());
  auto r = out.radius.block(place.row, place.col, w.rows(), w.cols());
  m += (w.array().colwise() * mid.array()).matrix();
  r = (r.array() + abs_w.array().colwise() * reach.array() + u * m.array().abs() + kUnderflow) *
      (1.0 + 8.0 * u);
}

// out += diag(scale), at `place`.
void add_diagonal(Matrix& out, Place place, const Vector& scale) {
  out.block(place.row, place.col, scale.size(), scale.size()).diagonal() += scale;
}
void add_diagonal(IntervalMatrix& out, Place place, const IntervalVector& scale) {
  for (Index i = 0; i < scale.size(); ++i) {
    double& m = out.mid(place.row + i, place.col + i);
    double& r = out.radius(place.row + i, place.col + i);
    m += scale[i].mid();
    r = up(r + up(scale[i].radius() + 2.0 * kUnitRoundoff * std::abs(m)));
  }
}

// out += diag(scale) m, at `place`.
void add_scaled_block(Matrix& out, Place place, const Vector& scale, const Matrix& m) {
  out.block(place.row, place.col, m.rows(), m.cols()) +=
      (m.array().colwise() * scale.array()).matrix();
}
void add_scaled_block(IntervalMatrix& out, Place place, const IntervalVector& scale,
                      const IntervalMatrix& m) {
  const Matrix abs_mid = m.mid.cwiseAbs();
  add_scaled(out, place, scale, m.mid, abs_mid);
  Vector largest(scale.size());
  for (Index i = 0; i < scale.size(); ++i) largest(i) = scale[i].magnitude();
  auto r = out.radius.block(place.row, place.col, m.mid.rows(), m.mid.cols());
  r = (r.array() + m.radius.array().colwise() * largest.array() + kUnderflow) *
      (1.0 + 16.0 * kUnitRoundoff);
}

Matrix block_of(const Matrix& m, Place place, Index rows, Index cols) {
  return m.block(place.row, place.col, rows, cols);
}
IntervalMatrix block_of(const IntervalMatrix& m, Place place, Index rows, Index cols) {
  IntervalMatrix block;
  block.mid = m.mid.block(place.row, place.col, rows, cols);
  block.radius = m.radius.block(place.row, place.col, rows, cols);
  return block;
}
void put_block(Matrix& out, Place place, const Matrix& block) {
  out.block(place.row, place.col, block.rows(), block.cols()) = block;
}
void put_block(IntervalMatrix& out, Place place, const IntervalMatrix& block) {
  put_block(out.mid, place, block.mid);
  put_block(out.radius, place, block.radius);
}
void set_zero(Matrix& out, Index rows, Index cols) { out.setZero(rows, cols); }
void set_zero(IntervalMatrix& out, Index rows, Index cols) {
  out.mid.setZero(rows, cols);
  out.radius.setZero(rows, cols);
}

Matrix times(const Matrix& a, const Matrix& b) { return a * b; }
IntervalMatrix times(const IntervalMatrix& a, const IntervalMatrix& b) {
  IntervalMatrix c;
  const Matrix abs_a = a.mid.cwiseAbs(), abs_b = b.mid.cwiseAbs();
  c.mid = a.mid * b.mid;
  const double g = gamma(static_cast<double>(a.mid.cols()) + 1.0);
  c.radius = abs_a * (b.radius + g * abs_b) + a.radius * (abs_b + b.radius);
  c.radius = c.radius.array() * kOutward + kUnderflow;
  return c;
}
IntervalMatrix times(const Matrix& a, const IntervalMatrix& b) {
  IntervalMatrix exact;
  exact.mid = a;
  exact.radius = Matrix::Zero(a.rows(), a.cols());
  return times(exact, b);
}

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
Entries<T> gate_sums(const Layer& layer, const Entries<T>& h, const Entries<T>& below) {
  Entries<T> sums = biases<T>(layer.bias, layer.bias_radius);
  add_product(sums, layer.hidden, layer.abs_hidden, h);
  if (layer.n_below > 0) add_product(sums, layer.input, layer.abs_input, below);
  return sums;
}

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

// Sums of the candidate gate: what stands outside the reset gate, and W_n h + b_n or
// W_n (r h) + b_n.
template <class T>
struct CandidateSums {
  Entries<T> outside, hidden;
};
template <class T>
CandidateSums<T> candidate_sums(const Layer& layer, const Entries<T>& h, const Entries<T>& below,
                                const Entries<T>& reset, bool reset_after) {
  const Index n = layer.n;
  CandidateSums<T> sums{biases<T>(layer.candidate, layer.candidate_radius),
                        biases<T>(layer.bias.tail(n), layer.bias_radius.tail(n))};
  if (layer.n_below > 0) {
    add_product(sums.outside, layer.input.bottomRows(n), layer.abs_input.bottomRows(n), below);
  }
  if (reset_after) {
    add_product(sums.hidden, layer.hidden.bottomRows(n), layer.abs_hidden.bottomRows(n), h);
  } else {
    Entries<T> gated = zeros<T>(n);
    for (Index i = 0; i < n; ++i) put(gated, i, get(reset, i) * get(h, i));
    add_product(sums.hidden, layer.hidden.bottomRows(n), layer.abs_hidden.bottomRows(n), gated);
  }
  return sums;
}

template <class T>
void advance_gru(const Layer& layer, bool reset_after, const Entries<T>& h, const Entries<T>& below,
                 Entries<T>& next, Scales<T>* scales) {
  const Index n = layer.n;
  Entries<T> gates = biases<T>(layer.bias.head(2 * n), layer.bias_radius.head(2 * n));
  add_product(gates, layer.hidden.topRows(2 * n), layer.abs_hidden.topRows(2 * n), h);
  if (layer.n_below > 0) {
    add_product(gates, layer.input.topRows(2 * n), layer.abs_input.topRows(2 * n), below);
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

// diag(scale of gate g) times the rows of gate g of the weights, added at `place`.
template <class T>
void add_gate(Square<T>& out, Place place, const Layer& layer, bool of_input, Index gate,
              const Entries<T>& scale) {
  const Matrix& w = of_input ? layer.input : layer.hidden;
  const Matrix& abs_w = of_input ? layer.abs_input : layer.abs_hidden;
  add_scaled(out, place, scale, w.middleRows(gate * layer.n, layer.n),
             abs_w.middleRows(gate * layer.n, layer.n));
}

// The reset gate before: d(W_n (r h)) = W_n (diag(r) dh + diag(h r') dp_r).
template <class T>
void add_reset_before(Square<T>& out, Place place, const Layer& layer, bool of_input,
                      const Scales<T>& scales) {
  const Index n = layer.n;
  Square<T> inner;
  set_zero(inner, n, of_input ? layer.n_below : n);
  add_gate<T>(inner, {0, 0}, layer, of_input, 0, scales.reset_slope);
  if (!of_input) add_diagonal(inner, {0, 0}, scales.reset);
  const Matrix w_n = layer.hidden.bottomRows(n);
  add_scaled_block(out, place, scales.candidate, times(w_n, inner));
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
    add_reset_before<T>(d, {0, 0}, layer, of_input, scales);
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

Layer prepared(CellKind kind, bool reset_after, const RecurrentLayer& weights, bool bottom,
               const Vector& input) {
  Layer layer;
  layer.n = weights.weight_hh.cols();
  layer.hidden = weights.weight_hh;
  layer.abs_hidden = weights.weight_hh.cwiseAbs();
  Vector constant = weights.bias_ih, size = weights.bias_ih.cwiseAbs();
  if (bottom) {
    constant += weights.weight_ih * input;
    size += weights.weight_ih.cwiseAbs() * input.cwiseAbs();
  } else {
    layer.n_below = weights.weight_ih.cols();
    layer.input = weights.weight_ih;
    layer.abs_input = weights.weight_ih.cwiseAbs();
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

SmoothMap::SmoothMap(const RecurrentNetwork& network, bool reset_after, const Vector& input)
    : kind_(network.kind), reset_after_(reset_after) {
  if (kind_ == CellKind::relu_rnn) {
    throw std::invalid_argument("a network of ReLU units is not smooth");
  }
  const System checked(network);  // shapes and values
  if (input.size() != checked.n_inputs() || !input.allFinite()) {
    throw std::invalid_argument("the input must have one finite entry for each external input");
  }
  for (const RecurrentLayer& weights : network.layers) {
    layers_.push_back(prepared(kind_, reset_after, weights, layers_.empty(), input));
    n_states_ += n_layer_states(layers_.back());
  }
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
  bottom.input = weight_ih;
  bottom.abs_input = weight_ih.cwiseAbs();
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

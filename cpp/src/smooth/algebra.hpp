// Vectors and matrices of numbers or of intervals, so that a network is written once for both.
#pragma once

#include <type_traits>

#include "rnndyn/smooth/map.hpp"

namespace rnndyn::smooth {

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

inline double get(const Vector& v, Index i) { return v(i); }
inline Interval get(const IntervalVector& v, Index i) { return v[i]; }
inline void put(Vector& v, Index i, double value) { v(i) = value; }
inline void put(IntervalVector& v, Index i, Interval value) { v.set(i, value); }

inline Vector part(const ConstVectorRef& v, Index first, Index n) { return v.segment(first, n); }
inline IntervalVector part(const IntervalVector& v, Index first, Index n) {
  return {v.lower.segment(first, n), v.upper.segment(first, n)};
}
inline void put_part(Vector& v, Index first, const Vector& values) {
  v.segment(first, values.size()) = values;
}
inline void put_part(IntervalVector& v, Index first, const IntervalVector& values) {
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

// out += rows [first, first + out.size()) of the weights times x.
inline void add_product(Vector& out, const Weights& w, Index first, const Vector& x) {
  out.noalias() += w.value.middleRows(first, out.size()) * x;
}
inline void add_product(IntervalVector& out, const Weights& w, Index first,
                        const IntervalVector& x) {
  const Index n = x.size(), rows = out.size();
  Vector mid(n), reach(n);
  // A sum of n products in any order is off by gamma(n) |W| |x| (Higham, sec. 3.1).
  const double g = gamma(static_cast<double>(n) + 1.0);
  for (Index i = 0; i < n; ++i) {
    mid(i) = x[i].mid();
    reach(i) = x[i].radius() + g * std::abs(mid(i));
  }
  const Vector sum = w.value.middleRows(first, rows) * mid;
  Vector spread = w.size.middleRows(first, rows) * reach;
  if (!w.is_exact()) spread += w.radius.middleRows(first, rows) * (mid.cwiseAbs() + reach);
  for (Index i = 0; i < rows; ++i) {
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
inline void add_scaled(Matrix& out, Place place, const Vector& scale,
                       const Eigen::Ref<const Matrix>& w, const Eigen::Ref<const Matrix>&) {
  out.block(place.row, place.col, w.rows(), w.cols()) +=
      (w.array().colwise() * scale.array()).matrix();
}
inline void add_scaled(IntervalMatrix& out, Place place, const IntervalVector& scale,
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

// out += diag(scale) times rows [first, first + scale.size()) of the weights, at `place`.
inline void add_scaled(Matrix& out, Place place, const Vector& scale, const Weights& w,
                       Index first) {
  add_scaled(out, place, scale, w.value.middleRows(first, scale.size()),
             w.size.middleRows(first, scale.size()));
}
inline void add_scaled(IntervalMatrix& out, Place place, const IntervalVector& scale,
                       const Weights& w, Index first) {
  const Index n = scale.size();
  add_scaled(out, place, scale, w.value.middleRows(first, n), w.size.middleRows(first, n));
  if (w.is_exact()) return;
  Vector largest(n);
  for (Index i = 0; i < n; ++i) largest(i) = scale[i].magnitude();
  auto r = out.radius.block(place.row, place.col, n, w.value.cols());
  r = (r.array() + w.radius.middleRows(first, n).array().colwise() * largest.array() + kUnderflow) *
      (1.0 + 16.0 * kUnitRoundoff);
}

// out += diag(scale), at `place`.
inline void add_diagonal(Matrix& out, Place place, const Vector& scale) {
  out.block(place.row, place.col, scale.size(), scale.size()).diagonal() += scale;
}
inline void add_diagonal(IntervalMatrix& out, Place place, const IntervalVector& scale) {
  for (Index i = 0; i < scale.size(); ++i) {
    double& m = out.mid(place.row + i, place.col + i);
    double& r = out.radius(place.row + i, place.col + i);
    m += scale[i].mid();
    r = up(r + up(scale[i].radius() + 2.0 * kUnitRoundoff * std::abs(m)));
  }
}

// out += diag(scale) m, at `place`.
inline void add_scaled_block(Matrix& out, Place place, const Vector& scale, const Matrix& m) {
  out.block(place.row, place.col, m.rows(), m.cols()) +=
      (m.array().colwise() * scale.array()).matrix();
}
inline void add_scaled_block(IntervalMatrix& out, Place place, const IntervalVector& scale,
                             const IntervalMatrix& m) {
  const Matrix abs_mid = m.mid.cwiseAbs();
  add_scaled(out, place, scale, m.mid, abs_mid);
  Vector largest(scale.size());
  for (Index i = 0; i < scale.size(); ++i) largest(i) = scale[i].magnitude();
  auto r = out.radius.block(place.row, place.col, m.mid.rows(), m.mid.cols());
  r = (r.array() + m.radius.array().colwise() * largest.array() + kUnderflow) *
      (1.0 + 16.0 * kUnitRoundoff);
}

inline Matrix block_of(const Matrix& m, Place place, Index rows, Index cols) {
  return m.block(place.row, place.col, rows, cols);
}
inline IntervalMatrix block_of(const IntervalMatrix& m, Place place, Index rows, Index cols) {
  IntervalMatrix block;
  block.mid = m.mid.block(place.row, place.col, rows, cols);
  block.radius = m.radius.block(place.row, place.col, rows, cols);
  return block;
}
inline void put_block(Matrix& out, Place place, const Matrix& block) {
  out.block(place.row, place.col, block.rows(), block.cols()) = block;
}
inline void put_block(IntervalMatrix& out, Place place, const IntervalMatrix& block) {
  put_block(out.mid, place, block.mid);
  put_block(out.radius, place, block.radius);
}
inline void set_zero(Matrix& out, Index rows, Index cols) { out.setZero(rows, cols); }
inline void set_zero(IntervalMatrix& out, Index rows, Index cols) {
  out.mid.setZero(rows, cols);
  out.radius.setZero(rows, cols);
}

inline Matrix times(const Matrix& a, const Matrix& b) { return a * b; }
inline IntervalMatrix times(const IntervalMatrix& a, const IntervalMatrix& b) {
  IntervalMatrix c;
  const Matrix abs_a = a.mid.cwiseAbs(), abs_b = b.mid.cwiseAbs();
  c.mid = a.mid * b.mid;
  const double g = gamma(static_cast<double>(a.mid.cols()) + 1.0);
  c.radius = abs_a * (b.radius + g * abs_b) + a.radius * (abs_b + b.radius);
  c.radius = c.radius.array() * kOutward + kUnderflow;
  return c;
}
// Rows [first, first + n) of the weights times a matrix.
inline Matrix times(const Weights& w, Index first, Index n, const Matrix& b) {
  return w.value.middleRows(first, n) * b;
}
inline IntervalMatrix times(const Weights& w, Index first, Index n, const IntervalMatrix& b) {
  IntervalMatrix rows(n, w.value.cols());
  rows.mid = w.value.middleRows(first, n);
  if (!w.is_exact()) rows.radius = w.radius.middleRows(first, n);
  return times(rows, b);
}

// W_hh h + b_hh and what comes from below, of all gates.
template <class T>
Entries<T> gate_sums(const Layer& layer, const Entries<T>& h, const Entries<T>& below) {
  Entries<T> sums = biases<T>(layer.bias, layer.bias_radius);
  add_product(sums, layer.hidden, 0, h);
  if (layer.n_below > 0) add_product(sums, layer.input, 0, below);
  return sums;
}

// diag(scale of gate g) times the rows of gate g of the weights, added at `place`.
template <class T>
void add_gate(Square<T>& out, Place place, const Layer& layer, bool of_input, Index gate,
              const Entries<T>& scale) {
  add_scaled(out, place, scale, of_input ? layer.input : layer.hidden, gate * layer.n);
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
    add_product(sums.outside, layer.input, 2 * n, below);
  }
  if (reset_after) {
    add_product(sums.hidden, layer.hidden, 2 * n, h);
  } else {
    Entries<T> gated = zeros<T>(n);
    for (Index i = 0; i < n; ++i) put(gated, i, get(reset, i) * get(h, i));
    add_product(sums.hidden, layer.hidden, 2 * n, gated);
  }
  return sums;
}

// The reset gate before: d(W_n (r h)) = W_n (diag(r) dh + diag(h r') dp_r), with `scale` in front.
template <class T>
void add_reset_before(Square<T>& out, Place place, const Layer& layer, bool of_input,
                      const Entries<T>& scale, const Entries<T>& reset,
                      const Entries<T>& reset_slope) {
  const Index n = layer.n;
  Square<T> inner;
  set_zero(inner, n, of_input ? layer.n_below : n);
  add_gate<T>(inner, {0, 0}, layer, of_input, 0, reset_slope);
  if (!of_input) add_diagonal(inner, {0, 0}, reset);
  add_scaled_block(out, place, scale, times(layer.hidden, 2 * n, n, inner));
}

}  // namespace rnndyn::smooth

#include "smooth/equations.hpp"

#include "smooth/propagation.hpp"

namespace rnndyn::smooth {
namespace {

// x = x and Phi(x).
bool intersect(IntervalVector& x, const IntervalVector& image) {
  for (Index i = 0; i < x.size(); ++i) {
    if (!narrow(x, i, image[i])) return false;
  }
  return true;
}

// Partial derivatives of one layer's h = R(h, x), as scales of the rows of the weights.
struct RowScales {
  IntervalVector gate[4], candidate, reset, reset_slope;
};

// ---- Fixed points -------------------------------------------------------------------------------

class FixedPointEquations final : public Equations {
 public:
  explicit FixedPointEquations(const SmoothMap& map) : map_(map) {
    for (const Layer& layer : map.layers()) size_ += layer.n;
  }

  IntervalVector domain() const override {
    return {Vector::Constant(size_, -1.0), Vector::Constant(size_, 1.0)};
  }
  IntervalVector image(const IntervalVector& x) const override {
    IntervalVector result(size_);
    advance(x, result, nullptr);
    return result;
  }
  void derivative(const IntervalVector& x, IntervalVector& image,
                  IntervalMatrix& by_x) const override {
    image = IntervalVector(size_);
    set_zero(by_x, size_, size_);
    advance(x, image, &by_x);
  }
  bool propagate(IntervalVector& x) const override;
  IntervalVector states(const IntervalVector& x) const override;
  Matrix points(const Vector& x) const override {
    const IntervalVector all = states({x, x});
    return 0.5 * all.lower + 0.5 * all.upper;
  }
  Vector unknowns(const Matrix& points) const override;

 private:
  void advance(const IntervalVector& x, IntervalVector& image, IntervalMatrix* by_x) const;
  IntervalVector rest(const Layer& layer, const IntervalVector& h, const IntervalVector& below,
                      RowScales* scales) const;
  IntervalVector rest_of_gru(const Layer& layer, const IntervalVector& h,
                             const IntervalVector& below, RowScales* scales) const;
  IntervalVector rest_of_lstm(const Layer& layer, const IntervalVector& h,
                              const IntervalVector& below, RowScales* scales) const;
  void add_derivative(const Layer& layer, Index row, Index column, bool of_input,
                      const RowScales& scales, IntervalMatrix& by_x) const;

  const SmoothMap& map_;
  Index size_ = 0;
};

IntervalVector FixedPointEquations::rest_of_gru(const Layer& layer, const IntervalVector& h,
                                                const IntervalVector& below,
                                                RowScales* scales) const {
  const Index n = layer.n;
  const IntervalVector gates = gate_sums<Interval>(layer, h, below);
  IntervalVector reset(n), result(n);
  for (Index i = 0; i < n; ++i) reset.set(i, logistic(gates[i]));
  const auto sums = candidate_sums<Interval>(layer, h, below, reset, map_.reset_after());
  if (scales) {
    for (IntervalVector* e :
         {&scales->gate[0], &scales->gate[2], &scales->candidate, &scales->reset_slope}) {
      *e = IntervalVector(n);
    }
    scales->reset = reset;
  }
  for (Index i = 0; i < n; ++i) {
    const Interval p = map_.reset_after() ? sums.outside[i] + reset[i] * sums.hidden[i]
                                          : sums.outside[i] + sums.hidden[i];
    result.set(i, tanh_of(p));
    if (!scales) continue;
    const Interval slope = tanh_slope(p), reset_slope = logistic_slope(gates[i]);
    scales->candidate.set(i, slope);
    scales->gate[0].set(i, slope * sums.hidden[i] * reset_slope);
    scales->gate[2].set(i, slope * reset[i]);
    scales->reset_slope.set(i, h[i] * reset_slope);
  }
  return result;
}

// c = i g k where a cell rests.
struct RestingCell {
  Interval i, g, k, c;

  RestingCell(const IntervalVector& sums, Index n, Index j)
      : i(logistic(sums[j])), g(tanh_of(sums[2 * n + j])) {
    // k = 1 / (1 - f) = 1 / logistic(-p), at least 1.
    const Interval p = sums[n + j], open = logistic(Interval(-p.hi, -p.lo));
    k = Interval(std::max(1.0, down(1.0 / open.hi)), up(1.0 / open.lo));
    c = i * g * k;
  }
};

IntervalVector FixedPointEquations::rest_of_lstm(const Layer& layer, const IntervalVector& h,
                                                 const IntervalVector& below,
                                                 RowScales* scales) const {
  const Index n = layer.n;
  const IntervalVector sums = gate_sums<Interval>(layer, h, below);
  IntervalVector result(n);
  if (scales) {
    for (IntervalVector& e : scales->gate) e = IntervalVector(n);
  }
  for (Index j = 0; j < n; ++j) {
    const RestingCell cell(sums, n, j);
    const Interval o = logistic(sums[3 * n + j]), t = tanh_of(cell.c);
    result.set(j, o * t);
    if (!scales) continue;
    const Interval slope = o * tanh_slope(cell.c);
    // A large k meets a small slope; the derivative of k by its sum is k f.
    scales->gate[0].set(j, slope * cell.g * cell.k * logistic_slope(sums[j]));
    scales->gate[1].set(j, slope * cell.c * logistic(sums[n + j]));
    scales->gate[2].set(j, slope * cell.i * cell.k * tanh_slope(sums[2 * n + j]));
    scales->gate[3].set(j, t * logistic_slope(sums[3 * n + j]));
  }
  return result;
}

IntervalVector FixedPointEquations::rest(const Layer& layer, const IntervalVector& h,
                                         const IntervalVector& below, RowScales* scales) const {
  if (map_.kind() == CellKind::gru) return rest_of_gru(layer, h, below, scales);
  if (map_.kind() == CellKind::lstm) return rest_of_lstm(layer, h, below, scales);
  const IntervalVector sums = gate_sums<Interval>(layer, h, below);
  IntervalVector result(layer.n);
  if (scales) scales->gate[0] = IntervalVector(layer.n);
  for (Index i = 0; i < layer.n; ++i) {
    result.set(i, tanh_of(sums[i]));
    if (scales) scales->gate[0].set(i, tanh_slope(sums[i]));
  }
  return result;
}

void FixedPointEquations::add_derivative(const Layer& layer, Index row, Index column, bool of_input,
                                         const RowScales& scales, IntervalMatrix& by_x) const {
  const Place place{row, column};
  switch (map_.kind()) {
    case CellKind::lstm:
      for (Index g = 0; g < 4; ++g) {
        add_gate<Interval>(by_x, place, layer, of_input, g,
                           scales.gate[static_cast<std::size_t>(g)]);
      }
      return;
    case CellKind::gru:
      if (map_.reset_after()) {
        add_gate<Interval>(by_x, place, layer, of_input, 0, scales.gate[0]);
        add_gate<Interval>(by_x, place, layer, of_input, 2,
                           of_input ? scales.candidate : scales.gate[2]);
        return;
      }
      if (of_input) add_gate<Interval>(by_x, place, layer, true, 2, scales.candidate);
      add_reset_before<Interval>(by_x, place, layer, of_input, scales.candidate, scales.reset,
                                 scales.reset_slope);
      return;
    default:
      add_gate<Interval>(by_x, place, layer, of_input, 0, scales.gate[0]);
  }
}

void FixedPointEquations::advance(const IntervalVector& x, IntervalVector& image,
                                  IntervalMatrix* by_x) const {
  Index first = 0;
  IntervalVector below;
  for (const Layer& layer : map_.layers()) {
    RowScales scales;
    const IntervalVector h = part(x, first, layer.n);
    put_part(image, first, rest(layer, h, below, by_x ? &scales : nullptr));
    if (by_x) {
      add_derivative(layer, first, first, false, scales, *by_x);
      if (layer.n_below > 0) {
        add_derivative(layer, first, first - layer.n_below, true, scales, *by_x);
      }
    }
    below = h;
    first += layer.n;
  }
}

bool FixedPointEquations::propagate(IntervalVector& x) const {
  if (map_.kind() != CellKind::tanh_rnn) return intersect(x, image(x));
  Index first = 0;
  for (const Layer& layer : map_.layers()) {
    if (!propagate_tanh(layer, {first, first - layer.n_below, first}, x)) return false;
    first += layer.n;
  }
  return true;
}

IntervalVector FixedPointEquations::states(const IntervalVector& x) const {
  if (map_.kind() != CellKind::lstm) return x;
  IntervalVector all(map_.n_states());
  Index first = 0;
  IntervalVector below;
  for (const Layer& layer : map_.layers()) {
    const Index n = layer.n;
    const IntervalVector h = part(x, first, n);
    const IntervalVector sums = gate_sums<Interval>(layer, h, below);
    put_part(all, 2 * first, h);
    for (Index j = 0; j < n; ++j) all.set(2 * first + n + j, RestingCell(sums, n, j).c);
    below = h;
    first += n;
  }
  return all;
}

Vector FixedPointEquations::unknowns(const Matrix& points) const {
  if (map_.kind() != CellKind::lstm) return points.col(0);
  Vector x(size_);
  Index first = 0;
  for (const Layer& layer : map_.layers()) {
    x.segment(first, layer.n) = points.col(0).segment(2 * first, layer.n);
    first += layer.n;
  }
  return x;
}

// ---- Cycles -------------------------------------------------------------------------------------

class CycleEquations final : public Equations {
 public:
  CycleEquations(const SmoothMap& map, Index order)
      : map_(map), n_(map.n_states()), order_(order) {}

  IntervalVector domain() const override {
    const IntervalVector box = map_.invariant_box();
    return {box.lower.replicate(order_, 1), box.upper.replicate(order_, 1)};
  }
  IntervalVector image(const IntervalVector& x) const override {
    IntervalVector result(n_ * order_);
    for (Index t = 0; t < order_; ++t) put_part(result, after(t), map_.step(part(x, t * n_, n_)));
    return result;
  }
  void derivative(const IntervalVector& x, IntervalVector& image,
                  IntervalMatrix& by_x) const override {
    image = IntervalVector(n_ * order_);
    set_zero(by_x, n_ * order_, n_ * order_);
    for (Index t = 0; t < order_; ++t) {
      IntervalVector next;
      IntervalMatrix j;
      map_.jacobian(part(x, t * n_, n_), next, j);
      put_part(image, after(t), next);
      put_block(by_x, {after(t), t * n_}, j);
    }
  }
  bool propagate(IntervalVector& x) const override;
  IntervalVector states(const IntervalVector& x) const override { return x; }
  Matrix points(const Vector& x) const override {
    return Eigen::Map<const Matrix>(x.data(), n_, order_);
  }
  Vector unknowns(const Matrix& points) const override {
    return Eigen::Map<const Vector>(points.data(), points.size());
  }

 private:
  Index after(Index t) const { return (t + 1) % order_ * n_; }

  const SmoothMap& map_;
  Index n_, order_;
};

bool CycleEquations::propagate(IntervalVector& x) const {
  for (Index t = 0; t < order_; ++t) {
    if (map_.kind() == CellKind::tanh_rnn) {
      Index first = 0;
      for (const Layer& layer : map_.layers()) {
        const LayerPlaces at{t * n_ + first, after(t) + first - layer.n_below, after(t) + first};
        if (!propagate_tanh(layer, at, x)) return false;
        first += layer.n;
      }
      continue;
    }
    const IntervalVector next = map_.step(part(x, t * n_, n_));
    for (Index i = 0; i < n_; ++i) {
      if (!narrow(x, after(t) + i, next[i])) return false;
    }
  }
  return true;
}

}  // namespace

std::unique_ptr<Equations> fixed_point_equations(const SmoothMap& map) {
  return std::make_unique<FixedPointEquations>(map);
}
std::unique_ptr<Equations> cycle_equations(const SmoothMap& map, Index order) {
  return std::make_unique<CycleEquations>(map, order);
}

}  // namespace rnndyn::smooth

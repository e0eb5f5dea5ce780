#include "smooth/propagation.hpp"

#include <cmath>
#include <limits>

namespace rnndyn::smooth {
namespace {

// Weights below this would only blow up the bounds.
constexpr double kSmallWeight = 1e-6;
// tanh is not told from 1 beyond.
constexpr double kNearlyOne = 1.0 - 4e-15;

struct Term {
  Index place;
  double weight;
};

bool propagate_row(double bias, double bias_radius, const Term* terms, Index n_terms, Index after,
                   IntervalVector& box) {
  Interval sum(down(bias - bias_radius), up(bias + bias_radius));
  for (Index j = 0; j < n_terms; ++j) {
    sum = sum + Interval(terms[j].weight) * box[terms[j].place];
  }
  if (!narrow(box, after, tanh_of(sum))) return false;
  const Interval wanted(atanh_down(box.lower(after)), atanh_up(box.upper(after)));
  if (wanted.lo <= sum.lo && wanted.hi >= sum.hi) return true;
  for (Index j = 0; j < n_terms; ++j) {
    const double w = terms[j].weight;
    if (!(std::abs(w) > kSmallWeight)) continue;
    const Interval own = Interval(w) * box[terms[j].place];
    // The others sum up to no less than the lower end of all without that of this one.
    const Interval others(down(sum.lo - own.lo), up(sum.hi - own.hi));
    Interval left(down(wanted.lo - others.hi), up(wanted.hi - others.lo));
    if (w < 0.0) left = Interval(-left.hi, -left.lo);
    const double size = std::abs(w);
    if (!narrow(box, terms[j].place, {down(left.lo / size), up(left.hi / size)})) return false;
  }
  return true;
}

}  // namespace

double atanh_up(double y) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (y > kNearlyOne) return infinity;
  if (y < -kNearlyOne) return atanh_up(-kNearlyOne);
  double x = std::atanh(y);
  double step = 4.0 * kUnitRoundoff * (1.0 + std::abs(x));
  for (int i = 0; i < 64; ++i) {
    x += step;
    if (tanh_of(Interval(x)).lo >= y) return x;
    step *= 2.0;
  }
  return infinity;
}

bool propagate_tanh(const Layer& layer, const LayerPlaces& at, IntervalVector& box) {
  const Index n_terms = layer.n + layer.n_below;
  std::vector<Term> terms(static_cast<std::size_t>(n_terms));
  for (Index i = 0; i < layer.n; ++i) {
    for (Index j = 0; j < layer.n; ++j) {
      terms[static_cast<std::size_t>(j)] = {at.own + j, layer.hidden.value(i, j)};
    }
    for (Index j = 0; j < layer.n_below; ++j) {
      terms[static_cast<std::size_t>(layer.n + j)] = {at.below + j, layer.input.value(i, j)};
    }
    if (!propagate_row(layer.bias(i), layer.bias_radius(i), terms.data(), n_terms, at.after + i,
                       box)) {
      return false;
    }
  }
  return true;
}

}  // namespace rnndyn::smooth

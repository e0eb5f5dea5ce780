#include "rnndyn/smooth/path.hpp"

#include <cmath>
#include <stdexcept>

namespace rnndyn::smooth {
namespace {

// Radii of what four operations make of numbers up to `size`.
constexpr double kRounding = 8.0 * kUnitRoundoff;

template <class Values>
Values blend(const Values& a, const Values& b, double s) {
  if (s == 0.0) return a;
  if (s == 1.0) return b;
  return (1.0 - s) * a + s * b;
}

// How far the exact values over [middle - reach, middle + reach] can be from blend(a, b, middle).
template <class Values>
Values spread(const Values& a, const Values& b, double middle, double reach) {
  const double share = std::abs(1.0 - middle) + std::abs(middle) + reach;
  return ((b - a).array().abs() * reach +
          (a.array().abs() + b.array().abs()) * (kRounding * share)) *
             kOutward +
         kUnderflow;
}

Vector blended_radius(const Vector& a, const Vector& b, double middle, double reach) {
  return (a * (std::abs(1.0 - middle) + reach) + b * (std::abs(middle) + reach)) * kOutward;
}

Weights blended(const Weights& a, const Weights& b, double middle, double reach,
                bool as_intervals) {
  if (a.value.size() == 0) return a;
  Matrix value = blend(a.value, b.value, middle);
  if (!as_intervals) return Weights(std::move(value));
  return {std::move(value), spread(a.value, b.value, middle, reach)};
}

Layer blended(const Layer& a, const Layer& b, double middle, double reach, bool as_intervals) {
  Layer layer;
  layer.n = a.n;
  layer.n_below = a.n_below;
  layer.hidden = blended(a.hidden, b.hidden, middle, reach, as_intervals);
  layer.input = blended(a.input, b.input, middle, reach, as_intervals);
  layer.bias = blend(a.bias, b.bias, middle);
  layer.candidate = blend(a.candidate, b.candidate, middle);
  layer.bias_radius = blended_radius(a.bias_radius, b.bias_radius, middle, reach);
  layer.candidate_radius = blended_radius(a.candidate_radius, b.candidate_radius, middle, reach);
  if (as_intervals) {
    layer.bias_radius += spread(a.bias, b.bias, middle, reach);
    layer.candidate_radius += spread(a.candidate, b.candidate, middle, reach);
  }
  return layer;
}

Weights difference(const Weights& a, const Weights& b) {
  if (a.value.size() == 0) return a;
  Matrix value = b.value - a.value;
  Matrix radius = value.cwiseAbs() * (2.0 * kUnitRoundoff);
  return {std::move(value), std::move(radius)};
}

Layer difference(const Layer& a, const Layer& b) {
  Layer slope;
  slope.n = a.n;
  slope.n_below = a.n_below;
  slope.hidden = difference(a.hidden, b.hidden);
  slope.input = difference(a.input, b.input);
  slope.bias = b.bias - a.bias;
  slope.candidate = b.candidate - a.candidate;
  slope.bias_radius =
      (a.bias_radius + b.bias_radius + slope.bias.cwiseAbs() * (2.0 * kUnitRoundoff)) * kOutward;
  slope.candidate_radius = (a.candidate_radius + b.candidate_radius +
                            slope.candidate.cwiseAbs() * (2.0 * kUnitRoundoff)) *
                           kOutward;
  return slope;
}

bool fit(const SmoothMap& a, const SmoothMap& b) {
  if (a.kind() != b.kind() || a.reset_after() != b.reset_after()) return false;
  if (a.layers().size() != b.layers().size()) return false;
  for (std::size_t l = 0; l < a.layers().size(); ++l) {
    const Layer &x = a.layers()[l], &y = b.layers()[l];
    if (x.n != y.n || x.n_below != y.n_below) return false;
  }
  return true;
}

}  // namespace

SmoothPath::SmoothPath(SmoothMap first, SmoothMap last)
    : first_(std::move(first)), last_(std::move(last)) {
  if (!fit(first_, last_)) {
    throw std::invalid_argument("the networks at the ends of a path must be of one kind and size");
  }
  for (std::size_t l = 0; l < first_.layers().size(); ++l) {
    slopes_.push_back(difference(first_.layers()[l], last_.layers()[l]));
  }
}

SmoothMap SmoothPath::at(double s) const {
  std::vector<Layer> layers;
  for (std::size_t l = 0; l < slopes_.size(); ++l) {
    layers.push_back(blended(first_.layers()[l], last_.layers()[l], s, 0.0, false));
  }
  return {first_.kind(), first_.reset_after(), std::move(layers)};
}

SmoothMap SmoothPath::over(Interval s) const {
  const double reach = s.lo == s.hi ? 0.0 : s.radius();
  std::vector<Layer> layers;
  for (std::size_t l = 0; l < slopes_.size(); ++l) {
    layers.push_back(blended(first_.layers()[l], last_.layers()[l], s.mid(), reach, true));
  }
  return {first_.kind(), first_.reset_after(), std::move(layers)};
}

}  // namespace rnndyn::smooth

// Multipliers that prove a cut of a polygon to be empty.
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "kernels/polygons/polygon_walk.hpp"

namespace rnndyn {
namespace {

// Vertices that are tried for a proof.
constexpr int kTries = 4;

// Solves the square system whose columns are given, by elimination with partial pivoting; unknowns
// without a pivot are 0.
template <std::size_t N>
std::array<double, N> solve_small(std::array<std::array<double, N>, N> columns,
                                  std::array<double, N> right) {
  std::array<double, N> x{};
  std::array<bool, N> has_pivot{};
  for (std::size_t c = 0; c < N; ++c) {
    std::size_t best = c;
    for (std::size_t r = c + 1; r < N; ++r) {
      if (std::abs(columns[c][r]) > std::abs(columns[c][best])) best = r;
    }
    if (!(std::abs(columns[c][best]) > 0.0)) continue;
    has_pivot[c] = true;
    for (std::size_t e = 0; e < N; ++e) std::swap(columns[e][c], columns[e][best]);
    std::swap(right[c], right[best]);
    for (std::size_t r = c + 1; r < N; ++r) {
      const double factor = columns[c][r] / columns[c][c];
      for (std::size_t e = c + 1; e < N; ++e) columns[e][r] -= factor * columns[e][c];
      right[r] -= factor * right[c];
    }
  }
  for (std::size_t c = N; c-- > 0;) {
    if (!has_pivot[c]) continue;
    double sum = right[c];
    for (std::size_t e = c + 1; e < N; ++e) sum -= columns[e][c] * x[e];
    x[c] = sum / columns[c][c];
  }
  return x;
}

}  // namespace

template <int M, bool AtInfinity>
bool PolygonWalk<M, AtInfinity>::certify(const Set& set, const Values& values, const Function& f,
                                         std::int32_t time, std::int32_t constraint,
                                         const Word* region) {
  if (!rigorous_) return true;
  // Farkas: at the vertex where f is largest its gradient is a combination of the facets' there.
  // Where vertices nearly coincide, or the set is flat, another one may serve.
  Values left = values;
  for (int attempt = 0; attempt < std::min(kTries, set.size()); ++attempt) {
    int best = 0;
    for (int v = 1; v < set.size(); ++v) {
      if (left[static_cast<std::size_t>(v)] > left[static_cast<std::size_t>(best)]) best = v;
    }
    if (certify_at(set, best, f, time, constraint, region)) return true;
    left[static_cast<std::size_t>(best)] = -std::numeric_limits<double>::infinity();
  }
  ++n_uncertified_;
  return false;
}

template <int M, bool AtInfinity>
auto PolygonWalk<M, AtInfinity>::normal(std::int32_t time, std::int32_t constraint,
                                        const Word* region) const -> Coefficients {
  Coefficients result{};
  if (constraint < n_units_) {
    const Function& f = unit_functions_[static_cast<std::size_t>(constraint)];
    const Word* bits =
        region != nullptr ? region : certificate_.region(pieces_[static_cast<std::size_t>(time)]);
    const double sign = get_bit(bits, constraint) ? 1.0 : -1.0;
    for (std::size_t d = 0; d < kDim; ++d) result[d] = sign * f[d];
  } else if (constraint < n_units_ + 2 * M) {
    const Function& f = box_functions_[static_cast<std::size_t>(constraint - n_units_)];
    for (std::size_t d = 0; d < kDim; ++d) result[d] = f[d];
  } else {
    result[static_cast<std::size_t>(certificate_.domain().face_state)] =
        certificate_.domain().face_sign;
  }
  return result;
}

template <int M, bool AtInfinity>
bool PolygonWalk<M, AtInfinity>::certify_at(const Set& set, int vertex, const Function& f,
                                            std::int32_t time, std::int32_t constraint,
                                            const Word* region) {
  constexpr auto kCount = static_cast<std::size_t>(kDim);
  // Facets by descending time, the bounds of tau (which hold at any time) last.
  std::array<std::int32_t, kCount> labels;
  for (std::size_t n = 0; n < kCount; ++n) labels[n] = set.label(static_cast<int>(n), vertex);
  std::sort(labels.begin(), labels.end(), std::greater<>());
  std::array<std::int32_t, kCount> times{}, constraints{};
  std::int32_t first = time;
  for (std::size_t n = 0; n < kCount; ++n) {
    if (labels[n] < 0) continue;
    times[n] = labels[n] / n_constraints_;
    constraints[n] = labels[n] % n_constraints_;
    first = times[n];
  }
  // Gradients at step `first`: of f, and of the facets.
  Coefficients gradient;
  for (std::size_t d = 0; d < kCount; ++d) gradient[d] = f[d];
  std::array<Coefficients, kCount> columns{};
  std::size_t n_columns = 0;
  const auto pull_back = [](Coefficients& g, const typename Set::Transform& by) {
    Coefficients before{};
    for (std::size_t c = 0; c < kCount; ++c) {
      for (std::size_t r = 0; r < kCount; ++r) before[c] += by.matrix[c * kCount + r] * g[r];
    }
    g = before;
  };
  for (std::int32_t t = time;; --t) {
    while (n_columns < kCount && labels[n_columns] >= 0 && times[n_columns] == t) {
      columns[n_columns] = normal(t, constraints[n_columns], t == time ? region : nullptr);
      ++n_columns;
    }
    if (t == first) break;
    const auto piece = static_cast<std::size_t>(pieces_[static_cast<std::size_t>(t - 1)]);
    pull_back(gradient, transforms_[piece]);
    for (std::size_t n = 0; n < n_columns; ++n) pull_back(columns[n], transforms_[piece]);
  }
  for (; n_columns < kCount; ++n_columns) {
    columns[n_columns][kCount - 1] = labels[n_columns] == kTauLow ? 1.0 : -1.0;
  }
  for (double& x : gradient) x = -x;
  const std::array<double, kCount> lambda = solve_small(columns, gradient);
  auto& [multipliers, n_multipliers, closing] = refutation_;
  multipliers[0] = {time, constraint, 1.0};
  n_multipliers = 1;
  for (std::size_t n = 0; n < kCount; ++n) {
    if (labels[n] < 0 || !(lambda[n] > 0.0)) continue;
    multipliers[n_multipliers++] = {times[n], constraints[n], lambda[n]};
  }
  closing = certificate_.close(pieces_.data(), region, {multipliers.data(), n_multipliers});
  return closing.closed;
}

template bool PolygonWalk<1, false>::certify(const Set&, const Values&, const Function&,
                                             std::int32_t, std::int32_t, const Word*);
template bool PolygonWalk<1, true>::certify(const Set&, const Values&, const Function&,
                                            std::int32_t, std::int32_t, const Word*);
template bool PolygonWalk<2, false>::certify(const Set&, const Values&, const Function&,
                                             std::int32_t, std::int32_t, const Word*);
template bool PolygonWalk<2, true>::certify(const Set&, const Values&, const Function&,
                                            std::int32_t, std::int32_t, const Word*);

}  // namespace rnndyn

// The zeros of one itinerary's functions along a path: isolated, then polished by fresh solutions.
#include <algorithm>
#include <cmath>
#include <limits>

#include "bifurcation/branch.hpp"
#include "bifurcation/refine.hpp"

namespace rnndyn {
namespace {

EventKind kind_of(const PathSystem& system, std::size_t function) {
  const auto n = static_cast<std::size_t>(system.order() * system.n_relevant());
  if (function < n) return EventKind::border_collision;
  return function == n ? EventKind::degenerate_transcritical : EventKind::degenerate_flip;
}

double nearest_multiplier_distance(PathSystem& system, double s, double target) {
  const Multipliers found = multipliers(system.jacobians(s), system.control());
  double distance = std::numeric_limits<double>::infinity();
  for (const auto& mu : found.values) distance = std::min(distance, std::abs(mu - target));
  return distance;
}

}  // namespace

RootSolution system_roots(PathSystem& system, bool only_real) {
  const auto n_border = static_cast<std::size_t>(system.order() * system.n_relevant());
  std::vector<char> bits(n_border);
  for (std::size_t f = 0; f < n_border; ++f) {
    const auto t = static_cast<Index>(f) / system.n_relevant();
    const auto j = f % static_cast<std::size_t>(system.n_relevant());
    bits[f] = get_bit(system.itinerary().at(t), system.path().relevant_units()[j]) ? 1 : 0;
  }
  RootProblem problem;
  problem.n_functions = n_border + 2;
  problem.n_first_group = n_border + 1;
  problem.degree_bound = system.degree_bound();
  PathSample sample;
  problem.evaluate = [&](double s, FunctionValues& out) {
    system.sample(s, sample);
    out.values.resize(n_border + 2);
    out.noise.resize(n_border + 2);
    const double d = sample.determinant.mantissa;
    for (std::size_t f = 0; f < n_border; ++f) {
      out.values[f] = sample.preactivations[f] * d;
      out.noise[f] = sample.noise[f];
    }
    out.values[n_border] = d;
    out.noise[n_border] = sample.determinant_noise;
    out.values[n_border + 1] = sample.flip_determinant.mantissa;
    out.noise[n_border + 1] = sample.flip_noise;
    out.exponents[0] = sample.determinant.exponent;
    out.exponents[1] = sample.flip_determinant.exponent;
  };
  if (only_real) {
    // A pre-activation that has the wrong sign all along leaves no room for a real cycle; neither
    // do two of which one is right where the determinant is positive, and one where it is negative.
    problem.skip = [&bits, n_border](const std::vector<int>& signs) {
      bool positive = signs[n_border] >= 0;
      bool negative = signs[n_border] <= 0;
      for (std::size_t f = 0; f < n_border; ++f) {
        if (signs[f] == 0) continue;
        ((signs[f] > 0) == (bits[f] != 0) ? negative : positive) = false;
        if (!positive && !negative) return true;
      }
      return false;
    };
  }
  return find_roots(problem, 0.0, 1.0);
}

PathRoot refined_root(PathSystem& system, const RootInterval& interval) {
  const auto n_border = static_cast<std::size_t>(system.order() * system.n_relevant());
  PathRoot root;
  root.kind = kind_of(system, interval.function);
  PathSample sample;
  const RefinedRoot found = refine_root(
      [&](double s) {
        system.sample(s, sample);
        if (interval.function == n_border) return sample.determinant;
        if (interval.function == n_border + 1) return sample.flip_determinant;
        ScaledValue value = sample.determinant;
        value.multiply(sample.preactivations[interval.function]);
        return value;
      },
      interval.lower, interval.upper);
  root.s = std::clamp(found.s, 0.0, 1.0);
  root.lower = found.lower;
  root.upper = found.upper;
  root.converged = found.converged;
  if (root.kind == EventKind::border_collision) {
    const auto f = static_cast<Index>(interval.function);
    root.time_index = f / system.n_relevant();
    root.unit = system.path().relevant_units()[static_cast<std::size_t>(f % system.n_relevant())];
    system.sample(root.s, sample);
    root.residual = std::abs(sample.preactivations[interval.function]);
  } else {
    const double target = root.kind == EventKind::degenerate_transcritical ? 1.0 : -1.0;
    root.residual = nearest_multiplier_distance(system, root.s, target);
  }
  return root;
}

std::vector<PathRoot> events_on_path(const CanonicalPath& path, const Itinerary& itinerary) {
  PathSystem system(path, itinerary);
  std::vector<PathRoot> events;
  for (const RootInterval& interval : system_roots(system, false).roots) {
    if (interval.error() < kWide) events.push_back(refined_root(system, interval));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const PathRoot& a, const PathRoot& b) { return a.s < b.s; });
  return events;
}

}  // namespace rnndyn

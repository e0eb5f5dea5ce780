#include "bifurcation/stability.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "bifurcation/branch.hpp"
#include "bifurcation/reduction.hpp"
#include "bifurcation/refine.hpp"
#include "cycles/eigenvalues.hpp"

namespace rnndyn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// The formed product is used while its entries span fewer digits than this.
constexpr double kTrustedGrowth = 1e8;
// Degree and cancellation of center_function grow with the square of the number of states. Beyond
// this many the moduli of the multipliers are compared at close places instead.
constexpr Index kMaxCenterStates = 10;
// What takes the polynomial more subintervals than this has a zero of high multiplicity, at which
// halving would go on to the last digit.
constexpr int kMaxCenterSubintervals = 256;
constexpr double kOnCircle = 1e-6;

// Relative error of center_function from errors of kMultiplierError in the multipliers.
double center_function_error(const MultiplierSet& set) {
  constexpr double kMultiplierError = 256.0 * kEpsilon;
  double sum = 0.0;
  for (std::size_t i = 0; i < set.values.size(); ++i) {
    for (std::size_t j = i + 1; j < set.values.size(); ++j) {
      const std::complex<double> product = set.values[i] * set.values[j];
      const double size = std::sqrt(std::norm(product));
      const double distance = std::sqrt(std::norm(1.0 - product));
      sum += (1.0 + size) / std::max(distance, kEpsilon * kEpsilon);
    }
  }
  return kMultiplierError * sum;
}

// Distance of the complex pair nearest to the unit circle from it.
double pair_distance(const MultiplierSet& set) {
  double distance = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < set.values.size(); ++i) {
    const std::complex<double> mu = set.values[i];
    // Rounding splits a double real multiplier into a pair with an imaginary part of sqrt(eps).
    if (!(std::abs(mu.imag()) > 1e-7 * std::abs(mu))) continue;
    distance = std::min(distance, std::abs(std::expm1(set.log_moduli[i])));
  }
  return distance;
}

// Roots of center_function between lower and upper; nothing where it cannot be resolved.
std::optional<std::vector<PathRoot>> centers_by_polynomial(const ReducedSystem& system,
                                                           double lower, double upper) {
  bool finite = true;
  RootProblem problem;
  problem.n_functions = 1;
  problem.n_first_group = 1;
  problem.degree_bound = -1;
  problem.max_subintervals = kMaxCenterSubintervals;
  problem.evaluate = [&](double s, FunctionValues& out) {
    const MultiplierSet set = multiplier_set(system.jacobians(s), system.control());
    finite = finite && set.finite();
    if (!finite) {
      // Whatever is found is thrown away.
      out = {{1.0}, {0.0}, {0, 0}};
      return;
    }
    const ScaledValue value = center_function(set);
    out.values.assign(1, value.mantissa);
    out.noise.assign(1, std::abs(value.mantissa) * center_function_error(set));
    out.exponents[0] = value.exponent;
  };
  std::vector<PathRoot> found;
  const RootSolution solution = find_roots(problem, lower, upper);
  if (!finite || !solution.unresolved.empty()) return std::nullopt;
  for (const RootInterval& r : solution.roots) {
    const RefinedRoot refined = refine_root(
        [&](double s) {
          return center_function(multiplier_set(system.jacobians(s), system.control()));
        },
        r.lower, r.upper);
    const double residual =
        pair_distance(multiplier_set(system.jacobians(refined.s), system.control()));
    if (residual > kOnCircle) continue;  // mu and 1 / mu, both real
    PathRoot root;
    root.kind = EventKind::center;
    root.s = refined.s;
    root.lower = refined.lower;
    root.upper = refined.upper;
    root.residual = residual;
    root.converged = refined.converged;
    found.push_back(root);
  }
  return found;
}

// Moduli at one place: of all multipliers, their logarithms in ascending order, which are
// continuous in s whatever pair is which; and the number of complex ones outside the unit circle.
struct Moduli {
  double s;
  std::vector<double> logs;
  Index n_pairs_outside;
  bool finite;
};

// Complex pairs that pass the unit circle, from the moduli at as many places as it takes.
class CenterCount {
 public:
  explicit CenterCount(const ReducedSystem& system) : system_(system) {}

  std::vector<PathRoot> run(double lower, double upper) {
    Moduli left = at(lower);
    for (int piece = 1; piece <= kGridPieces; ++piece) {
      Moduli right = at(lower + (upper - lower) * static_cast<double>(piece) / kGridPieces);
      subdivide(left, right, 0);
      left = std::move(right);
    }
    return std::move(found_);
  }
  // Where it was given up.
  const std::vector<double>& unresolved() const { return unresolved_; }

 private:
  Moduli at(double s) {
    ++n_evaluations_;
    const MultiplierSet set = multiplier_set(system_.jacobians(s), system_.control());
    Moduli result{s, set.log_moduli, 0, set.finite()};
    if (!result.finite) return result;
    for (std::size_t i = 0; i < set.values.size(); ++i) {
      // A cycle with a multiplier of zero is the same as one that is far inside.
      result.logs[i] = std::max(result.logs[i], kFarInside);
      if (set.values[i].imag() != 0.0 && set.log_moduli[i] > 0.0) ++result.n_pairs_outside;
    }
    std::sort(result.logs.begin(), result.logs.end());
    return result;
  }

  void subdivide(const Moduli& left, const Moduli& right, int depth) {
    const Moduli middle = at(0.5 * (left.s + right.s));
    const bool is_tame = tame(left, middle, right);
    if (!is_tame && (n_evaluations_ > kMaxEvaluations || !middle.finite)) {
      // Moduli that vary without end are none that are known.
      unresolved_.push_back(middle.s);
    } else if (!is_tame && depth < kMaxDepth) {
      subdivide(left, middle, depth + 1);
      subdivide(middle, right, depth + 1);
      return;
    }
    for (const auto& [a, b] : {std::pair(&left, &middle), std::pair(&middle, &right)}) {
      if (!a->finite || !b->finite) continue;
      if (a->n_pairs_outside != b->n_pairs_outside) bracket(*a, *b);
    }
  }

  // Whether every modulus either stays away from the circle by more than it varies, or is so
  // nearly linear that it cannot turn back.
  static bool tame(const Moduli& left, const Moduli& middle, const Moduli& right) {
    if (!left.finite || !middle.finite || !right.finite) return false;
    for (std::size_t i = 0; i < left.logs.size(); ++i) {
      const double a = left.logs[i];
      const double m = middle.logs[i];
      const double b = right.logs[i];
      const double nearest = std::min({std::abs(a), std::abs(m), std::abs(b)});
      const bool one_side = (a > 0.0) == (m > 0.0) && (m > 0.0) == (b > 0.0);
      if (one_side && nearest > kVariation * (std::abs(m - a) + std::abs(b - m))) continue;
      if (std::abs(a - 2.0 * m + b) <= kBend * std::abs(b - a) + kMultiplierNoise) continue;
      return false;
    }
    return true;
  }

  void bracket(const Moduli& left, const Moduli& right) {
    double a = left.s;
    double b = right.s;
    while (b - a > 4.0 * kEpsilon) {
      const double middle = 0.5 * (a + b);
      if (!(middle > a && middle < b)) break;
      (at(middle).n_pairs_outside == left.n_pairs_outside ? a : b) = middle;
    }
    PathRoot root;
    root.kind = EventKind::center;
    root.s = 0.5 * (a + b);
    root.lower = a;
    root.upper = b;
    root.residual = pair_distance(multiplier_set(system_.jacobians(root.s), system_.control()));
    root.converged = true;
    // Otherwise a pair has met on the real line.
    if (root.residual <= kOnCircle) found_.push_back(root);
  }

  static constexpr int kGridPieces = 16;
  static constexpr int kMaxDepth = 20;
  static constexpr double kVariation = 2.0;
  static constexpr double kBend = 0.25;
  static constexpr double kMultiplierNoise = 1e-10;
  static constexpr double kFarInside = -20.0;

  // Every kink of a modulus, where multipliers meet, takes some forty.
  static constexpr int kMaxEvaluations = 20'000;

  const ReducedSystem& system_;
  std::vector<PathRoot> found_;
  std::vector<double> unresolved_;
  int n_evaluations_ = 0;
};

}  // namespace

Index MultiplierSet::n_outside() const {
  return std::count_if(log_moduli.begin(), log_moduli.end(), [](double x) { return x > 0.0; });
}

bool MultiplierSet::finite() const {
  return std::all_of(values.begin(), values.end(), [](const std::complex<double>& mu) {
    return std::isfinite(mu.real()) && std::isfinite(mu.imag());
  });
}

MultiplierSet multipliers_at(PathSystem& system, double s) {
  return multiplier_set(system.jacobians(s), system.control());
}

MultiplierSet multiplier_set(const std::vector<Matrix>& jacobians, Control* control) {
  Looks looks(control);
  Matrix product = jacobians.front();
  double growth = product.cwiseAbs().maxCoeff();
  for (std::size_t t = 1; t < jacobians.size(); ++t) {
    product = jacobians[t] * product;
    looks.after(2.0 * static_cast<double>(product.size() * product.rows()));
    growth = std::max(growth, product.cwiseAbs().maxCoeff());
    if (!(growth < kTrustedGrowth)) break;
  }
  MultiplierSet set;
  // An eigenvalue of the product is wrong by rounding times its growth: no harm near the unit
  // circle, which is what is asked for here.
  if (growth < kTrustedGrowth) {
    set.values = eigenvalues(product);
    for (const auto& mu : set.values) set.log_moduli.push_back(std::log(std::abs(mu)));
  }
  if (set.values.empty() || !set.finite()) {
    const Multipliers found = multipliers(jacobians, control);
    set.values.assign(found.values.begin(), found.values.end());
    set.log_moduli.assign(found.log_moduli.begin(), found.log_moduli.end());
  }
  return set;
}

ScaledValue center_function(const MultiplierSet& multipliers) {
  ScaledValue value;
  std::complex<double> running = 1.0;
  const auto& mu = multipliers.values;
  for (std::size_t i = 0; i < mu.size(); ++i) {
    for (std::size_t j = i + 1; j < mu.size(); ++j) {
      running *= 1.0 - mu[i] * mu[j];
      int shift = 0;
      std::frexp(std::max(std::abs(running.real()), std::abs(running.imag())), &shift);
      running = {std::ldexp(running.real(), -shift), std::ldexp(running.imag(), -shift)};
      value.exponent += shift;
    }
  }
  // Complex factors come in conjugate pairs.
  value.multiply(running.real());
  return value;
}

void analyse_stability(PathSystem& system, const RootSolution& roots, Branch& branch) {
  const auto n_border = static_cast<std::size_t>(system.order() * system.n_relevant());
  const ReducedSystem reduced(system);
  for (Stretch& stretch : branch.stretches) {
    // What happens exactly at an end of the path shows beyond it only.
    const double begin = std::max(stretch.begin, kAtEnd);
    const double end = std::min(stretch.end, 1.0 - kAtEnd);
    const auto inside = [&](double s) { return s > begin && s < end; };
    std::vector<std::size_t> own;  // inner events of this stretch
    for (std::size_t i = 0; i < branch.inner.size(); ++i) {
      if (inside(branch.inner[i].root.s)) own.push_back(i);
    }
    const auto add = [&](const PathRoot& root) {
      if (!inside(root.s)) return;
      own.push_back(branch.inner.size());
      branch.inner.push_back({root, -1, -1});
    };
    for (const RootInterval& r : roots.roots) {
      if (r.function != n_border + 1 || !inside(r.middle())) continue;
      add(refined_root(system, r));
    }
    if (reduced.n_states() >= 2 && stretch.end > stretch.begin) {
      std::optional<std::vector<PathRoot>> centers;
      if (reduced.n_states() <= kMaxCenterStates) {
        centers = centers_by_polynomial(reduced, stretch.begin, stretch.end);
      }
      if (!centers) {
        CenterCount count(reduced);
        centers = count.run(stretch.begin, stretch.end);
        const std::vector<double>& open = count.unresolved();
        branch.unresolved.insert(branch.unresolved.end(), open.begin(), open.end());
      }
      for (const PathRoot& root : *centers) add(root);
    }
    std::sort(own.begin(), own.end(), [&](std::size_t a, std::size_t b) {
      return branch.inner[a].root.s < branch.inner[b].root.s;
    });
    double left = stretch.begin;
    Index before = -1;
    for (std::size_t i = 0; i <= own.size(); ++i) {
      const double right = i < own.size() ? branch.inner[own[i]].root.s : stretch.end;
      // Several events at one s have nothing between them.
      const bool fresh = before < 0 || right > left;
      const Index n = fresh ? multipliers_at(system, 0.5 * (left + right)).n_outside() : before;
      if (i == 0) stretch.n_unstable_begin = n;
      if (i > 0) branch.inner[own[i - 1]].n_unstable_after = n;
      if (i < own.size()) branch.inner[own[i]].n_unstable_before = n;
      before = n;
      left = right;
    }
    stretch.n_unstable_end = before;
  }
}

std::vector<PathPoint> cycle_on_path(const CanonicalPath& path, const Itinerary& itinerary,
                                     const std::vector<double>& s) {
  PathSystem system(path, itinerary);
  PathSample sample;
  std::vector<PathPoint> result;
  for (const double at : s) {
    system.sample(at, sample);
    PathPoint point;
    point.points = Eigen::Map<const Matrix>(sample.points.data(), path.n_states(), system.order());
    if (sample.singular) {
      point.points.setConstant(std::numeric_limits<double>::infinity());
    } else {
      point.determinant_sign = sample.determinant.sign();
    }
    const MultiplierSet set = multipliers_at(system, at);
    for (const double x : set.log_moduli) {
      point.spectral_radius = std::max(point.spectral_radius, std::exp(x));
    }
    point.n_unstable = set.n_outside();
    result.push_back(std::move(point));
  }
  return result;
}

}  // namespace rnndyn

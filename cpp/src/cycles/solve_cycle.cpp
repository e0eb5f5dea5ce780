#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "cycles/continuum.hpp"
#include "cycles/cyclic_system.hpp"
#include "cycles/exact_candidate.hpp"
#include "cycles/exact_stability.hpp"
#include "cycles/likely_candidate.hpp"
#include "cycles/multipliers.hpp"
#include "cycles/solution_family.hpp"
#include "map/balanced_map.hpp"
#include "rnndyn/cycles.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr double kUnit = 0x1.0p-53;
// Without a proof the size of the residual times this stands in for the error bound.
constexpr double kUnprovedSafety = 1e3;
// Relative error bounds above this are worth an exact solution of a cycle with few coordinates.
constexpr double kVague = 1e-9;
constexpr Index kSmallCycle = 64;

// Who asks for a candidate, and what for.
enum class Purpose {
  everything,  // what is to be said of it, real or not
  real_ones,   // whether it is real
  likely_ones  // the same, but for nothing that rests on it when it is not
};

void mask_irrelevant(const CanonicalMap& map, Itinerary& itinerary) {
  for (Index t = 0; t < itinerary.order; ++t) {
    for (std::size_t w = 0; w < itinerary.words; ++w) {
      itinerary.at(t)[w] &= map.relevant_units()[w];
    }
  }
}

// Newton corrections with the accurate residual until they no longer help: the points end up
// within a few units in the last place of the cycle, however the system was solved.
template <int M, typename Points>
void refine(const CanonicalMap& map, const Itinerary& itinerary, const BasicCyclicSystem<M>& system,
            Points& points, Points& residual, Points& residual_error) {
  residual.resize(points.rows(), points.cols());
  residual_error.resize(points.rows(), points.cols());
  accurate_residual(map, itinerary, points, residual, residual_error);
  Points new_residual = residual;
  Points new_error = residual_error;
  for (int round = 0; round < 4; ++round) {
    const double before = residual.cwiseAbs().maxCoeff();
    if (before == 0.0) return;
    const Points improved = points + system.solve(residual);
    if (!improved.allFinite()) return;
    accurate_residual(map, itinerary, improved, new_residual, new_error);
    if (!(new_residual.cwiseAbs().maxCoeff() < before)) return;
    points = improved;
    residual = new_residual;
    residual_error = new_error;
  }
}

// The solution with bounds of its errors; false where there are none.
template <int M, typename Points>
bool solve_with_bounds(const CanonicalMap& map, const Itinerary& itinerary,
                       const BasicCyclicSystem<M>& system, Points& points, Points& residual,
                       Points& residual_error, Points& bounds) {
  points = system.solve(system.offsets());
  if (!points.allFinite()) return false;
  refine(map, itinerary, system, points, residual, residual_error);
  return system.enclose(residual, residual_error, bounds);
}

// The same in the units of the balanced network, if there is one: where states are scaled far apart
// the defect of an approximate inverse is not small in the norm of all of them together.
template <int M, typename Points>
bool solve_in_balance(const CanonicalMap& map, const Itinerary& itinerary, Control* control,
                      Points& points, Points& residual, Points& residual_error, Points& bounds) {
  const std::optional<BalancedMap> balanced = balanced_map(map);
  if (!balanced) return false;
  const BasicCyclicSystem<M> system(balanced->map, itinerary, control, Summation::accurate);
  if (!solve_with_bounds(balanced->map, itinerary, system, points, residual, residual_error,
                         bounds)) {
    return false;
  }
  for (Index t = 0; t < points.cols(); ++t) {
    for (Index i = 0; i < points.rows(); ++i) {
      const int exponent = balanced->exponents[static_cast<std::size_t>(i)];
      const double point = points(i, t);
      const double bound = bounds(i, t);
      points(i, t) = std::ldexp(point, exponent);
      bounds(i, t) = std::ldexp(bound, exponent);
      // Below the range of normal numbers digits are lost.
      const bool exact = std::ldexp(points(i, t), -exponent) == point &&
                         std::ldexp(bounds(i, t), -exponent) == bound;
      if (!exact) bounds(i, t) += 2.0 * kSmallest;
    }
  }
  if (!points.allFinite() || !bounds.allFinite()) return false;
  accurate_residual(map, itinerary, points, residual, residual_error);
  return true;
}

enum class Place { inside, border, outside };

// Where the points lie relative to the regions of the itinerary, given bounds of their errors.
// Bits of relevant units that cannot be told apart from zero are cleared in `itinerary` and set in
// `zeros`, which is made where there are any; `exact` says whether each of them is zero for
// certain.
template <typename Points>
Place place(const CanonicalMap& map, const Points& points, const Points& bounds,
            Itinerary& itinerary, Itinerary& zeros, double& margin, bool& exact) {
  margin = std::numeric_limits<double>::infinity();
  exact = true;
  Place result = Place::inside;
  const Index m = points.rows();
  // A product and m sums for each term, and 3 more for the evaluation of the bound.
  const double unit = gamma(static_cast<double>(m) + 4.0);
  for (Index t = 0; t < itinerary.order; ++t) {
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      double p = map.h2()(i);
      double size = std::abs(p);
      double error = 0.0;
      double steepest = 0.0;
      double lost = 0.0;  // to underflow
      if (map.w2_is_identity()) {
        // p is a copy of the state where W2 = I, so it has no rounding error of its own.
        p = points(i, t);
        error = bounds(i, t);
        steepest = 1.0;
      } else {
        for (Index j = 0; j < m; ++j) {
          const double w = map.w2()(i, j);
          if (w == 0.0) continue;  // nothing times an unbounded error is nothing
          p += w * points(j, t);
          size += std::abs(w * points(j, t));
          error += std::abs(w) * bounds(j, t);
          if (points(j, t) != 0.0 || bounds(j, t) != 0.0) lost += underflow(2.0);
          steepest = std::max(steepest, std::abs(w));
        }
        error = error * kOutward + unit * size + lost;
      }
      // A constant pre-activation keeps its sign; it is no distance to any border.
      if (steepest > 0.0) margin = std::min(margin, std::abs(p));
      if (std::abs(p) <= error) {
        if (zeros.order == 0) zeros = Itinerary(itinerary.order, itinerary.words);
        set_bit(itinerary.at(t), i, false);
        set_bit(zeros.at(t), i, true);
        exact = exact && error == 0.0;
        result = Place::border;
      } else if ((p > 0.0) != get_bit(itinerary.at(t), i)) {
        return Place::outside;
      }
    }
  }
  return result;
}

Matrix rotated_columns(const Matrix& points, Index shift) {
  Matrix result(points.rows(), points.cols());
  for (Index t = 0; t < points.cols(); ++t) {
    result.col(t) = points.col((t + shift) % points.cols());
  }
  return result;
}

// Largest |F(z_t) - z_{t+1}| around the cycle, for few states without temporary vectors.
template <typename Points>
double small_cycle_residual(const CanonicalMap& map, const Points& points) {
  using Column = Eigen::Matrix<double, Points::RowsAtCompileTime, 1>;
  double largest = 0.0;
  for (Index t = 0; t < points.cols(); ++t) {
    Column image = map.h1();
    for (Index j = 0; j < points.rows(); ++j) image += map.a().col(j) * points(j, t);
    for (Index i = 0; i < map.n_units(); ++i) {
      double p = map.h2()(i);
      for (Index j = 0; j < points.rows(); ++j) p += map.w2()(i, j) * points(j, t);
      if (p > 0.0) image += map.w1().col(i) * p;
    }
    image -= points.col((t + 1) % points.cols());
    largest = std::max(largest, image.cwiseAbs().maxCoeff());
  }
  return largest;
}

}  // namespace

double cycle_residual(const CanonicalMap& map, const Matrix& points) {
  double largest = 0.0;
  for (Index t = 0; t < points.cols(); ++t) {
    const Vector error = map.step(points.col(t)) - points.col((t + 1) % points.cols());
    largest = std::max(largest, error.cwiseAbs().maxCoeff());
  }
  return largest;
}

Index apparent_period(const Matrix& points, const Matrix& bounds) {
  const Index k = points.cols();
  for (Index d = 1; d <= k / 2; ++d) {
    if (k % d != 0) continue;
    bool repeats = true;
    for (Index t = 0; t + d < k && repeats; ++t) {
      repeats = ((points.col(t) - points.col(t + d)).array().abs() <=
                 (bounds.col(t) + bounds.col(t + d)).array())
                    .all();
    }
    if (repeats) return d;
  }
  return k;
}

Cycle finish_border_cycle(const CanonicalMap& map, const Itinerary& itinerary,
                          const Itinerary& zeros, const Matrix& points, const Matrix& bounds,
                          Control* control) {
  const Index shift = smallest_rotation(itinerary);
  Cycle cycle;
  cycle.itinerary = rotated(itinerary, shift);
  cycle.zeros = rotated(zeros, shift);
  cycle.points = rotated_columns(points, shift);
  cycle.multipliers = multipliers_of(map, cycle.itinerary, control);
  // Two linear maps meet here; neither side's multipliers decide about stability (a border point
  // can be unstable although both sides contract).
  cycle.multipliers.stability = Stability::nonhyperbolic;
  cycle.residual = cycle_residual(map, cycle.points);
  cycle.margin = 0.0;
  for (Index t = 0; t < cycle.itinerary.order; ++t) {
    const Vector p = map.preactivation(cycle.points.col(t));
    double smallest = std::numeric_limits<double>::infinity();
    for (Index i = 0; i < map.n_units(); ++i) {
      if (get_bit(map.relevant_units().data(), i)) smallest = std::min(smallest, std::abs(p(i)));
    }
    cycle.margin = t == 0 ? smallest : std::min(cycle.margin, smallest);
  }
  cycle.error_bound = bounds.maxCoeff();
  cycle.on_border = true;
  return cycle;
}

namespace {

// What is left to say in floating point of an equation that neither error bounds nor, for its size,
// exact arithmetic can judge. Nothing of it is decided.
Candidate undecided_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                              Control* control) {
  const CyclicSystem system(map, itinerary, control);
  Candidate candidate;
  Matrix points = system.solve(system.offsets());
  Matrix residual, residual_error, bounds;
  const Index nullity = system.nullity();
  if (nullity > 0 || !points.allFinite()) {
    return solve_singular(map, itinerary, system, std::max<Index>(nullity, 1));
  }
  refine(map, itinerary, system, points, residual, residual_error);
  if (!system.enclose(residual, residual_error, bounds)) {
    const Matrix response = system.solve(residual.cwiseAbs() + residual_error);
    bounds = kUnprovedSafety * (response.cwiseAbs().array() + kUnit * points.cwiseAbs().array());
  }
  Itinerary placed = itinerary;
  Itinerary zeros;
  double margin = 0.0;
  bool exact = false;
  const Place where = place(map, points, bounds, placed, zeros, margin, exact);
  const Index period =
      where == Place::border ? apparent_period(points, bounds) : primitive_period(itinerary);
  candidate.kind = where == Place::outside ? CandidateKind::virtual_cycle : CandidateKind::cycle;
  if (where == Place::border) {
    candidate.cycle =
        finish_border_cycle(map, resized(placed, period), resized(zeros, period),
                            points.leftCols(period), bounds.leftCols(period), control);
    return candidate;
  }
  Cycle& cycle = candidate.cycle.emplace();
  cycle.itinerary = resized(itinerary, period);
  cycle.points = points.leftCols(period);
  cycle.multipliers = multipliers_of(map, cycle.itinerary, control);
  cycle.residual = cycle_residual(map, cycle.points);
  cycle.margin = margin;
  cycle.error_bound = bounds.maxCoeff();
  return candidate;
}

// Whether floating point proves that the equation of an itinerary has one solution.
template <int M>
bool surely_regular(const CanonicalMap& map, const Itinerary& itinerary, Control* control) {
  using Points = typename BasicCyclicSystem<M>::Points;
  const BasicCyclicSystem<M> system(map, itinerary, control);
  const Points zero = Points::Zero(map.n_states(), itinerary.order);
  Points bounds;
  return system.enclose(zero, zero, bounds);
}

// A cycle that is known without error and lies on borders without error, as the origin does where
// there is no bias. The equation of its cleared bits may be another than the one that was solved.
template <int M, typename Points>
std::optional<Candidate> exact_border_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                                const Itinerary& placed, const Itinerary& zeros,
                                                const Points& points, Control* control) {
  const Matrix all = points.array() + 0.0;  // no negative zeros
  const Matrix bounds = Matrix::Zero(all.rows(), all.cols());
  const Index period = apparent_period(all, bounds);
  const Itinerary cleared = resized(placed, period);
  if (cleared != itinerary && !surely_regular<M>(map, cleared, control)) return std::nullopt;
  Candidate candidate;
  candidate.kind = CandidateKind::cycle;
  candidate.decided = candidate.proved = true;
  candidate.cycle = finish_border_cycle(map, cleared, resized(zeros, period), all.leftCols(period),
                                        bounds.leftCols(period), control);
  return candidate;
}

// Of a proved candidate. Those of a virtual one need no error bars for their Jacobians.
template <int M>
Multipliers multipliers_of(const CanonicalMap& map, const Itinerary& itinerary,
                           const BasicCyclicSystem<M>& system, Place where, Control* control) {
  if (where == Place::outside || map.w2_is_identity()) {
    return multipliers_of(system.jacobians(), control);
  }
  if constexpr (M == Eigen::Dynamic) {
    if (system.accurate()) return multipliers_of(map, itinerary, system.jacobians(), control);
  }
  return multipliers_of(map, itinerary, control);
}

// The candidate of the smallest rotation of an itinerary, where floating point proves what it is.
template <int M>
std::optional<Candidate> proved_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                          Control* control, Purpose purpose) {
  using Points = typename BasicCyclicSystem<M>::Points;
  const BasicCyclicSystem<M> system(map, itinerary, control, Summation::accurate);

  Points points, residual, residual_error, bounds;
  if (!solve_with_bounds(map, itinerary, system, points, residual, residual_error, bounds) &&
      !solve_in_balance<M>(map, itinerary, control, points, residual, residual_error, bounds)) {
    return std::nullopt;
  }
  if (const Index period = primitive_period(itinerary); period < itinerary.order) {
    // A regular system has one solution, so it is the shorter cycle run through several times. Its
    // itinerary repeats nothing, so this goes no deeper.
    return solve_cycle(map, resized(itinerary, period), control);
  }

  Candidate candidate;
  double margin = 0.0;
  Itinerary placed = itinerary;
  Itinerary zeros;
  bool exact = false;
  const Place where = place(map, points, bounds, placed, zeros, margin, exact);
  if (where == Place::border) {
    if (!exact || !bounds.isZero(0.0)) return std::nullopt;
    return exact_border_candidate<M>(map, itinerary, placed, zeros, points, control);
  }
  candidate.kind = where == Place::outside ? CandidateKind::virtual_cycle : CandidateKind::cycle;
  if (where == Place::outside && purpose != Purpose::everything) {
    candidate.decided = candidate.proved = true;
    return candidate;
  }
  Cycle& cycle = candidate.cycle.emplace();
  cycle.itinerary = itinerary;
  cycle.points = points;
  cycle.multipliers = multipliers_of(map, itinerary, system, where, control);
  if (where == Place::outside) {
    cycle.residual = residual.cwiseAbs().maxCoeff();
  } else if constexpr (M == Eigen::Dynamic) {
    cycle.residual = cycle_residual(map, cycle.points);
  } else {
    cycle.residual = small_cycle_residual(map, points);
  }
  cycle.margin = margin;
  cycle.error_bound = bounds.maxCoeff();
  cycle.certified = where == Place::inside;
  candidate.decided = candidate.proved = true;
  return candidate;
}

std::optional<Candidate> proved_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                          Control* control, Purpose purpose) {
  switch (map.n_states()) {
    case 1:
      return proved_candidate<1>(map, itinerary, control, purpose);
    case 2:
      return proved_candidate<2>(map, itinerary, control, purpose);
    case 3:
      return proved_candidate<3>(map, itinerary, control, purpose);
    default:
      return proved_candidate<Eigen::Dynamic>(map, itinerary, control, purpose);
  }
}

// Real cycles only: a stability that is asked for, and that the error bars do not tell.
void settle_stability(const CanonicalMap& map, Candidate& candidate, Control* control) {
  if (candidate.kind != CandidateKind::cycle) return;
  Stability& stability = candidate.cycle->multipliers.stability;
  if (stability != Stability::undecided) return;
  stability = exact_stability(map, candidate.cycle->itinerary, control).value_or(stability);
}

bool is_refuted(const Candidate& candidate) {
  return candidate.kind == CandidateKind::virtual_cycle || candidate.kind == CandidateKind::none;
}

// Whether a proved cycle is known to fewer digits than a small exact computation would give.
bool is_vague(const Candidate& candidate) {
  if (candidate.kind != CandidateKind::cycle) return false;
  const Cycle& cycle = *candidate.cycle;
  return cycle.points.size() <= kSmallCycle &&
         cycle.error_bound > kVague * cycle.points.cwiseAbs().maxCoeff();
}

// What neither error bounds in floating point nor a vague result of theirs decides.
Candidate decided_or_not(const CanonicalMap& map, const Itinerary& itinerary,
                         std::optional<Candidate> vague, Control* control) {
  std::optional<Candidate> exact = exact_candidate(map, itinerary, control);
  if (exact && (is_refuted(*exact) || representable(*exact))) return std::move(*exact);
  if (vague) return std::move(*vague);
  return undecided_candidate(map, itinerary, control);
}

LikelyCandidate candidate_of(const CanonicalMap& map, const Itinerary& itinerary, Control* control,
                             Purpose purpose) {
  LikelyCandidate result;
  std::optional<Candidate> proved = proved_candidate(map, itinerary, control, purpose);
  if (!proved && purpose != Purpose::everything && refuted_as_family(map, itinerary, control)) {
    result.candidate.decided = result.candidate.proved = true;
    return result;
  }
  result.doubtful = !proved;
  if (proved && !is_vague(*proved)) {
    result.candidate = std::move(*proved);
    return result;
  }
  if (purpose == Purpose::likely_ones && !proved) {
    Candidate quick = undecided_candidate(map, itinerary, control);
    if (is_refuted(quick)) {
      quick.decided = true;
      result.candidate = std::move(quick);
      return result;
    }
  }
  result.candidate = decided_or_not(map, itinerary, std::move(proved), control);
  return result;
}

LikelyCandidate presentable(const CanonicalMap& map, const Itinerary& wanted, Control* control,
                            Purpose purpose) {
  Itinerary itinerary = wanted;
  mask_irrelevant(map, itinerary);
  itinerary = canonical_rotation(itinerary);
  LikelyCandidate result = candidate_of(map, itinerary, control, purpose);
  Candidate& candidate = result.candidate;
  if (!representable(candidate)) {
    const bool refuted = candidate.decided && is_refuted(candidate);
    candidate = {};
    candidate.decided = candidate.proved = refuted;
  }
  settle_stability(map, candidate, control);
  return result;
}

}  // namespace

LikelyCandidate likely_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                 Control* control, bool exactly) {
  return presentable(map, itinerary, control, exactly ? Purpose::real_ones : Purpose::likely_ones);
}

Candidate real_candidate(const CanonicalMap& map, const Itinerary& itinerary, Control* control) {
  return presentable(map, itinerary, control, Purpose::real_ones).candidate;
}

Candidate solve_cycle(const CanonicalMap& map, const Itinerary& itinerary, Control* control) {
  return presentable(map, itinerary, control, Purpose::everything).candidate;
}

Itinerary visible_itinerary(const CanonicalMap& map, const Itinerary& itinerary,
                            const Matrix& points) {
  Itinerary visible = itinerary;
  if (map.n_relevant_units() == map.n_units()) return visible;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Vector p = map.preactivation(points.col(t));
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) set_bit(visible.at(t), i, p(i) > 0.0);
    }
  }
  return visible;
}

}  // namespace rnndyn

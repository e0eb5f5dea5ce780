#include "cycles/exact_candidate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "cycles/continuum.hpp"
#include "cycles/exact_map.hpp"
#include "exact/exact_interior.hpp"
#include "rnndyn/linear_program.hpp"

namespace rnndyn {
namespace {

// Products of 32-bit words that one candidate may take: about a tenth of a second.
constexpr double kEffort = 3e7;
constexpr double kUnit = 0x1.0p-53;

// Keeps a = (origin + frame b) / denominator.
void restrict_to(ExactOrbits& orbits, const AffineSolutions& kept, ExactEffort& effort) {
  for (ExactMatrix& z : orbits.at) {
    ExactMatrix directions(z.rows(), z.cols() - 1);
    for (Index r = 0; r < z.rows(); ++r) {
      for (Index c = 1; c < z.cols(); ++c) directions(r, c - 1) = z(r, c);
    }
    ExactMatrix moved = product(directions, kept.solutions, effort);
    for (Index r = 0; r < z.rows(); ++r) {
      effort.spend(z(r, 0), kept.denominator);
      moved(r, 0) += z(r, 0) * kept.denominator;
    }
    z = std::move(moved);
  }
  orbits.denominator = orbits.denominator * kept.denominator;
}

// What the closed regions of an itinerary say about a set of orbits.
struct Conditions {
  bool met = true;    // by the pre-activations that are constant
  ExactMatrix forms;  // >= 0: those that are not
  Itinerary zeros;    // those that are zero
  double margin = std::numeric_limits<double>::infinity();  // of constant ones
};

bool is_constant(const ExactMatrix& forms, Index row) {
  for (Index c = 1; c < forms.cols(); ++c) {
    if (!forms(row, c).is_zero()) return false;
  }
  return true;
}

Conditions conditions_of(const CanonicalMap& map, const ExactMap& exact, const ExactOrbits& orbits,
                         const Itinerary& itinerary, ExactEffort& effort) {
  Conditions result;
  result.zeros = Itinerary(itinerary.order, itinerary.words);
  std::vector<Dyadic> entries;
  Index n = 0;
  for (Index t = 0; t < itinerary.order; ++t) {
    const ExactMatrix p = exact.preactivations(orbits, t, effort);
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      const bool on = get_bit(itinerary.at(t), i);
      if (!is_constant(p, i)) {
        for (Index c = 0; c < p.cols(); ++c) entries.push_back(on ? p(i, c) : -p(i, c));
        ++n;
        continue;
      }
      const int sign = p(i, 0).sign();
      if (sign == 0) set_bit(result.zeros.at(t), i, true);
      if (sign == (on ? -1 : 1)) result.met = false;
      if ((map.w2().row(i).array() != 0.0).any()) {
        result.margin = std::min(result.margin, std::abs(quotient(p(i, 0), orbits.denominator)));
      }
    }
  }
  result.forms = ExactMatrix(n, 1 + orbits.dimension());
  for (Index r = 0; r < n; ++r) {
    for (Index c = 0; c < result.forms.cols(); ++c) {
      result.forms(r, c) = entries[static_cast<std::size_t>(r * result.forms.cols() + c)];
    }
  }
  return result;
}

bool any_bit(const Itinerary& itinerary) {
  return std::ranges::any_of(itinerary.bits, [](Word word) { return word != 0; });
}

Itinerary without(Itinerary itinerary, const Itinerary& bits) {
  for (std::size_t w = 0; w < itinerary.bits.size(); ++w) itinerary.bits[w] &= ~bits.bits[w];
  return itinerary;
}

Matrix origins(const ExactOrbits& orbits) {
  Matrix points(orbits.at.front().rows(), orbits.order());
  for (Index t = 0; t < orbits.order(); ++t) {
    for (Index i = 0; i < points.rows(); ++i) {
      points(i, t) = quotient(orbits.at[static_cast<std::size_t>(t)](i, 0), orbits.denominator);
    }
  }
  return points;
}

// Smallest period of all orbits of the set together.
Index period_of(const ExactOrbits& orbits) {
  const Index k = orbits.order();
  for (Index d = 1; d <= k / 2; ++d) {
    if (k % d != 0) continue;
    bool repeats = true;
    for (Index t = 0; t + d < k && repeats; ++t) {
      repeats =
          orbits.at[static_cast<std::size_t>(t)] == orbits.at[static_cast<std::size_t>(t + d)];
    }
    if (repeats) return d;
  }
  return k;
}

// What the roundings of the points can amount to.
Matrix rounding_of(const ExactOrbits& orbits, const Matrix& points) {
  Matrix bounds(points.rows(), points.cols());
  for (Index t = 0; t < points.cols(); ++t) {
    for (Index i = 0; i < points.rows(); ++i) {
      const Dyadic rounded = Dyadic(points(i, t)) * orbits.denominator;
      const bool exact = rounded == orbits.at[static_cast<std::size_t>(t)](i, 0);
      bounds(i, t) =
          exact ? 0.0
                : 2.0 * kUnit * std::abs(points(i, t)) + std::numeric_limits<double>::denorm_min();
    }
  }
  return bounds;
}

Candidate isolated(const CanonicalMap& map, const ExactMap& exact, const Itinerary& itinerary,
                   const ExactOrbits& orbits, const Conditions& conditions, bool regular,
                   const Matrix& points, ExactEffort& effort) {
  Candidate candidate;
  candidate.decided = true;
  candidate.proved = true;
  candidate.kind = conditions.met ? CandidateKind::cycle : CandidateKind::virtual_cycle;
  const Matrix bounds = rounding_of(orbits, points);
  if (conditions.met && any_bit(conditions.zeros)) {
    const Index period = period_of(orbits);
    const Itinerary cleared = resized(without(itinerary, conditions.zeros), period);
    candidate.cycle =
        finish_border_cycle(map, cleared, resized(conditions.zeros, period),
                            points.leftCols(period), bounds.leftCols(period), effort.control());
    // The cleared bits make another equation, which need not be regular.
    if (!(regular && cleared == itinerary)) {
      const auto again = exact.orbits(cleared, effort);
      candidate.proved = again && again->dimension() == 0;
    }
    return candidate;
  }
  Cycle& cycle = candidate.cycle.emplace();
  cycle.itinerary = itinerary;
  cycle.points = points;
  cycle.multipliers = multipliers(jacobians_of(map, itinerary), effort.control());
  cycle.residual = cycle_residual(map, points);
  cycle.margin = conditions.margin;
  cycle.error_bound = bounds.maxCoeff();
  cycle.certified = conditions.met;
  return candidate;
}

// Moves the set so that `point` is its origin.
void move_origin(ExactOrbits& orbits, const Interior& inside, ExactEffort& effort) {
  const auto d = static_cast<Index>(inside.point.size());
  AffineSolutions kept{ExactMatrix(d, 1 + d), inside.denominator};
  for (Index j = 0; j < d; ++j) {
    kept.solutions(j, 0) = inside.point[static_cast<std::size_t>(j)];
    kept.solutions(j, 1 + j) = inside.denominator;
  }
  restrict_to(orbits, kept, effort);
}

// Directions at the first step in doubles, each divided by a power of two near its largest entry.
Matrix scaled_directions(const ExactMatrix& z, std::vector<Dyadic>& scales) {
  Matrix directions(z.rows(), z.cols() - 1);
  for (Index c = 1; c < z.cols(); ++c) {
    Dyadic scale;
    for (Index r = 0; r < z.rows(); ++r) {
      if (z(r, c).is_zero()) continue;
      const Dyadic own = z(r, c).leading_power();
      if (scale.is_zero() || (scale - own).sign() < 0) scale = own;
    }
    for (Index r = 0; r < z.rows(); ++r) directions(r, c - 1) = quotient(z(r, c), scale);
    scales.push_back(scale);
  }
  return directions;
}

// How far the set reaches from its origin along each column of the basis, given the rows
// slack + slopes b >= 0.
Matrix extent_of(const Matrix& slopes, const Vector& slack, Control* control) {
  const Index d = slopes.cols();
  Matrix extent(d, 2);
  for (Index j = 0; j < d; ++j) {
    for (int side = 0; side < 2; ++side) {
      const double sign = side == 0 ? -1.0 : 1.0;
      double reach = std::numeric_limits<double>::infinity();
      if (d == 1) {
        for (Index r = 0; r < slopes.rows(); ++r) {
          if (sign * slopes(r, 0) < 0.0) reach = std::min(reach, slack(r) / std::abs(slopes(r, 0)));
        }
      } else {
        const LinearProgramResult best =
            maximize(sign * Vector::Unit(d, j), -slopes, slack.cwiseMax(0.0), control);
        if (best.bounded) reach = best.value;
      }
      extent(j, side) = sign * reach;
    }
  }
  return extent;
}

Candidate whole_set(const CanonicalMap& map, const Itinerary& itinerary, ExactOrbits orbits,
                    const Conditions& conditions, const ExactMatrix& forms, Control* control) {
  Candidate candidate;
  candidate.kind = CandidateKind::continuum;
  candidate.decided = candidate.proved = true;
  const Index period = period_of(orbits);
  const Itinerary cleared = resized(without(itinerary, conditions.zeros), period);
  const Index shift = smallest_rotation(cleared);
  std::ranges::rotate(orbits.at, orbits.at.begin() + shift);
  Continuum& continuum = candidate.continuum.emplace();
  continuum.itinerary = rotated(cleared, shift);
  continuum.zeros = rotated(resized(conditions.zeros, period), shift);
  continuum.on_border = any_bit(conditions.zeros);
  continuum.points = origins(orbits).leftCols(period);
  std::vector<Dyadic> scales;
  const Matrix directions = scaled_directions(orbits.at.front(), scales);
  const Eigen::HouseholderQR<Matrix> qr(directions);
  const Index d = directions.cols();
  continuum.basis = qr.householderQ() * Matrix::Identity(directions.rows(), d);
  Matrix slopes(forms.rows(), d);
  Vector slack(forms.rows());
  for (Index r = 0; r < forms.rows(); ++r) {
    slack(r) = quotient(forms(r, 0), orbits.denominator);
    for (Index j = 0; j < d; ++j) {
      slopes(r, j) = quotient(forms(r, j + 1), scales[static_cast<std::size_t>(j)]);
    }
  }
  if (slopes.rows() > 0) {  // Eigen takes the address of the first entry
    qr.matrixQR().topRows(d).triangularView<Eigen::Upper>().solveInPlace<Eigen::OnTheRight>(slopes);
  }
  continuum.extent = extent_of(slopes, slack, control);
  continuum.multipliers = multipliers(jacobians_of(map, continuum.itinerary), control);
  continuum.multipliers.stability = Stability::nonhyperbolic;
  continuum.residual = cycle_residual(map, continuum.points);
  return candidate;
}

// The part of a set of orbits that lies in the closed regions of the itinerary.
Candidate clipped(const CanonicalMap& map, const ExactMap& exact, const Itinerary& itinerary,
                  ExactOrbits orbits, ExactEffort& effort) {
  Candidate nothing;
  nothing.decided = nothing.proved = true;
  const bool regular = orbits.dimension() == 0;
  for (;;) {  // every round but the last lowers the dimension
    const Conditions conditions = conditions_of(map, exact, orbits, itinerary, effort);
    if (effort.exhausted()) return {};
    if (orbits.dimension() == 0) {
      if (!regular && !conditions.met) return nothing;
      return isolated(map, exact, itinerary, orbits, conditions, regular, origins(orbits), effort);
    }
    if (!conditions.met) return nothing;
    if (conditions.forms.rows() == 0) {
      return whole_set(map, itinerary, std::move(orbits), conditions, conditions.forms,
                       effort.control());
    }
    Dyadic cap = orbits.denominator;
    for (const ExactMatrix& z : orbits.at) {
      for (Index r = 0; r < z.rows(); ++r) {
        if (z(r, 0).is_zero()) continue;
        const Dyadic size = z(r, 0).leading_power();
        if ((cap - size).sign() < 0) cap = size;
      }
    }
    const auto interior = find_interior(conditions.forms, cap, effort);
    if (!interior) return {};
    if (interior->kind == InteriorKind::empty) return nothing;
    if (interior->kind == InteriorKind::interior) {
      move_origin(orbits, *interior, effort);
      const Conditions there = conditions_of(map, exact, orbits, itinerary, effort);
      if (effort.exhausted()) return {};
      return whole_set(map, itinerary, std::move(orbits), there, there.forms, effort.control());
    }
    const auto n = static_cast<Index>(interior->equalities.size());
    ExactMatrix rows(n, orbits.dimension());
    std::vector<Dyadic> right(static_cast<std::size_t>(n));
    for (Index r = 0; r < n; ++r) {
      const Index form = interior->equalities[static_cast<std::size_t>(r)];
      right[static_cast<std::size_t>(r)] = -conditions.forms(form, 0);
      for (Index c = 0; c < rows.cols(); ++c) rows(r, c) = conditions.forms(form, c + 1);
    }
    const auto face = solve_exactly(rows, right, effort);
    if (!face) return {};
    restrict_to(orbits, *face, effort);
  }
}

}  // namespace

bool representable(const Candidate& candidate) {
  if (candidate.continuum) {
    const Continuum& own = *candidate.continuum;
    return own.points.allFinite() && own.basis.allFinite() && !own.extent.hasNaN() &&
           std::isfinite(own.residual);
  }
  if (!candidate.cycle) return true;
  const Cycle& own = *candidate.cycle;
  return own.points.allFinite() && std::isfinite(own.residual) && std::isfinite(own.error_bound) &&
         !std::isnan(own.margin);
}

std::optional<Candidate> exact_candidate(const CanonicalMap& map, const Itinerary& itinerary,
                                         Control* control) {
  ExactEffort effort(kEffort, control);
  const ExactMap exact(map);
  std::optional<ExactOrbits> orbits = exact.orbits(itinerary, effort);
  if (effort.exhausted()) return std::nullopt;
  Candidate candidate;
  if (!orbits) {  // the equation contradicts itself
    candidate.decided = candidate.proved = true;
    return candidate;
  }
  const Index period = primitive_period(itinerary);
  Itinerary own = itinerary;
  if (orbits->dimension() == 0 && period < itinerary.order) {
    // A regular system has one solution, so it is the shorter cycle run through several times.
    own = resized(itinerary, period);
    orbits->at.resize(static_cast<std::size_t>(period));
  }
  candidate = clipped(map, exact, own, std::move(*orbits), effort);
  if (!candidate.decided || effort.exhausted()) return std::nullopt;
  return candidate;
}

}  // namespace rnndyn

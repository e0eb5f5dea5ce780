#include "cycles/continuum.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "cycles/exact_candidate.hpp"
#include "linear_algebra/decompositions.hpp"
#include "rnndyn/linear_program.hpp"

namespace rnndyn {
namespace {

// A singular system is known only to rounding, so its border decisions carry a tolerance, relative
// to the size of the terms compared.
constexpr double kTolerance = 1e-9;
// Regions that meet at a border are tried in all combinations up to this many vanishing bits.
constexpr std::size_t kMaxCombinedBits = 8;
// One of them takes some ten microseconds or more.
constexpr double kOperationsOfSide = 2e4;

// An affine set of orbits z_t = points_t + directions_t a, a in R^d.
struct AffineOrbits {
  Matrix points;
  std::vector<Matrix> directions;

  Index dimension() const { return directions.front().cols(); }
  // Keeps a = origin + frame b.
  void restrict_to(const Vector& origin, const Matrix& frame) {
    for (std::size_t t = 0; t < directions.size(); ++t) {
      points.col(static_cast<Index>(t)) += directions[t] * origin;
      directions[t] = directions[t] * frame;
    }
  }
};

// The closed regions as inequalities g a <= b, one row for each relevant unit and time whose
// pre-activation varies on the affine set.
struct Polytope {
  Matrix g;
  Vector b;
  Vector tolerance;                             // on b
  std::vector<std::pair<Index, Index>> source;  // (time, unit)
};

// Returns false when a pre-activation that is constant on the set has the wrong sign. Bits whose
// pre-activation is identically zero are cleared, and the set then lies on a border.
bool clip(const CanonicalMap& map, const AffineOrbits& orbits, Itinerary& itinerary,
          Itinerary& zeros, Polytope& polytope) {
  const Index k = itinerary.order;
  const Index d = orbits.dimension();
  polytope.source.clear();
  polytope.g.resize(k * map.n_units(), d);
  polytope.b.resize(k * map.n_units());
  polytope.tolerance.resize(k * map.n_units());
  Index n = 0;
  const Matrix abs_w2 = map.w2().cwiseAbs();
  for (Index t = 0; t < k; ++t) {
    const Vector p = map.preactivation(orbits.points.col(t));
    const Matrix slopes = map.w2() * orbits.directions[static_cast<std::size_t>(t)];
    const Vector size = abs_w2 * orbits.points.col(t).cwiseAbs() + map.h2().cwiseAbs();
    const double direction_size = orbits.directions[static_cast<std::size_t>(t)].norm();
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      const double sign = get_bit(itinerary.at(t), i) ? 1.0 : -1.0;
      const double tolerance = kTolerance * std::max(size(i), 1e-3 * abs_w2.row(i).sum());
      if (slopes.row(i).norm() <= kTolerance * abs_w2.row(i).norm() * direction_size) {
        if (std::abs(p(i)) <= tolerance) {
          set_bit(itinerary.at(t), i, false);
          set_bit(zeros.at(t), i, true);
        } else if (sign * p(i) < 0.0) {
          return false;
        }
        continue;
      }
      polytope.g.row(n) = -sign * slopes.row(i);
      polytope.b(n) = sign * p(i);
      polytope.tolerance(n) = tolerance;
      polytope.source.emplace_back(t, i);
      ++n;
    }
  }
  polytope.g.conservativeResize(n, Eigen::NoChange);
  polytope.b.conservativeResize(n);
  polytope.tolerance.conservativeResize(n);
  return true;
}

// Rows that hold with equality on all of {g a <= b}, given a point of it.
std::vector<Index> implicit_equalities(const Polytope& polytope, const Vector& inside,
                                       Control* control) {
  const Vector slack = (polytope.b - polytope.g * inside).cwiseMax(0.0);
  std::vector<Index> equalities;
  for (Index row = 0; row < polytope.g.rows(); ++row) {
    const LinearProgramResult best =
        maximize(-polytope.g.row(row).transpose(), polytope.g, slack, control);
    if (best.bounded && slack(row) + best.value <= polytope.tolerance(row)) {
      equalities.push_back(row);
    }
  }
  return equalities;
}

Matrix extents(const Polytope& polytope, const Vector& inside, Control* control) {
  const Index d = polytope.g.cols();
  const Vector slack = (polytope.b - polytope.g * inside).cwiseMax(0.0);
  Matrix extent(d, 2);
  for (Index j = 0; j < d; ++j) {
    for (int side = 0; side < 2; ++side) {
      const double sign = side == 0 ? -1.0 : 1.0;
      const LinearProgramResult reach =
          maximize(sign * Vector::Unit(d, j), polytope.g, slack, control);
      extent(j, side) =
          reach.bounded ? sign * reach.value : sign * std::numeric_limits<double>::infinity();
    }
  }
  return extent;
}

// Smallest period of all orbits of the set together.
Index common_period(const AffineOrbits& orbits) {
  const Index k = orbits.points.cols();
  const double tolerance = kTolerance * (1.0 + orbits.points.cwiseAbs().maxCoeff());
  for (Index d = 1; d <= k / 2; ++d) {
    if (k % d != 0) continue;
    bool repeats = true;
    for (Index t = 0; t + d < k && repeats; ++t) {
      const auto now = static_cast<std::size_t>(t);
      const auto later = static_cast<std::size_t>(t + d);
      repeats =
          (orbits.points.col(t) - orbits.points.col(t + d)).cwiseAbs().maxCoeff() <= tolerance &&
          (orbits.directions[now] - orbits.directions[later]).cwiseAbs().maxCoeff() <=
              kTolerance * (1.0 + orbits.directions[now].cwiseAbs().maxCoeff());
    }
    if (repeats) return d;
  }
  return k;
}

// The itineraries of the regions that meet at the points: all choices of the bits whose
// pre-activation vanishes there, or, where these are many, the single changes and their opposite.
std::vector<Itinerary> border_sides(const CanonicalMap& map, const Itinerary& itinerary,
                                    const Itinerary& zeros) {
  std::vector<std::pair<Index, Index>> vanishing;
  Itinerary all_set = itinerary;
  for (Index t = 0; t < itinerary.order; ++t) {
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(zeros.at(t), i)) continue;
      vanishing.emplace_back(t, i);
      set_bit(all_set.at(t), i, true);
    }
  }
  std::vector<Itinerary> sides;
  if (vanishing.size() <= kMaxCombinedBits) {
    for (std::size_t code = 0; code < std::size_t{1} << vanishing.size(); ++code) {
      sides.push_back(itinerary);
      for (std::size_t v = 0; v < vanishing.size(); ++v) {
        const auto [t, unit] = vanishing[v];
        set_bit(sides.back().at(t), unit, ((code >> v) & 1U) != 0);
      }
    }
    return sides;
  }
  sides = {itinerary, all_set};
  for (const auto& [t, unit] : vanishing) {
    for (const Itinerary& base : {itinerary, all_set}) {
      sides.push_back(base);
      set_bit(sides.back().at(t), unit, !get_bit(base.at(t), unit));
    }
  }
  return sides;
}

// Starts the set at another of its points, with orthonormal directions there.
void turn(AffineOrbits& orbits, Polytope& polytope, Vector& inside, Index shift) {
  Matrix points(orbits.points.rows(), orbits.points.cols());
  for (Index t = 0; t < points.cols(); ++t) {
    points.col(t) = orbits.points.col((t + shift) % points.cols());
  }
  orbits.points = std::move(points);
  std::ranges::rotate(orbits.directions, orbits.directions.begin() + shift);
  // a = r^-1 b.
  const Index d = orbits.dimension();
  const Eigen::HouseholderQR<Matrix> qr(orbits.directions.front());
  const Matrix r = qr.matrixQR().topRows(d).triangularView<Eigen::Upper>();
  const auto triangle = r.triangularView<Eigen::Upper>();
  for (Matrix& directions : orbits.directions) triangle.solveInPlace<Eigen::OnTheRight>(directions);
  if (polytope.g.rows() > 0) triangle.solveInPlace<Eigen::OnTheRight>(polytope.g);
  inside = r * inside;
}

Multipliers plain_multipliers(const CanonicalMap& map, const Itinerary& itinerary, Index period,
                              Control* control) {
  std::vector<Matrix> jacobians;
  for (Index t = 0; t < period; ++t) jacobians.push_back(map.jacobian(itinerary.at(t)));
  return multipliers(jacobians, control);
}

// Along a set of cycles something stays as it is: the product of Jacobians has a multiplier of one.
// Where rounding has led to another system than the one that was asked for, it has none.
bool some_multiplier_is_one(const Multipliers& multipliers) {
  constexpr double kNear = 0.1;  // rounding spreads a defective eigenvalue widely
  return std::ranges::any_of(multipliers.values, [](const std::complex<double>& value) {
    return std::abs(value - 1.0) < kNear;
  });
}

bool any_bit(const Itinerary& itinerary) {
  return std::ranges::any_of(itinerary.bits, [](Word word) { return word != 0; });
}

}  // namespace

Candidate solve_singular(const CanonicalMap& map, const Itinerary& wanted,
                         const CyclicSystem& system, Index nullity) {
  Control* control = system.control();
  Candidate candidate;
  const double offset_size = system.offsets().cwiseAbs().maxCoeff();
  if (system.inconsistency(nullity) > 64.0 * system.singular_threshold() * offset_size) {
    return candidate;
  }
  Itinerary itinerary = wanted;
  AffineOrbits orbits{system.solve(system.offsets(), nullity), system.null_space(nullity)};
  Polytope polytope;
  Vector inside;
  Itinerary zeros(wanted.order, wanted.words);
  for (;;) {  // every round but the last lowers the dimension
    if (!clip(map, orbits, itinerary, zeros, polytope)) return candidate;
    const Index d = orbits.dimension();
    inside = Vector::Zero(d);
    if (polytope.g.rows() == 0) break;
    const double scale = 1.0 + orbits.points.cwiseAbs().maxCoeff();
    const LinearProgramResult deepest = deepest_point(polytope.g, polytope.b, scale, control);
    const double depth_tolerance = kTolerance * scale;
    if (deepest.value < -depth_tolerance) return candidate;
    inside = deepest.point;
    if (deepest.value > depth_tolerance) break;
    // The closed regions meet the set only in a face of theirs: go down to that face.
    const std::vector<Index> equalities = implicit_equalities(polytope, inside, control);
    if (equalities.empty()) return candidate;
    Matrix rows(static_cast<Index>(equalities.size()), d);
    Vector right(rows.rows());
    for (std::size_t r = 0; r < equalities.size(); ++r) {
      const double length = polytope.g.row(equalities[r]).norm();
      rows.row(static_cast<Index>(r)) = polytope.g.row(equalities[r]) / length;
      right(static_cast<Index>(r)) = polytope.b(equalities[r]) / length;
      const auto [t, unit] = polytope.source[static_cast<std::size_t>(equalities[r])];
      set_bit(itinerary.at(t), unit, false);
      set_bit(zeros.at(t), unit, true);
    }
    Eigen::JacobiSVD<Matrix> svd(rows, Eigen::ComputeThinU | Eigen::ComputeFullV);
    svd.setThreshold(1e-8);
    const Vector origin = svd.solve(right);
    const Matrix frame = svd.matrixV().rightCols(d - svd.rank());
    orbits.restrict_to(origin, frame);
    if (orbits.dimension() == 0) {
      const Matrix bounds =
          Matrix::Constant(map.n_states(), itinerary.order,
                           kTolerance * (1.0 + orbits.points.cwiseAbs().maxCoeff()));
      const Index period = apparent_period(orbits.points, bounds);
      candidate.kind = CandidateKind::cycle;
      candidate.cycle =
          finish_border_cycle(map, resized(itinerary, period), resized(zeros, period),
                              orbits.points.leftCols(period), bounds.leftCols(period), control);
      return candidate;
    }
  }
  if (const Index shift = smallest_rotation(itinerary); shift != 0) {
    // Cleared border bits changed which rotation comes first.
    itinerary = rotated(itinerary, shift);
    zeros = rotated(zeros, shift);
    turn(orbits, polytope, inside, shift);
  }

  const Matrix extent = extents(polytope, inside, control);
  orbits.restrict_to(inside, Matrix::Identity(orbits.dimension(), orbits.dimension()));
  const Index period = common_period(orbits);
  Multipliers of_product = plain_multipliers(map, itinerary, period, control);
  if (!some_multiplier_is_one(of_product)) return candidate;
  Continuum& continuum = candidate.continuum.emplace();
  candidate.kind = CandidateKind::continuum;
  continuum.itinerary = resized(itinerary, period);
  continuum.points = orbits.points.leftCols(period);
  continuum.basis = orbits.directions.front();
  continuum.extent = extent;
  continuum.multipliers = std::move(of_product);
  continuum.multipliers.stability = Stability::nonhyperbolic;
  continuum.residual = cycle_residual(map, continuum.points);
  continuum.zeros = resized(zeros, period);
  continuum.on_border = any_bit(zeros);
  return candidate;
}

Candidate enlarged(const CanonicalMap& map, Candidate candidate, Control* control) {
  Looks looks(control);
  for (;;) {  // every round but the last raises the dimension
    const bool on_border = candidate.cycle ? candidate.cycle->on_border
                                           : candidate.continuum && candidate.continuum->on_border;
    if (!on_border || candidate.kind == CandidateKind::virtual_cycle) return candidate;
    const Itinerary& itinerary =
        candidate.cycle ? candidate.cycle->itinerary : candidate.continuum->itinerary;
    const Itinerary& zeros = candidate.cycle ? candidate.cycle->zeros : candidate.continuum->zeros;
    Index dimension = candidate.continuum ? candidate.continuum->basis.cols() : 0;
    std::optional<Candidate> largest;
    for (const Itinerary& sides : border_sides(map, itinerary, zeros)) {
      looks.after(kOperationsOfSide);
      const Itinerary turned = canonical_rotation(sides);
      const CyclicSystem system(map, turned, control);
      const Index nullity = system.nullity();
      if (nullity <= dimension) continue;
      std::optional<Candidate> found = exact_candidate(map, turned, control);
      if (!found) found = solve_singular(map, turned, system, nullity);
      if (!found->continuum || found->continuum->itinerary.order != itinerary.order) continue;
      if (found->continuum->basis.cols() <= dimension) continue;
      if (!contains(*found->continuum, itinerary, zeros)) continue;
      dimension = found->continuum->basis.cols();
      largest = std::move(found);
    }
    if (!largest) return candidate;
    candidate = std::move(*largest);
    if (!representable(candidate)) return {};
  }
}

bool contains(const Continuum& continuum, const Itinerary& itinerary, const Itinerary& zeros) {
  const Itinerary& own = continuum.itinerary;
  if (own.order % itinerary.order != 0) return false;
  for (Index shift = 0; shift < itinerary.order; ++shift) {
    bool follows = true;
    for (Index t = 0; t < own.order && follows; ++t) {
      const Index at = (t + shift) % itinerary.order;
      for (std::size_t w = 0; w < own.words && follows; ++w) {
        const Word vanishing = zeros.order == 0 ? 0 : zeros.at(at)[w];
        follows = ((own.at(t)[w] ^ itinerary.at(at)[w]) & ~vanishing) == 0;
      }
    }
    if (follows) return true;
  }
  return false;
}

}  // namespace rnndyn

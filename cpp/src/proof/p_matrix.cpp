#include "proof/p_matrix.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "linear_algebra/decompositions.hpp"
#include "proof/positive_definite.hpp"
#include "proof/unit_relaxation.hpp"
#include "rnndyn/cycles.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// By how much the norm may be above the one that the barrier is built for: smaller from step to
// step, so that the steps look at ever fewer directions.
constexpr std::array kRooms{1.3, 1.2, 1.1, 1.1, 1.05, 1.05, 1.03, 1.03, 1.02, 1.02, 1.01, 1.01};
constexpr double kEnough = 1.0 - 1e-6;
// From farther away the norm is not brought down to one.
constexpr double kHopeless = 1.6;

bool stopped(Control* control) { return control != nullptr && control->stop_requested(); }

// The map without its offsets: what differences of states obey.
CanonicalMap without_offsets(const CanonicalMap& map) {
  return {map.a(), map.w1(), map.w2(), Vector::Zero(map.n_states()), Vector::Zero(map.n_units())};
}

// Principal minors of one and two rows of 1 - K are those of a P-matrix.
bool may_be_p_matrix(const Matrix& k) {
  const Index n = k.rows();
  if (!(k.diagonal().array() < 1.0).all()) return false;
  for (Index j = 0; j < n; ++j) {
    for (Index i = 0; i < j; ++i) {
      if (!((1.0 - k(i, i)) * (1.0 - k(j, j)) > k(i, j) * k(j, i))) return false;
    }
  }
  return true;
}

// The mean over steps of what belongs to the r units.
Vector over_steps(const Vector& values, Index r) {
  Vector mean = Vector::Zero(r);
  for (Index first = 0; first < values.size(); first += r) mean += values.segment(first, r);
  return mean * (static_cast<double>(r) / static_cast<double>(values.size()));
}

double largest_eigenvalue(const Matrix& positive, Vector& direction) {
  double value = 0.0;
  for (int step = 0; step < 60; ++step) {
    direction = dense::apply(positive, direction);
    value = direction.norm();
    if (!(value > 0.0) || !std::isfinite(value)) return value;
    direction /= value;
  }
  return value;
}

// With s = (psi + q) / 2 it is |psi_i| <= |q_i| and q = 2 G psi with G = (K / 2) (1 - K / 2)^-1:
// the condition says that the norm of D 2 G D^-1 is below one, D^2 = L. Begins at `l` (by unit) and
// lowers the norm by steps that balance, unit by unit, what comes in along its large singular
// directions with what goes out.
std::optional<Vector> balanced(const Matrix& k, Vector l, Control* control) {
  const Index n = k.rows();
  const Index r = l.size();
  const Matrix half = 0.5 * k;
  Matrix denominator = Matrix::Identity(n, n) - half;
  const Matrix g = dense::solve(denominator.transpose(), half.transpose()).transpose();
  if (!g.allFinite()) return std::nullopt;
  if ((l.array() == 0.0).all()) {
    Matrix by_unit = Matrix::Zero(r, r);
    for (Index t = 0; t < n; t += r) {
      for (Index s = 0; s < n; s += r) by_unit += g.block(t, s, r, r).cwiseAbs();
    }
    l = balancing_scale(std::move(by_unit)).cwiseAbs2().cwiseInverse();
  }
  Vector best = l;
  Vector change = Vector::Zero(r);
  double smallest = kHopeless;
  double step = 0.4;
  Vector direction = Vector::Ones(n);
  for (const double room : kRooms) {
    if (stopped(control)) return std::nullopt;
    const Vector d = l.cwiseSqrt().replicate(n / r, 1);
    const Matrix s = scaled(g, d, d.cwiseInverse());
    Matrix square = dense::transposed_product(s, s);
    const double norm = std::sqrt(largest_eigenvalue(square, direction));
    if (norm < kEnough) return l;
    if (norm < smallest) {
      smallest = norm;
      best = l;
      Matrix rest = -square;
      rest.diagonal().array() += room * norm * norm;
      const Matrix inverse = dense::inverse(rest);
      const Vector in = inverse.cwiseProduct(square).rowwise().sum();
      const Vector out = dense::product(s, inverse).cwiseProduct(s).rowwise().sum();
      const Vector ratio = over_steps(in, r).cwiseQuotient(over_steps(out, r));
      change = ratio.array().max(1e-30).log().max(-3.0).min(3.0);
    } else {
      step *= 0.6;
    }
    if (smallest >= kHopeless || !change.allFinite()) return std::nullopt;
    l = best.array() * (step * change).array().exp();
  }
  return std::nullopt;
}

// What has to hold, with all rounding errors: of those of K see UnitRelaxation. An error e of K s
// with |e_i| <= error_i max |s| changes s . L K s by no more than |L error| |s|^2.
bool is_proved(const UnitRelaxation& system, const Vector& multipliers) {
  const Index n = system.n_bits();
  const Matrix& k = system.coupling();
  const Vector l = multipliers.replicate(n / multipliers.size(), 1);
  if (!is_moderate(k) || !is_moderate(l) || !(l.array() > 0.0).all()) return false;
  const Matrix lk = scaled(k, l, Vector::Ones(n));
  Matrix form = -(lk + lk.transpose());
  form.diagonal() += 2.0 * l;
  const double error = 2.0 * l.cwiseProduct(system.error()).norm() * kOutward + kTiniest;
  form.diagonal().array() -= error;
  const Matrix size = lk.cwiseAbs();
  const auto bound = [&](const Vector& d) -> Vector {
    Vector sum = dense::apply(size, d) + dense::apply_transposed(size, d);
    sum += (2.0 * l.array() + error).matrix().cwiseProduct(d);
    return gamma(8.0) * kOutward * sum;
  };
  return is_positive_definite(form, bound);
}

// Of all units, where those that are not in the system have 0, and back.
Vector to_units(const UnitRelaxation& system, const Vector& multipliers, Index n_units) {
  Vector result = Vector::Zero(n_units);
  for (Index i = 0; i < multipliers.size(); ++i) result(system.unit(i)) = multipliers(i);
  return result;
}
Vector from_units(const UnitRelaxation& system, const Vector& multipliers) {
  Vector result(system.n_units());
  for (Index i = 0; i < result.size(); ++i) {
    // A unit that is constant is in no difference.
    const double value = multipliers(system.unit(i));
    result(i) = value > 0.0 ? value : 1.0;
  }
  return result;
}

// A power of two near the largest offset, so that activities are moderate in its units.
double unit_of_offsets(const CanonicalMap& map) {
  const double largest = std::max(map.h1().cwiseAbs().maxCoeff(), map.h2().cwiseAbs().maxCoeff());
  return largest > 0.0 ? std::ldexp(1.0, std::ilogb(largest)) : 1.0;
}

}  // namespace

PMatrixSearch::PMatrixSearch(const CanonicalMap& map, Control* control)
    : map_(map), control_(control) {}

std::optional<Vector> PMatrixSearch::multipliers(Index order) {
  const CanonicalMap differences = without_offsets(map_);
  const UnitRelaxation system(differences, order, 1.0, false, false);
  if (!system.suits() || !may_be_p_matrix(system.coupling())) return std::nullopt;
  if (order > 1 && found_.size() == 0) return std::nullopt;
  Vector start = Vector::Zero(system.n_units());
  if (order > 1) start = from_units(system, found_);
  std::optional<Vector> l = balanced(system.coupling(), start, control_);
  if (!l) return std::nullopt;
  *l /= std::exp(l->array().log().mean());
  // Few digits, so that the checker computes with short numbers.
  for (double& value : *l) value = static_cast<double>(static_cast<float>(value));
  if (!is_proved(system, *l)) return std::nullopt;
  Vector result = to_units(system, *l, map_.n_units());
  if (order == 1) found_ = result;
  return result;
}

// With N = 1 - K and these multipliers, u -> relu(u - step (N u - c)) contracts in their norm for
// small steps; Newton's method in symbol space ends what that begins.
std::optional<Itinerary> PMatrixSearch::fixed_point() const {
  const UnitRelaxation system(map_, 1, unit_of_offsets(map_), false, false);
  const Index n = system.n_bits();
  if (!system.suits() || found_.size() == 0) return std::nullopt;
  const Matrix& k = system.coupling();
  const Vector d = from_units(system, found_).cwiseSqrt();
  Matrix form = Matrix::Identity(n, n) - k;
  form = scaled(form, d, d.cwiseInverse());
  Vector direction = Vector::Ones(n);
  const double largest = largest_eigenvalue(dense::transposed_product(form, form), direction);
  const Matrix both = 0.5 * (form + form.transpose());
  Matrix shifted = -both;
  const double reach = std::sqrt(largest);
  shifted.diagonal().array() += reach;
  direction = Vector::Ones(n);
  const double smallest = std::max(reach - largest_eigenvalue(shifted, direction), 1e-6 * reach);
  const double step = smallest / largest;
  Vector u = Vector::Zero(n);
  for (int round = 0; round < 200; ++round) {
    if (stopped(control_)) return std::nullopt;
    Itinerary itinerary(1, map_.words_per_region());
    for (int repeat = 0; repeat < 50; ++repeat) {
      u = (u + step * (dense::apply(k, u) + system.constant() - u)).cwiseMax(0.0);
    }
    const Vector p = dense::apply(k, u) + system.constant();
    for (Index i = 0; i < n; ++i) set_bit(itinerary.at(0), system.unit(i), p(i) > 0.0);
    for (int newton = 0; newton < 20; ++newton) {
      Candidate candidate;
      try {
        candidate = solve_cycle(map_, itinerary, control_);
      } catch (const Stopped&) {
        return std::nullopt;
      }
      if (candidate.kind == CandidateKind::cycle) return itinerary;
      if (!candidate.cycle) break;
      Itinerary next(1, map_.words_per_region());
      map_.region(candidate.cycle->points.col(0), next.at(0));
      for (std::size_t w = 0; w < next.words; ++w) next.at(0)[w] &= map_.relevant_units()[w];
      if (next == itinerary) break;
      itinerary = std::move(next);
    }
  }
  return std::nullopt;
}

}  // namespace rnndyn

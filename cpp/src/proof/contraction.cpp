#include "proof/contraction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "linear_algebra/decompositions.hpp"
#include "proof/positive_definite.hpp"
#include "rnndyn/random.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// ---- Verification -------------------------------------------------------------------------------

bool has_moderate_entries(const CanonicalMap& map) {
  return is_moderate(map.a()) && is_moderate(map.w1()) && is_moderate(map.w2());
}

double gamma_of(Index n) { return gamma(static_cast<double>(n)); }

Matrix absolute(const Matrix& matrix) { return matrix.cwiseAbs(); }

// Bound of |J_ij|: the middle of the interval that J_ij runs through, and half its length.
Matrix largest_entries(const CanonicalMap& map) {
  Matrix largest = dense::product(absolute(map.w1()), absolute(map.w2()));
  const Matrix middle = dense::product(map.w1(), map.w2());
  for (Index c = 0; c < largest.cols(); ++c) {
    for (Index r = 0; r < largest.rows(); ++r) {
      largest(r, c) = std::abs(map.a()(r, c) + 0.5 * middle(r, c)) + 0.5 * largest(r, c);
    }
  }
  return largest;
}

bool contracts_in_infinity_norm(const CanonicalMap& map, const Matrix& largest,
                                const Vector& weights) {
  const Index m = map.n_states();
  if (weights.size() != m || !is_moderate(weights) || !has_moderate_entries(map)) return false;
  if (!(weights.array() > 0.0).all()) return false;
  Vector size = dense::apply(absolute(map.a()), weights);
  size += dense::apply(absolute(map.w1()), dense::apply(absolute(map.w2()), weights));
  // largest_entries is wrong by at most gamma of the products' terms and some roundings more.
  Vector bound = dense::apply(largest, weights);
  bound += gamma_of(map.n_units() + 8) * size;
  return ((kOutward * bound).array() + kTiniest < weights.array()).all();
}

bool contracts_in_quadratic_norm(const CanonicalMap& map, const Matrix& norm,
                                 const Vector& multipliers) {
  const Index m = map.n_states();
  if (norm.rows() != m || norm.cols() != m || multipliers.size() != map.n_units()) return false;
  if (!has_moderate_entries(map) || !is_moderate(norm) || !is_moderate(multipliers)) return false;
  if (norm != norm.transpose()) return false;
  if (!(multipliers.array() > 0.0).all()) return false;
  const auto no_error = [](const Vector& d) -> Vector { return Vector::Zero(d.size()); };
  if (!is_positive_definite(norm, no_error)) return false;

  const Index h = map.n_units();
  Matrix step(m, m + h);  // (dz, dphi) -> F(x) - F(y)
  step.leftCols(m) = map.a();
  step.rightCols(h) = map.w1();
  const Matrix lw2 = scaled(map.w2(), multipliers, Vector::Ones(m));
  Matrix matrix = -dense::transposed_product(step, dense::product(norm, step));
  matrix.topLeftCorner(m, m) += norm;
  matrix.bottomLeftCorner(h, m) -= lw2;  // the lower triangle is enough
  matrix.diagonal().tail(h) += 2.0 * multipliers;
  const Matrix abs_step = absolute(step);
  const Matrix abs_norm = absolute(norm);
  const Matrix abs_lw2 = absolute(lw2);
  const auto bound = [&](const Vector& d) -> Vector {
    const Vector image = dense::apply(abs_step, d);
    Vector sum = dense::apply_transposed(abs_step, dense::apply(abs_norm, image));
    sum.head(m) += dense::apply(abs_norm, d.head(m));
    sum.head(m) += dense::apply_transposed(abs_lw2, d.tail(h));
    sum.tail(h) += dense::apply(abs_lw2, d.head(m));
    sum.tail(h) += 2.0 * multipliers.cwiseProduct(d.tail(h));
    return 2.0 * gamma_of(2 * m + 8) * sum;
  };
  return is_positive_definite(matrix, bound);
}

// ---- Search -------------------------------------------------------------------------------------

// With so few states and units the whole search takes a millisecond, and reading the clock a good
// part of it.
constexpr Index kFew = 32;
bool stopped(Control* control, Index n_states, Index n_units) {
  return control != nullptr && n_states + n_units > kFew && control->stop_requested();
}

// Whether some sequence of matrices J makes a vector grow: then no norm can exist. At every step
// the slopes s are those that lengthen the image most, one unit at a time. Only a reason to give
// up.
bool some_difference_grows(const CanonicalMap& map, const Matrix& largest, Control* control) {
  constexpr int kTransient = 15;
  constexpr int kSteps = 120;
  const double enough = std::log(1e4);  // more than the transient growth in a scaled norm
  const Vector scale = balancing_scale(largest);
  const Vector squared = scale.cwiseAbs2().cwiseInverse();
  RandomStream stream(0, 0, 0);
  Vector difference(map.n_states());
  for (double& entry : difference) entry = stream.normal();
  difference.array() *= scale.array();
  double growth = 0.0;
  for (int step = 0; step < kSteps; ++step) {
    if (stopped(control, map.n_states(), map.n_units())) return true;
    const Vector p = map.w2_is_identity() ? difference : dense::apply(map.w2(), difference);
    const Vector linear = dense::apply(map.a(), difference);
    Vector image = linear + 0.5 * dense::apply(map.w1(), p);
    for (int sweep = 0; sweep < 2; ++sweep) {
      const Vector along = dense::apply_transposed(map.w1(), squared.cwiseProduct(image));
      const Vector phi = (along.array() * p.array() > 0.0).select(p, 0.0);
      image = linear + dense::apply(map.w1(), phi);
    }
    const double length = image.cwiseQuotient(scale).norm();
    if (!std::isfinite(length)) return true;
    if (length < 1e-200) return false;  // nilpotent
    difference = image / length;
    if (step >= kTransient) growth += std::log(length);
    if (growth > enough) return true;
  }
  return growth > 0.0;
}

// The differences of orbits with the slopes' middle split off: dz' = a dz + b psi, q = c dz,
// |psi_u| <= |q_u| for every unit, where a = A + W1 W2 / 2, b = W1, c = W2 / 2. A quadratic norm
// and multipliers l exist if the gain from sqrt(l) psi to sqrt(l) q is below one.
struct Loop {
  Matrix a, b, c;
};
constexpr double kTargetGain = 0.999;

// First guess: balances how units act on each other at the two real frequencies.
std::optional<Vector> balanced_multipliers(const Loop& loop) {
  const Index h = loop.b.cols();
  if (h == 0) return Vector(0);
  Matrix gain = Matrix::Zero(h, h);
  for (const double z : {1.0, -1.0}) {
    Matrix shifted = -loop.a;
    shifted.diagonal().array() += z;
    gain += absolute(dense::product(loop.c, dense::solve(shifted, loop.b)));
  }
  if (!gain.allFinite()) return std::nullopt;
  return balancing_scale(std::move(gain)).cwiseAbs2().cwiseInverse();
}

// b diag(1 / l) b^T.
Matrix input_energy(const Loop& loop, const Vector& l) {
  return dense::product_transposed(scaled(loop.b, Vector::Ones(loop.b.rows()), l.cwiseInverse()),
                                   loop.b);
}

// What is charged for a state, plus a little so that the inequality is strict.
Matrix state_cost(const Loop& loop, const Vector& l, double gain, Vector& slack) {
  const Index m = loop.a.rows();
  Matrix cost =
      dense::transposed_product(loop.c, scaled(loop.c, l / (gain * gain), Vector::Ones(m)));
  const double trace = cost.trace();
  slack = 1e-3 * cost.diagonal();
  slack.array() += trace > 0.0 ? 1e-8 * trace / static_cast<double>(m) : 1.0;
  cost.diagonal() += slack;
  return cost;
}

// The P with P > a^T P a + c^T L c / gain^2 + a^T P b (L - b^T P b)^-1 b^T P a: the discrete
// Riccati equation of the bounded real lemma, by structure-preserving doubling (Chu, Fan, Lin,
// Wang, Int. J. Control 77, 767, 2004): step k is the value over 2^k steps of the map. None if the
// gain is larger.
std::optional<Matrix> solve_riccati(const Loop& loop, const Vector& l, double gain,
                                    Control* control) {
  Vector slack;
  Matrix p = state_cost(loop, l, gain, slack);
  Matrix a = loop.a;
  Matrix g = input_energy(loop, l);
  for (int k = 0; k < 16; ++k) {
    if (stopped(control, loop.b.rows(), loop.b.cols())) return std::nullopt;
    const std::optional<Matrix> root = dense::cholesky(p);
    if (!root || !p.allFinite() || !a.allFinite()) return std::nullopt;
    const Matrix u = root->transpose();
    Matrix rest = -dense::product_transposed(dense::product(u, g), u);
    rest.diagonal().array() += 1.0;
    const std::optional<Matrix> rest_root = dense::cholesky(rest);
    if (!rest_root) return std::nullopt;
    Matrix y = u;
    dense::solve_triangle(*rest_root, dense::Triangle::lower, y);
    const Matrix ya = dense::product(y, a);
    const Matrix z = dense::product_transposed(a, dense::product(y, g));
    const Matrix increment = dense::transposed_product(ya, ya);
    p += increment;
    if ((increment.diagonal().array() <= 0.1 * slack.array()).all()) {
      return Matrix(0.5 * (p + p.transpose()));
    }
    g += dense::product_transposed(dense::product(a, g), a);
    g += dense::product_transposed(z, z);
    a = dense::product(a, a) + dense::product(z, ya);
  }
  return std::nullopt;
}

// One multiplicative step towards the multipliers with the smallest gain. Under the worst psi the
// value is sum_u l_u (energy of q_u / gain^2 - energy of psi_u), and at the best l all units have
// the same ratio of the two: lower l where q is large.
std::optional<Vector> rebalanced(const Loop& loop, const Vector& l, double gain, const Matrix& p,
                                 Control* control) {
  const Matrix pb = dense::product(p, loop.b);
  Matrix rest = -dense::transposed_product(loop.b, pb);
  rest.diagonal() += l;
  const std::optional<Matrix> root = dense::cholesky(rest);
  if (!root) return std::nullopt;
  Matrix worst = dense::transposed_product(pb, loop.a);  // psi = worst dz
  dense::solve_triangle(*root, dense::Triangle::lower, worst);
  dense::solve_triangle(root->transpose(), dense::Triangle::upper, worst);
  Matrix power = loop.a + dense::product(loop.b, worst);
  Vector slack;
  // Driven by equal charges of all states and of all units; doubling sums the covariance over time.
  Matrix covariance = input_energy(loop, l);
  covariance.diagonal() += state_cost(loop, l, gain, slack).diagonal().cwiseInverse();
  for (int k = 0; k < 16; ++k) {
    if (stopped(control, loop.b.rows(), loop.b.cols())) return std::nullopt;
    const Matrix increment = dense::product_transposed(dense::product(power, covariance), power);
    covariance += increment;
    if (increment.trace() < 1e-3 * covariance.trace()) break;
    power = dense::product(power, power);
  }
  const auto energy = [&](const Matrix& rows) -> Vector {
    return dense::product(rows, covariance).cwiseProduct(rows).rowwise().sum();
  };
  const Vector q = energy(loop.c) / (gain * gain);
  const Vector psi = energy(worst);
  const double floor = 1e-12 * (l.dot(q) + l.dot(psi));
  Vector change = ((psi.array() * l.array() + floor) / (q.array() * l.array() + floor)).log();
  change.array() -= change.mean();
  const Vector next = l.array() * change.array().max(-3.0).min(3.0).exp();
  if (!next.allFinite() || !(next.array() > 0.0).all()) return std::nullopt;
  return next;
}

// P and l, or nothing. The gain allowed for is lowered step by step to one.
std::optional<std::pair<Matrix, Vector>> quadratic_norm(const Loop& loop, Control* control) {
  // Experience: from farther away the gain is hardly ever brought down to one.
  const bool small = loop.a.rows() <= 50;
  const int max_solves = small ? 16 : 6;
  const double largest_gain = small ? 9.0 : 3.0;
  std::optional<Vector> start = balanced_multipliers(loop);
  if (!start) return std::nullopt;
  Vector l = std::move(*start);
  double gain = kTargetGain;
  std::optional<Vector> good;  // multipliers for which `good_gain` is not exceeded
  double good_gain = 0.0;
  double shrink = 0.8;
  for (int solve = 0; solve < max_solves; ++solve) {
    if (stopped(control, loop.b.rows(), loop.b.cols())) return std::nullopt;
    std::optional<Matrix> p = solve_riccati(loop, l, gain, control);
    if (p && gain <= kTargetGain) return std::pair(std::move(*p), std::move(l));
    if (p) {
      std::optional<Vector> next = rebalanced(loop, l, gain, *p, control);
      if (!next) return std::nullopt;
      good = std::move(l);
      good_gain = gain;
      l = std::move(*next);
      gain = std::max(kTargetGain, shrink * gain);
    } else if (!good) {
      gain *= 1.7;
      if (gain > largest_gain || l.size() == 0) return std::nullopt;
    } else if (gain < good_gain) {
      gain = good_gain;
      shrink = 0.5 * (1.0 + shrink);
    } else {
      l = l.cwiseProduct(*good).cwiseSqrt();  // too far a step
    }
  }
  return std::nullopt;
}

// L U = I - B without pivoting, both factors in one matrix; nothing where a pivot is not positive:
// then I - B is no M-matrix and the spectral radius of B is not below one (Berman, Plemmons,
// Nonnegative Matrices, theorem 6.2.3). Pivoting would only spoil the signs: off the diagonal
// nothing cancels.
std::optional<Matrix> m_matrix_factors(const Matrix& b) {
  const Index m = b.rows();
  Matrix lu = Matrix::Identity(m, m) - b;
  for (Index k = 0; k < m; ++k) {
    if (!(lu(k, k) > 0.0)) return std::nullopt;
    const Index rest = m - k - 1;
    double* pivots = lu.data() + k * m + k + 1;
    const double pivot = lu(k, k);
    for (Index r = 0; r < rest; ++r) pivots[r] /= pivot;
    for (Index c = k + 1; c < m; ++c) {
      double* column = lu.data() + c * m + k + 1;
      const double factor = lu(k, c);
      for (Index r = 0; r < rest; ++r) column[r] -= pivots[r] * factor;
    }
  }
  return lu;
}

std::optional<ContractionProof> prove_in_infinity_norm(const CanonicalMap& map,
                                                       const Matrix& largest) {
  const std::optional<Matrix> lu = m_matrix_factors(largest);
  if (!lu) return std::nullopt;
  const auto solve = [&](const Vector& right) -> Vector {
    Vector solution = right;
    dense::solve_triangle(*lu, dense::Triangle::unit_lower, solution);
    dense::solve_triangle(*lu, dense::Triangle::upper, solution);
    return solution;
  };
  // Any solution of (I - B) w = r > 0 will do. That for r = 1 shows how large the weights are; as r
  // it leaves every row a margin of the row's own size.
  ContractionProof proof;
  proof.weights = solve(solve(Vector::Ones(map.n_states())));
  if (!contracts_in_infinity_norm(map, largest, proof.weights)) return std::nullopt;
  return proof;
}

std::optional<ContractionProof> prove_in_quadratic_norm(const CanonicalMap& map, Control* control) {
  std::vector<Index> active, idle;  // units that enter J, and the others
  for (Index u = 0; u < map.n_units(); ++u) {
    const bool enters =
        (map.w1().col(u).array() != 0.0).any() && (map.w2().row(u).array() != 0.0).any();
    (enters ? active : idle).push_back(u);
  }
  Loop loop;
  const auto n_active = static_cast<Index>(active.size());
  loop.b.resize(map.n_states(), n_active);
  loop.c.resize(n_active, map.n_states());
  for (Index i = 0; i < n_active; ++i) {
    loop.b.col(i) = map.w1().col(active[static_cast<std::size_t>(i)]);
    loop.c.row(i) = 0.5 * map.w2().row(active[static_cast<std::size_t>(i)]);
  }
  loop.a = map.a() + dense::product(loop.b, loop.c);
  auto found = quadratic_norm(loop, control);
  if (!found) return std::nullopt;
  auto& [norm, l] = *found;
  ContractionProof proof;
  proof.kind = ContractionNorm::quadratic;
  proof.multipliers.resize(map.n_units());
  // l (q^2 - psi^2) with q = dp / 2, psi = dphi - dp / 2 is l dphi (dp - dphi); the condition of
  // the proof has twice its multiplier.
  for (Index i = 0; i < n_active; ++i) {
    proof.multipliers(active[static_cast<std::size_t>(i)]) = 0.5 * l(i);
  }
  // The matrix can be definite over all units: those without effect may cost a tenth of the slack
  // together, those with a constant pre-activation only have to make every other dphi dear.
  Vector slack;
  state_cost(loop, l, kTargetGain, slack);
  for (const Index u : idle) {
    const Vector effect = map.w1().col(u);
    const double cost = map.w2().row(u).cwiseAbs2().transpose().cwiseQuotient(slack).sum();
    if ((effect.array() != 0.0).any()) {
      proof.multipliers(u) = 0x1.0p60 * effect.dot(dense::apply(norm, effect));
    } else {
      proof.multipliers(u) = cost > 0.0 ? 0.1 / (static_cast<double>(idle.size()) * cost) : 1.0;
    }
  }
  proof.norm = std::move(norm);
  if (!contracts_in_quadratic_norm(map, proof.norm, proof.multipliers)) return std::nullopt;
  return proof;
}

}  // namespace

std::optional<ContractionProof> prove_contraction(const CanonicalMap& map, Control* control) {
  constexpr Index kLargestQuadratic = 600;
  const Matrix largest = largest_entries(map);
  if (auto proof = prove_in_infinity_norm(map, largest)) return proof;
  if (map.n_states() + map.n_units() > kLargestQuadratic) return std::nullopt;
  if (!largest.allFinite() || some_difference_grows(map, largest, control)) return std::nullopt;
  return prove_in_quadratic_norm(map, control);
}

bool is_contraction(const CanonicalMap& map, const ContractionProof& proof) {
  if (proof.kind == ContractionNorm::weighted_infinity) {
    return contracts_in_infinity_norm(map, largest_entries(map), proof.weights);
  }
  return contracts_in_quadratic_norm(map, proof.norm, proof.multipliers);
}

}  // namespace rnndyn

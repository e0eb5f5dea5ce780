#include "contraction.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "rnndyn/random.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// ---- Verification -------------------------------------------------------------------------------

// Entries up to kLargest in size only: what underflows is multiplied by at most four of them, in
// sums of fewer than 10^12 terms.
constexpr double kLargest = 1e60;
constexpr double kTiny = 1e-60;
static_assert(underflow(1e12) * kLargest * kLargest * kLargest * kLargest < kTiny);

bool is_moderate(const Matrix& matrix) {
  return matrix.allFinite() && matrix.cwiseAbs().sum() <= kLargest;
}
bool is_moderate(const CanonicalMap& map) {
  return is_moderate(map.a()) && is_moderate(map.w1()) && is_moderate(map.w2());
}

double gamma_of(Index n) { return gamma(static_cast<double>(n)); }

// Whether every symmetric matrix within the entrywise bounds E of `matrix` (lower triangle) is
// positive definite; `bound(d)` is an upper bound of E d for d > 0. By the criterion of Rump, BIT
// 46, 433 (2006): the floating-point Cholesky decomposition of a shifted matrix runs through.
// Scaled first by powers of two, which changes neither the answer nor any digit.
template <typename Bound>
bool is_positive_definite(const Matrix& matrix, const Bound& bound) {
  const Index n = matrix.rows();
  Vector scale(n);
  for (Index i = 0; i < n; ++i) {
    const double diagonal = matrix(i, i);
    if (!(diagonal > 0.0) || !std::isfinite(diagonal)) return false;
    scale(i) = std::ldexp(1.0, -(std::ilogb(diagonal) / 2));
  }
  if (!is_moderate(scale)) return false;
  const double radius = (bound(scale).array() * scale.array()).maxCoeff();
  Matrix scaled = scale.asDiagonal() * matrix * scale.asDiagonal();
  // Cholesky of a matrix with trace t is the exact one of a matrix that differs by at most
  // gamma_(n+1) / (1 - gamma_(n+1)) t in norm (Higham, theorem 10.3); twice that leaves room for
  // divisions carried out as products with reciprocals. The rest covers the subtraction itself.
  const double trace = scaled.trace();
  const double shift =
      kOutward * (radius + (2.0 * gamma_of(n + 8) + 4.0 * kUnitRoundoff) * trace) + kTiny;
  scaled.diagonal().array() -= shift;
  if (!std::isfinite(shift)) return false;
  const Eigen::LLT<Matrix> cholesky(scaled);
  // Eigen does not take a NaN for a failure.
  return cholesky.info() == Eigen::Success && cholesky.matrixLLT().diagonal().allFinite();
}

// Bound of |J_ij|: the middle of the interval that J_ij runs through, and half its length.
Matrix largest_entries(const CanonicalMap& map) {
  const Matrix size = map.w1().cwiseAbs() * map.w2().cwiseAbs();
  return (map.a() + 0.5 * (map.w1() * map.w2())).cwiseAbs() + 0.5 * size;
}

bool contracts_in_infinity_norm(const CanonicalMap& map, const Matrix& largest,
                                const Vector& weights) {
  const Index m = map.n_states();
  if (weights.size() != m || !is_moderate(weights) || !is_moderate(map)) return false;
  if (!(weights.array() > 0.0).all()) return false;
  const Vector size =
      map.a().cwiseAbs() * weights + map.w1().cwiseAbs() * (map.w2().cwiseAbs() * weights);
  // largest_entries is wrong by at most gamma of the products' terms and some roundings more.
  const Vector bound = largest * weights + gamma_of(map.n_units() + 8) * size;
  return ((kOutward * bound).array() + kTiny < weights.array()).all();
}

bool contracts_in_quadratic_norm(const CanonicalMap& map, const Matrix& norm,
                                 const Vector& multipliers) {
  const Index m = map.n_states();
  if (norm.rows() != m || norm.cols() != m || multipliers.size() != map.n_units()) return false;
  if (!is_moderate(map) || !is_moderate(norm) || !is_moderate(multipliers)) return false;
  if (norm != norm.transpose()) return false;
  if (!(multipliers.array() > 0.0).all()) return false;
  const auto no_error = [](const Vector& d) -> Vector { return Vector::Zero(d.size()); };
  if (!is_positive_definite(norm, no_error)) return false;

  const Index h = map.n_units();
  Matrix step(m, m + h);  // (dz, dphi) -> F(x) - F(y)
  step << map.a(), map.w1();
  const Matrix lw2 = multipliers.asDiagonal() * map.w2();
  Matrix matrix = Matrix::Zero(m + h, m + h);
  matrix.triangularView<Eigen::Lower>() -= step.transpose() * (norm * step);
  matrix.topLeftCorner(m, m) += norm;
  matrix.bottomLeftCorner(h, m) -= lw2;
  matrix.diagonal().tail(h) += 2.0 * multipliers;
  const auto bound = [&](const Vector& d) -> Vector {
    const Vector image = step.cwiseAbs() * d;
    Vector sum = step.cwiseAbs().transpose() * (norm.cwiseAbs() * image);
    sum.head(m) += norm.cwiseAbs() * d.head(m) + lw2.cwiseAbs().transpose() * d.tail(h);
    sum.tail(h) += lw2.cwiseAbs() * d.head(m) + 2.0 * multipliers.cwiseProduct(d.tail(h));
    return 2.0 * gamma_of(2 * m + 8) * sum;
  };
  return is_positive_definite(matrix, bound);
}

// ---- Search -------------------------------------------------------------------------------------

bool stopped(Control* control) { return control != nullptr && control->stop_requested(); }

// d such that D^-1 N D has a spectral norm near the spectral radius of N >= 0: d = sqrt(x / y) with
// the right and left Perron vectors x and y (Stoer and Witzgall, Numer. Math. 4, 158, 1962).
Vector balancing_scale(Matrix entries) {
  const Index n = entries.rows();
  // Remove bad scaling first, by balancing rows and columns (Osborne, J. ACM 7, 338, 1960).
  Vector scale = Vector::Ones(n);
  for (int sweep = 0; sweep < 8; ++sweep) {
    const double floor = 1e-3 * entries.mean() + kTiny;
    const Vector rows = entries.rowwise().sum().array() + floor;
    const Vector columns = entries.colwise().sum().transpose().array() + floor;
    const Vector change = rows.cwiseQuotient(columns).cwiseSqrt();
    entries = change.cwiseInverse().asDiagonal() * entries * change.asDiagonal();
    scale.array() *= change.array();
  }
  // A small part of everything keeps the vectors positive where N is reducible.
  entries.array() += 0.01 * entries.mean() + kTiny;
  Vector right = Vector::Ones(n);
  Vector left = right;
  for (int step = 0; step < 40; ++step) {
    right = entries * right;
    right /= right.maxCoeff();
    left = entries.transpose() * left;
    left /= left.maxCoeff();
  }
  return scale.array() * right.cwiseQuotient(left).cwiseSqrt().array();
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
    if (stopped(control)) return true;
    const Vector p = map.w2_is_identity() ? difference : Vector(map.w2() * difference);
    const Vector linear = map.a() * difference;
    Vector image = linear + 0.5 * (map.w1() * p);
    for (int sweep = 0; sweep < 2; ++sweep) {
      const Vector along = map.w1().transpose() * squared.cwiseProduct(image);
      const Vector phi = (along.array() * p.array() > 0.0).select(p, 0.0);
      image = linear + map.w1() * phi;
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
  const Index m = loop.a.rows();
  const Index h = loop.b.cols();
  if (h == 0) return Vector(0);
  Matrix gain = Matrix::Zero(h, h);
  for (const double z : {1.0, -1.0}) {
    const Matrix resolvent_b = (z * Matrix::Identity(m, m) - loop.a).partialPivLu().solve(loop.b);
    gain += (loop.c * resolvent_b).cwiseAbs();
  }
  if (!gain.allFinite()) return std::nullopt;
  return balancing_scale(std::move(gain)).cwiseAbs2().cwiseInverse();
}

// What is charged for a state, plus a little so that the inequality is strict.
Matrix state_cost(const Loop& loop, const Vector& l, double gain, Vector& slack) {
  const Index m = loop.a.rows();
  Matrix cost = loop.c.transpose() * (l / (gain * gain)).asDiagonal() * loop.c;
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
  const Index m = loop.a.rows();
  Vector slack;
  Matrix p = state_cost(loop, l, gain, slack);
  Matrix a = loop.a;
  Matrix g = loop.b * l.cwiseInverse().asDiagonal() * loop.b.transpose();
  for (int k = 0; k < 16; ++k) {
    if (stopped(control)) return std::nullopt;
    const Eigen::LLT<Matrix> root(p);
    if (root.info() != Eigen::Success || !p.allFinite() || !a.allFinite()) return std::nullopt;
    const Matrix u = root.matrixU();
    const Matrix ug = u * g;
    const Eigen::LLT<Matrix> rest(Matrix::Identity(m, m) - ug * u.transpose());
    if (rest.info() != Eigen::Success) return std::nullopt;
    const Matrix y = rest.matrixL().solve(u);
    const Matrix ya = y * a;
    const Matrix z = a * (y * g).transpose();
    Matrix increment = Matrix::Zero(m, m);
    increment.selfadjointView<Eigen::Lower>().rankUpdate(ya.transpose());
    increment.triangularView<Eigen::StrictlyUpper>() = increment.transpose();
    p += increment;
    if ((increment.diagonal().array() <= 0.1 * slack.array()).all()) {
      return Matrix(0.5 * (p + p.transpose()));
    }
    g = (g + a * g * a.transpose() + z * z.transpose()).eval();
    a = (a * a + z * ya).eval();
  }
  return std::nullopt;
}

// One multiplicative step towards the multipliers with the smallest gain. Under the worst psi the
// value is sum_u l_u (energy of q_u / gain^2 - energy of psi_u), and at the best l all units have
// the same ratio of the two: lower l where q is large.
std::optional<Vector> rebalanced(const Loop& loop, const Vector& l, double gain, const Matrix& p,
                                 Control* control) {
  const Matrix pb = p * loop.b;
  Matrix rest = -(loop.b.transpose() * pb);
  rest.diagonal() += l;
  const Eigen::LLT<Matrix> cholesky(rest);
  if (cholesky.info() != Eigen::Success) return std::nullopt;
  const Matrix worst = cholesky.solve(pb.transpose() * loop.a);  // psi = worst dz
  Matrix power = loop.a + loop.b * worst;
  Vector slack;
  // Driven by equal charges of all states and of all units; doubling sums the covariance over time.
  Matrix covariance = loop.b * l.cwiseInverse().asDiagonal() * loop.b.transpose();
  covariance.diagonal() += state_cost(loop, l, gain, slack).diagonal().cwiseInverse();
  for (int k = 0; k < 16; ++k) {
    if (stopped(control)) return std::nullopt;
    const Matrix increment = power * covariance * power.transpose();
    covariance += increment;
    if (increment.trace() < 1e-3 * covariance.trace()) break;
    power = (power * power).eval();
  }
  const Vector q = (loop.c * covariance).cwiseProduct(loop.c).rowwise().sum() / (gain * gain);
  const Vector psi = (worst * covariance).cwiseProduct(worst).rowwise().sum();
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
    if (stopped(control)) return std::nullopt;
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
    lu.col(k).tail(rest) /= lu(k, k);
    lu.bottomRightCorner(rest, rest).noalias() -= lu.col(k).tail(rest) * lu.row(k).tail(rest);
  }
  return lu;
}

std::optional<ContractionProof> prove_in_infinity_norm(const CanonicalMap& map,
                                                       const Matrix& largest) {
  const std::optional<Matrix> lu = m_matrix_factors(largest);
  if (!lu) return std::nullopt;
  const auto solve = [&](const Vector& right) -> Vector {
    const Vector forward = lu->triangularView<Eigen::UnitLower>().solve(right);
    return lu->triangularView<Eigen::Upper>().solve(forward);
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
  loop.b = map.w1()(Eigen::all, active);
  loop.c = 0.5 * map.w2()(active, Eigen::all);
  loop.a = map.a() + loop.b * loop.c;
  auto found = quadratic_norm(loop, control);
  if (!found) return std::nullopt;
  auto& [norm, l] = *found;
  ContractionProof proof;
  proof.kind = ContractionNorm::quadratic;
  proof.multipliers.resize(map.n_units());
  // l (q^2 - psi^2) with q = dp / 2, psi = dphi - dp / 2 is l dphi (dp - dphi); the condition of
  // the proof has twice its multiplier.
  proof.multipliers(active) = 0.5 * l;
  // The matrix can be definite over all units: those without effect may cost a tenth of the slack
  // together, those with a constant pre-activation only have to make every other dphi dear.
  Vector slack;
  state_cost(loop, l, kTargetGain, slack);
  for (const Index u : idle) {
    const Vector effect = map.w1().col(u);
    const double cost = map.w2().row(u).cwiseAbs2().transpose().cwiseQuotient(slack).sum();
    if ((effect.array() != 0.0).any()) {
      proof.multipliers(u) = 0x1.0p60 * effect.dot(norm * effect);
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

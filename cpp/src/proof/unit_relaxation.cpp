#include "proof/unit_relaxation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Of pre-activations, where activities are up to 1: errors above this would leave too much
// undecided.
constexpr double kLargestError = 1e-4;

Matrix absolute(const Matrix& matrix) { return matrix.cwiseAbs(); }

// Bounds of |product + rest|, |product - rest| and the like, for a product of `n` terms in which
// the computed values are off by gamma(n + 4) times the same with absolute values.
Matrix outward(const Matrix& value, const Matrix& size, Index n) {
  return (absolute(value) + gamma(static_cast<double>(n) + 8.0) * size) * kOutward +
         Matrix::Constant(value.rows(), value.cols(), kUnderflow);
}

// Y_1 = Y, Y_{j+1} = Y_j A, j < k, for k Y's, and a bound of the coefficients of states that are
// left in sum_j Y_j g_{t-j} - target z_t, summed over the steps.
struct Powers {
  std::vector<Matrix> y;
  Matrix left;
};
Powers powers(const Matrix& first, const Matrix& a, const Matrix& target, Index k) {
  Powers result;
  const Matrix abs_a = absolute(a);
  const Index n = a.rows();
  result.y.push_back(first);
  result.left = Matrix::Zero(target.rows(), target.cols());
  for (Index j = 1; j < k; ++j) {
    const Matrix& last = result.y.back();
    Matrix next = dense::product(last, a);
    // The product itself is exact but for its rounding.
    result.left += outward(Matrix::Zero(next.rows(), next.cols()),
                           absolute(next) + dense::product(absolute(last), abs_a), n);
    result.y.push_back(std::move(next));
  }
  const Matrix& last = result.y.back();
  result.left +=
      outward(target - first + dense::product(last, a),
              absolute(target) + absolute(first) + dense::product(absolute(last), abs_a), n);
  return result;
}

}  // namespace

UnitRelaxation::UnitRelaxation(const CanonicalMap& map, Index order, double radius,
                               bool at_infinity, bool keep_multipliers)
    : m_(map.n_states()), r_(map.n_relevant_units()), k_(order), at_infinity_(at_infinity) {
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(map.relevant_units().data(), i)) units_.push_back(i);
  }
  suits_ = r_ > 0 && eliminate(map, radius);
  if (suits_) lay_out(keep_multipliers);
}

double UnitRelaxation::n_bytes(const CanonicalMap& map, Index order) {
  const auto k = static_cast<double>(order);
  const auto m = static_cast<double>(map.n_states());
  const double n = k * static_cast<double>(map.n_relevant_units());
  return (4.0 * n * n + 2.0 * k * m * m) * sizeof(double);
}

double UnitRelaxation::n_operations(const CanonicalMap& map, Index order) {
  const auto k = static_cast<double>(order);
  const auto m = static_cast<double>(map.n_states());
  const double n = k * static_cast<double>(map.n_relevant_units());
  return 8.0 * k * m * m * m + 4.0 * n * n;
}

// Sets the coefficients of p_t and their errors; offsets in units of the radius.
bool UnitRelaxation::eliminate(const CanonicalMap& map, double radius) {
  const Matrix a = map.a();
  Matrix w1(m_, r_);
  Matrix w2(r_, m_);
  Vector h2(r_);
  for (Index i = 0; i < r_; ++i) {
    w1.col(i) = map.w1().col(units_[static_cast<std::size_t>(i)]);
    w2.row(i) = map.w2().row(units_[static_cast<std::size_t>(i)]);
    h2(i) = map.h2()(units_[static_cast<std::size_t>(i)]) / radius;
  }
  const Vector h1 = map.h1() / radius;
  if (h1.size() > 0 && ((h1 * radius) - map.h1()).cwiseAbs().maxCoeff() > 0.0) return false;
  for (Index i = 0; i < r_; ++i) {
    if (h2(i) * radius != map.h2()(units_[static_cast<std::size_t>(i)])) return false;
  }
  Matrix power = a;
  for (Index j = 1; j < k_; ++j) power = dense::product(power, a);
  const Matrix identity = Matrix::Identity(m_, m_);
  const Matrix inverse = dense::solve(dense::factored(identity - power), identity);
  if (!inverse.allFinite()) return false;
  const Powers states = powers(inverse, a, identity, k_);
  const Powers units = powers(dense::product(w2, inverse), a, w2, k_);
  // |z| <= reach |g| / (1 - d)
  const double d = states.left.rowwise().sum().maxCoeff() * kOutward;
  if (!(d < 0.5)) return false;
  Vector reach = Vector::Zero(m_);
  for (const Matrix& x : states.y) reach += x.cwiseAbs().rowwise().sum();
  const Vector ones_r = Vector::Ones(r_);
  const Vector force = (dense::apply(absolute(w1), ones_r) + h1.cwiseAbs()) * kOutward;
  const double largest = reach.maxCoeff() * force.maxCoeff() / (1.0 - d) * kOutward + kUnderflow;
  // By coordinate: the sum itself, and what is left of it.
  Vector size_z = Vector::Zero(m_);
  for (const Matrix& x : states.y) size_z += dense::apply(absolute(x), force);
  size_z = (size_z + dense::apply(states.left, Vector::Constant(m_, largest))) * kOutward;
  Vector error = dense::apply(units.left, size_z) * kOutward;
  coupling_ = Matrix::Zero(n_bits(), n_bits());
  constant_ = Vector::Zero(n_bits());
  Vector constant = h2;
  for (Index j = 1; j <= k_; ++j) {
    const Matrix& y = units.y[static_cast<std::size_t>(j - 1)];
    const Matrix block = dense::product(y, w1);
    for (Index t = 0; t < k_; ++t) {
      const Index s = ((t - j) % k_ + k_) % k_;
      coupling_.block(t * r_, s * r_, r_, r_) = block;
    }
    constant += dense::apply(y, h1);
    // Rounding of the products with W1 and h1, and of the sum over steps.
    error +=
        dense::apply(absolute(y), force) * (gamma(static_cast<double>(m_ + k_) + 8.0) * kOutward);
  }
  error += h2.cwiseAbs() * (gamma(static_cast<double>(k_) + 8.0) * kOutward) +
           Vector::Constant(r_, kUnderflow);
  const Vector all = dense::apply(absolute(coupling_), Vector::Ones(n_bits()));
  error_ = error.replicate(k_, 1);
  constant_ = constant.replicate(k_, 1);
  // v = u - p.
  v_upper_ = (all + constant_.cwiseAbs() + error_ + Vector::Ones(n_bits())) * kOutward;

  return error_.allFinite() && v_upper_.allFinite() && error_.maxCoeff() < kLargestError;
}

void UnitRelaxation::lay_out(bool keep_multipliers) {
  const Index n = n_bits();
  const auto tau = static_cast<std::int32_t>(2 * n);
  root_ = std::make_unique<Dictionary>(n, n + 1, tau + 1);
  kept_.assign(static_cast<std::size_t>(tau) + 1, 0);
  Dictionary& dictionary = *root_;
  for (Index s = 0; s < n; ++s) dictionary.set_column(s, u(s), 0.0, 1.0);
  dictionary.set_column(n, tau, at_infinity_ ? 0.0 : 1.0, 1.0);
  for (Index b = 0; b < n; ++b) {
    dictionary.set_row(b, v(b), 0.0, kInfinity, 0.0);
    for (Index s = 0; s < n; ++s) dictionary.entry(b, s) = (s == b ? 1.0 : 0.0) - coupling_(b, s);
    dictionary.entry(b, n) = -constant_(b);
    if (keep_multipliers) kept_[static_cast<std::size_t>(v(b))] = 1;
  }
  dictionary.start();
}

void UnitRelaxation::start_on_face(Dictionary& dictionary, Index face) const {
  dictionary.fix(u(face), 1.0, kept_);
}

Vector UnitRelaxation::multipliers(const Dictionary& dictionary) const {
  // See CyclicRelaxation::multipliers().
  const Index row = dictionary.infeasible_row();
  const double sign = dictionary.infeasible_above() ? -1.0 : 1.0;
  Vector y(n_bits());
  for (Index b = 0; b < n_bits(); ++b) {
    const std::int32_t place = dictionary.place(v(b));
    double coefficient = 0.0;
    if (place >= 0) {
      coefficient = place == row ? -sign : 0.0;
    } else if (place != Dictionary::kAbsent) {
      coefficient = sign * dictionary.entry(row, -1 - place);
    }
    y(b) = -coefficient;
  }
  return y;
}

// sum_b y_b (u_b - v_b - p_b) = 0 with p_b = coupling u + constant tau + [-error, error]: the
// largest value of the left side over the bounds of u, v and tau, and all that rounding can have
// taken.
bool UnitRelaxation::refutes(const Vector& y, const std::vector<std::int8_t>& decided,
                             Index face) const {
  const Index n = n_bits();
  const Vector from_u = dense::apply_transposed(coupling_, y);
  const Vector abs_y = y.cwiseAbs();
  const double all_y = abs_y.sum();
  // Every coefficient of u is a sum of n products, each of which is at most |y| times the largest
  // coefficient.
  const double largest = coupling_.cwiseAbs().maxCoeff() + 1.0;
  const double g = gamma(static_cast<double>(n) + 8.0) * kOutward;
  double left = 0.0;
  double total = 0.0;
  for (Index b = 0; b < n; ++b) {
    const std::int8_t bit = decided[static_cast<std::size_t>(b)];
    if (bit != 0) {
      const double c = y(b) - from_u(b);
      const double term = face == b ? c : std::max(0.0, c);
      left += term;
      total += std::abs(term);
    }
    if (bit != 1) {
      const double term = std::max(0.0, -y(b)) * v_upper_(b);
      left += term;
      total += term;
    }
    left += abs_y(b) * error_(b);
    total += abs_y(b) * error_(b);
  }
  const double of_tau = -y.dot(constant_);
  const double size_tau = abs_y.dot(constant_.cwiseAbs());
  left += at_infinity_ ? std::max(0.0, of_tau) : of_tau;
  // The coefficients of u carry errors of up to g |y| largest, each of n of them.
  const double slack = g * (total + size_tau + std::abs(left)) * 2.0 +
                       g * all_y * largest * static_cast<double>(n) * 2.0 + kUnderflow;
  return std::isfinite(left) && left + slack < 0.0;
}

void UnitRelaxation::append(const Vector& y, Index n_all_units, ProofTree& tree) const {
  for (Index t = 0; t < k_; ++t) {
    for (Index i = 0; i < r_; ++i) {
      const double value = y(t * r_ + i);
      if (value == 0.0) continue;
      tree.row.push_back(static_cast<std::int32_t>(k_ * m_ + t * n_all_units + unit(i)));
      tree.value.push_back(value);
    }
  }
  tree.first.push_back(static_cast<std::int64_t>(tree.row.size()));
}

}  // namespace rnndyn

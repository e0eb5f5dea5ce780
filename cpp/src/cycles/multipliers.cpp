#include "cycles/multipliers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "cycles/block_loops.hpp"
#include "cycles/block_triangular.hpp"
#include "linear_algebra/decompositions.hpp"
#include "rnndyn/cycles.hpp"

namespace rnndyn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// Neighbouring blocks count as separated when the closing rotation couples them by less than this.
constexpr double kSeparated = 1e-14;
// Sweeps go on until no unseparated cluster spreads its moduli by more than this factor: the
// product of such a cluster keeps its digits, be it a complex pair or a crowd of close moduli.
constexpr double kClusterSpread = 1e3;
// After n sweeps what is still together differs by less than a factor eps^(-1/n). The cap bounds
// the time for many states; the error bars then say what is left.
constexpr int kMaxSweeps = 80;
constexpr int kMinSweeps = 12;
constexpr double kSweepBudget = 2e9;  // operations
// The formed product is trusted while its spread costs fewer digits than this.
constexpr double kTrustedSpread = 1e5;
// A modulus known this well whose error bar contains 1 cannot be told from 1; one that is known
// less well is simply not known.
constexpr double kNarrow = 0.01;
// Nor when it is small next to the product of absolute values, which bounds its rounding errors.
constexpr double kTrustedCancellation = 1e9;

// What an eigensystem takes, for the cube of its size (measured for 500 states).
constexpr double kEigensystemOperations = 5.0;

double cube(Index n) { return std::pow(static_cast<double>(n), 3); }

struct Eigenvalue {
  std::complex<double> value;
  double log_modulus;
  double log_error;
};

// scale * value, where the scale, given by its logarithm, may be beyond the range of doubles.
std::complex<double> scaled(std::complex<double> value, double log_scale) {
  if (log_scale == 0.0) return value;
  const double modulus = std::exp(std::log(std::abs(value)) + log_scale);
  const double phase = std::arg(value);
  // Purely real values stay so: no infinity times zero where the modulus overflows.
  if (value.imag() == 0.0) return {value.real() < 0.0 ? -modulus : modulus, 0.0};
  return {modulus * std::cos(phase), modulus * std::sin(phase)};
}

// Largest entry of a part in size.
double largest_entry(const dense::ConstMatrixRef& part) { return part.cwiseAbs().maxCoeff(); }

// Eigenvalues of scale * matrix with first-order error bars: eps times the size of the product
// times the eigenvalue's condition number, capped for defective ones at the M-th root (Golub, Van
// Loan, Matrix Computations, 4th ed., sec. 7.2).
std::vector<Eigenvalue> eigenvalues(const Matrix& matrix, double log_scale, double relative_error,
                                    Looks& looks) {
  const Index n = matrix.rows();
  std::vector<Eigenvalue> result;
  // Together the eigenvalues of several blocks could be taken for a defective one, with error bars
  // as wide. The blocks of a block have no blocks of their own, so this goes no deeper.
  if (const auto blocks = diagonal_blocks({matrix}); blocks.size() > 1) {
    const double size = matrix.norm();
    for (const std::vector<Index>& block : blocks) {
      const Matrix own = matrix(block, block);
      // The error is one of the whole matrix.
      const double own_size = own.norm();
      const double error = own_size > 0.0 ? relative_error * size / own_size : relative_error;
      for (const Eigenvalue& e : eigenvalues(own, log_scale, std::min(error, 1.0), looks)) {
        result.push_back(e);
      }
    }
    return result;
  }
  if (n == 1) {
    const double x = matrix(0, 0);
    result.push_back(
        {scaled(x, log_scale), std::log(std::abs(x)) + log_scale, x == 0.0 ? 0.0 : relative_error});
    return result;
  }
  const double operations = kEigensystemOperations * cube(n);
  looks.before(operations);
  const dense::Eigensystem system = dense::eigensystem(matrix);
  looks.after(operations);
  const double size = matrix.norm();
  const double defective = size * std::pow(relative_error, 1.0 / static_cast<double>(n));
  for (Index i = 0; i < n; ++i) {
    double error = relative_error * size * system.conditions(i);
    if (!(error < defective)) error = defective;
    const double modulus = std::abs(system.values(i));
    // A zero that rounding may have made of anything up to beyond the unit circle is not known.
    const bool small = std::log(error) + log_scale < 0.0;
    const double log_error = modulus > 0.0 ? error / modulus
                             : small       ? 0.0
                                           : std::numeric_limits<double>::infinity();
    result.push_back(
        {scaled(system.values(i), log_scale), std::log(modulus) + log_scale, log_error});
  }
  return result;
}

// Product of the diagonal blocks [first, last) of upper triangular factors, times `closing`.
std::vector<Eigenvalue> cluster_eigenvalues(const std::vector<Matrix>& factors,
                                            const Matrix& closing, Index first, Index last,
                                            Looks& looks) {
  const Index n = last - first;
  Matrix product = Matrix::Identity(n, n);
  double log_scale = 0.0;
  for (const Matrix& factor : factors) {
    product = dense::product(factor.block(first, first, n, n), product);
    looks.after(2.0 * cube(n));
    const double size = largest_entry(product);
    if (size == 0.0) break;
    if (size > 1e100 || size < 1e-100) {
      product /= size;
      log_scale += std::log(size);
    }
  }
  product = dense::product(closing.block(first, first, n, n), product);
  const double steps = static_cast<double>(factors.size()) * static_cast<double>(n);
  return eigenvalues(product, log_scale, 4.0 * steps * kEpsilon, looks);
}

// First indices of the diagonal blocks of a nearly block diagonal orthogonal matrix, then its size.
std::vector<Index> clusters(const Matrix& closing) {
  const Index m = closing.rows();
  std::vector<Index> borders{0};
  for (Index i = 1; i < m; ++i) {
    const double coupling = std::max(largest_entry(closing.block(i, 0, m - i, i)),
                                     largest_entry(closing.block(0, i, i, m - i)));
    if (coupling < kSeparated) borders.push_back(i);
  }
  borders.push_back(m);
  return borders;
}

// QR sweeps around the cycle (orthogonal iteration on the product, which is never formed): with
// Q_{t+1} R_t = J_t Q_t the frames turn until the product is block triangular in Q_0.
std::vector<Eigenvalue> periodic_eigenvalues(const std::vector<Matrix>& jacobians, Looks& looks) {
  const Index m = jacobians.front().rows();
  const double sweep_cost = 6.0 * static_cast<double>(jacobians.size()) * cube(m);
  const int max_sweeps = static_cast<int>(std::clamp(
      kSweepBudget / sweep_cost, static_cast<double>(kMinSweeps), static_cast<double>(kMaxSweeps)));
  Matrix frame = Matrix::Identity(m, m);
  std::vector<Matrix> factors(jacobians.size());
  Matrix closing;
  std::vector<Index> borders;  // first index of each cluster, then m
  for (int sweep = 1; sweep <= max_sweeps; ++sweep) {
    const Matrix before = frame;
    Vector log_moduli = Vector::Zero(m);
    for (std::size_t t = 0; t < jacobians.size(); ++t) {
      dense::orthogonal_factors(dense::product(jacobians[t], frame), frame, factors[t]);
      looks.after(6.0 * cube(m));
      for (Index i = 0; i < m; ++i) log_moduli(i) += std::log(std::abs(factors[t](i, i)));
    }
    closing = dense::transposed_product(before, frame);
    borders = clusters(closing);
    bool done = sweep >= 3;
    for (std::size_t b = 0; b + 1 < borders.size() && done; ++b) {
      const auto cluster = log_moduli.segment(borders[b], borders[b + 1] - borders[b]);
      // Written so that a cluster of several zeros (-inf minus -inf) counts as narrow.
      done = !(cluster.maxCoeff() - cluster.minCoeff() > std::log(kClusterSpread));
    }
    if (done) break;
  }
  std::vector<Eigenvalue> result;
  for (std::size_t b = 0; b + 1 < borders.size(); ++b) {
    for (const Eigenvalue& e :
         cluster_eigenvalues(factors, closing, borders[b], borders[b + 1], looks)) {
      result.push_back(e);
    }
  }
  return result;
}

Stability classify(const std::vector<Eigenvalue>& eigenvalues) {
  bool any_inside = false;
  bool any_outside = false;
  bool any_unknown = false;
  for (const Eigenvalue& e : eigenvalues) {
    // The error bar is relative to the modulus: that of a modulus near 0 may be huge and yet end
    // far inside the unit circle.
    const double error = std::max(e.log_error, 4.0 * kEpsilon);
    const bool inside = e.log_modulus + std::log1p(error) < 0.0;
    const bool outside = error < 1.0 && e.log_modulus + std::log1p(-error) > 0.0;
    if (!inside && !outside) {
      if (error <= kNarrow) return Stability::nonhyperbolic;
      any_unknown = true;
      continue;
    }
    (inside ? any_inside : any_outside) = true;
  }
  if (any_inside && any_outside) return Stability::saddle;  // whatever the others are
  if (any_unknown) return Stability::undecided;
  return any_outside ? Stability::unstable : Stability::stable;
}

// By decreasing modulus.
Multipliers collected(std::vector<Eigenvalue> found) {
  std::stable_sort(found.begin(), found.end(), [](const Eigenvalue& a, const Eigenvalue& b) {
    return a.log_modulus > b.log_modulus;
  });
  const auto m = static_cast<Index>(found.size());
  Multipliers result;
  result.values.resize(m);
  result.log_moduli.resize(m);
  result.log_errors.resize(m);
  for (Index i = 0; i < m; ++i) {
    const Eigenvalue& e = found[static_cast<std::size_t>(i)];
    result.values(i) = e.value;
    result.log_moduli(i) = e.log_modulus;
    result.log_errors(i) = e.log_error;
  }
  result.spectral_radius = std::abs(result.values(0));
  result.stability = classify(found);
  return result;
}

// Product of numbers of any size: mantissa * 2^exponent.
struct LongProduct {
  double mantissa = 1.0;
  int exponent = 0;

  void multiply(double factor) {
    int shift = 0;
    mantissa = std::frexp(mantissa * factor, &shift);
    exponent += shift;
  }
  double log_modulus() const {
    return std::log(std::abs(mantissa)) + static_cast<double>(exponent) * std::numbers::ln2;
  }
};

// Two states: from the trace of the product and from the product of the determinants, which keeps
// its digits however far the multipliers are apart. Nothing where the trace has lost too many, or
// the multipliers are too close together, or a Jacobian is nearly but not quite singular.
std::optional<std::vector<Eigenvalue>> planar_eigenvalues(
    const std::vector<Eigen::Matrix2d>& jacobians) {
  constexpr double kTrustedDeterminant = 1e-9;
  double product[4] = {1.0, 0.0, 0.0, 1.0};
  LongProduct determinant;
  double determinant_error = 0.0;  // relative
  double growth = 1.0;
  for (const Eigen::Matrix2d& j : jacobians) {
    double next[4];
    multiply_columns<2>(2, j.data(), product, 2, 2, next, 2);
    for (int i = 0; i < 4; ++i) {
      product[i] = next[i];
      growth = std::max(growth, std::abs(product[i]));
    }
    // Kahan's difference of products.
    const double w = j(0, 1) * j(1, 0);
    const double det = std::fma(j(0, 0), j(1, 1), -w) + std::fma(-j(0, 1), j(1, 0), w);
    determinant.multiply(det);
    if (det == 0.0) continue;
    const double terms = std::abs(j(0, 0) * j(1, 1)) + std::abs(w);
    determinant_error += 4.0 * kEpsilon * (1.0 + terms / std::abs(det));
  }
  if (!(growth < 1e100) || !(determinant_error < kTrustedDeterminant)) return std::nullopt;
  const double half = 0.5 * (product[0] + product[3]);
  const bool singular = determinant.mantissa == 0.0;
  const double det = std::ldexp(determinant.mantissa, determinant.exponent);
  const double discriminant = half * half - det;
  const double distance = 2.0 * std::sqrt(std::abs(discriminant));
  if (!(growth <= kTrustedSpread * distance)) return std::nullopt;
  const double trace_error = 8.0 * static_cast<double>(jacobians.size()) * kEpsilon * growth;
  if (discriminant < 0.0) {
    const double log_modulus = 0.5 * determinant.log_modulus();
    const std::complex<double> value(half, 0.5 * distance);
    return std::vector<Eigenvalue>{{value, log_modulus, determinant_error},
                                   {std::conj(value), log_modulus, determinant_error}};
  }
  const double large = half + std::copysign(0.5 * distance, half);
  const double log_large = std::log(std::abs(large));
  const double error = trace_error / distance;
  if (singular) {
    return std::vector<Eigenvalue>{{large, log_large, error},
                                   {0.0, -std::numeric_limits<double>::infinity(), 0.0}};
  }
  const double small = std::ldexp(determinant.mantissa / large, determinant.exponent);
  return std::vector<Eigenvalue>{
      {large, log_large, error},
      {small, determinant.log_modulus() - log_large, error + determinant_error}};
}

// The smallest multiplier is the first that sweeps lose where scales are far apart. What the
// determinants leave for it has to lie on the same side of the unit circle.
void doubt_smallest(const std::vector<Matrix>& jacobians, std::vector<Eigenvalue>& found,
                    Looks& looks) {
  const auto smallest = std::ranges::min_element(found, {}, &Eigenvalue::log_modulus);
  double left = 0.0;
  for (const Matrix& j : jacobians) {
    left += j.partialPivLu().matrixLU().diagonal().array().abs().log().sum();
    looks.after(cube(j.rows()));
  }
  for (auto e = found.begin(); e != found.end(); ++e) {
    if (e != smallest) left -= e->log_modulus;
  }
  if (std::isfinite(left) && (left < 0.0) != (smallest->log_modulus < 0.0)) {
    smallest->log_error = std::numeric_limits<double>::infinity();
  }
}

// Any number of states, all of which are coupled.
std::vector<Eigenvalue> coupled_eigenvalues(const std::vector<Matrix>& jacobians, Looks& looks) {
  const Index m = jacobians.front().rows();
  // The product is good enough when its smallest eigenvalue keeps its digits next to the largest
  // intermediate entry.
  Matrix product = Matrix::Identity(m, m);
  Matrix absolute = product;  // product of absolute values
  double growth = 1.0;
  for (const Matrix& j : jacobians) {
    product = dense::product(j, product);
    absolute = dense::product(j.cwiseAbs(), absolute);
    looks.after(4.0 * cube(m));
    growth = std::max(growth, largest_entry(product));
    if (!(growth < 1e100)) break;
  }
  const double terms = std::max(growth, absolute.maxCoeff());
  std::vector<Eigenvalue> found;
  if (!(growth < 1e100) && jacobians.size() == 1) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (!std::isfinite(growth)) {
      return std::vector<Eigenvalue>(static_cast<std::size_t>(m), {infinity, infinity, infinity});
    }
    // Squares of such entries would overflow; a power of two changes no digit.
    int exponent = 0;
    std::frexp(growth, &exponent);
    return eigenvalues(product * std::ldexp(1.0, -exponent), exponent * std::numbers::ln2,
                       4.0 * static_cast<double>(m) * kEpsilon, looks);
  }
  if (growth < 1e100) {
    const double steps = static_cast<double>(jacobians.size()) * static_cast<double>(m);
    const double relative = 4.0 * steps * kEpsilon * terms /
                            std::max(product.norm(), std::numeric_limits<double>::min());
    found = eigenvalues(product, 0.0, std::min(relative, 1.0), looks);
  }
  double smallest = std::numeric_limits<double>::infinity();
  for (const Eigenvalue& e : found) smallest = std::min(smallest, std::abs(e.value));
  const bool trusted =
      growth <= kTrustedSpread * smallest && terms <= kTrustedCancellation * smallest;
  if (jacobians.size() > 1 && (found.empty() || !trusted)) {
    found = periodic_eigenvalues(jacobians, looks);
    doubt_smallest(jacobians, found, looks);
  }
  return found;
}

// Any number of states.
std::vector<Eigenvalue> dense_eigenvalues(std::vector<Matrix> jacobians, Control* control) {
  Looks looks(control);
  const auto blocks = diagonal_blocks(jacobians);
  if (blocks.size() == 1) {
    balance(jacobians);
    return coupled_eigenvalues(jacobians, looks);
  }
  // Delay lines and feed-forward chains fall into blocks of one state, whose multipliers keep their
  // digits however far the whole product is from a normal matrix.
  std::vector<Eigenvalue> found;
  for (const std::vector<Index>& block : blocks) {
    std::vector<Matrix> own;
    for (const Matrix& j : jacobians) own.push_back(j(block, block));
    balance(own);
    for (const Eigenvalue& e : coupled_eigenvalues(own, looks)) found.push_back(e);
  }
  return found;
}

// One state: the product of numbers. Nothing where it is small next to what came in between.
std::optional<std::vector<Eigenvalue>> line_eigenvalues(
    const std::vector<Eigen::Matrix<double, 1, 1>>& jacobians) {
  double product = 1.0;
  double growth = 1.0;
  for (const auto& j : jacobians) {
    product *= j(0, 0);
    growth = std::max(growth, std::abs(product));
  }
  const double modulus = std::abs(product);
  if (!(growth < 1e100) || !(growth <= kTrustedSpread * modulus)) return std::nullopt;
  const double relative = 4.0 * static_cast<double>(jacobians.size()) * kEpsilon * growth / modulus;
  return std::vector<Eigenvalue>{{product, std::log(modulus), std::min(relative, 1.0)}};
}

}  // namespace

template <int M>
Multipliers multipliers_of(const std::vector<Eigen::Matrix<double, M, M>>& jacobians,
                           Control* control) {
  std::optional<std::vector<Eigenvalue>> found;
  if constexpr (M == 1) found = line_eigenvalues(jacobians);
  if constexpr (M == 2) found = planar_eigenvalues(jacobians);
  if (!found) found = dense_eigenvalues({jacobians.begin(), jacobians.end()}, control);
  return collected(std::move(*found));
}
template Multipliers multipliers_of<1>(const std::vector<Eigen::Matrix<double, 1, 1>>&, Control*);
template Multipliers multipliers_of<2>(const std::vector<Eigen::Matrix2d>&, Control*);
template Multipliers multipliers_of<3>(const std::vector<Eigen::Matrix3d>&, Control*);

Multipliers multipliers_of(const std::vector<Matrix>& jacobians, Control* control) {
  switch (jacobians.front().rows()) {
    case 1:
      return multipliers_of<1>({jacobians.begin(), jacobians.end()}, control);
    case 2:
      return multipliers_of<2>({jacobians.begin(), jacobians.end()}, control);
    default:
      return collected(dense_eigenvalues(jacobians, control));
  }
}

Multipliers multipliers(const std::vector<Matrix>& jacobians, Control* control) {
  return multipliers_of(jacobians, control);
}

}  // namespace rnndyn

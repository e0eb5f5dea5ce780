#include "cycles/product_eigenvalues.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "cycles/block_triangular.hpp"
#include "linear_algebra/decompositions.hpp"

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
// The formed product is not trusted where it is as small next to the product of absolute values,
// which bounds its rounding errors.
constexpr double kTrustedCancellation = 1e9;

// Of one orthogonal factorization, for the norm of its matrix.
constexpr double kBackwardError = 4.0 * kEpsilon;

// What an eigensystem takes, for the cube of its size (measured for 500 states).
constexpr double kEigensystemOperations = 5.0;

double cube(Index n) { return std::pow(static_cast<double>(n), 3); }

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

// Eigenvalues of scale * matrix with first-order error bars: what the matrix can be wrong by in
// norm, times the eigenvalue's condition number, capped for defective ones at the M-th root (Golub,
// Van Loan, Matrix Computations, 4th ed., sec. 7.2).
std::vector<Eigenvalue> eigenvalues(const Matrix& matrix, double log_scale, double matrix_error,
                                    Looks& looks) {
  const Index n = matrix.rows();
  std::vector<Eigenvalue> result;
  // Together the eigenvalues of several blocks could be taken for a defective one, with error bars
  // as wide. The blocks of a block have no blocks of their own, so this goes no deeper.
  if (const auto blocks = diagonal_blocks({matrix}); blocks.size() > 1) {
    for (const std::vector<Index>& block : blocks) {
      for (const Eigenvalue& e :
           eigenvalues(matrix(block, block), log_scale, matrix_error, looks)) {
        result.push_back(e);
      }
    }
    return result;
  }
  if (n == 1) {
    const double x = matrix(0, 0);
    result.push_back({scaled(x, log_scale), std::log(std::abs(x)) + log_scale,
                      log_error_of(std::abs(x), matrix_error, log_scale)});
    return result;
  }
  const double operations = kEigensystemOperations * cube(n);
  looks.before(operations);
  const dense::Eigensystem system = dense::eigensystem(matrix);
  looks.after(operations);
  const double size = std::max(matrix.norm(), matrix_error);
  const double defective =
      size > 0.0 ? size * std::pow(matrix_error / size, 1.0 / static_cast<double>(n)) : 0.0;
  for (Index i = 0; i < n; ++i) {
    double error = matrix_error * system.conditions(i);
    if (!(error < defective)) error = defective;
    const double modulus = std::abs(system.values(i));
    result.push_back({scaled(system.values(i), log_scale), std::log(modulus) + log_scale,
                      log_error_of(modulus, error, log_scale)});
  }
  return result;
}

// Product of matrices of any size: matrix * e^log_scale.
struct LongMatrixProduct {
  Matrix matrix;
  double log_scale = 0.0;

  explicit LongMatrixProduct(Index n) : matrix(Matrix::Identity(n, n)) {}
  void keep_in_range() {
    const double size = largest_entry(matrix);
    if (size == 0.0 || (size <= 1e100 && size >= 1e-100)) return;
    matrix /= size;
    log_scale += std::log(size);
  }
  double log_norm() const { return std::log(matrix.norm()) + log_scale; }
};

// What the product of the diagonal blocks [first, first + n) of upper triangular factors can be
// wrong by in norm, as a logarithm, when factor t is by errors[t]: of first order, the sum of
// |A_t| errors[t] |B_t| where the product is A_t D_t B_t. What rounding left on a diagonal where
// there may be zero counts as large as its error, or other factors' errors would go unseen.
double log_product_error(const std::vector<Matrix>& factors, const std::vector<double>& errors,
                         Index first, Index n, Looks& looks) {
  bool raised = false;
  double log_size = 0.0;
  double ratio = 0.0;  // of the error to the size
  const auto raise = [&](double entry, double least) {
    if (std::abs(entry) >= least) return entry;
    raised = true;
    return std::copysign(least, entry);
  };
  if (n == 1) {
    for (std::size_t t = 0; t < factors.size(); ++t) {
      const double entry = std::abs(raise(factors[t](first, first), errors[t]));
      if (entry == 0.0) return -std::numeric_limits<double>::infinity();
      log_size += std::log(entry);
      ratio += errors[t] / entry;
    }
  } else {
    std::vector<Matrix> blocks;
    std::vector<double> log_before;  // norms of the B_t
    LongMatrixProduct before(n);
    for (std::size_t t = 0; t < factors.size(); ++t) {
      if (errors[t] == 0.0) return -std::numeric_limits<double>::infinity();  // a zero Jacobian
      Matrix& block = blocks.emplace_back(factors[t].block(first, first, n, n));
      for (Index i = 0; i < n; ++i) block(i, i) = raise(block(i, i), errors[t]);
      log_before.push_back(before.log_norm());
      before.matrix = dense::product(block, before.matrix);
      before.keep_in_range();
    }
    log_size = before.log_norm();
    LongMatrixProduct after(n);
    for (std::size_t t = factors.size(); t-- > 0;) {
      ratio += std::exp(after.log_norm() + std::log(errors[t]) + log_before[t] - log_size);
      after.matrix = dense::product(after.matrix, blocks[t]);
      after.keep_in_range();
      looks.after(4.0 * cube(n));
    }
  }
  // (1 + r_1) ... (1 + r_k) <= exp(r_1 + ... + r_k), and the product itself where it was raised.
  return log_size + std::log(std::expm1(ratio) + (raised ? 1.0 : 0.0));
}

// Product of the diagonal blocks [first, last) of upper triangular factors, times `closing`.
std::vector<Eigenvalue> cluster_eigenvalues(const std::vector<Matrix>& factors,
                                            const std::vector<double>& errors,
                                            const Matrix& closing, Index first, Index last,
                                            Looks& looks) {
  const Index n = last - first;
  LongMatrixProduct product(n);
  for (const Matrix& factor : factors) {
    product.matrix = dense::product(factor.block(first, first, n, n), product.matrix);
    looks.after(2.0 * cube(n));
    product.keep_in_range();
  }
  product.matrix = dense::product(closing.block(first, first, n, n), product.matrix);
  const double steps = static_cast<double>(factors.size()) * static_cast<double>(n);
  const double log_error = log_product_error(factors, errors, first, n, looks);
  const double error =
      4.0 * steps * kEpsilon * product.matrix.norm() + std::exp(log_error - product.log_scale);
  return eigenvalues(product.matrix, product.log_scale, error, looks);
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
std::vector<Eigenvalue> periodic_eigenvalues(const std::vector<Matrix>& jacobians,
                                             const std::vector<Matrix>& jacobian_errors,
                                             Looks& looks) {
  const Index m = jacobians.front().rows();
  const double sweep_cost = 6.0 * static_cast<double>(jacobians.size()) * cube(m);
  const int max_sweeps = static_cast<int>(std::clamp(
      kSweepBudget / sweep_cost, static_cast<double>(kMinSweeps), static_cast<double>(kMaxSweeps)));
  Matrix frame = Matrix::Identity(m, m);
  std::vector<Matrix> factors(jacobians.size());
  // Backward errors: factors are those of Jacobians that differ by so much in norm (E. Anderson et
  // al., LAPACK Users' Guide, 3rd ed., sec. 4.1, 4.8), which hides what is smaller.
  std::vector<double> errors;
  for (const Matrix& j : jacobians) errors.push_back(kBackwardError * j.norm());
  for (std::size_t t = 0; t < jacobian_errors.size(); ++t) errors[t] += jacobian_errors[t].norm();
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
         cluster_eigenvalues(factors, errors, closing, borders[b], borders[b + 1], looks)) {
      result.push_back(e);
    }
  }
  return result;
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

}  // namespace

double log_error_of(double modulus, double error, double log_scale) {
  if (modulus > 0.0) return error / modulus;
  const bool small = error == 0.0 || std::log(error) + log_scale < 0.0;
  return small ? 0.0 : std::numeric_limits<double>::infinity();
}

std::vector<Eigenvalue> product_eigenvalues(const std::vector<Matrix>& jacobians,
                                            const std::vector<Matrix>& jacobian_errors,
                                            Looks& looks) {
  if (!jacobian_errors.empty()) return periodic_eigenvalues(jacobians, jacobian_errors, looks);
  const Index m = jacobians.front().rows();
  // The product is good enough when its smallest eigenvalue keeps its digits next to the largest
  // intermediate entry.
  Matrix product = jacobians.front();
  Matrix absolute = product.cwiseAbs();  // product of absolute values
  double growth = std::max(1.0, largest_entry(product));
  for (std::size_t t = 1; t < jacobians.size() && growth < 1e100; ++t) {
    product = dense::product(jacobians[t], product);
    absolute = dense::product(jacobians[t].cwiseAbs(), absolute);
    looks.after(4.0 * cube(m));
    growth = std::max(growth, largest_entry(product));
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
    product *= std::ldexp(1.0, -exponent);
    const double error = 4.0 * static_cast<double>(m) * kEpsilon * product.norm();
    return eigenvalues(product, exponent * std::numbers::ln2, error, looks);
  }
  if (growth < 1e100) {
    const double steps = static_cast<double>(jacobians.size()) * static_cast<double>(m);
    found = eigenvalues(product, 0.0, 4.0 * steps * kEpsilon * terms, looks);
  }
  double smallest = std::numeric_limits<double>::infinity();
  for (const Eigenvalue& e : found) smallest = std::min(smallest, std::abs(e.value));
  const bool trusted =
      growth <= kTrustedSpread * smallest && terms <= kTrustedCancellation * smallest;
  if (jacobians.size() > 1 && (found.empty() || !trusted)) {
    found = periodic_eigenvalues(jacobians, {}, looks);
    doubt_smallest(jacobians, found, looks);
  }
  return found;
}

}  // namespace rnndyn

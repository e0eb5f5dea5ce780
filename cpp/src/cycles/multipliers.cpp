#include "cycles/multipliers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <utility>

#include "cycles/block_loops.hpp"
#include "cycles/block_triangular.hpp"
#include "cycles/continuum.hpp"
#include "linear_algebra/decompositions.hpp"
#include "rnndyn/cycles.hpp"
#include "rnndyn/rounding.hpp"

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

// Of one orthogonal factorization, for the norm of its matrix.
constexpr double kBackwardError = 4.0 * kEpsilon;

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

// The error of a logarithm. A zero that rounding may have made of anything up to beyond the unit
// circle is not known.
double log_error_of(double modulus, double error, double log_scale) {
  if (modulus > 0.0) return error / modulus;
  const bool small = error == 0.0 || std::log(error) + log_scale < 0.0;
  return small ? 0.0 : std::numeric_limits<double>::infinity();
}

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

// What the determinant of a product may be in size, from terms that cancel.
double log_largest_determinant(const std::vector<Eigen::Matrix2d>& jacobians) {
  LongProduct largest;
  for (const Eigen::Matrix2d& j : jacobians) {
    const double w = j(0, 1) * j(1, 0);
    const double terms = std::abs(j(0, 0) * j(1, 1)) + std::abs(w);
    largest.multiply(std::abs(std::fma(j(0, 0), j(1, 1), -w)) + 4.0 * kEpsilon * terms);
  }
  return largest.log_modulus();
}

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
    const double zero_error =
        log_error_of(0.0, 1.0, log_largest_determinant(jacobians) - log_large);
    return std::vector<Eigenvalue>{{large, log_large, error},
                                   {0.0, -std::numeric_limits<double>::infinity(), zero_error}};
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
std::vector<Eigenvalue> coupled_eigenvalues(const std::vector<Matrix>& jacobians,
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

// Any number of states. The errors of the Jacobians, by absolute value, where they are larger than
// those of rounding their entries; else none.
std::vector<Eigenvalue> dense_eigenvalues(std::vector<Matrix> jacobians,
                                          const std::vector<Matrix>& errors, Control* control) {
  Looks looks(control);
  const std::size_t k = jacobians.size();
  // Errors couple states and are scaled like entries.
  std::vector<Matrix> all = std::move(jacobians);
  all.insert(all.end(), errors.begin(), errors.end());
  const auto blocks = diagonal_blocks(all);
  // Delay lines and feed-forward chains fall into blocks of one state, whose multipliers keep their
  // digits however far the whole product is from a normal matrix.
  std::vector<Eigenvalue> found;
  for (const std::vector<Index>& block : blocks) {
    std::vector<Matrix> own;
    if (blocks.size() == 1) {
      own = std::move(all);
    } else {
      for (const Matrix& matrix : all) own.push_back(matrix(block, block));
    }
    balance(own);
    const std::vector<Matrix> own_errors(own.begin() + static_cast<std::ptrdiff_t>(k), own.end());
    own.resize(k);
    for (const Eigenvalue& e : coupled_eigenvalues(own, own_errors, looks)) found.push_back(e);
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

// What the entries of an accurate Jacobian may be wrong by before they are rounded; see
// kernels/residual.cpp for the bound.
void write_hidden_error(const CanonicalMap& map, const Word* region, Matrix& error) {
  const auto n = static_cast<double>(map.n_units() + 2);
  const double relative = 4.0 * n * n * 0x1.0p-106;
  const Index m = map.n_states();
  for (Index i = 0; i < m * m; ++i) error.data()[i] = relative * std::abs(map.a().data()[i]);
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(region, i)) continue;
    const double* w = map.w1().data() + i * m;
    for (Index c = 0; c < m; ++c) {
      const double factor = relative * std::abs(map.w2()(i, c));
      if (factor == 0.0) continue;
      double* column = error.data() + c * m;
      for (Index r = 0; r < m; ++r) {
        if (w[r] != 0.0) column[r] += std::abs(w[r]) * factor + kUnderflow;
      }
    }
  }
}

// Errors of jacobians_of() where they are more than the rounding of the entries, as they are where
// terms cancel that are larger by the precision of a double-double number, or where products
// underflow. Empty where no entry is concerned.
std::vector<Matrix> hidden_errors(const CanonicalMap& map, const Itinerary& itinerary,
                                  const std::vector<Matrix>& jacobians, Control* control) {
  std::vector<Matrix> errors;
  if (map.w2_is_identity()) return errors;  // every entry is a sum of two numbers
  Looks looks(control);
  Matrix error(map.n_states(), map.n_states());
  const auto is_hidden = [&](const Matrix& j) {
    for (Index i = 0; i < j.size(); ++i) {
      if (!(error.data()[i] <= kEpsilon * std::abs(j.data()[i]))) return true;
    }
    return false;
  };
  for (Index t = 0; t < itinerary.order; ++t) {
    write_hidden_error(map, itinerary.at(t), error);
    looks.after(2.0 * static_cast<double>(error.size() * map.n_units()));
    if (errors.empty() && !is_hidden(jacobians[static_cast<std::size_t>(t)])) continue;
    // Steps before the first that is concerned have nothing to add to the rounding of entries.
    while (std::ssize(errors) < t) errors.push_back(Matrix::Zero(error.rows(), error.cols()));
    errors.push_back(error);
  }
  return errors;
}

}  // namespace

template <int M>
Multipliers multipliers_of(const std::vector<Eigen::Matrix<double, M, M>>& jacobians,
                           Control* control) {
  std::optional<std::vector<Eigenvalue>> found;
  if constexpr (M == 1) found = line_eigenvalues(jacobians);
  if constexpr (M == 2) found = planar_eigenvalues(jacobians);
  if (!found) found = dense_eigenvalues({jacobians.begin(), jacobians.end()}, {}, control);
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
      return collected(dense_eigenvalues(jacobians, {}, control));
  }
}

Multipliers multipliers_of(const CanonicalMap& map, const Itinerary& itinerary, Control* control) {
  const std::vector<Matrix> jacobians = jacobians_of(map, itinerary);
  const std::vector<Matrix> errors = hidden_errors(map, itinerary, jacobians, control);
  if (errors.empty()) return multipliers_of(jacobians, control);
  return collected(dense_eigenvalues(jacobians, errors, control));
}

Multipliers multipliers(const std::vector<Matrix>& jacobians, Control* control) {
  return multipliers_of(jacobians, control);
}

}  // namespace rnndyn

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
#include "cycles/hidden_error.hpp"
#include "cycles/product_eigenvalues.hpp"
#include "rnndyn/cycles.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// A modulus known this well whose error bar contains 1 cannot be told from 1; one that is known
// less well is simply not known.
constexpr double kNarrow = 0.01;

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
    for (const Eigenvalue& e : product_eigenvalues(own, own_errors, looks)) found.push_back(e);
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

// Errors of jacobians_of() where they are more than the rounding of the entries. Empty where no
// entry is concerned.
std::vector<Matrix> hidden_errors(const CanonicalMap& map, const Itinerary& itinerary,
                                  const std::vector<Matrix>& jacobians, Control* control) {
  std::vector<Matrix> errors;
  Looks looks(control);
  Matrix error;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Matrix& j = jacobians[static_cast<std::size_t>(t)];
    const bool written = write_hidden_error(map, itinerary.at(t), j, error);
    looks.after(2.0 * static_cast<double>(j.size() * map.n_units()));
    if (!written) continue;
    // Steps that are not concerned have nothing to add to the rounding of entries.
    errors.resize(static_cast<std::size_t>(itinerary.order), Matrix::Zero(j.rows(), j.cols()));
    errors[static_cast<std::size_t>(t)] = error;
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
  return multipliers_of(map, itinerary, jacobians_of(map, itinerary), control);
}

Multipliers multipliers_of(const CanonicalMap& map, const Itinerary& itinerary,
                           const std::vector<Matrix>& jacobians, Control* control) {
  const std::vector<Matrix> errors = hidden_errors(map, itinerary, jacobians, control);
  if (errors.empty()) return multipliers_of(jacobians, control);
  return collected(dense_eigenvalues(jacobians, errors, control));
}

Multipliers multipliers(const std::vector<Matrix>& jacobians, Control* control) {
  return multipliers_of(jacobians, control);
}

}  // namespace rnndyn

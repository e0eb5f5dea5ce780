#include "proof/positive_definite.hpp"

#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {

static_assert(underflow(1e12) * kLargestModerate * kLargestModerate * kLargestModerate *
                  kLargestModerate <
              kTiniest);

bool is_moderate(const Matrix& matrix) {
  return matrix.allFinite() && matrix.cwiseAbs().sum() <= kLargestModerate;
}

Matrix scaled(const Matrix& matrix, const Vector& rows, const Vector& columns) {
  Matrix result(matrix.rows(), matrix.cols());
  for (Index c = 0; c < matrix.cols(); ++c) {
    for (Index r = 0; r < matrix.rows(); ++r) result(r, c) = rows(r) * matrix(r, c) * columns(c);
  }
  return result;
}

// Scaled first by powers of two, which changes neither the answer nor any digit.
bool is_positive_definite(const Matrix& matrix, const std::function<Vector(const Vector&)>& bound) {
  const Index n = matrix.rows();
  Vector scale(n);
  for (Index i = 0; i < n; ++i) {
    const double diagonal = matrix(i, i);
    if (!(diagonal > 0.0) || !std::isfinite(diagonal)) return false;
    scale(i) = std::ldexp(1.0, -(std::ilogb(diagonal) / 2));
  }
  if (!is_moderate(scale)) return false;
  const double radius = (bound(scale).array() * scale.array()).maxCoeff();
  Matrix shifted = scaled(matrix, scale, scale);
  // Cholesky of a matrix with trace t is the exact one of a matrix that differs by at most
  // gamma_(n+1) / (1 - gamma_(n+1)) t in norm (Higham, theorem 10.3); twice that leaves room for
  // divisions carried out as products with reciprocals. The rest covers the subtraction itself.
  const double trace = shifted.trace();
  const double shift =
      kOutward *
          (radius + (2.0 * gamma(static_cast<double>(n) + 8.0) + 4.0 * kUnitRoundoff) * trace) +
      kTiniest;
  shifted.diagonal().array() -= shift;
  if (!std::isfinite(shift)) return false;
  return dense::cholesky(shifted).has_value();
}

Vector balancing_scale(Matrix entries) {
  const Index n = entries.rows();
  // Remove bad scaling first, by balancing rows and columns (Osborne, J. ACM 7, 338, 1960).
  Vector scale = Vector::Ones(n);
  for (int sweep = 0; sweep < 8; ++sweep) {
    const double floor = 1e-3 * entries.mean() + kTiniest;
    Vector rows = dense::apply(entries, Vector::Ones(n));
    Vector columns = dense::apply_transposed(entries, Vector::Ones(n));
    rows.array() += floor;
    columns.array() += floor;
    const Vector change = rows.cwiseQuotient(columns).cwiseSqrt();
    entries = scaled(entries, change.cwiseInverse(), change);
    scale.array() *= change.array();
  }
  // A small part of everything keeps the vectors positive where N is reducible.
  entries.array() += 0.01 * entries.mean() + kTiniest;
  Vector right = Vector::Ones(n);
  Vector left = right;
  for (int step = 0; step < 40; ++step) {
    right = dense::apply(entries, right);
    right /= right.maxCoeff();
    left = dense::apply_transposed(entries, left);
    left /= left.maxCoeff();
  }
  return scale.array() * right.cwiseQuotient(left).cwiseSqrt().array();
}

}  // namespace rnndyn

#include "manifolds/rows.hpp"

#include <cmath>

#include "rnndyn/rounding.hpp"

namespace rnndyn {

Rows::Rows(Index n_states, Index n_rows)
    : normals(Matrix::Zero(n_rows, n_states)),
      values(Vector::Zero(n_rows)),
      errors(Vector::Zero(n_rows)) {}

AffineStep affine_step(const CanonicalMap& map, const Word* region, const Vector& reach) {
  AffineStep step;
  step.region.assign(region, region + map.words_per_region());
  step.jacobian = map.jacobian(region);
  step.offset = map.offset(region);
  step.jacobian_size = map.a().cwiseAbs();
  step.offset_size = map.h1().cwiseAbs();
  std::vector<Index> units;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(region, i)) {
      const Vector column = map.w1().col(i).cwiseAbs();
      step.jacobian_size += column * map.w2().row(i).cwiseAbs();
      step.offset_size += std::abs(map.h2()(i)) * column;
    }
    const bool relevant = get_bit(map.relevant_units().data(), i);
    if (relevant && map.w2().row(i).squaredNorm() > 0.0) units.push_back(i);
  }
  step.border = Rows(map.n_states(), static_cast<Index>(units.size()));
  for (std::size_t k = 0; k < units.size(); ++k) {
    const double sign = get_bit(region, units[k]) ? 1.0 : -1.0;
    step.border.normals.row(static_cast<Index>(k)) = -sign * map.w2().row(units[k]);
    step.border.values(static_cast<Index>(k)) = sign * map.h2()(units[k]);
  }
  normalize(step.border, reach);
  return step;
}

Rows joined(const Rows& first, const Rows& second) {
  Rows rows = Rows(first.normals.cols(), first.size() + second.size());
  rows.normals << first.normals, second.normals;
  rows.values << first.values, second.values;
  rows.errors << first.errors, second.errors;
  return rows;
}

Rows chosen(const Rows& rows, const std::vector<Index>& which) {
  Rows some = Rows(rows.normals.cols(), static_cast<Index>(which.size()));
  for (std::size_t k = 0; k < which.size(); ++k) {
    const auto to = static_cast<Index>(k);
    some.normals.row(to) = rows.normals.row(which[k]);
    some.values(to) = rows.values(which[k]);
    some.errors(to) = rows.errors(which[k]);
  }
  return some;
}

Rows box_rows(const Vector& lower, const Vector& upper) {
  const Index m = lower.size();
  Rows rows = Rows(m, 2 * m);
  rows.normals.topRows(m) = Matrix::Identity(m, m);
  rows.normals.bottomRows(m) = -Matrix::Identity(m, m);
  rows.values << upper, -lower;
  return rows;
}

Rows pulled_back(const Rows& rows, const AffineStep& step, const Vector& reach) {
  Rows back;
  back.normals = rows.normals * step.jacobian;
  back.values = rows.values - rows.normals * step.offset;
  // A term passes through the products and sums of the Jacobian (units + 1) and those here (states
  // + 1).
  const auto terms = static_cast<double>(step.border.size() + 2 * step.jacobian.cols() + 8);
  const Vector size = step.jacobian_size * reach + step.offset_size;
  back.errors =
      kOutward *
      (rows.errors + gamma(terms) * (rows.normals.cwiseAbs() * size + rows.values.cwiseAbs()));
  return back;
}

Rows combined(const Matrix& matrix, const Rows& rows, const Vector& reach) {
  Rows result;
  result.normals = matrix * rows.normals;
  result.values = matrix * rows.values;
  const double rounding = gamma(static_cast<double>(rows.size() + 2));
  const Vector size = rows.normals.cwiseAbs() * reach + rows.values.cwiseAbs();
  result.errors = kOutward * (matrix.cwiseAbs() * (rows.errors + rounding * size));
  return result;
}

void project(Rows& rows, const Rows& equations, const Vector& reach) {
  const Matrix outside = rows.normals * equations.normals.transpose();
  rows.normals -= outside * equations.normals;
  rows.values -= outside * equations.values;
  const Vector size =
      rows.normals.cwiseAbs() * reach + rows.values.cwiseAbs() +
      outside.cwiseAbs() * (equations.normals.cwiseAbs() * reach + equations.values.cwiseAbs());
  rows.errors = kOutward * (rows.errors + outside.cwiseAbs() * equations.errors +
                            gamma(static_cast<double>(2 * (equations.size() + 2))) * size);
}

void normalize(Rows& rows, const Vector& reach) {
  for (Index i = 0; i < rows.size(); ++i) {
    const double length = rows.normals.row(i).norm();
    if (length == 0.0) continue;
    rows.normals.row(i) /= length;
    rows.values(i) /= length;
    const double size = rows.normals.row(i).cwiseAbs().dot(reach) + std::abs(rows.values(i));
    rows.errors(i) = kOutward * (rows.errors(i) / length + 2.0 * kUnitRoundoff * size);
  }
}

}  // namespace rnndyn

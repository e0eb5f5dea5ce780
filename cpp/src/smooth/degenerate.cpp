#include "smooth/degenerate.hpp"

#include <cmath>
#include <limits>

namespace rnndyn::smooth {
namespace {

// Solutions that are further apart, in units of scale_of(), are listed apart, whatever is between.
constexpr double kFurthest = 0.01;
constexpr int kBetween = 8;
constexpr int kBisections = 30;
constexpr int kCorrections = 2;
// Solutions whose residuals differ by this factor solve the equations equally well.
constexpr double kAsWell = 4.0;
constexpr double kRounding = 4.0 * kUnitRoundoff;

bool stands_still(const SmoothMap& map, const Matrix& points, double residual) {
  const Index n = points.rows(), k = points.cols();
  for (Index t = 0; t < k; ++t) {
    const IntervalVector image = map.step(IntervalVector(points.col(t), points.col(t)));
    for (Index i = 0; i < n; ++i) {
      const double target = points(i, (t + 1) % k);
      const double allowed = kAsWell * residual + image[i].radius() + kRounding * scale_of(target);
      // Not the other way round: NaN stands for nothing.
      if (!(std::abs(image[i].mid() - target) <= allowed)) return false;
    }
  }
  return true;
}

// The derivative of G_t = F(z_t) - z_{t+1} in the first N k rows, and -G.
void linearize(const SmoothMap& map, const Matrix& points, Matrix& system, Vector& right) {
  const Index n = points.rows(), k = points.cols();
  Matrix jacobian;
  Vector next;
  for (Index t = 0; t < k; ++t) {
    const Index after = (t + 1) % k;
    map.jacobian(points.col(t), next, jacobian);
    system.block(t * n, t * n, n, n) += jacobian;
    system.block(t * n, after * n, n, n) -= Matrix::Identity(n, n);
    right.segment(t * n, n) = points.col(after) - next;
  }
}

// Moves points across a direction to where they solve the equations best: the points at which a
// network stands still need not lie on a line.
Matrix moved_across(const SmoothMap& map, const Matrix& points, const Matrix& direction) {
  const Index size = points.size();
  Matrix system = Matrix::Zero(size + 1, size);
  Vector right = Vector::Zero(size + 1);
  linearize(map, points, system, right);
  system.row(size) = Eigen::Map<const Vector>(direction.data(), size).normalized();
  const Vector by = system.colPivHouseholderQr().solve(right);
  return points + Eigen::Map<const Matrix>(by.data(), points.rows(), points.cols());
}

// Whether it stands still at a point of a line, or next to the line, nearer than it is long.
bool stands_near(const SmoothMap& map, const Matrix& on_line, const Matrix& line, double residual) {
  Matrix points = on_line;
  if (stands_still(map, points, residual)) return true;
  const double length = line.cwiseAbs().maxCoeff();
  for (int i = 0; i < kCorrections; ++i) {
    points = moved_across(map, points, line);
    if (!((points - on_line).cwiseAbs().maxCoeff() <= length)) return false;
    if (stands_still(map, points, residual)) return true;
  }
  return false;
}

// From `inside` on, how far it goes along the line; infinity where no end is near.
double last_standing(const SmoothMap& map, const Matrix& from, const Matrix& by, double inside,
                     double step, double residual) {
  const auto stands = [&](double at) { return stands_near(map, from + at * by, by, residual); };
  const double most = kFurthest / by.cwiseAbs().maxCoeff();
  const double begin = inside;
  double outside = inside + step;
  while (stands(outside)) {
    if (std::abs(outside - begin) > most) return std::numeric_limits<double>::infinity();
    inside = outside;
    step *= 2.0;
    outside = inside + step;
  }
  for (int i = 0; i < kBisections; ++i) {
    const double middle = 0.5 * (inside + outside);
    (stands(middle) ? inside : outside) = middle;
  }
  return inside;
}

}  // namespace

bool stands_between(const SmoothMap& map, const Matrix& a, const Matrix& b, double residual) {
  for (Index i = 0; i < a.size(); ++i) {
    const double there = b.data()[i];
    if (!(std::abs(a.data()[i] - there) <= kFurthest * scale_of(there))) return false;
  }
  for (int i = 1; i <= kBetween; ++i) {
    const double share = i / (kBetween + 1.0);
    if (!stands_near(map, (1.0 - share) * a + share * b, b - a, residual)) return false;
  }
  return true;
}

// From R of a QR factorization with pivots, whose last row is as good as zero: R x = 0, x_last = 1.
Matrix direction_of_rest(const SmoothMap& map, const Matrix& points) {
  const Index size = points.size();
  Matrix system = Matrix::Zero(size, size);
  Vector right = Vector::Zero(size);
  linearize(map, points, system, right);
  const Eigen::ColPivHouseholderQR<Matrix> qr(system);
  Vector x = Vector::Zero(size);
  x(size - 1) = 1.0;
  if (size > 1) {
    const auto r = qr.matrixQR().topRows(size - 1);
    x.head(size - 1) =
        -r.leftCols(size - 1).template triangularView<Eigen::Upper>().solve(r.col(size - 1));
  }
  const Vector turned = qr.colsPermutation() * x;
  return Eigen::Map<const Matrix>(turned.data(), points.rows(), points.cols()) /
         turned.cwiseAbs().maxCoeff();
}

Neighbourhood neighbourhood_of(const SmoothMap& map, const Matrix& a, const Matrix& b,
                               double residual) {
  const Matrix by = b - a;
  const double first = last_standing(map, a, by, 0.0, -1.0, residual);
  const double last = last_standing(map, a, by, 0.0, 1.0, residual);
  if (!std::isfinite(first) || !std::isfinite(last)) {
    return {a, std::numeric_limits<double>::infinity()};
  }
  Matrix centre = a + 0.5 * (first + last) * by;
  if (!stands_still(map, centre, residual)) centre = moved_across(map, centre, by);
  return {centre, 0.5 * (last - first) * by.cwiseAbs().maxCoeff()};
}

}  // namespace rnndyn::smooth

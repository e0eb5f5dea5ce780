#include "bifurcation/continuum.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linear_algebra/decompositions.hpp"

namespace rnndyn {
namespace {

// Zeros of determinants are known to about 1e-10, double ones to the root of that.
constexpr double kSingular = 1e-6;
constexpr double kInconsistent = 1e-5;
constexpr double kTrustedGrowth = 1e8;

}  // namespace

bool may_have_continuum(PathSystem& system, double s) {
  const CanonicalPath& path = system.path();
  const Index m = path.n_states();
  const std::vector<Matrix> jacobians = system.jacobians(s);
  const std::vector<Vector> offsets = system.offsets(s);
  Matrix product = Matrix::Identity(m, m);
  Vector offset = Vector::Zero(m);
  for (std::size_t t = 0; t < jacobians.size(); ++t) {
    offset = jacobians[t] * offset + offsets[t];
    product = jacobians[t] * product;
    if (!(product.cwiseAbs().maxCoeff() < kTrustedGrowth)) return true;
  }
  const Matrix closing = Matrix::Identity(m, m) - product;
  const Eigen::JacobiSVD<Matrix> svd(closing, Eigen::ComputeFullU | Eigen::ComputeFullV);
  const double size = 1.0 + svd.singularValues()(0);
  Index rank = 0;
  while (rank < m && svd.singularValues()(rank) > kSingular * size) ++rank;
  if (rank < m - 1) return true;
  rank = m - 1;
  const Vector right = svd.matrixU().transpose() * offset;
  if (std::abs(right(rank)) > kInconsistent * (size + offset.norm())) return false;
  // All solutions are z + a v. Each pre-activation bounds a on one side.
  Vector z = svd.matrixV().leftCols(rank) *
             right.head(rank).cwiseQuotient(svd.singularValues().head(rank));
  Vector v = svd.matrixV().col(rank);
  const double tolerance = kInconsistent * (1.0 + z.norm());
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  for (std::size_t t = 0; t < jacobians.size(); ++t) {
    for (const Index unit : path.relevant_units()) {
      const Vector row = (1.0 - s) * path.start().w2().row(unit).transpose() +
                         s * path.end().w2().row(unit).transpose();
      const double bias = (1.0 - s) * path.start().h2()(unit) + s * path.end().h2()(unit);
      const double sign = get_bit(system.itinerary().at(static_cast<Index>(t)), unit) ? 1.0 : -1.0;
      const double p = sign * (row.dot(z) + bias) + tolerance;
      const double slope = sign * row.dot(v);
      if (std::abs(slope) <= kSingular) {
        if (p < 0.0) return false;
      } else if (slope > 0.0) {
        lower = std::max(lower, -p / slope);
      } else {
        upper = std::min(upper, -p / slope);
      }
    }
    z = jacobians[t] * z + offsets[t];
    v = jacobians[t] * v;
  }
  return lower <= upper;
}

}  // namespace rnndyn

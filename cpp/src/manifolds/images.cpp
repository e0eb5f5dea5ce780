#include "manifolds/images.hpp"

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// A direction that a step shortens by more than this is lost.
constexpr double kCollapsed = 1e-12;

}  // namespace

Polytope pushed_forward(const Polytope& set, const AffineStep& step) {
  const Frame frame = frame_of(set.equations);
  const Index m = frame.basis.rows();
  const Index d = frame.basis.cols();
  const Vector origin = step.jacobian * set.interior + step.offset;
  const Matrix stretched = step.jacobian * frame.basis;
  const Eigen::HouseholderQR<Matrix> qr(stretched);
  const Matrix q = qr.householderQ() * Matrix::Identity(m, m);
  const Matrix r = (q.leftCols(d).transpose() * stretched).triangularView<Eigen::Upper>();
  Polytope image;
  const bool collapsed = d > 0 && !(dense::svd(r).values(d - 1) > kCollapsed);
  const Index lost = collapsed ? 1 : 0;
  image.equations = Rows(m, m - d + lost);
  if (collapsed) return image;
  image.equations.normals = q.rightCols(m - d).transpose();
  image.equations.values = image.equations.normals * origin;
  const auto terms = static_cast<double>(8 * (m + 2));
  const double size = 1.0 + origin.cwiseAbs().maxCoeff();
  image.equations.errors.setConstant(gamma(terms) * size);
  const Rows& rows = set.inequalities;
  image.inequalities = Rows(m, rows.size());
  if (d == 0) return image;
  // Coordinates around an inner point, so that the values are distances.
  const Matrix back = dense::solve(r, q.leftCols(d).transpose());
  image.inequalities.normals = rows.normals * frame.basis * back;
  image.inequalities.values =
      rows.values - rows.normals * set.interior + image.inequalities.normals * origin;
  image.inequalities.errors.setConstant(gamma(terms) * back.norm() * size);
  return image;
}

}  // namespace rnndyn

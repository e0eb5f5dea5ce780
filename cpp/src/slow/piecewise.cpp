// Descents in a piecewise-linear network, where q is quadratic in every linear region.
//
// A face is a set of borders S, w_i z + h_i = 0, and the region next to it of all other units. In
// the face q is a convex quadratic function, whose minimum solves a linear least-squares problem;
// on the way there the first border that is met joins S. At a minimum in the face the derivative of
// q in a direction d with u_i = w_i d, i in S, is
//   sum of c_i u_i + b_i max(u_i, 0),  b = W1^T (F - z), c the coordinates of the gradient with
//   these units off,
// so that it is a minimum if -b_i <= c_i <= 0 for all i, and unit i may leave its border downhill
// otherwise. q falls from face to face, of which there are finitely many.
#include <algorithm>
#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/slow_points.hpp"
#include "slow/landscape.hpp"

namespace rnndyn::slow {
namespace {

constexpr double kTolerance = 1e-10;
constexpr double kReach = 20.0;  // the search keeps to so many scales
constexpr double kFarOff = 1e6;  // an orbit that is further than this is not followed

struct Border {
  Vector weights;
  double bias;
  Index unit;
};

class PiecewiseLandscape : public Landscape {
 public:
  explicit PiecewiseLandscape(const CanonicalMap& map);

  Index n_states() const override { return map_.n_states(); }
  void look(const Vector& z, Vector& next, Matrix& derivative) const override;
  std::optional<SlowPoint> descend(const Vector& start) const override;
  Vector draw(RandomStream& stream) const override;
  double scale() const override { return scale_; }
  bool holds(const Vector& z) const override { return z.cwiseAbs().maxCoeff() <= kReach * scale_; }
  const CanonicalMap& map() const { return map_; }
  const std::vector<Border>& borders() const { return borders_; }

 private:
  const CanonicalMap& map_;
  std::vector<Border> borders_;  // of the units that can change the map, rows of length 1
  double scale_ = 1.0;
};

// One descent.
class Descent {
 public:
  Descent(const PiecewiseLandscape& landscape, const Vector& start);
  std::optional<SlowPoint> run();

 private:
  void look();
  bool move();     // to the minimum in the face, or to the first border; false where it is there
  bool release();  // lets the unit go that leaves its border most steeply downhill
  SlowPoint result(bool is_fixed) const;
  double size() const { return (1.0 + derivative_.norm()) * gap_.norm(); }

  const PiecewiseLandscape& landscape_;
  const std::vector<Border>& borders_;
  std::vector<char> on_;
  std::vector<std::size_t> face_;  // numbers of the borders in S
  Vector z_, gap_;
  Matrix derivative_;  // DF - I with the units of S off
  Matrix within_;      // orthonormal directions of the face
  bool strict_ = false;
};

PiecewiseLandscape::PiecewiseLandscape(const CanonicalMap& map) : map_(map) {
  std::vector<double> distances;
  for (Index i = 0; i < map.n_units(); ++i) {
    const double size = map.w2().row(i).norm();
    if ((map.relevant_units()[static_cast<std::size_t>(i / 64)] >> (i % 64) & 1U) == 0U) continue;
    if (!(size > 0.0)) continue;
    borders_.push_back({map.w2().row(i).transpose() / size, map.h2()(i) / size, i});
    distances.push_back(std::abs(map.h2()(i)) / size);
  }
  scale_ = map.step(Vector::Zero(map.n_states())).cwiseAbs().maxCoeff();
  if (!distances.empty()) {
    std::ranges::sort(distances);
    scale_ = std::max(scale_, distances[distances.size() / 2]);
  }
  if (!(scale_ > 0.0) || !std::isfinite(scale_)) scale_ = 1.0;
}

void PiecewiseLandscape::look(const Vector& z, Vector& next, Matrix& derivative) const {
  std::vector<Word> region(map_.words_per_region());
  map_.region(z, region.data());
  next = map_.step(z);
  derivative = map_.jacobian(region.data());
}

Vector PiecewiseLandscape::draw(RandomStream& stream) const {
  Vector z(n_states());
  // Sizes from a third to ten times the scale.
  const double size = scale_ * std::exp(-1.1 + 3.4 * stream.uniform());
  for (double& x : z) x = size * stream.normal();
  const std::uint64_t n_steps = draw_run(stream);
  for (std::uint64_t t = 0; t < n_steps; ++t) {
    const Vector next = map_.step(z);
    if (!(next.cwiseAbs().maxCoeff() < kFarOff * scale_)) break;
    z = next;
  }
  return z;
}

std::optional<SlowPoint> PiecewiseLandscape::descend(const Vector& start) const {
  return Descent(*this, start).run();
}

Descent::Descent(const PiecewiseLandscape& landscape, const Vector& start)
    : landscape_(landscape), borders_(landscape.borders()), z_(start) {
  for (const Border& border : borders_) {
    on_.push_back(border.weights.dot(z_) + border.bias > 0.0 ? 1 : 0);
  }
}

void Descent::look() {
  const CanonicalMap& map = landscape_.map();
  const Index n = z_.size(), n_face = static_cast<Index>(face_.size());
  within_ = Matrix::Identity(n, n);
  if (n_face > 0) {
    Matrix normals(n, n_face);
    Vector off(n_face);
    for (Index j = 0; j < n_face; ++j) {
      const Border& border = borders_[face_[static_cast<std::size_t>(j)]];
      normals.col(j) = border.weights;
      off(j) = border.weights.dot(z_) + border.bias;
    }
    const Eigen::HouseholderQR<Matrix> factors(normals);
    const Matrix q = factors.householderQ();
    // Back onto the borders, from which rounding errors lead away.
    const Matrix r = factors.matrixQR().topRows(n_face);
    const Vector back = r.triangularView<Eigen::Upper>().transpose().solve(off);
    if (back.allFinite()) z_ -= q.leftCols(n_face) * back;
    within_ = q.rightCols(n - n_face);
  }
  std::vector<Word> region(map.words_per_region(), 0);
  for (std::size_t b = 0; b < borders_.size(); ++b) {
    const bool in_face = std::ranges::find(face_, b) != face_.end();
    if (on_[b] == 0 || in_face) continue;
    region[static_cast<std::size_t>(borders_[b].unit / 64)] |= Word{1} << (borders_[b].unit % 64);
  }
  // Units that are always on and have no border.
  for (Index i = 0; i < map.n_units(); ++i) {
    if (map.w2().row(i).isZero(0.0) && map.h2()(i) > 0.0) {
      region[static_cast<std::size_t>(i / 64)] |= Word{1} << (i % 64);
    }
  }
  derivative_ = map.jacobian(region.data());
  gap_ = derivative_ * z_ + map.offset(region.data()) - z_;
  derivative_.diagonal().array() -= 1.0;
}

bool Descent::move() {
  if (within_.cols() == 0) return false;
  const Matrix reduced = derivative_ * within_;
  if (!((reduced.transpose() * gap_).norm() > kTolerance * size())) return false;
  const Eigen::ColPivHouseholderQR<Matrix> factors(reduced);
  const Vector y = dense::solve(factors, Matrix(-gap_)).col(0);
  if (!y.allFinite()) return false;
  const Vector step = within_ * y;
  double share = 1.0;
  std::size_t met = borders_.size();
  for (std::size_t b = 0; b < borders_.size(); ++b) {
    if (std::ranges::find(face_, b) != face_.end()) continue;
    const double slope = borders_[b].weights.dot(step);
    if (on_[b] != 0 ? !(slope < 0.0) : !(slope > 0.0)) continue;
    const double value = borders_[b].weights.dot(z_) + borders_[b].bias;
    // One that was let go a moment ago may be on the wrong side by a rounding error.
    const double until = std::max(0.0, -value / slope);
    if (until < share) share = until, met = b;
  }
  z_ += share * step;
  if (met < borders_.size()) face_.push_back(met);
  return true;
}

bool Descent::release() {
  strict_ = true;
  if (face_.empty()) return false;
  const auto n_face = static_cast<Index>(face_.size());
  Matrix normals(z_.size(), n_face);
  for (Index j = 0; j < n_face; ++j) {
    normals.col(j) = borders_[face_[static_cast<std::size_t>(j)]].weights;
  }
  const Matrix gradient = derivative_.transpose() * gap_;
  const Eigen::ColPivHouseholderQR<Matrix> factors(normals);
  const Vector c = dense::solve(factors, gradient).col(0);
  const double limit = kTolerance * size();
  double steepest = limit;
  Index leaving = -1;
  bool goes_on = false;
  for (Index j = 0; j < n_face; ++j) {
    const Border& border = borders_[face_[static_cast<std::size_t>(j)]];
    // w_i has length 1 here, W1 the factor that it was divided by.
    const double b = gap_.dot(landscape_.map().w1().col(border.unit)) *
                     landscape_.map().w2().row(border.unit).norm();
    if (c(j) > steepest) steepest = c(j), leaving = j, goes_on = false;
    if (-(c(j) + b) > steepest) steepest = -(c(j) + b), leaving = j, goes_on = true;
    if (!(c(j) < -limit) || !(c(j) + b > limit)) strict_ = false;
  }
  if (leaving < 0) return false;
  on_[face_[static_cast<std::size_t>(leaving)]] = goes_on ? 1 : 0;
  face_.erase(face_.begin() + leaving);
  return true;
}

std::optional<SlowPoint> Descent::run() {
  // Every turn leaves a face for good, but for rounding errors.
  const std::size_t most = 50 * (borders_.size() + 10);
  for (std::size_t turn = 0; turn < most; ++turn) {
    look();
    if (!gap_.allFinite()) return std::nullopt;
    if (gap_.norm() < kFixed * landscape_.scale()) return result(true);
    if (!move() && !release()) return result(false);
  }
  return std::nullopt;
}

SlowPoint Descent::result(bool is_fixed) const {
  SlowPoint point;
  point.state = z_;
  point.drift = gap_;
  point.speed = gap_.norm();
  point.q = 0.5 * gap_.squaredNorm();
  point.n_borders = static_cast<Index>(face_.size());
  Matrix jacobian = derivative_;
  jacobian.diagonal().array() += 1.0;
  point.multipliers = multipliers({jacobian});
  const Matrix reduced = derivative_ * within_;
  if (reduced.cols() > 0) {
    point.gradient_norm = (reduced.transpose() * gap_).norm();
    const Eigen::SelfAdjointEigenSolver<Matrix> eigen(reduced.transpose() * reduced,
                                                      Eigen::EigenvaluesOnly);
    point.curvatures = eigen.eigenvalues().cwiseMax(0.0);
  }
  const double largest = derivative_.squaredNorm();
  point.is_minimum = !is_fixed && strict_ &&
                     (point.curvatures.size() == 0 || point.curvatures(0) > 1e-13 * largest);
  return point;
}

}  // namespace

std::unique_ptr<Landscape> landscape_of(const CanonicalMap& map) {
  return std::make_unique<PiecewiseLandscape>(map);
}

}  // namespace rnndyn::slow

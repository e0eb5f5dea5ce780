#include <cmath>
#include <limits>
#include <utility>

#include "linear_algebra/decompositions.hpp"
#include "manifolds/polytope.hpp"

namespace rnndyn {
namespace {

// Rows closer to being fulfilled than this, in units of the size of the numbers, are fulfilled.
constexpr double kFulfilled = 1e-13;
constexpr double kDependent = 1e-11;
constexpr int kRefinements = 20;
// Rows of which less than this lies in the affine set say nothing about where in it to be.
constexpr double kAcross = 1e-9;

// The projection of 0 onto { normals y <= values }, by the dual active-set method (Goldfarb,
// Idnani, Mathematical Programming 27, 1983): start without conditions and add violated ones, one
// after the other, dropping those whose multipliers would become negative.
class Projection {
 public:
  Projection(const Matrix& normals, const Vector& values)
      : normals_(normals), values_(values), y_(Vector::Zero(normals.cols())) {}

  // Returns y; the multipliers of all rows are in `multipliers`.
  Vector solve(Vector& multipliers) {
    const Index n = values_.size();
    // Steps add up rounding errors, which nearly dependent rows enlarge: the point is computed anew
    // from the rows that are active at the end, and the method goes on where that shows a mistake.
    for (int again = 0; again < kRefinements; ++again) {
      // Each round brings the distance up; the count only guards against rounding.
      for (Index round = 0; round < 50 * (n + 10); ++round) {
        const Index worst = most_violated();
        if (worst < 0) break;
        if (!take_in(worst)) break;
      }
      if (!refine() && most_violated() < 0) break;
    }
    multipliers = Vector::Zero(n);
    for (std::size_t i = 0; i < active_.size(); ++i) {
      multipliers(active_[i]) = weights_(static_cast<Index>(i));
    }
    return y_;
  }

 private:
  Index most_violated() const {
    if (values_.size() == 0) return -1;
    Vector over = normals_ * y_ - values_;
    for (const Index i : active_) over(i) = 0.0;
    Index worst = 0;
    const double most = over.maxCoeff(&worst);
    const double size = 1.0 + y_.cwiseAbs().maxCoeff() + std::abs(values_(worst));
    return most > kFulfilled * size ? worst : -1;
  }

  Matrix active_rows() const {
    Matrix rows(static_cast<Index>(active_.size()), normals_.cols());
    for (std::size_t i = 0; i < active_.size(); ++i) {
      rows.row(static_cast<Index>(i)) = normals_.row(active_[i]);
    }
    return rows;
  }

  // Computes the point and the weights from the active rows, dropping rows that depend on others or
  // whose weights are negative; tells whether any was.
  bool refine() {
    bool dropped = false;
    while (!active_.empty()) {
      const Matrix columns = active_rows().transpose();
      Eigen::ColPivHouseholderQR<Matrix> qr(columns);
      qr.setThreshold(kDependent);
      const auto n = static_cast<Index>(active_.size());
      const auto order = qr.colsPermutation().indices();
      if (qr.rank() < n) {
        drop(order(n - 1));
        dropped = true;
        continue;
      }
      // C w = y with C^T y = v, for the least y: R^T R P^T w = P^T v.
      Vector w(n);
      for (Index i = 0; i < n; ++i) w(i) = values_(active_[static_cast<std::size_t>(order(i))]);
      const auto r = qr.matrixQR().topLeftCorner(n, n).triangularView<Eigen::Upper>();
      r.transpose().solveInPlace(w);
      r.solveInPlace(w);
      for (Index i = 0; i < n; ++i) weights_(order(i)) = -w(i);
      y_ = -(columns * weights_);
      Index least = 0;
      if (!(weights_.minCoeff(&least) < -kFulfilled * weights_.cwiseAbs().maxCoeff())) break;
      drop(least);
      dropped = true;
    }
    if (active_.empty()) y_.setZero();
    return dropped;
  }

  // Makes the row hold; false where no step is possible.
  bool take_in(Index row) {
    double weight = 0.0;
    for (;;) {
      const Vector normal = normals_.row(row).transpose();
      Vector change = Vector::Zero(static_cast<Index>(active_.size()));
      Vector direction = -normal;
      if (!active_.empty()) {
        const Matrix columns = active_rows().transpose();
        const Eigen::ColPivHouseholderQR<Matrix> qr(columns);
        change = dense::solve(qr, Matrix(normal)).col(0);
        direction = columns * change - normal;
      }
      const double slope = direction.squaredNorm();
      const double over = normal.dot(y_) - values_(row);
      const double full =
          slope > kDependent * kDependent ? over / slope : std::numeric_limits<double>::infinity();
      double longest = std::numeric_limits<double>::infinity();
      Index dropped = -1;
      for (Index i = 0; i < change.size(); ++i) {
        if (change(i) > 0.0 && weights_(i) / change(i) < longest) {
          longest = weights_(i) / change(i);
          dropped = i;
        }
      }
      const double step = std::min(full, longest);
      if (!std::isfinite(step)) return false;
      if (std::isfinite(full)) y_ += step * direction;
      weights_ -= step * change;
      weight += step;
      if (full <= longest) {
        active_.push_back(row);
        weights_.conservativeResize(weights_.size() + 1);
        weights_(weights_.size() - 1) = weight;
        return true;
      }
      drop(dropped);
    }
  }

  void drop(Index position) {
    active_.erase(active_.begin() + position);
    Vector rest(weights_.size() - 1);
    rest << weights_.head(position), weights_.tail(weights_.size() - 1 - position);
    weights_ = std::move(rest);
  }

  const Matrix& normals_;
  const Vector& values_;
  Vector y_;
  std::vector<Index> active_;
  Vector weights_;
};

}  // namespace

ClosestPoint closest_point(const Matrix& equations, const Vector& values,
                           const Matrix& inequalities, const Vector& bounds, const Vector& state) {
  Rows rows(state.size(), equations.rows());
  rows.normals = equations;
  rows.values = values;
  const Frame frame = frame_of(rows);
  // Coordinates in which the foot of the state on the affine set is 0.
  const Vector foot =
      frame.origin + frame.basis * (frame.basis.transpose() * (state - frame.origin));
  const Matrix all_normals = inequalities * frame.basis;
  const Vector all_room = bounds - inequalities * foot;
  // Rows of length 1, so that all are told to be fulfilled by the same measure.
  std::vector<Index> along;
  double violation = 0.0;
  for (Index i = 0; i < all_room.size(); ++i) {
    if (all_normals.row(i).norm() > kAcross * inequalities.row(i).norm()) {
      along.push_back(i);
    } else {
      violation = std::max(violation, -all_room(i));
    }
  }
  Matrix normals(static_cast<Index>(along.size()), all_normals.cols());
  Vector room(normals.rows());
  for (Index i = 0; i < room.size(); ++i) {
    const Index row = along[static_cast<std::size_t>(i)];
    const double length = all_normals.row(row).norm();
    normals.row(i) = all_normals.row(row) / length;
    room(i) = all_room(row) / length;
  }
  Vector multipliers;
  const Vector y = Projection(normals, room).solve(multipliers);
  ClosestPoint closest;
  closest.point = foot + frame.basis * y;
  closest.distance = (state - closest.point).norm();
  if (room.size() > 0) {
    const Vector over = normals * y - room;
    violation = std::max(violation, over.maxCoeff());
    // In units of the largest multiplier: of rows that are nearly parallel they are large, and so
    // are the rounding errors of what they are multiplied by.
    const double largest = 1.0 + multipliers.cwiseAbs().maxCoeff();
    violation = std::max(violation, -multipliers.minCoeff() / largest);
    for (Index i = 0; i < over.size(); ++i) {
      if (multipliers(i) > 0.0) violation = std::max(violation, std::abs(over(i)));
    }
    const Vector rest = y + normals.transpose() * multipliers;
    violation = std::max(violation, rest.cwiseAbs().maxCoeff() / largest);
  }
  closest.violation = violation;
  return closest;
}

}  // namespace rnndyn

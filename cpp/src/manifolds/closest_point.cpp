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
    // Each round brings the distance up; the count only guards against rounding.
    for (Index round = 0; round < 50 * (n + 10); ++round) {
      const Index worst = most_violated();
      if (worst < 0) break;
      if (!take_in(worst)) break;
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
  const Matrix normals = inequalities * frame.basis;
  const Vector room = bounds - inequalities * foot;
  Vector multipliers;
  const Vector y = Projection(normals, room).solve(multipliers);
  ClosestPoint closest;
  closest.point = foot + frame.basis * y;
  closest.distance = (state - closest.point).norm();
  double violation = 0.0;
  if (room.size() > 0) {
    const Vector over = normals * y - room;
    violation = std::max(violation, over.maxCoeff());
    violation = std::max(violation, -multipliers.minCoeff());
    violation = std::max(violation, multipliers.cwiseProduct(over).cwiseAbs().maxCoeff());
    violation = std::max(violation, (y + normals.transpose() * multipliers).cwiseAbs().maxCoeff());
  }
  closest.violation = violation;
  return closest;
}

}  // namespace rnndyn

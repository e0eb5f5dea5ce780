// One verified piece of a curve of solutions.
#pragma once

#include "rnndyn/smooth/continuation.hpp"

namespace rnndyn::smooth {

// An approximate solution with s, and bounds of its error.
struct PathPoint {
  Vector x, error;
};

class Tube {
 public:
  // `centre` near the curve, `direction` near its unit tangent.
  Tube(const SmoothPath& path, Index order, Vector centre, Vector direction);

  bool is_regular() const { return regular_; }
  const Vector& centre() const { return centre_; }
  const Vector& direction() const { return direction_; }
  const Vector& reach() const { return reach_; }
  double half() const { return half_; }

  // Krawczyk's test for |sigma| <= half.
  bool verify(double half);
  // The curve at sigma, with a proved error; false where that is outside of what was verified.
  bool point(double sigma, PathPoint& point) const;
  // Newton's method with the inverse at the centre only.
  bool approximate(double sigma, Vector& x) const;
  // Whether an enclosed point of the curve is one of this tube.
  bool holds(const PathPoint& point) const;

  // Proved sign of ds / dsigma over the tube, and at a point of it; 0 where it is not.
  int direction_of_s() const { return direction_of_s_; }
  int direction_of_s(const PathPoint& point) const;
  // Bound of |ds / dsigma| over the tube.
  double largest_speed() const;
  // Proved sign of det(I + P) over the tube and at a point of it.
  int flip_sign() const;
  int flip_sign(const PathPoint& point) const;

 private:
  struct Bounds {
    Vector defect;       // |X (DH(B) d - e)|
    Matrix contraction;  // |I - X DH(B)|
  };
  void derivative(const IntervalVector& box, IntervalMatrix& result) const;
  IntervalVector residual(const Vector& x) const;
  Vector times_inverse(const IntervalVector& values) const;
  Bounds bounds(const IntervalMatrix& derivative) const;
  IntervalVector box(double half, const Vector& reach) const;
  int flip_sign(const IntervalVector& box) const;
  int find_direction() const;
  int direction_in(const IntervalVector& box, const Matrix& contraction) const;
  double scale_of(const Vector& values) const;

  const SmoothPath& path_;
  Index n_, k_, size_;
  Vector centre_, direction_, reach_;
  bool regular_ = false;
  double half_ = 0.0;
  Matrix inverse_, abs_inverse_;
  Bounds bounds_;
  Vector slack_;          // reach - contraction * reach
  Vector tangent_error_;  // of the direction, over the tube
  int direction_of_s_ = 0;
};

// The system (G(x), 0) and its derivative with the last row `row`, in floating-point numbers.
void linearize_path(const SmoothPath& path, Index order, const Vector& x, const Vector& row,
                    Vector& g, Matrix& derivative);
// Newton's method for G(x) = 0, row (x - from) = distance.
bool solve_path(const SmoothPath& path, Index order, const Vector& row, const Vector& from,
                double distance, Vector& x);
// Unit tangent with a positive product with `heading`; false where it is not determined.
bool tangent_at(const SmoothPath& path, Index order, const Vector& x, const Vector& heading,
                Vector& tangent);
// Jacobians along the points of x.
std::vector<Matrix> jacobians_at(const SmoothPath& path, Index order, const Vector& x);

inline Vector stacked(const Matrix& points, double s) {
  Vector x(points.size() + 1);
  x.head(points.size()) = Eigen::Map<const Vector>(points.data(), points.size());
  x(points.size()) = s;
  return x;
}
inline Matrix points_of(const Vector& x, Index order) {
  const Index n = (x.size() - 1) / order;
  return Eigen::Map<const Matrix>(x.data(), n, order);
}

}  // namespace rnndyn::smooth

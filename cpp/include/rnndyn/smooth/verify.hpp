// Krawczyk's test: a proof that there is exactly one cycle near a computed one.
#pragma once

#include <algorithm>
#include <cmath>

#include "rnndyn/smooth/map.hpp"
#include "rnndyn/smooth/shooting.hpp"

namespace rnndyn::smooth {

// The unit of distances in a coordinate: rounding errors grow with it.
inline double scale_of(double coordinate) { return std::max(1.0, std::abs(coordinate)); }

struct Verified {
  bool certified = false;
  Matrix errors;             // N x k: no coordinate is further from that of the cycle
  double error_bound = 0.0;  // the largest of them; infinite where nothing is proved
  // No other cycle (of period k) has every coordinate of its points within this, times scale_of()
  // the coordinate. One width for all would be too small to compare with where a coordinate is
  // large, as the cells of an LSTM that forgets nothing are.
  double ball = 0.0;
  // Sign of det(I - P) and of det(I + P) for the product P of the Jacobians around the exact cycle;
  // 0 where it is not proved.
  int index = 0, index_of_double = 0;
  double residual = 0.0;  // largest |F(z_t) - z_{t+1}|, rounded up
};

// With x the computed points, X an approximate inverse of the derivative of the system
// G_t = F(z_t) - z_{t+1}, and r > 0: if
//   |X G(x)| + |I - X DG([x - r, x + r])| r < r
// then G has exactly one zero there, and DG is regular (Krawczyk, Computing 4, 187, 1969; Rump,
// Acta Numerica 2010, sec. 13). Matrices between DG and its computed factors are then regular as
// well if their distance fits in, so that all have the sign of determinant of the factors.
class Verifier {
 public:
  Verifier(const SmoothMap& map, const Matrix& points);

  Verified verify() const;

 private:
  // |DG - A| r over the box of radius r, row by row.
  Vector spread(const Vector& r) const;
  Vector contraction(const Vector& r) const { return main_.bound(spread(r), r); }
  bool shrink(Vector& r, double& tested) const;
  double largest_ball(double smallest) const;
  // Radii r in units of scale_of() the coordinates: the smallest, and the largest of them.
  double smallest_in_units(const Vector& r) const {
    return (r.array() / scale_.array()).minCoeff();
  }
  double largest_in_units(const Vector& r) const { return (r.array() / scale_.array()).maxCoeff(); }

  const SmoothMap& map_;
  const Matrix& points_;
  Index n_, k_, size_;
  std::vector<Matrix> jacobians_;
  ShootingInverse main_;
  Vector scale_;  // of every coordinate
  Vector start_;  // bound of |X G(x)|
  double residual_ = 0.0;
};

}  // namespace rnndyn::smooth

// The linear system of Newton's method on a cycle: all k points are unknowns (multiple shooting).
//
//   J_t x_t - x_{t+1} = f_t,  t = 0 ... k-1,  x_k = closing * x_0.
//
// Gaussian elimination of x_1, x_2, ..., x_{k-1} and x_0 with row pivoting among the two block rows
// that hold an unknown, so that no product of the J_t is formed: k N^3 operations.
#pragma once

#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn::smooth {

class ShootingSystem {
 public:
  // closing = -1: a system that is singular where the product of the J_t has the eigenvalue -1.
  void factor(const std::vector<Matrix>& jacobians, double closing = 1.0);

  Index order() const { return k_; }
  bool is_regular() const { return regular_; }

  // A column of k N numbers, in place.
  void solve(Eigen::Ref<Vector> f) const;
  Matrix inverse() const;
  // 1 or -1: sign of det(I - closing P), P the product of the Jacobians, for the system that the
  // factors are the exact factors of.
  int sign() const { return sign_; }
  // Bound of |A - L U| r for r >= 0, A the system that was factored.
  Vector backward_error(const Vector& r) const;

 private:
  struct Step {
    Matrix panel;             // 2N x 3N: factors of x_s, then what is left of x_0 and of x_{s+1}
    std::vector<Index> from;  // row i of the factors was this row of the panel
  };
  void eliminate(Step& step);
  void factor_closing(const Matrix& block);

  Index n_ = 0, k_ = 0;
  bool regular_ = false;
  int sign_ = 1;
  std::vector<Step> steps_;
  Matrix closing_;                 // factors of what is left of x_0
  std::vector<Index> closing_to_;  // row i stands in this row of the factors
};

// The system with an approximate inverse, as Krawczyk's test needs it.
class ShootingInverse {
 public:
  void prepare(const std::vector<Matrix>& jacobians, double closing);

  bool is_regular() const { return system_.is_regular(); }
  const Matrix& inverse() const { return inverse_; }          // X
  const Matrix& abs_inverse() const { return abs_inverse_; }  // |X|
  // |X| rows + |I - X A| r with all rounding errors, for r >= 0.
  Vector bound(const Vector& rows, const Vector& r) const;
  // Sign of det(I - closing P), the same for all systems B with |B - A| r <= rows; 0 where that is
  // not proved. Matrices between B and the product of the factors of A are then all regular.
  int sign(const Vector& rows, const Vector& r) const;

 private:
  ShootingSystem system_;
  Matrix inverse_, abs_inverse_, defect_;  // defect: |I - X A| as computed
  std::vector<Matrix> abs_jacobians_;
};

// Sign of det(I - P) for all Jacobians within the radii, 0 where it is not proved.
int certified_sign(const std::vector<Matrix>& jacobians, const std::vector<Matrix>& radii);

}  // namespace rnndyn::smooth

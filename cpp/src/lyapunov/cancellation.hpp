// Derivatives that vanish because their terms cancel.
#pragma once

#include <vector>

#include "kernels/tangent/block.hpp"
#include "rnndyn/lyapunov.hpp"

namespace rnndyn::lyapunov {

// The tangent map of a piecewise linear map is a sum of products of its matrices, A + W1[:, on]
// W2[on]. Where the sum is zero, as in a clipped network whose units are all on, the products with
// a frame leave rounding errors that look like a growth of 1e-16. Rows that are so small compared
// with their terms are therefore taken from the derivative itself, whose entries are summed in
// twice the precision.
template <class Real>
class CancellationGuard {
 public:
  explicit CancellationGuard(const System& system);

  // Other systems have no such sums.
  bool applies() const { return map_ != nullptr; }
  // Size of the terms that may cancel, 0 where none do.
  double largest_terms() const { return terms_.size() > 0 ? terms_.maxCoeff() : 0.0; }
  // ln of the growth of a step below which its rows may be rounding errors.
  double log_doubtful() const { return log_doubtful_; }
  // Rows of a frame after a step that may be rounding errors.
  std::vector<Index> doubtful_rows(View<Real> next) const;
  // Those rows of `next` = derivative at the state times `frame`, of orthonormal columns.
  void repair(const std::vector<Index>& rows, const Eigen::VectorXd& state,
              const Eigen::VectorXd& input, View<Real> frame, View<Real> next) const;

 private:
  Eigen::RowVectorXd exact_row(Index row, const std::vector<Index>& on) const;

  const DrivenMap* map_ = nullptr;
  Eigen::VectorXd terms_;  // of each row, no larger whatever units are on
  double log_doubtful_ = 0.0;
};

}  // namespace rnndyn::lyapunov

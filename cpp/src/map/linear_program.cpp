#include "rnndyn/linear_program.hpp"

#include <cmath>
#include <limits>
#include <vector>

namespace rnndyn {
namespace {

// Pivots smaller than this (relative to unit rows) count as zero.
constexpr double kPivotTolerance = 1e-11;

// Dictionary: basic = constant + coefficients * nonbasic. Variables 0 ... n-1 are the free x,
// n ... n+m-1 the slacks, which stay >= 0. A free variable that has become basic never leaves.
class Dictionary {
 public:
  Dictionary(const Vector& objective, const Matrix& g, const Vector& b)
      : n_(g.cols()), coefficients_(-g), constant_(b), objective_(objective) {
    for (Index j = 0; j < n_; ++j) nonbasic_.push_back(j);
    for (Index i = 0; i < g.rows(); ++i) basic_.push_back(n_ + i);
  }

  LinearProgramResult solve(Control* control) {
    Looks looks(control);
    const double pivot_size = 2.0 * static_cast<double>(coefficients_.size());
    // The largest gain per step first; after that Bland's rule, which cannot cycle (Bland 1977).
    const Index greedy_steps = 20 * (static_cast<Index>(basic_.size()) + n_);
    for (Index step = 0;; ++step) {
      const Index column = entering(step < greedy_steps);
      if (column < 0) return result(true);
      const double direction = objective_(column) > 0.0 ? 1.0 : -1.0;
      const Index row = leaving(column, direction);
      if (row < 0) return result(false);
      pivot(row, column);
      looks.after(pivot_size);
    }
  }

 private:
  bool is_free(Index variable) const { return variable < n_; }

  Index entering(bool greedy) const {
    Index best = -1;
    double best_gain = kPivotTolerance;
    for (Index j = 0; j < n_; ++j) {
      const Index variable = nonbasic_[static_cast<std::size_t>(j)];
      const double gain = is_free(variable) ? std::abs(objective_(j)) : objective_(j);
      if (gain <= kPivotTolerance) continue;
      if (greedy ? gain > best_gain
                 : best < 0 || variable < nonbasic_[static_cast<std::size_t>(best)]) {
        best = j;
        best_gain = gain;
      }
    }
    return best;
  }

  Index leaving(Index column, double direction) const {
    Index best = -1;
    double best_ratio = std::numeric_limits<double>::infinity();
    for (Index i = 0; i < coefficients_.rows(); ++i) {
      const Index variable = basic_[static_cast<std::size_t>(i)];
      const double slope = direction * coefficients_(i, column);
      if (is_free(variable) || slope >= -kPivotTolerance) continue;
      const double ratio = std::max(0.0, constant_(i)) / -slope;
      if (best < 0 || ratio < best_ratio ||
          (ratio == best_ratio && variable < basic_[static_cast<std::size_t>(best)])) {
        best = i;
        best_ratio = ratio;
      }
    }
    return best;
  }

  void pivot(Index row, Index column) {
    const double p = coefficients_(row, column);
    // Solve the leaving row for the entering variable ...
    Eigen::RowVectorXd entering_row = coefficients_.row(row) / -p;
    entering_row(column) = 1.0 / p;
    const double entering_constant = constant_(row) / -p;
    // ... and substitute it everywhere else.
    for (Index i = 0; i < coefficients_.rows(); ++i) {
      if (i == row) continue;
      const double f = coefficients_(i, column);
      if (f == 0.0) continue;
      coefficients_(i, column) = 0.0;
      coefficients_.row(i) += f * entering_row;
      constant_(i) += f * entering_constant;
    }
    const double f = objective_(column);
    objective_(column) = 0.0;
    objective_ += f * entering_row.transpose();
    value_ += f * entering_constant;
    coefficients_.row(row) = entering_row;
    constant_(row) = entering_constant;
    std::swap(basic_[static_cast<std::size_t>(row)], nonbasic_[static_cast<std::size_t>(column)]);
  }

  LinearProgramResult result(bool bounded) const {
    LinearProgramResult r;
    r.bounded = bounded;
    r.value = value_;
    r.point = Vector::Zero(n_);
    for (std::size_t i = 0; i < basic_.size(); ++i) {
      if (is_free(basic_[i])) r.point(basic_[i]) = constant_(static_cast<Index>(i));
    }
    if (!bounded) return r;
    r.multipliers = Vector::Zero(constant_.size());
    for (std::size_t j = 0; j < nonbasic_.size(); ++j) {
      if (is_free(nonbasic_[j])) continue;
      r.multipliers(nonbasic_[j] - n_) = std::max(0.0, -objective_(static_cast<Index>(j)));
    }
    return r;
  }

  Index n_;
  Matrix coefficients_;
  Vector constant_;
  Vector objective_;
  double value_ = 0.0;
  std::vector<Index> basic_, nonbasic_;
};

}  // namespace

LinearProgramResult maximize(const Vector& objective, const Matrix& g, const Vector& b,
                             Control* control) {
  return Dictionary(objective, g, b).solve(control);
}

LinearProgramResult deepest_point(const Matrix& g, const Vector& b, double cap, Control* control) {
  const Index n = g.cols();
  const Index m = g.rows();
  const Vector lengths = g.rowwise().norm();
  // Unknowns (x, t - start); with t = start the origin is feasible.
  double start = cap;
  for (Index i = 0; i < m; ++i) start = std::min(start, b(i) / lengths(i));
  Matrix constraints = Matrix::Zero(m + 1, n + 1);
  Vector bounds(m + 1);
  for (Index i = 0; i < m; ++i) {
    constraints.block(i, 0, 1, n) = g.row(i) / lengths(i);
    constraints(i, n) = 1.0;
    bounds(i) = b(i) / lengths(i) - start;
  }
  constraints(m, n) = 1.0;
  bounds(m) = cap - start;
  const LinearProgramResult lifted = maximize(Vector::Unit(n + 1, n), constraints, bounds, control);
  LinearProgramResult result;
  result.value = start + lifted.value;
  result.point = lifted.point.head(n);
  if (lifted.bounded) result.multipliers = lifted.multipliers.head(m).cwiseQuotient(lengths);
  return result;
}

}  // namespace rnndyn

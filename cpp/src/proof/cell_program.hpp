// Small dense linear programs over two-sided rows, built to be extended, copied and solved again:
// the bounds of cells and the feasibility of words of cells.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// Rows y_i = f_i(x) + constant, f_i linear on R^n, with lower_i <= y_i <= upper_i. The first n rows
// are the coordinates of x. At any moment n rows ("columns") stand at one of their bounds and all
// others are written in terms of them:  y_i = constant + sum_j d_ij y_{column j}.
// That is the dictionary of the bounded simplex method with rows and columns exchanged: n is small
// (the states of a map), the rows are many, and a pivot is one rank-one update of contiguous rows.
// Everything here is floating point without guarantee: what is concluded from a dictionary must be
// verified from its multipliers (cell_certificate.hpp).
class CellProgram {
 public:
  enum class Outcome { feasible, infeasible, unfinished };

  // The coordinates stand at the bounds nearest to zero. `capacity` is how many
  // rows to make room for.
  void start(const double* lower, const double* upper, Index n_columns, Index capacity);

  // Like assignment, but copies only what is in use; room once gained is kept.
  void copy_used(const CellProgram& other);

  Index n_columns() const { return n_; }
  Index n_rows() const { return n_rows_; }

  // Appends rows  factors * (rows base ... base + n_factors - 1) + constants, without bounds;
  // factors is row-major. Returns the number of the first new row.
  Index append(const double* factors, const double* constants, Index count, Index base,
               Index n_factors);
  // Appends the row  y_a - y_b.
  Index append_difference(Index a, Index b);
  // Cuts the bounds of a row down to what they share with [lower, upper].
  void restrict(Index row, double lower, double upper);

  double lower(Index row) const { return lower_[position(row)]; }
  double upper(Index row) const { return upper_[position(row)]; }
  double value(Index row) const { return value_[position(row)]; }

  // Dual simplex with long steps (Maros 2003) from any dictionary to a feasible one. Costs are
  // arbitrary positive numbers that only keep the method from cycling.
  Outcome make_feasible(Index max_pivots);
  // Primal simplex from a feasible dictionary: raises (direction +1) or lowers (-1) row `row` as
  // far as it goes. Stops early when the row is at its own bound, or after max_pivots.
  void optimize(Index row, double direction, Index max_pivots);

  // y_row = constant + sum_j coefficients[j] y_{column(j)}, in the present dictionary.
  void express(Index row, double* coefficients) const;
  Index column(Index j) const { return row_[at(j)]; }

  // After `infeasible`: the row that cannot reach its bound, and on which side it lies.
  Index stuck_row() const { return stuck_row_; }
  bool stuck_below() const { return stuck_below_; }

  std::int64_t n_pivots() const { return n_pivots_; }

 private:
  using Numbers = std::vector<double, Eigen::aligned_allocator<double>>;

  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  double* slot(Index s) { return coefficients_.data() + s * stride_; }
  const double* slot(Index s) const { return coefficients_.data() + s * stride_; }
  std::size_t position(Index row) const { return static_cast<std::size_t>(position_[at(row)]); }
  bool at_lower(std::size_t c) const { return value_[c] - lower_[c] <= upper_[c] - value_[c]; }
  void make_room(Index n_rows);
  void move_column(Index j, double change);
  void move_columns(const double* change);
  void pivot(Index s, Index j, double change);
  Index violated_slot() const;
  Index leaving_slot(Index entering, double rising, double range, double& step);

  Index n_ = 0;
  Index stride_ = 0;
  Index n_rows_ = 0;
  // Bounds and values lie in the order of the dictionary: columns 0 ... n-1, then the slots, so
  // that ratio tests run over contiguous numbers.
  std::vector<std::int32_t> position_;  // by row
  std::vector<std::int32_t> row_;       // by position
  Numbers lower_, upper_, value_;
  Numbers coefficients_, cost_, entry_;
  Index stuck_row_ = -1;
  bool stuck_below_ = false;
  std::int64_t n_pivots_ = 0;
};

}  // namespace rnndyn

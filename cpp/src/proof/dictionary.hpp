// Dictionary (dense tableau) of a linear program in bounded variables, x_B = beta + T x_N, and the
// dual simplex method on it. Only feasibility is asked for, so the objective is any that makes the
// first dictionary dual feasible.
#pragma once

#include <cstdint>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

class Dictionary {
 public:
  enum class Outcome { feasible, infeasible, stalled, stopped };

  // Which fixed nonbasic variables keep their column, because a certificate reads it.
  using Kept = std::vector<char>;  // by variable

  // n_variables is one more than the largest variable number that will be used.
  Dictionary(Index n_rows, Index n_columns, Index n_variables);

  // Setting up. Rows and columns start as zero; a column starts at its finite bound of smaller
  // modulus, at 0 where it is free.
  void set_row(Index row, std::int32_t variable, double lower, double upper, double constant);
  void set_column(Index column, std::int32_t variable, double lower, double upper);
  double& entry(Index row, Index column) { return t_[at(row, column)]; }
  // Brings a column into the basis in exchange for a row whose variable then stays at `value`.
  void exchange(Index row, Index column, double value);
  void drop_row(Index row);
  // A nonbasic variable that never moves again.
  void retire(Index column, const Kept& kept);
  // To be called once set up: values of the basic variables, and a positive cost for every column.
  void start();

  Index n_rows() const { return n_rows_; }
  Index n_active() const { return n_active_; }
  Index n_columns() const { return n_columns_; }
  double entry(Index row, Index column) const { return t_[at(row, column)]; }
  std::int32_t basic(Index row) const { return basic_[static_cast<std::size_t>(row)]; }
  std::int32_t nonbasic(Index column) const { return nonbasic_[static_cast<std::size_t>(column)]; }
  // Row of a basic variable, -1 - column of a nonbasic one, kAbsent else.
  static constexpr std::int32_t kAbsent = INT32_MIN;
  std::int32_t place(std::int32_t variable) const {
    return place_[static_cast<std::size_t>(variable)];
  }
  double value(std::int32_t variable) const;

  // After start(): makes a variable constant from here on.
  void fix(std::int32_t variable, double value, const Kept& kept);
  void fix_at_zero(std::int32_t variable, const Kept& kept) { fix(variable, 0.0, kept); }
  // Whether fixing a variable at zero is refuted by its own row; then `row` is that row.
  bool refutes_zero(std::int32_t variable, Index& row) const;

  // `stopped` when the control says so: what was done until then stays, and solve() may go on.
  Outcome solve(const Kept& kept, Control* control = nullptr);
  // After `infeasible`: the row that proves it, and whether its variable lies above its upper bound
  // (else below its lower one).
  Index infeasible_row() const { return infeasible_row_; }
  bool infeasible_above() const { return infeasible_above_; }
  void set_infeasible(Index row, bool above) {
    infeasible_row_ = row;
    infeasible_above_ = above;
  }
  std::int64_t n_pivots() const { return n_pivots_; }
  // Memory of the tableau.
  std::size_t n_bytes() const { return t_.size() * sizeof(double); }

  // Copies with no unused columns; keeps the memory of the target.
  void copy_to(Dictionary& target) const;

 private:
  Dictionary() = default;
  std::size_t at(Index row, Index column) const {
    return static_cast<std::size_t>(row * stride_ + column);
  }
  void swap_columns(Index a, Index b);
  void pivot(Index row, Index column, double bound);
  // The column to enter when `row` has to grow (or shrink), -1 where there is none.
  Index entering(Index row, bool grow, double violation);
  void flip(Index column);

  Index n_rows_ = 0, n_active_ = 0, n_columns_ = 0, stride_ = 0;
  std::vector<double> t_;
  std::vector<double> beta_, row_lower_, row_upper_;                // by row
  std::vector<double> cost_, column_lower_, column_upper_, value_;  // by column
  std::vector<std::int32_t> basic_, nonbasic_, place_;
  Index infeasible_row_ = -1;
  bool infeasible_above_ = false;
  std::int64_t n_pivots_ = 0;
  struct Breakpoint {
    double ratio, slope;
    Index column;
  };
  std::vector<Breakpoint> breakpoints_;
  std::vector<std::int32_t> candidates_;  // columns
};

}  // namespace rnndyn

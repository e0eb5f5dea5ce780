#include "proof/dictionary.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/functions.hpp"

namespace rnndyn {
namespace {

constexpr Index kLane = 8;  // doubles in the widest vector; rows start at multiples of it
Index padded(Index n) { return (n + kLane - 1) / kLane * kLane; }

// A basic variable counts as inside its bounds up to this, relative to its size. What the
// tolerances of this file let pass or cut wrongly is caught later: a prune needs a verified
// certificate, a leaf is solved for itself.
constexpr double kFeasible = 1e-9;
// Entries below this share of their row's largest are no pivots.
constexpr double kSmallestPivot = 1e-8;
// Ratios closer than this count as ties, in which the larger pivot wins (Harris 1973).
constexpr double kTie = 1e-10;
constexpr Index kPivotsPerRow = 40;
// Entries of tableaus that are changed between looks at the clock: a few milliseconds.
constexpr Index kEntriesPerLook = 4'000'000;

}  // namespace

Dictionary::Dictionary(Index n_rows, Index n_columns, Index n_variables)
    : n_rows_(n_rows),
      n_active_(n_columns),
      n_columns_(n_columns),
      stride_(padded(n_columns)),
      t_(static_cast<std::size_t>(n_rows * stride_), 0.0),
      beta_(static_cast<std::size_t>(n_rows), 0.0),
      row_lower_(beta_),
      row_upper_(beta_),
      cost_(static_cast<std::size_t>(stride_), 0.0),
      column_lower_(cost_),
      column_upper_(cost_),
      value_(cost_),
      basic_(static_cast<std::size_t>(n_rows), -1),
      nonbasic_(static_cast<std::size_t>(stride_), -1),
      place_(static_cast<std::size_t>(n_variables), kAbsent) {}

void Dictionary::set_row(Index row, std::int32_t variable, double lower, double upper,
                         double constant) {
  const auto r = static_cast<std::size_t>(row);
  basic_[r] = variable;
  row_lower_[r] = lower;
  row_upper_[r] = upper;
  beta_[r] = constant;
  place_[static_cast<std::size_t>(variable)] = static_cast<std::int32_t>(row);
}

void Dictionary::set_column(Index column, std::int32_t variable, double lower, double upper) {
  const auto c = static_cast<std::size_t>(column);
  nonbasic_[c] = variable;
  column_lower_[c] = lower;
  column_upper_[c] = upper;
  if (!std::isfinite(lower) && !std::isfinite(upper)) {
    value_[c] = 0.0;
  } else {
    value_[c] = std::abs(lower) <= std::abs(upper) ? lower : upper;
  }
  place_[static_cast<std::size_t>(variable)] = static_cast<std::int32_t>(-1 - column);
}

void Dictionary::start() {
  // Until here beta is the constant of each row.
  for (Index r = 0; r < n_rows_; ++r) {
    double sum = beta_[static_cast<std::size_t>(r)];
    for (Index c = 0; c < n_columns_; ++c) {
      const double x = value_[static_cast<std::size_t>(c)];
      if (x != 0.0) sum += entry(r, c) * x;
    }
    beta_[static_cast<std::size_t>(r)] = sum;
  }
  for (Index c = 0; c < n_active_; ++c) {
    const auto u = static_cast<std::size_t>(c);
    // Different costs, so that ties, and with them endless loops, are rare.
    const double size =
        1.0 + 0.37 * std::fmod(0.6180339887498949 * static_cast<double>(c + 1), 1.0);
    const bool at_upper = value_[u] == column_upper_[u] && column_lower_[u] < column_upper_[u];
    const bool is_free = !std::isfinite(column_lower_[u]) && !std::isfinite(column_upper_[u]);
    cost_[u] = is_free ? 0.0 : (at_upper ? -size : size);
  }
}

double Dictionary::value(std::int32_t variable) const {
  const std::int32_t p = place(variable);
  if (p == kAbsent) return 0.0;
  return p >= 0 ? beta_[static_cast<std::size_t>(p)] : value_[static_cast<std::size_t>(-1 - p)];
}

void Dictionary::exchange(Index row, Index column, double value) {
  // Before start(), beta is a constant and the values of columns do not count yet.
  const auto r = static_cast<std::size_t>(row);
  const auto c = static_cast<std::size_t>(column);
  double* pivot_row = &t_[at(row, 0)];
  const double inverse = 1.0 / pivot_row[column];
  for (Index j = 0; j < n_columns_; ++j) pivot_row[j] *= -inverse;
  pivot_row[column] = inverse;
  const double constant = -beta_[r] * inverse;
  kernels::functions().substitute_row(t_.data(), n_rows_, stride_, n_columns_, row, column,
                                      pivot_row, beta_.data(), constant);
  beta_[r] = constant;
  std::swap(basic_[r], nonbasic_[c]);
  std::swap(row_lower_[r], column_lower_[c]);
  std::swap(row_upper_[r], column_upper_[c]);
  value_[c] = value;
  place_[static_cast<std::size_t>(basic_[r])] = static_cast<std::int32_t>(row);
  place_[static_cast<std::size_t>(nonbasic_[c])] = static_cast<std::int32_t>(-1 - column);
}

void Dictionary::drop_row(Index row) {
  const Index last = n_rows_ - 1;
  place_[static_cast<std::size_t>(basic(row))] = kAbsent;
  if (row != last) {
    const auto r = static_cast<std::size_t>(row);
    const auto l = static_cast<std::size_t>(last);
    std::copy_n(&t_[at(last, 0)], stride_, &t_[at(row, 0)]);
    beta_[r] = beta_[l];
    row_lower_[r] = row_lower_[l];
    row_upper_[r] = row_upper_[l];
    basic_[r] = basic_[l];
    place_[static_cast<std::size_t>(basic_[r])] = static_cast<std::int32_t>(row);
  }
  --n_rows_;
}

void Dictionary::swap_columns(Index a, Index b) {
  if (a == b) return;
  for (Index i = 0; i < n_rows_; ++i) std::swap(t_[at(i, a)], t_[at(i, b)]);
  const auto x = static_cast<std::size_t>(a);
  const auto y = static_cast<std::size_t>(b);
  std::swap(cost_[x], cost_[y]);
  std::swap(column_lower_[x], column_lower_[y]);
  std::swap(column_upper_[x], column_upper_[y]);
  std::swap(value_[x], value_[y]);
  std::swap(nonbasic_[x], nonbasic_[y]);
  place_[static_cast<std::size_t>(nonbasic_[x])] = static_cast<std::int32_t>(-1 - a);
  place_[static_cast<std::size_t>(nonbasic_[y])] = static_cast<std::int32_t>(-1 - b);
}

// Columns: active ones first, then those kept for certificates.
void Dictionary::retire(Index column, const Kept& kept) {
  const auto variable = static_cast<std::size_t>(nonbasic(column));
  --n_active_;
  swap_columns(column, n_active_);
  if (kept[variable] != 0) return;
  --n_columns_;
  swap_columns(n_active_, n_columns_);
  place_[variable] = kAbsent;
}

void Dictionary::fix(std::int32_t variable, double value, const Kept& kept) {
  const std::int32_t p = place(variable);
  if (p == kAbsent) return;
  if (p >= 0) {
    row_lower_[static_cast<std::size_t>(p)] = value;
    row_upper_[static_cast<std::size_t>(p)] = value;
    return;
  }
  const auto c = static_cast<std::size_t>(-1 - p);
  // A variable whose bounds were equal before may have been retired already.
  if (static_cast<Index>(c) >= n_active_) return;
  const double step = value - value_[c];
  if (step != 0.0) {
    for (Index i = 0; i < n_rows_; ++i) {
      beta_[static_cast<std::size_t>(i)] += entry(i, static_cast<Index>(c)) * step;
    }
  }
  value_[c] = value;
  column_lower_[c] = value;
  column_upper_[c] = value;
  retire(static_cast<Index>(c), kept);
}

bool Dictionary::refutes_zero(std::int32_t variable, Index& row) const {
  const std::int32_t p = place(variable);
  if (p < 0) return false;
  const auto r = static_cast<std::size_t>(p);
  if (!(beta_[r] > 1e-7)) return false;
  const double* entries = &t_[at(p, 0)];
  // The variable is too large: could any column make it smaller?
  for (Index c = 0; c < n_active_; ++c) {
    const auto u = static_cast<std::size_t>(c);
    const double a = entries[c];
    const bool can_grow = value_[u] < column_upper_[u];
    const bool can_shrink = value_[u] > column_lower_[u];
    if ((a < -1e-12 && can_grow) || (a > 1e-12 && can_shrink)) return false;
  }
  row = p;
  return true;
}

void Dictionary::flip(Index column) {
  const auto c = static_cast<std::size_t>(column);
  const double target = value_[c] == column_lower_[c] ? column_upper_[c] : column_lower_[c];
  const double step = target - value_[c];
  for (Index i = 0; i < n_rows_; ++i) beta_[static_cast<std::size_t>(i)] += entry(i, column) * step;
  value_[c] = target;
}

Index Dictionary::entering(Index row, bool grow, double violation) {
  const double* entries = &t_[at(row, 0)];
  const auto& kernel = kernels::functions();
  const double smallest = kSmallestPivot * kernel.dense.largest(n_active_, 1, entries, n_active_);
  Index best = -1;
  double best_ratio = std::numeric_limits<double>::infinity();
  double best_size = 0.0;
  bool boxed = false;
  const double sign = grow ? 1.0 : -1.0;
  breakpoints_.clear();
  candidates_.resize(static_cast<std::size_t>(n_active_));
  const Index n_candidates =
      kernel.columns_that_help(n_active_, entries, sign, smallest, value_.data(),
                               column_lower_.data(), column_upper_.data(), candidates_.data());
  for (Index i = 0; i < n_candidates; ++i) {
    const Index c = candidates_[static_cast<std::size_t>(i)];
    const auto u = static_cast<std::size_t>(c);
    const double size = std::abs(entries[c]);
    const double ratio = std::abs(cost_[u]) / size;
    breakpoints_.push_back({ratio, size * (column_upper_[u] - column_lower_[u]), c});
    boxed = boxed || std::isfinite(breakpoints_.back().slope);
    if (ratio < best_ratio - kTie || (ratio < best_ratio + kTie && size > best_size)) {
      best = c;
      best_ratio = std::min(ratio, best_ratio);
      best_size = size;
    }
  }
  if (!boxed || best < 0) return best;
  // Long step: a column whose whole range does not repair the row is moved to its other bound
  // (bound flipping ratio test; Fourer 1994, Maros 2003).
  std::sort(breakpoints_.begin(), breakpoints_.end(), [](const Breakpoint& a, const Breakpoint& b) {
    return a.ratio < b.ratio || (a.ratio == b.ratio && a.column < b.column);
  });
  double left = violation;
  std::size_t last = 0;
  while (last + 1 < breakpoints_.size() && breakpoints_[last].slope < left) {
    left -= breakpoints_[last].slope;
    ++last;
  }
  if (last + 1 == breakpoints_.size() && breakpoints_[last].slope < left) {
    // Even with every column at its other bound the row stays violated.
    return -1;
  }
  for (std::size_t i = 0; i < last; ++i) flip(breakpoints_[i].column);
  return breakpoints_[last].column;
}

void Dictionary::pivot(Index row, Index column, double bound) {
  const auto r = static_cast<std::size_t>(row);
  const auto c = static_cast<std::size_t>(column);
  double* pivot_row = &t_[at(row, 0)];
  const double inverse = 1.0 / pivot_row[column];
  const double step = (bound - beta_[r]) * inverse;
  const Index width = n_columns_;
  for (Index j = 0; j < width; ++j) pivot_row[j] *= -inverse;
  pivot_row[column] = inverse;
  kernels::functions().substitute_row(t_.data(), n_rows_, stride_, width, row, column, pivot_row,
                                      beta_.data(), step);
  const double cost = cost_[c];
  cost_[c] = 0.0;
  for (Index j = 0; j < n_active_; ++j) cost_[static_cast<std::size_t>(j)] += cost * pivot_row[j];
  beta_[r] = value_[c] + step;
  std::swap(basic_[r], nonbasic_[c]);
  std::swap(row_lower_[r], column_lower_[c]);
  std::swap(row_upper_[r], column_upper_[c]);
  value_[c] = bound;
  place_[static_cast<std::size_t>(basic_[r])] = static_cast<std::int32_t>(row);
  place_[static_cast<std::size_t>(nonbasic_[c])] = static_cast<std::int32_t>(-1 - column);
  ++n_pivots_;
}

Dictionary::Outcome Dictionary::solve(const Kept& kept, Control* control) {
  const std::int64_t limit = n_pivots_ + kPivotsPerRow * (n_rows_ + 1);
  Index changed = 0;
  for (;;) {
    if (changed > kEntriesPerLook) {
      changed = 0;
      if (control != nullptr && control->stop_requested()) return Outcome::stopped;
    }
    Index row = -1;
    double worst = 0.0;
    for (Index i = 0; i < n_rows_; ++i) {
      const auto r = static_cast<std::size_t>(i);
      const double violation = std::max(row_lower_[r] - beta_[r], beta_[r] - row_upper_[r]);
      if (violation > worst) {
        worst = violation;
        row = i;
      }
    }
    if (row < 0) return Outcome::feasible;
    const auto r = static_cast<std::size_t>(row);
    if (worst <= kFeasible * (1.0 + std::abs(beta_[r]))) return Outcome::feasible;
    const bool grow = beta_[r] < row_lower_[r];
    const Index column = entering(row, grow, worst);
    if (column < 0) {
      infeasible_row_ = row;
      infeasible_above_ = !grow;
      return Outcome::infeasible;
    }
    if (n_pivots_ >= limit) return Outcome::stalled;
    pivot(row, column, grow ? row_lower_[r] : row_upper_[r]);
    changed += n_rows_ * n_columns_;
    if (column_lower_[static_cast<std::size_t>(column)] ==
        column_upper_[static_cast<std::size_t>(column)]) {
      retire(column, kept);
    }
  }
}

void Dictionary::copy_to(Dictionary& target) const {
  target.n_rows_ = n_rows_;
  target.n_active_ = n_active_;
  target.n_columns_ = n_columns_;
  target.stride_ = padded(n_columns_);
  target.t_.resize(static_cast<std::size_t>(n_rows_ * target.stride_));
  for (Index i = 0; i < n_rows_; ++i) {
    std::copy_n(&t_[at(i, 0)], n_columns_, &target.t_[target.at(i, 0)]);
  }
  const auto copy = [](const auto& from, auto& to, Index n) {
    to.resize(static_cast<std::size_t>(n));
    std::copy_n(from.begin(), n, to.begin());
  };
  copy(beta_, target.beta_, n_rows_);
  copy(row_lower_, target.row_lower_, n_rows_);
  copy(row_upper_, target.row_upper_, n_rows_);
  copy(basic_, target.basic_, n_rows_);
  copy(cost_, target.cost_, n_columns_);
  copy(column_lower_, target.column_lower_, n_columns_);
  copy(column_upper_, target.column_upper_, n_columns_);
  copy(value_, target.value_, n_columns_);
  copy(nonbasic_, target.nonbasic_, n_columns_);
  target.place_ = place_;
  target.n_pivots_ = n_pivots_;
}

}  // namespace rnndyn

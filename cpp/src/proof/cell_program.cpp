#include "proof/cell_program.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/functions.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Entries smaller than this, relative to the largest of their row, are no pivots.
constexpr double kSmallPivot = 1e-9;
// A row violates its bound beyond this, relative to the size of bound and value.
constexpr double kTolerance = 1e-10;
constexpr double kZeroSlope = 1e-11;

double slack(double bound) { return kTolerance * (1.0 + std::abs(bound)); }

}  // namespace

void CellProgram::start(const double* lower, const double* upper, Index n_columns, Index capacity) {
  n_ = n_columns;
  stride_ = n_ <= 4 ? 4 : (n_ + 7) / 8 * 8;
  n_rows_ = n_;
  make_room(std::max(capacity, n_));
  cost_.assign(at(stride_), 0.0);
  for (Index j = 0; j < n_; ++j) {
    const bool low = std::abs(lower[j]) <= std::abs(upper[j]);
    lower_[at(j)] = lower[j];
    upper_[at(j)] = upper[j];
    value_[at(j)] = low ? lower[j] : upper[j];
    position_[at(j)] = row_[at(j)] = static_cast<std::int32_t>(j);
    // Costs that are all different make ties, and so cycling, unlikely.
    const double size = 1.0 + 0.618 * static_cast<double>((j * 7) % 11) / 11.0;
    cost_[at(j)] = low ? size : -size;
  }
  n_pivots_ = 0;
}

void CellProgram::make_room(Index n_rows) {
  const std::size_t rows = at(n_rows);
  if (row_.size() >= rows && coefficients_.size() >= at(n_rows - n_) * at(stride_)) return;
  position_.resize(rows);
  row_.resize(rows);
  lower_.resize(rows);
  upper_.resize(rows);
  value_.resize(rows);
  entry_.resize(std::max(rows, at(n_)));
  coefficients_.resize(at(n_rows - n_) * at(stride_));
}

void CellProgram::copy_used(const CellProgram& other) {
  n_ = other.n_;
  stride_ = other.stride_;
  n_rows_ = other.n_rows_;
  const auto copy = [](auto& to, const auto& from, Index count) {
    if (to.size() < from.size()) to.resize(from.size());
    std::copy(from.begin(), from.begin() + count, to.begin());
  };
  copy(position_, other.position_, n_rows_);
  copy(row_, other.row_, n_rows_);
  copy(lower_, other.lower_, n_rows_);
  copy(upper_, other.upper_, n_rows_);
  copy(value_, other.value_, n_rows_);
  copy(coefficients_, other.coefficients_, (n_rows_ - n_) * stride_);
  copy(cost_, other.cost_, stride_);
  if (entry_.size() < other.entry_.size()) entry_.resize(other.entry_.size());
}

Index CellProgram::append(const double* factors, const double* constants, Index count, Index base,
                          Index n_factors) {
  const Index first = n_rows_;
  make_room(n_rows_ + count);
  for (Index i = 0; i < count; ++i) {
    double* out = slot(n_rows_ - n_);
    std::fill(out, out + stride_, 0.0);
    double value = constants[i];
    for (Index f = 0; f < n_factors; ++f) {
      const double factor = factors[i * n_factors + f];
      if (factor == 0.0) continue;
      const auto place = static_cast<Index>(position(base + f));
      value += factor * value_[at(place)];
      if (place < n_) {
        out[place] += factor;
      } else {
        const double* in = slot(place - n_);
        for (Index c = 0; c < stride_; ++c) out[c] += factor * in[c];
      }
    }
    const std::size_t row = at(n_rows_);
    value_[row] = value;
    lower_[row] = -kInfinity;
    upper_[row] = kInfinity;
    position_[row] = row_[row] = static_cast<std::int32_t>(n_rows_++);
  }
  return first;
}

Index CellProgram::append_difference(Index a, Index b) {
  const Index first = n_rows_;
  const double zero = 0.0;
  const double one = 1.0;
  append(&one, &zero, 1, a, 1);
  double* out = slot(first - n_);
  const auto place = static_cast<Index>(position(b));
  value_[at(first)] -= value_[at(place)];
  if (place < n_) {
    out[place] -= 1.0;
  } else {
    const double* in = slot(place - n_);
    for (Index c = 0; c < stride_; ++c) out[c] -= in[c];
  }
  return first;
}

void CellProgram::restrict(Index row, double lower, double upper) {
  const std::size_t p = position(row);
  lower_[p] = std::max(lower_[p], lower);
  upper_[p] = std::min(upper_[p], upper);
  if (static_cast<Index>(p) >= n_) return;
  // A column stands at a bound. Its cost may now have the wrong sign, which only matters for speed.
  const double target = at_lower(p) ? lower_[p] : upper_[p];
  move_column(static_cast<Index>(p), target - value_[p]);
  value_[p] = target;
}

void CellProgram::express(Index row, double* coefficients) const {
  const auto place = static_cast<Index>(position(row));
  if (place < n_) {
    std::fill(coefficients, coefficients + n_, 0.0);
    coefficients[place] = 1.0;
  } else {
    std::copy(slot(place - n_), slot(place - n_) + n_, coefficients);
  }
}

void CellProgram::move_column(Index j, double change) {
  value_[at(j)] += change;
  if (change == 0.0) return;
  const double* entry = coefficients_.data() + j;
  double* value = value_.data() + n_;
  for (Index s = 0; s < n_rows_ - n_; ++s) value[s] += change * entry[s * stride_];
}

// Adds change[j] to the values of all columns j at once.
void CellProgram::move_columns(const double* change) {
  for (Index j = 0; j < n_; ++j) value_[at(j)] += change[j];
  for (Index s = 0; s < n_rows_ - n_; ++s) {
    const double* row = slot(s);
    double sum = 0.0;
    for (Index c = 0; c < n_; ++c) sum += row[c] * change[c];
    value_[at(n_ + s)] += sum;
  }
}

// Column j moves by `change`, then its row and the one in slot s exchange places.
void CellProgram::pivot(Index s, Index j, double change) {
  ++n_pivots_;
  const Index n_slots = n_rows_ - n_;
  move_column(j, change);
  // Solve row s for column j ...
  double* fresh = slot(s);
  const double inverse = 1.0 / fresh[j];
  for (Index c = 0; c < stride_; ++c) fresh[c] *= -inverse;
  // ... and substitute. Less one, because entry j of the other rows is not set to zero first:
  // loading a vector right after a store into it is slow.
  fresh[j] = inverse - 1.0;
  kernels::functions().add_row_multiples(coefficients_.data(), n_slots, stride_, s, j, fresh);
  fresh[j] = inverse;
  const double factor = cost_[at(j)];
  cost_[at(j)] = 0.0;
  for (Index c = 0; c < stride_; ++c) cost_[at(c)] += factor * fresh[c];
  const std::size_t p = at(n_ + s);
  const std::size_t c = at(j);
  std::swap(row_[p], row_[c]);
  std::swap(value_[p], value_[c]);
  std::swap(lower_[p], lower_[c]);
  std::swap(upper_[p], upper_[c]);
  position_[static_cast<std::size_t>(row_[p])] = static_cast<std::int32_t>(p);
  position_[static_cast<std::size_t>(row_[c])] = static_cast<std::int32_t>(c);
}

Index CellProgram::violated_slot() const {
  Index worst = -1;
  double worst_violation = 0.0;
  for (Index p = n_; p < n_rows_; ++p) {
    const double violation = std::max(lower_[at(p)] - value_[at(p)], value_[at(p)] - upper_[at(p)]);
    if (violation > worst_violation) {
      const bool low = value_[at(p)] < lower_[at(p)];
      if (violation > slack(low ? lower_[at(p)] : upper_[at(p)])) {
        worst = p - n_;
        worst_violation = violation;
      }
    }
  }
  return worst;
}

CellProgram::Outcome CellProgram::make_feasible(Index max_pivots) {
  for (Index n_done = 0;; ++n_done) {
    const Index s = violated_slot();
    if (s < 0) return Outcome::feasible;
    if (n_done == max_pivots) return Outcome::unfinished;
    const double* row = slot(s);
    const std::size_t leaving = at(n_ + s);
    const bool below = value_[leaving] < lower_[leaving];
    const double bound = below ? lower_[leaving] : upper_[leaving];
    const double direction = below ? 1.0 : -1.0;
    double largest = 0.0;
    for (Index j = 0; j < n_; ++j) largest = std::max(largest, std::abs(row[j]));
    const double smallest = kSmallPivot * largest;
    // Walk through the break points of the dual objective, in order of their ratios.
    double lacking = std::abs(bound - value_[leaving]);
    std::uint64_t passed = 0;  // columns that change over to their other bound
    Index entering = -1;
    for (;;) {
      Index next = -1;
      double best_ratio = kInfinity;
      double best_size = 0.0;
      for (Index j = 0; j < n_; ++j) {
        if (j < 64 && ((passed >> j) & 1U) != 0) continue;
        const double size = std::abs(row[j]);
        if (!(size > smallest) || lower_[at(j)] == upper_[at(j)]) continue;
        if ((direction * row[j] > 0.0) != at_lower(at(j))) continue;
        const double ratio = std::abs(cost_[at(j)]) / size;
        if (ratio < best_ratio * (1.0 - 1e-12) || (ratio <= best_ratio && size > best_size)) {
          next = j;
          best_ratio = ratio;
          best_size = size;
        }
      }
      if (next < 0) break;
      const double reach = best_size * (upper_[at(next)] - lower_[at(next)]);
      if (reach >= lacking || next >= 64) {
        entering = next;
        break;
      }
      lacking -= reach;
      passed |= std::uint64_t{1} << next;
    }
    if (entering < 0) {
      stuck_row_ = row_[leaving];
      stuck_below_ = below;
      return Outcome::infeasible;
    }
    if (passed != 0) {
      double* change = entry_.data();
      std::fill(change, change + n_, 0.0);
      for (Index j = 0; j < std::min<Index>(n_, 64); ++j) {
        if (((passed >> j) & 1U) == 0) continue;
        change[j] = (at_lower(at(j)) ? upper_[at(j)] : lower_[at(j)]) - value_[at(j)];
      }
      move_columns(change);
    }
    pivot(s, entering, (bound - value_[leaving]) / row[entering]);
    value_[at(entering)] = bound;
  }
}

// Ratio test: the slot whose row first meets a bound when a column moves in direction `rising`, -1
// when the column may cross its whole range. Among the rows that a step computed with tolerance
// allows, the one with the largest pivot (Harris 1973).
Index CellProgram::leaving_slot(Index entering, double rising, double range, double& step) {
  const Index n_slots = n_rows_ - n_;
  const double* column = coefficients_.data() + entering;
  double* slope = entry_.data();
  for (Index s = 0; s < n_slots; ++s) slope[s] = rising * column[s * stride_];
  const double* lower = lower_.data() + n_;
  const double* upper = upper_.data() + n_;
  const double* value = value_.data() + n_;
  const double allowed = kernels::functions().allowed_step(n_slots, slope, lower, upper, value,
                                                           range, kTolerance, kZeroSlope);
  Index leaving = -1;
  double largest = kZeroSlope;
  for (Index s = 0; s < n_slots; ++s) {
    const double size = std::abs(slope[s]);
    if (size <= largest) continue;
    const double bound = slope[s] > 0.0 ? upper[s] : lower[s];
    const double room = slope[s] > 0.0 ? bound - value[s] : value[s] - bound;
    if (room <= allowed * size) {
      leaving = s;
      largest = size;
      step = std::max(0.0, room / size);
    }
  }
  return leaving >= 0 && step < range ? leaving : -1;
}

void CellProgram::optimize(Index row, double direction, Index max_pivots) {
  for (Index n_done = 0; n_done < max_pivots; ++n_done) {
    const auto place = static_cast<Index>(position(row));
    const double target = direction > 0.0 ? upper_[at(place)] : lower_[at(place)];
    if (direction * (target - value_[at(place)]) <= slack(target)) return;
    Index entering = -1;
    double best = kZeroSlope;
    double rising = 0.0;  // direction in which the entering column moves
    if (place < n_) {
      entering = place;
      rising = direction;  // it is not at the bound aimed at, or we would have returned
    } else {
      const double* gain = slot(place - n_);
      for (Index j = 0; j < n_; ++j) {
        const double slope = direction * gain[j];
        const double size = std::abs(slope);
        if (size <= best || lower_[at(j)] == upper_[at(j)]) continue;
        if ((slope > 0.0) != at_lower(at(j))) continue;
        best = size;
        entering = j;
        rising = slope > 0.0 ? 1.0 : -1.0;
      }
    }
    if (entering < 0) return;
    const double range = upper_[at(entering)] - lower_[at(entering)];
    double step = range;
    const Index leaving = leaving_slot(entering, rising, range, step);
    if (leaving < 0) {
      if (!(range < kInfinity)) return;
      move_column(entering, rising * range);
      value_[at(entering)] = rising > 0.0 ? upper_[at(entering)] : lower_[at(entering)];
    } else {
      const std::size_t p = at(n_ + leaving);
      const bool up = rising * slot(leaving)[entering] > 0.0;
      const double bound = up ? upper_[p] : lower_[p];
      pivot(leaving, entering, rising * step);
      value_[at(entering)] = bound;
    }
  }
}

}  // namespace rnndyn

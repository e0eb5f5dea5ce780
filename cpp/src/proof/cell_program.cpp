#include "proof/cell_program.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Entries smaller than this, relative to the largest of their row, are no pivots.
constexpr double kSmallPivot = 1e-9;
// A row violates its bound beyond this, relative to the size of bound and value.
constexpr double kTolerance = 1e-10;

double slack(double bound) { return kTolerance * (1.0 + std::abs(bound)); }

// Every row but one gets the multiple of `fresh` that its entry in column j asks for. The stride as
// a constant lets the compiler keep `fresh` in registers.
template <Index Stride>
void eliminate(double* coefficients, Index n_slots, Index skip, Index j, const double* fresh) {
  std::array<double, static_cast<std::size_t>(Stride)> kept;
  for (Index c = 0; c < Stride; ++c) kept[static_cast<std::size_t>(c)] = fresh[c];
  for (Index s = 0; s < n_slots; ++s) {
    if (s == skip) continue;
    double* row = coefficients + s * Stride;
    const double factor = row[j];
    row[j] = 0.0;
    for (Index c = 0; c < Stride; ++c) row[c] += factor * kept[static_cast<std::size_t>(c)];
  }
}

void eliminate(double* coefficients, Index n_slots, Index skip, Index j, const double* fresh,
               Index stride) {
  switch (stride) {
    case 4: return eliminate<4>(coefficients, n_slots, skip, j, fresh);
    case 8: return eliminate<8>(coefficients, n_slots, skip, j, fresh);
    case 16: return eliminate<16>(coefficients, n_slots, skip, j, fresh);
    case 24: return eliminate<24>(coefficients, n_slots, skip, j, fresh);
    case 32: return eliminate<32>(coefficients, n_slots, skip, j, fresh);
    default: break;
  }
  for (Index s = 0; s < n_slots; ++s) {
    if (s == skip) continue;
    double* row = coefficients + s * stride;
    const double factor = row[j];
    row[j] = 0.0;
    for (Index c = 0; c < stride; ++c) row[c] += factor * fresh[c];
  }
}

}  // namespace

void CellProgram::start(const double* lower, const double* upper, Index n_columns,
                        Index capacity) {
  n_ = n_columns;
  stride_ = n_ <= 4 ? 4 : (n_ + 7) / 8 * 8;
  n_rows_ = n_;
  const std::size_t rows = at(capacity);
  place_.resize(rows);
  row_.resize(rows);
  lower_.resize(rows);
  upper_.resize(rows);
  value_.resize(rows);
  coefficients_.resize(rows * at(stride_));
  column_.resize(at(n_));
  cost_.assign(at(stride_), 0.0);
  for (Index j = 0; j < n_; ++j) {
    const bool at_lower = std::abs(lower[j]) <= std::abs(upper[j]);
    lower_[at(j)] = lower[j];
    upper_[at(j)] = upper[j];
    value_[at(j)] = at_lower ? lower[j] : upper[j];
    place_[at(j)] = static_cast<std::int32_t>(-1 - j);
    column_[at(j)] = static_cast<std::int32_t>(j);
    // Costs that are all different make ties, and so cycling, unlikely.
    const double size = 1.0 + 0.618 * static_cast<double>((j * 7) % 11) / 11.0;
    cost_[at(j)] = at_lower ? size : -size;
  }
  n_pivots_ = 0;
}

Index CellProgram::append(const double* factors, const double* constants, Index count, Index base,
                          Index n_factors) {
  const Index first = n_rows_;
  for (Index i = 0; i < count; ++i) {
    const Index s = n_rows_ - n_;
    double* out = slot(s);
    std::fill(out, out + stride_, 0.0);
    double value = constants[i];
    for (Index f = 0; f < n_factors; ++f) {
      const double factor = factors[i * n_factors + f];
      if (factor == 0.0) continue;
      value += factor * value_[at(base + f)];
      const std::int32_t place = place_[at(base + f)];
      if (place < 0) {
        out[-1 - place] += factor;
      } else {
        const double* in = slot(place);
        for (Index c = 0; c < stride_; ++c) out[c] += factor * in[c];
      }
    }
    const std::size_t row = at(n_rows_);
    value_[row] = value;
    lower_[row] = -kInfinity;
    upper_[row] = kInfinity;
    place_[row] = static_cast<std::int32_t>(s);
    row_[at(s)] = static_cast<std::int32_t>(n_rows_++);
  }
  return first;
}

Index CellProgram::append_difference(Index a, Index b) {
  const Index first = n_rows_;
  const double zero = 0.0;
  const double one = 1.0;
  append(&one, &zero, 1, a, 1);
  double* out = slot(first - n_);
  value_[at(first)] -= value_[at(b)];
  const std::int32_t place = place_[at(b)];
  if (place < 0) {
    out[-1 - place] -= 1.0;
  } else {
    const double* in = slot(place);
    for (Index c = 0; c < stride_; ++c) out[c] -= in[c];
  }
  return first;
}

void CellProgram::express(Index row, double* coefficients) const {
  const std::int32_t place = place_[at(row)];
  if (place < 0) {
    std::fill(coefficients, coefficients + n_, 0.0);
    coefficients[-1 - place] = 1.0;
  } else {
    std::copy(slot(place), slot(place) + n_, coefficients);
  }
}

// Adds `change` (stride_ numbers) to the values of the columns, all at once.
void CellProgram::move_columns(const double* change) {
  for (Index j = 0; j < n_; ++j) value_[at(column_[at(j)])] += change[j];
  for (Index s = 0; s < n_rows_ - n_; ++s) {
    const double* row = slot(s);
    double sum = 0.0;
    for (Index c = 0; c < stride_; ++c) sum += row[c] * change[c];
    value_[at(row_[at(s)])] += sum;
  }
}

// Column j moves by `change`, then its row and the one in slot s exchange places.
void CellProgram::pivot(Index s, Index j, double change) {
  ++n_pivots_;
  const Index n_slots = n_rows_ - n_;
  if (change != 0.0) {
    const double* entry = coefficients_.data() + j;
    for (Index k = 0; k < n_slots; ++k) {
      value_[at(row_[at(k)])] += change * entry[k * stride_];
    }
    value_[at(column_[at(j)])] += change;
  }
  // Solve row s for column j ...
  double* fresh = slot(s);
  const double inverse = 1.0 / fresh[j];
  for (Index c = 0; c < stride_; ++c) fresh[c] *= -inverse;
  fresh[j] = inverse;
  // ... and substitute.
  eliminate(coefficients_.data(), n_slots, s, j, fresh, stride_);
  const double factor = cost_[at(j)];
  cost_[at(j)] = 0.0;
  for (Index c = 0; c < stride_; ++c) cost_[at(c)] += factor * fresh[c];
  std::swap(row_[at(s)], column_[at(j)]);
  place_[at(row_[at(s)])] = static_cast<std::int32_t>(s);
  place_[at(column_[at(j)])] = static_cast<std::int32_t>(-1 - j);
}

Index CellProgram::violated_slot() const {
  Index worst = -1;
  double worst_violation = 0.0;
  for (Index s = 0; s < n_rows_ - n_; ++s) {
    const std::size_t row = at(row_[at(s)]);
    const double violation = std::max(lower_[row] - value_[row], value_[row] - upper_[row]);
    if (violation > worst_violation) {
      const double bound = value_[row] < lower_[row] ? lower_[row] : upper_[row];
      if (violation > slack(bound)) {
        worst = s;
        worst_violation = violation;
      }
    }
  }
  return worst;
}

CellProgram::Outcome CellProgram::make_feasible(Index max_pivots) {
  thread_local std::vector<double> change;
  change.assign(at(stride_), 0.0);
  for (Index n_done = 0;; ++n_done) {
    const Index s = violated_slot();
    if (s < 0) return Outcome::feasible;
    if (n_done == max_pivots) return Outcome::unfinished;
    const double* row = slot(s);
    const std::size_t leaving = at(row_[at(s)]);
    const bool below = value_[leaving] < lower_[leaving];
    const double bound = below ? lower_[leaving] : upper_[leaving];
    const double direction = below ? 1.0 : -1.0;
    double largest = 0.0;
    for (Index j = 0; j < n_; ++j) largest = std::max(largest, std::abs(row[j]));
    const double smallest = kSmallPivot * largest;
    // Walk through the break points of the dual objective, in order of their ratios.
    double lacking = std::abs(bound - value_[leaving]);
    std::uint64_t passed = 0;  // columns that change over to their other bound
    bool flipped = false;
    Index entering = -1;
    for (;;) {
      Index next = -1;
      double best_ratio = kInfinity;
      double best_size = 0.0;
      for (Index j = 0; j < n_; ++j) {
        if (j < 64 && ((passed >> j) & 1U) != 0) continue;
        const double size = std::abs(row[j]);
        if (!(size > smallest)) continue;
        const std::size_t c = at(column_[at(j)]);
        if (lower_[c] == upper_[c]) continue;
        const bool at_lower = value_[c] - lower_[c] <= upper_[c] - value_[c];
        if ((direction * row[j] > 0.0) != at_lower) continue;
        const double ratio = std::abs(cost_[at(j)]) / size;
        if (ratio < best_ratio * (1.0 - 1e-12) || (ratio <= best_ratio && size > best_size)) {
          next = j;
          best_ratio = ratio;
          best_size = size;
        }
      }
      if (next < 0) break;
      const std::size_t c = at(column_[at(next)]);
      const double reach = best_size * (upper_[c] - lower_[c]);
      if (reach >= lacking || next >= 64) {
        entering = next;
        break;
      }
      lacking -= reach;
      passed |= std::uint64_t{1} << next;
      flipped = true;
    }
    if (entering < 0) {
      stuck_row_ = static_cast<Index>(leaving);
      stuck_below_ = below;
      return Outcome::infeasible;
    }
    if (flipped) {
      std::fill(change.begin(), change.end(), 0.0);
      for (Index j = 0; j < std::min<Index>(n_, 64); ++j) {
        if (((passed >> j) & 1U) == 0) continue;
        const std::size_t c = at(column_[at(j)]);
        const bool at_lower = value_[c] - lower_[c] <= upper_[c] - value_[c];
        change[at(j)] = (at_lower ? upper_[c] : lower_[c]) - value_[c];
      }
      move_columns(change.data());
    }
    const double step = (bound - value_[leaving]) / row[entering];
    pivot(s, entering, step);
    value_[leaving] = bound;
  }
}

void CellProgram::optimize(Index row, double direction, Index max_pivots) {
  const Index n_slots = n_rows_ - n_;
  const auto at_lower = [&](std::size_t r) {
    return value_[r] - lower_[r] <= upper_[r] - value_[r];
  };
  for (Index n_done = 0; n_done < max_pivots; ++n_done) {
    const std::int32_t place = place_[at(row)];
    const double target = direction > 0.0 ? upper_[at(row)] : lower_[at(row)];
    if (direction * (target - value_[at(row)]) <= slack(target)) return;
    Index entering = -1;
    double best = 1e-11;
    double rising = 0.0;  // direction in which the entering column moves
    if (place < 0) {
      entering = -1 - place;
      rising = direction;  // it is not at the bound aimed at, or we would have returned
    } else {
      const double* gain = slot(place);
      for (Index j = 0; j < n_; ++j) {
        const std::size_t c = at(column_[at(j)]);
        const double slope = direction * gain[j];
        const double size = std::abs(slope);
        if (size <= best || lower_[c] == upper_[c] || (slope > 0.0) != at_lower(c)) continue;
        best = size;
        entering = j;
        rising = slope > 0.0 ? 1.0 : -1.0;
      }
    }
    if (entering < 0) return;
    // Ratio test: how far until a row, or the column itself, meets a bound. Among the rows that
    // the step bound with tolerance allows, the largest pivot (Harris 1973).
    const std::size_t c = at(column_[at(entering)]);
    const double range = upper_[c] - lower_[c];
    double allowed = range;
    const double* entry = coefficients_.data() + entering;
    for (Index s = 0; s < n_slots; ++s) {
      const double slope = rising * entry[s * stride_];
      if (std::abs(slope) < 1e-11) continue;
      const std::size_t r = at(row_[at(s)]);
      const double bound = slope > 0.0 ? upper_[r] : lower_[r];
      const double room = (bound - value_[r]) / slope + slack(bound) / std::abs(slope);
      allowed = std::min(allowed, room);
    }
    Index leaving = -1;
    double largest = 0.0;
    double step = range;
    for (Index s = 0; s < n_slots; ++s) {
      const double slope = rising * entry[s * stride_];
      if (std::abs(slope) < 1e-11 || std::abs(slope) <= largest) continue;
      const std::size_t r = at(row_[at(s)]);
      const double bound = slope > 0.0 ? upper_[r] : lower_[r];
      const double ratio = (bound - value_[r]) / slope;
      if (ratio <= allowed) {
        leaving = s;
        largest = std::abs(slope);
        step = std::max(0.0, ratio);
      }
    }
    if (leaving < 0 || range <= step) {
      std::vector<double> change(at(stride_), 0.0);
      change[at(entering)] = rising * range;
      const double end = rising > 0.0 ? upper_[c] : lower_[c];
      move_columns(change.data());
      value_[c] = end;
      if (!(range < kInfinity)) return;
    } else {
      const std::size_t r = at(row_[at(leaving)]);
      const double bound = rising * entry[leaving * stride_] > 0.0 ? upper_[r] : lower_[r];
      pivot(leaving, entering, rising * step);
      value_[r] = bound;
    }
  }
}

}  // namespace rnndyn

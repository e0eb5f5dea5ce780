#include "exact/exact_interior.hpp"

#include <utility>

namespace rnndyn {
namespace {

// maximise t subject to forms_i(a) - s_i t >= 0 and cap - t >= 0, with a and t free: the simplex
// method on a dictionary of exact numbers with one common denominator, whose divisions leave no
// remainder. Bland's rule (Math. Oper. Res. 2, 103, 1977) keeps it from going round in circles, so
// it ends.
class DepthProgram {
 public:
  DepthProgram(const ExactMatrix& forms, const Dyadic& cap)
      : n_free_(forms.cols()),
        n_rows_(forms.rows() + 1),
        d_(n_rows_, 1 + n_free_),
        denominator_(1.0) {
    for (Index i = 0; i + 1 < n_rows_; ++i) {
      Dyadic size;
      for (Index j = 0; j < forms.cols(); ++j) {
        d_(i, j) = forms(i, j);
        if (j == 0 || forms(i, j).is_zero()) continue;
        const Dyadic own = forms(i, j).leading_power();
        if (size.is_zero() || (size - own).sign() < 0) size = own;
      }
      d_(i, time()) = -size;
      basic_.push_back(n_free_ + i);
    }
    d_(n_rows_ - 1, 0) = cap;
    d_(n_rows_ - 1, time()) = Dyadic(-1.0);
    basic_.push_back(n_free_ + n_rows_ - 1);
    for (Index j = 0; j < n_free_; ++j) nonbasic_.push_back(j);  // the last of them is t
  }

  // False when the effort is exhausted.
  bool solve(ExactEffort& effort) {
    // The largest t that leaves all rows nonnegative at a = 0.
    Index row = n_rows_ - 1;
    for (Index i = 0; i + 1 < n_rows_; ++i) {
      effort.spend(d_(i, 0), d_(row, time()));
      const Dyadic here = d_(i, 0) * d_(row, time());
      if ((here - d_(row, 0) * d_(i, time())).sign() > 0) row = i;
    }
    pivot(row, time(), effort);
    depth_row_ = row;
    while (!effort.exhausted()) {
      const Index col = entering();
      if (col == 0) return true;
      pivot(leaving(col, effort), col, effort);
    }
    return false;
  }

  Interior result() const {
    Interior interior;
    const int depth = d_(depth_row_, 0).sign();
    if (depth < 0) return interior;
    interior.kind = depth > 0 ? InteriorKind::interior : InteriorKind::face;
    interior.denominator = denominator_;
    interior.point.resize(static_cast<std::size_t>(n_free_ - 1));
    for (Index i = 0; i < n_rows_; ++i) {
      const Index variable = basic_[static_cast<std::size_t>(i)];
      if (variable + 1 < n_free_) interior.point[static_cast<std::size_t>(variable)] = d_(i, 0);
    }
    if (depth > 0) return interior;
    // t = - sum y_i w_i with y >= 0 and t = 0: rows with y_i > 0 vanish on all of the set.
    for (Index c = 1; c <= n_free_; ++c) {
      const Index variable = nonbasic_[static_cast<std::size_t>(c - 1)];
      if (variable >= n_free_ && d_(depth_row_, c).sign() < 0) {
        interior.equalities.push_back(variable - n_free_);
      }
    }
    return interior;
  }

 private:
  Index time() const { return n_free_; }  // first column of t

  // Column of the nonbasic variable of lowest number that can raise t, or 0.
  Index entering() const {
    Index best = 0;
    for (Index c = 1; c <= n_free_; ++c) {
      const Index variable = nonbasic_[static_cast<std::size_t>(c - 1)];
      const int sign = d_(depth_row_, c).sign();
      const bool helps = variable < n_free_ ? sign != 0 : sign > 0;
      if (!helps) continue;
      if (best == 0 || variable < nonbasic_[static_cast<std::size_t>(best - 1)]) best = c;
    }
    return best;
  }

  // Row whose variable is the first to become zero. There is one, since t is bounded.
  Index leaving(Index col, ExactEffort& effort) const {
    const bool upwards = d_(depth_row_, col).sign() > 0;
    const auto slope = [&](Index i) { return upwards ? -d_(i, col) : d_(i, col); };
    Index best = -1;
    for (Index i = 0; i < n_rows_; ++i) {
      const Index variable = basic_[static_cast<std::size_t>(i)];
      if (variable < n_free_ || slope(i).sign() <= 0) continue;
      if (best >= 0) {
        effort.spend(d_(i, 0), slope(best));
        const int order = (d_(i, 0) * slope(best) - d_(best, 0) * slope(i)).sign();
        const bool lower = variable < basic_[static_cast<std::size_t>(best)];
        if (order > 0 || (order == 0 && !lower)) continue;
      }
      best = i;
    }
    return best;
  }

  void pivot(Index row, Index col, ExactEffort& effort) {
    const Dyadic head = d_(row, col);
    const bool negative = head.sign() < 0;
    for (Index i = 0; i < n_rows_; ++i) {
      if (i == row) continue;
      const Dyadic factor = d_(i, col);
      for (Index j = 0; j <= n_free_; ++j) {
        if (j == col) continue;
        effort.spend(head, d_(i, j));
        effort.spend(factor, d_(row, j));
        const Dyadic value = (head * d_(i, j) - factor * d_(row, j)).over_divisor(denominator_);
        d_(i, j) = negative ? -value : value;
      }
      if (negative) d_(i, col) = -factor;
    }
    for (Index j = 0; j <= n_free_; ++j) {
      if (j != col && !negative) d_(row, j) = -d_(row, j);
    }
    d_(row, col) = negative ? -denominator_ : denominator_;
    denominator_ = negative ? -head : head;
    std::swap(basic_[static_cast<std::size_t>(row)], nonbasic_[static_cast<std::size_t>(col - 1)]);
  }

  Index n_free_;  // the a_j and t
  Index n_rows_;
  ExactMatrix d_;  // basic = (column 0 + sum of columns times nonbasic) / denominator
  Dyadic denominator_;
  std::vector<Index> basic_, nonbasic_;  // a_j, t, then one variable per row
  Index depth_row_ = 0;
};

}  // namespace

std::optional<Interior> find_interior(const ExactMatrix& forms, const Dyadic& cap,
                                      ExactEffort& effort) {
  DepthProgram program(forms, cap);
  if (!program.solve(effort)) return std::nullopt;
  return program.result();
}

}  // namespace rnndyn

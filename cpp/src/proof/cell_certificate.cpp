#include "proof/cell_certificate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace rnndyn {

double certified_upper(const CellProgram& program, Index row, double sign, const double* const* g,
                       const double* size) {
  const Index n = program.n_columns();
  std::array<double, kMostStates> coefficients;
  std::array<double, kMostStates> residual;
  std::array<double, kMostStates> absolute;
  program.express(row, coefficients.data());
  double bound = 0.0;
  double total = 0.0;
  for (Index l = 0; l < n; ++l) {
    residual[static_cast<std::size_t>(l)] = sign * g[row][l];
    absolute[static_cast<std::size_t>(l)] = std::abs(g[row][l]);
  }
  for (Index j = 0; j < n; ++j) {
    const double d = sign * coefficients[static_cast<std::size_t>(j)];
    if (d == 0.0) continue;
    const Index column = program.column(j);
    const double term = d * (d > 0.0 ? program.upper(column) : program.lower(column));
    bound += term;
    total += std::abs(term);
    for (Index l = 0; l < n; ++l) {
      const double product = d * g[column][l];
      residual[static_cast<std::size_t>(l)] -= product;
      absolute[static_cast<std::size_t>(l)] += std::abs(product);
    }
  }
  // A product and a sum for each of the columns, in the residuals and in the bound.
  const double unit = gamma_of(2.0 * static_cast<double>(n));
  const double lost = kUnderflow;
  double slop = unit * total + lost;
  for (Index l = 0; l < n; ++l) {
    slop += (std::abs(residual[static_cast<std::size_t>(l)]) +
             unit * absolute[static_cast<std::size_t>(l)] + lost) *
            size[l];
  }
  const double result = bound + slop * (1.0 + unit);
  const double outward = result + std::abs(result) * gamma(2.0) + lost;
  return std::isnan(outward) ? std::numeric_limits<double>::infinity() : outward;
}

namespace {

using States = std::array<double, static_cast<std::size_t>(kMostStates)>;

// Rows and multipliers of a signed sum
//   S = y_stuck - sum_j d_j y_{column j}   (or its negative)
// which is constant: the stuck row cannot reach its bound however the columns stand, as the bounds
// say that S is larger than that constant. By descending row.
class StuckRow {
 public:
  struct Term {
    Index row;
    double multiplier;
  };

  explicit StuckRow(const CellProgram& program) {
    States coefficients;
    const double sign = program.stuck_below() ? 1.0 : -1.0;
    program.express(program.stuck_row(), coefficients.data());
    terms_[size_++] = {program.stuck_row(), sign};
    for (Index j = 0; j < program.n_columns(); ++j) {
      const double d = coefficients[static_cast<std::size_t>(j)];
      if (d != 0.0) terms_[size_++] = {program.column(j), -sign * d};
    }
    std::sort(terms_.begin(), terms_.begin() + static_cast<std::ptrdiff_t>(size_),
              [](const Term& a, const Term& b) { return a.row > b.row; });
  }

  std::size_t size() const { return size_; }
  const Term& operator[](std::size_t n) const { return terms_[n]; }

 private:
  std::array<Term, static_cast<std::size_t>(kMostStates) + 1> terms_;
  std::size_t size_ = 0;
};

// That sum along a word: S = value + g z_t + the terms of earlier steps, up to the slop, while the
// bounds of the terms met so far demand a certain size of it.
class WordSum {
 public:
  WordSum(Index n_states, const Vector& size, double lost)
      : m_(n_states),
        size_(size),
        lost_(lost),
        unit_(gamma_of(2.0 * static_cast<double>(n_states) + 4.0)) {}

  // The multiplier of a coordinate of z_n - z_0, before anything else.
  void close(Index state, double multiplier) {
    closing_[static_cast<std::size_t>(state)] = multiplier;
    g_[static_cast<std::size_t>(state)] = multiplier;
  }

  // A face of the cell of this step, whose size there is at most `face_size`.
  void add_face(double multiplier, double bound, const double* row, double face_size) {
    const double term = multiplier * bound;
    demand_ += term;
    total_ += std::abs(term);
    slop_ += unit_ * std::abs(multiplier) * face_size;
    add_rounding();
    for (Index l = 0; l < m_; ++l) g_[static_cast<std::size_t>(l)] += multiplier * row[l];
  }

  // z_t = J z_{t-1} + c in the region of step t - 1; the first rows of T are unit vectors, so the
  // first rows of its image are J, and the errors bound those of all products with it.
  void step_back(const Cell& before) {
    slop_ += lost_;
    std::fill(next_.begin(), next_.begin() + m_, 0.0);
    for (Index i = 0; i < m_; ++i) {
      const double factor = g_[static_cast<std::size_t>(i)];
      if (factor == 0.0) continue;
      const double term = factor * before.image_offset[static_cast<std::size_t>(i)];
      value_ += term;
      total_ += std::abs(term);
      slop_ += 3.0 * std::abs(factor) * before.image_error[static_cast<std::size_t>(i)];
      const double* row = before.image.data() + i * m_;
      for (Index l = 0; l < m_; ++l) next_[static_cast<std::size_t>(l)] += factor * row[l];
    }
    std::copy(next_.begin(), next_.begin() + m_, g_.begin());
  }

  // Of a word of n steps, all of whose terms have been added.
  bool is_contradiction(Index n) {
    add_rounding();
    for (Index l = 0; l < m_; ++l) {
      const double left = g_[static_cast<std::size_t>(l)] - closing_[static_cast<std::size_t>(l)];
      slop_ += std::abs(left) * size_(l);
    }
    add_rounding();
    const double sums = static_cast<double>(n + 2) * static_cast<double>(m_ + 2);
    const double slop =
        slop_ * (1.0 + gamma_of(4.0 * sums)) + gamma_of(2.0 * sums) * total_ + lost_;
    return demand_ - value_ > slop * kOutward + gamma(8.0) * (std::abs(demand_) + std::abs(value_));
  }

 private:
  void add_rounding() {
    slop_ += lost_;
    for (Index l = 0; l < m_; ++l) {
      slop_ += unit_ * std::abs(g_[static_cast<std::size_t>(l)]) * size_(l);
    }
  }

  Index m_;
  const Vector& size_;
  double lost_, unit_;
  States g_{}, closing_{};
  States next_;
  double demand_ = 0.0;  // S is at least this, by the bounds
  double total_ = 0.0;   // of the absolute terms of all sums
  double value_ = 0.0;
  double slop_ = 0.0;
};

}  // namespace

WordCertificate::WordCertificate(const CellCover& cover, Vector size)
    : cover_(&cover), size_(std::move(size)) {
  const Vector sizes = cover.faces.rows.cwiseAbs() * size_;
  const auto m = static_cast<double>(size_.size());
  const double all = size_.sum() + 1.0;
  for (const double face : sizes) face_size_.push_back(face * kOutward + underflow(m + 2.0));
  // Each step takes at most M^2 products for the coefficients of z, and some more for each of the
  // faces' multipliers and for the bounds of errors.
  lost_ = std::max(kUnderflow, underflow(8.0 * (m + 4.0) * (m + 4.0)) * all);
}

bool WordCertificate::refutes(const CellProgram& program, const std::int32_t* word, Index n,
                              Index first_closing) const {
  const Index m = program.n_columns();
  const Index n_faces = cover_->faces.size();
  const StuckRow terms(program);
  WordSum sum(m, size_, lost_);
  std::size_t at = 0;
  for (; at < terms.size() && terms[at].row >= first_closing; ++at) {
    sum.close(terms[at].row - first_closing, terms[at].multiplier);
  }
  for (Index t = n; t >= 0; --t) {
    const Cell& cell = cover_->cells[static_cast<std::size_t>(word[t])];
    for (; at < terms.size() && terms[at].row >= t * n_faces; ++at) {
      const Index face = terms[at].row - t * n_faces;
      const double multiplier = terms[at].multiplier;
      const double bound = multiplier > 0.0 ? cell.lower[static_cast<std::size_t>(face)]
                                            : cell.upper[static_cast<std::size_t>(face)];
      sum.add_face(multiplier, bound, cover_->faces.rows.data() + face * m,
                   face_size_[static_cast<std::size_t>(face)]);
    }
    if (t > 0) sum.step_back(cover_->cells[static_cast<std::size_t>(word[t - 1])]);
  }
  return sum.is_contradiction(n);
}

}  // namespace rnndyn

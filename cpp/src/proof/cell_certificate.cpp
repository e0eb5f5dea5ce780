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
  // The stuck row cannot reach its bound however the columns stand: the signed sum
  //   S = y_stuck - sum_j d_j y_{column j}   (or its negative)
  // is constant, and the bounds say that it is larger than that constant.
  struct Term {
    Index row;
    double multiplier;
  };
  std::array<Term, static_cast<std::size_t>(kMostStates) + 1> terms;
  std::array<double, static_cast<std::size_t>(kMostStates)> coefficients;
  const double sign = program.stuck_below() ? 1.0 : -1.0;
  program.express(program.stuck_row(), coefficients.data());
  std::size_t n_terms = 0;
  terms[n_terms++] = {program.stuck_row(), sign};
  for (Index j = 0; j < m; ++j) {
    const double d = coefficients[static_cast<std::size_t>(j)];
    if (d != 0.0) terms[n_terms++] = {program.column(j), -sign * d};
  }
  std::sort(terms.begin(), terms.begin() + static_cast<std::ptrdiff_t>(n_terms),
            [](const Term& a, const Term& b) { return a.row > b.row; });

  std::array<double, static_cast<std::size_t>(kMostStates)> g{};
  std::array<double, static_cast<std::size_t>(kMostStates)> next;
  double demand = 0.0;  // S is at least this, by the bounds
  double total = 0.0;   // of the absolute terms of all sums
  double value = 0.0;   // S = value + g z_t + the terms of earlier steps, up to
  double slop = 0.0;
  std::size_t at = 0;
  // Coordinates of z_n - z_0.
  std::array<double, static_cast<std::size_t>(kMostStates)> closing{};
  for (; at < n_terms && terms[at].row >= first_closing; ++at) {
    closing[static_cast<std::size_t>(terms[at].row - first_closing)] = terms[at].multiplier;
  }
  for (Index l = 0; l < m; ++l)
    g[static_cast<std::size_t>(l)] = closing[static_cast<std::size_t>(l)];
  const double unit = gamma_of(2.0 * static_cast<double>(m) + 4.0);
  const auto add_rounding = [&] {
    slop += lost_;
    for (Index l = 0; l < m; ++l)
      slop += unit * std::abs(g[static_cast<std::size_t>(l)]) * size_(l);
  };
  for (Index t = n; t >= 0; --t) {
    const Cell& cell = cover_->cells[static_cast<std::size_t>(word[t])];
    for (; at < n_terms && terms[at].row >= t * n_faces; ++at) {
      const Index face = terms[at].row - t * n_faces;
      const double multiplier = terms[at].multiplier;
      const double bound = multiplier > 0.0 ? cell.lower[static_cast<std::size_t>(face)]
                                            : cell.upper[static_cast<std::size_t>(face)];
      const double term = multiplier * bound;
      demand += term;
      total += std::abs(term);
      slop += unit * std::abs(multiplier) * face_size_[static_cast<std::size_t>(face)];
      add_rounding();
      const double* row = cover_->faces.rows.data() + face * m;
      for (Index l = 0; l < m; ++l) g[static_cast<std::size_t>(l)] += multiplier * row[l];
    }
    if (t == 0) break;
    slop += lost_;
    // z_t = J z_{t-1} + c in the region of step t - 1; the first rows of T are unit vectors, so the
    // first rows of its image are J, and the errors bound those of all products with it.
    const Cell& before = cover_->cells[static_cast<std::size_t>(word[t - 1])];
    std::fill(next.begin(), next.begin() + m, 0.0);
    for (Index i = 0; i < m; ++i) {
      const double factor = g[static_cast<std::size_t>(i)];
      if (factor == 0.0) continue;
      const double term = factor * before.image_offset[static_cast<std::size_t>(i)];
      value += term;
      total += std::abs(term);
      slop += 3.0 * std::abs(factor) * before.image_error[static_cast<std::size_t>(i)];
      const double* row = before.image.data() + i * m;
      for (Index l = 0; l < m; ++l) next[static_cast<std::size_t>(l)] += factor * row[l];
    }
    std::copy(next.begin(), next.begin() + m, g.begin());
  }
  add_rounding();
  for (Index l = 0; l < m; ++l) {
    const double left = g[static_cast<std::size_t>(l)] - closing[static_cast<std::size_t>(l)];
    slop += std::abs(left) * size_(l);
  }
  add_rounding();
  const double sums = static_cast<double>(n + 2) * static_cast<double>(m + 2);
  slop = slop * (1.0 + gamma_of(4.0 * sums)) + gamma_of(2.0 * sums) * total + lost_;
  return demand - value > slop * kOutward + gamma(8.0) * (std::abs(demand) + std::abs(value));
}

}  // namespace rnndyn

#include "kernels/tangent/orthonormalize.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/tangent/product.hpp"
#include "rnndyn/random.hpp"

namespace rnndyn::lyapunov {
namespace {

// Wide enough for fast products, narrow enough that the work inside panels, which is done twice
// over, stays small.
constexpr Index kWidePanel = 48;
constexpr Index kNarrowPanel = 24;
constexpr Index kNarrowestPanel = 8;
constexpr Index kManyColumns = 192;
constexpr Index kFewColumns = 48;
constexpr Index kColumnsPerTask = 32;
// Between these no Gram matrix overflows or loses digits to underflow.
template <class Real>
constexpr double kSmallestSquare = sizeof(Real) == 8 ? 1e-200 : 1e-20;
template <class Real>
constexpr double kLargestSquare = sizeof(Real) == 8 ? 1e200 : 1e20;

Index columns_per_panel(Index columns) {
  const Index widest = columns > kManyColumns  ? kWidePanel
                       : columns > kFewColumns ? kNarrowPanel
                                               : kNarrowestPanel;
  const Index n_panels = std::max<Index>(1, (columns + widest - 1) / widest);
  return (columns + n_panels - 1) / n_panels;
}

// Block modified Gram-Schmidt with Cholesky Q R of the panels. All its work is products of
// matrices, and mostly one round is enough: projecting panel by panel loses digits like the
// condition of the block, not like its square as one Cholesky Q R of the whole would (Å. Björck,
// "Numerics of Gram-Schmidt orthogonalization", Linear Algebra Appl. 197, 1994). A second pass
// follows where a probe shows that too much orthogonality was lost.
template <class Real>
class BlockOrthonormalizer final : public Orthonormalizer<Real> {
 public:
  using Outcome = typename Orthonormalizer<Real>::Outcome;

  BlockOrthonormalizer(Index rows, Index columns, ParallelFor parallel);

  Outcome run(View<Real> block, View<Real> q, double* log_diagonal, bool precise,
              int n_threads) override;

 private:
  // Both return false where the fast way cannot do it.
  bool factor_fast(View<Real> q, double* log_diagonal, double& error, bool precise, int n_threads);
  bool factor_by_panels(View<Real> q, double* log_diagonal, int n_threads);
  double orthogonality_error(View<Real> q);
  bool factor_panel(View<Real> panel, double* log_diagonal);
  // One Cholesky Q R; returns the smallest squared ratio of a pivot to its column, 0 on breakdown.
  double cholesky_round(View<Real> panel, double* log_diagonal);
  void project(View<Real> panel, View<Real> rest, int n_threads);

  ParallelFor parallel_;
  Index panel_columns_;
  PackedMatrix<Real> transposed_, tall_;
  Block<Real> gram_, coefficients_;
  Eigen::Matrix<Real, -1, -1> factor_;
  std::vector<Real> row_;
  Eigen::Matrix<Real, -1, 1> probe_, image_, deviation_;
  std::vector<double> second_diagonal_;
  std::vector<double> norms_;
};

template <class Real>
BlockOrthonormalizer<Real>::BlockOrthonormalizer(Index rows, Index columns, ParallelFor parallel)
    : parallel_(parallel),
      panel_columns_(columns_per_panel(columns)),
      transposed_(panel_columns_, whole_lines<Real>(rows)),
      tall_(rows, panel_columns_),
      gram_(panel_columns_, panel_columns_),
      coefficients_(panel_columns_, columns),
      norms_(static_cast<std::size_t>(columns)) {}

template <class Real>
typename Orthonormalizer<Real>::Outcome BlockOrthonormalizer<Real>::run(
    View<Real> block, View<Real> q, double* log_diagonal, bool precise, int n_threads) {
  Outcome outcome;
  outcome.rank = block.columns;
  bool fast = true;
  for (Index j = 0; j < block.columns; ++j) {
    // In double precision: the square of a single-precision number may overflow.
    const double square = block.matrix().col(j).template cast<double>().squaredNorm();
    if (!std::isfinite(square) && !block.matrix().col(j).allFinite()) {
      outcome.finite = false;
      return outcome;
    }
    norms_[static_cast<std::size_t>(j)] = std::sqrt(square);
    fast = fast && square > kSmallestSquare<Real> && square < kLargestSquare<Real>;
  }
  if (block.columns == 0) return outcome;

  double smallest_remainder = 1.0, error = 0.0;
  if (fast) {
    q.matrix() = block.matrix();
    fast = factor_fast(q, log_diagonal, error, precise, n_threads);
  }
  if (fast) {
    // Compared with the longest column: the rounding errors of a column that the tangent map made
    // short by cancellation are not relative to its own length.
    const double longest = *std::max_element(norms_.begin(), norms_.begin() + block.columns);
    for (Index j = 0; j < block.columns; ++j) {
      smallest_remainder = std::min(smallest_remainder, std::exp(log_diagonal[j]) / longest);
    }
    fast = smallest_remainder >= Tolerance<Real>::smallest_remainder;
  }
  if (!fast) {
    outcome.householder = true;
    // The products that made the block have a few roundings for every entry of a column.
    const double roundoff = static_cast<double>(std::numeric_limits<Real>::epsilon()) *
                            std::sqrt(static_cast<double>(block.rows));
    const HouseholderFactors factors =
        householder_factors(block.matrix().template cast<double>(), roundoff);
    q.matrix() = factors.q.template cast<Real>();
    std::copy_n(factors.log_diagonal.data(), block.columns, log_diagonal);
    outcome.rank = factors.rank;
  }
  if (outcome.rank > 0) {
    const auto [low, high] = std::minmax_element(log_diagonal, log_diagonal + outcome.rank);
    outcome.log_condition = std::max(*high - *low, -std::log(smallest_remainder));
    if (error > Tolerance<Real>::orthogonal) {
      const double roundoff = std::numeric_limits<Real>::epsilon();
      outcome.log_condition = std::max(outcome.log_condition, std::log(error / roundoff));
    }
  }
  return outcome;
}

template <class Real>
bool BlockOrthonormalizer<Real>::factor_fast(View<Real> q, double* log_diagonal, double& error,
                                             bool precise, int n_threads) {
  if (!factor_by_panels(q, log_diagonal, n_threads)) return false;
  // The diagonal of R does not bound the condition (W. Kahan, Canad. Math. Bull. 9, 1966), so the
  // result is looked at.
  error = orthogonality_error(q);
  if (error <= (precise ? Tolerance<Real>::precisely_orthogonal : Tolerance<Real>::orthogonal)) {
    return true;
  }
  if (!(error <= Tolerance<Real>::hopeless)) return false;
  second_diagonal_.resize(static_cast<std::size_t>(q.columns));
  if (!factor_by_panels(q, second_diagonal_.data(), n_threads)) return false;
  for (Index j = 0; j < q.columns; ++j)
    log_diagonal[j] += second_diagonal_[static_cast<std::size_t>(j)];
  return orthogonality_error(q) <= Tolerance<Real>::orthogonal;
}

// Largest entry of (Q^T Q - I) x for a vector x of signs without pattern.
template <class Real>
double BlockOrthonormalizer<Real>::orthogonality_error(View<Real> q) {
  probe_.resize(q.columns);
  RandomStream signs(0, 0, static_cast<std::uint64_t>(q.columns));
  std::uint64_t bits = 0;
  for (Index j = 0; j < q.columns; ++j) {
    if (j % 64 == 0) bits = signs.next();
    probe_(j) = ((bits >> (j % 64)) & 1U) != 0 ? Real(1) : Real(-1);
  }
  image_.noalias() = q.matrix() * probe_;
  deviation_.noalias() = q.matrix().transpose() * image_;
  return static_cast<double>((deviation_ - probe_).cwiseAbs().maxCoeff());
}

template <class Real>
bool BlockOrthonormalizer<Real>::factor_by_panels(View<Real> q, double* log_diagonal,
                                                  int n_threads) {
  for (Index first = 0; first < q.columns; first += panel_columns_) {
    const Index width = std::min(panel_columns_, q.columns - first);
    const View<Real> panel = q.from(first, width);
    if (!factor_panel(panel, log_diagonal + first)) return false;
    const Index rest = q.columns - first - width;
    if (rest > 0) project(panel, q.from(first + width, rest), n_threads);
  }
  return true;
}

template <class Real>
bool BlockOrthonormalizer<Real>::factor_panel(View<Real> panel, double* log_diagonal) {
  std::fill_n(log_diagonal, panel.columns, 0.0);
  const double ratio = cholesky_round(panel, log_diagonal);
  if (ratio == 0.0) return false;
  // Cholesky QR2: the second round restores what the condition of the first one's Gram matrix cost
  // (Y. Yamamoto et al., Electron. Trans. Numer. Anal. 44, 2015).
  return ratio >= Tolerance<Real>::second_round || cholesky_round(panel, log_diagonal) > 0.5;
}

template <class Real>
double BlockOrthonormalizer<Real>::cholesky_round(View<Real> panel, double* log_diagonal) {
  const Index n = panel.columns;
  const View<Real> gram = gram_.view().left(n);
  transposed_.pack_transposed(panel);
  multiply(transposed_, panel, gram, Update::set);
  // R^T R = Gram matrix, row by row of R.
  factor_ = gram.matrix().topRows(n);
  row_.resize(static_cast<std::size_t>(n));
  double smallest = 1.0;
  for (Index j = 0; j < n; ++j) {
    const double pivot = static_cast<double>(factor_(j, j));
    const double ratio = pivot / static_cast<double>(gram.column(j)[j]);
    if (!(ratio >= Tolerance<Real>::breakdown)) return 0.0;  // not for NaN either
    smallest = std::min(smallest, ratio);
    log_diagonal[j] += 0.5 * std::log(pivot);
    const Real diagonal = std::sqrt(factor_(j, j));
    factor_(j, j) = diagonal;
    Real* row = row_.data();
    for (Index i = j + 1; i < n; ++i) row[i] = factor_(j, i) /= diagonal;
    for (Index i = j + 1; i < n; ++i) {
      Real* column = factor_.data() + i * n;
      const Real factor = row[i];
      for (Index k = j + 1; k <= i; ++k) column[k] -= row[k] * factor;
    }
  }
  divide_by_triangular(panel, factor_);
  return smallest;
}

template <class Real>
void BlockOrthonormalizer<Real>::project(View<Real> panel, View<Real> rest, int n_threads) {
  transposed_.pack_transposed(panel);
  tall_.pack(panel.matrix());
  const auto task = [&](std::size_t item, int) {
    const Index first = static_cast<Index>(item) * kColumnsPerTask;
    const Index n = std::min(kColumnsPerTask, rest.columns - first);
    const View<Real> columns = rest.from(first, n);
    const View<Real> coefficients = coefficients_.view().from(first, n);
    multiply(transposed_, columns, coefficients, Update::set);
    for (const Panel& rows : tall_.panels()) {
      multiply(tall_.data(rows), rows, panel.columns, coefficients, columns, Update::subtract);
    }
  };
  parallel_(static_cast<std::size_t>((rest.columns + kColumnsPerTask - 1) / kColumnsPerTask),
            n_threads, task);
}

}  // namespace

template <class Real>
std::unique_ptr<Orthonormalizer<Real>> make_orthonormalizer(Index rows, Index columns,
                                                            ParallelFor parallel) {
  return std::make_unique<BlockOrthonormalizer<Real>>(rows, columns, parallel);
}
template std::unique_ptr<Orthonormalizer<double>> make_orthonormalizer(Index, Index, ParallelFor);
template std::unique_ptr<Orthonormalizer<float>> make_orthonormalizer(Index, Index, ParallelFor);

}  // namespace rnndyn::lyapunov

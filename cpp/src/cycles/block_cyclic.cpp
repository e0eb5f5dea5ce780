#include "cycles/block_cyclic.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cycles/block_loops.hpp"
#include "kernels/functions.hpp"

namespace rnndyn {

namespace {

// What a singular value decomposition takes, for the cube of its size (measured for 500 states).
constexpr double kSvdOperations = 2.0;

// The smallest pivot of an elimination, for the largest entry, from which on its solutions are as
// good as any. They are corrected by residuals and enclosed afterwards.
constexpr double kGoodPivot = 1e-8;

// The Householder reflection (Golub, Van Loan, Matrix Computations, 4th ed., sec. 5.1) that makes
// zeros below the diagonal of column c of `a`, applied to `a` and to the square `q`.
template <int kRows, int kColumns>
void reflect(int c, double* a, double* q) {
  double square = 0.0;
  for (int row = c + 1; row < kRows; ++row) square += a[c * kRows + row] * a[c * kRows + row];
  if (square == 0.0) return;
  const double head = a[c * kRows + c];
  const double length = std::sqrt(head * head + square);
  double v[kRows];
  for (int row = 0; row < kRows; ++row) v[row] = row < c ? 0.0 : a[c * kRows + row];
  v[c] = head + std::copysign(length, head);
  const double scale = 2.0 / (v[c] * v[c] + square);
  const auto turn = [&](double* column) {
    double along = 0.0;
    for (int row = 0; row < kRows; ++row) along += v[row] * column[row];
    along *= scale;
    for (int row = 0; row < kRows; ++row) column[row] -= v[row] * along;
  };
  for (int k = 0; k < kColumns; ++k) turn(a + k * kRows);
  for (int k = 0; k < kRows; ++k) turn(q + k * kRows);
}

template <int kSize>
void set_identity(double* matrix) {
  for (int c = 0; c < kSize; ++c) {
    for (int row = 0; row < kSize; ++row) matrix[c * kSize + row] = row == c ? 1.0 : 0.0;
  }
}

// x = r^-1 x for the upper triangle of r.
template <int M>
void solve_upper(const double* r, double* x) {
  for (int c = M - 1; c >= 0; --c) {
    x[c] /= r[c * M + c];
    for (int row = 0; row < c; ++row) x[row] -= r[c * M + row] * x[c];
  }
}

// out = q x.
template <int kSize>
void turned(const double* q, const double* x, double* out) {
  for (int row = 0; row < kSize; ++row) out[row] = 0.0;
  add_product<kSize>(kSize, q, x, out);
}

// The solution, smallest at z_0, when all but the `rank` largest singular values count as zero.
Matrix truncated_solution(const dense::Svd& svd, Index rank, const Matrix& right) {
  Matrix scaled = dense::transposed_product(svd.u.leftCols(rank), right);
  for (Index i = 0; i < rank; ++i) scaled.row(i) /= svd.values(i);
  return dense::product(svd.v.leftCols(rank), scaled);
}

// Columns that are treated at once, of which one takes so many operations a step: enough for fast
// products, and few enough to look at the clock in between.
Index columns_at_once(double n_operations) {
  constexpr double kAtOnce = 5e7;
  return std::max<Index>(16, static_cast<Index>(kAtOnce / n_operations));
}

}  // namespace

template <int M>
void PairFactor<M>::compute(const double* upper, const double* lower) {
  double stacked[kRows * M];
  for (int c = 0; c < M; ++c) {
    for (int row = 0; row < M; ++row) {
      stacked[c * kRows + row] = upper[c * M + row];
      stacked[c * kRows + M + row] = -lower[c * M + row];
    }
  }
  set_identity<kRows>(q_adjoint);
  for (int c = 0; c < M; ++c) reflect<kRows, M>(c, stacked, q_adjoint);
  for (int c = 0; c < M; ++c) {
    for (int row = 0; row < M; ++row) r[c * M + row] = stacked[c * kRows + row];
  }
}

// Takes for singular what Eigen::ColPivHouseholderQR does, which factorises larger blocks: columns
// that are left with nothing but rounding errors of the largest one.
template <int M>
void ClosingFactor<M>::compute(const Eigen::Matrix<double, M, M>& block) {
  for (int i = 0; i < M * M; ++i) r[i] = block.data()[i];
  for (int c = 0; c < M; ++c) order[c] = c;
  set_identity<M>(q_adjoint);
  full_rank = true;
  double largest = 0.0;
  for (int c = 0; c < M; ++c) {
    int pivot = c;
    double best = -1.0;
    for (int k = c; k < M; ++k) {
      double square = 0.0;
      for (int row = c; row < M; ++row) square += r[k * M + row] * r[k * M + row];
      if (square > best) {
        best = square;
        pivot = k;
      }
    }
    if (c == 0) largest = best;
    constexpr double kUnit = std::numeric_limits<double>::epsilon();
    if (best < kUnit * kUnit * largest * static_cast<double>(M - c) / M) full_rank = false;
    std::swap_ranges(r + c * M, r + (c + 1) * M, r + pivot * M);
    std::swap(order[c], order[pivot]);
    reflect<M, M>(c, r, q_adjoint);
    if (r[c * M + c] == 0.0) full_rank = false;
  }
}

template <int M>
void ClosingFactor<M>::solve(const double* right, double* out) const {
  double x[M];
  turned<M>(q_adjoint, right, x);
  solve_upper<M>(r, x);
  for (int c = 0; c < M; ++c) out[order[c]] = x[c];
}

void ClosingFactor<Eigen::Dynamic>::compute(const Matrix& block) {
  const Index m = block.rows();
  lu = block;
  rows.resize(static_cast<std::size_t>(m));
  const kernels::DenseFunctions& dense = kernels::functions().dense;
  const double largest = dense.largest(m, m, block.data(), m);
  dense.factor(m, lu.data(), rows.data());
  by_elimination = std::isfinite(largest) && lu.allFinite() &&
                   lu.diagonal().cwiseAbs().minCoeff() > kGoodPivot * largest;
  if (by_elimination) {
    full_rank = true;
    return;
  }
  // All directions count, however small: the caller decides what is singular.
  qr.setThreshold(0.0);
  qr.compute(block);
  full_rank = qr.rank() == block.rows();
}

Matrix ClosingFactor<Eigen::Dynamic>::solve(const Matrix& right) const {
  if (!by_elimination) return dense::solve(qr, right);
  Matrix x = right;
  kernels::functions().dense.solve(x.rows(), lu.data(), rows.data(), x.cols(), x.data(), x.rows());
  return x;
}

template <int M>
BasicBlockCyclic<M>::BasicBlockCyclic(std::vector<Block> blocks, Control* control)
    : m_(blocks.front().rows()), n_blocks_(blocks.size()), looks_(control) {
  // Row so far: g z_0 + e z_{s} = f. The first block row is z_1 - P_0 z_0 = f_0.
  Block g = -blocks.front();
  Block e = Block::Identity(m_, m_);
  steps_.resize(n_blocks_ - 1);
  for (std::size_t s = 1; s < n_blocks_; ++s) add_step(blocks[s], steps_[s - 1], g, e);
  closing_ = g + e;
  closing_factor_.compute(closing_);
}

// Eliminates z_s: the columns of z_0 and of z_{s+1} are [g 0; 0 I].
template <int M>
void BasicBlockCyclic<M>::add_step(const Block& block, Step& step, Block& g, Block& e) {
  if constexpr (M == Eigen::Dynamic) {
    Matrix stacked(2 * m_, m_);
    stacked.topRows(m_) = e;
    stacked.bottomRows(m_) = -block;
    const double cube = std::pow(static_cast<double>(m_), 3);
    looks_.before(4.0 * cube);
    step.factor.qr.compute(stacked);
    looks_.after(4.0 * cube);
    step.factor.r = step.factor.qr.matrixQR().topRows(m_);
    Matrix others = Matrix::Zero(2 * m_, 2 * m_);
    others.topLeftCorner(m_, m_) = g;
    others.bottomRightCorner(m_, m_).setIdentity();
    const double column = 8.0 * static_cast<double>(m_ * m_);
    const Index width = columns_at_once(column);
    for (Index first = 0; first < others.cols(); first += width) {
      const Index count = std::min(width, others.cols() - first);
      dense::apply_adjoint(step.factor.qr, others.middleCols(first, count));
      looks_.after(column * static_cast<double>(count));
    }
    step.x = others.topLeftCorner(m_, m_);
    step.y = others.topRightCorner(m_, m_);
    g = others.bottomLeftCorner(m_, m_);
    e = others.bottomRightCorner(m_, m_);
  } else {
    constexpr int kRows = 2 * M;
    step.factor.compute(e.data(), block.data());
    const double* q = step.factor.q_adjoint;
    double product[kRows];
    for (int c = 0; c < M; ++c) {
      for (int row = 0; row < kRows; ++row) product[row] = 0.0;
      for (int l = 0; l < M; ++l) {
        const double factor = g.data()[c * M + l];
        for (int row = 0; row < kRows; ++row) product[row] += q[l * kRows + row] * factor;
      }
      const double* last = q + (M + c) * kRows;
      for (int row = 0; row < M; ++row) {
        step.x.data()[c * M + row] = product[row];
        step.y.data()[c * M + row] = last[row];
        g.data()[c * M + row] = product[M + row];
        e.data()[c * M + row] = last[M + row];
      }
    }
  }
}

template <int M>
const dense::Svd& BasicBlockCyclic<M>::closing_svd() const {
  if (!closing_svd_) {
    looks_.before(kSvdOperations * std::pow(static_cast<double>(m_), 3));
    closing_svd_ = dense::svd(Matrix(closing_));
  }
  return *closing_svd_;
}

template <int M>
void BasicBlockCyclic<M>::eliminate(Matrix& f) const {
  if constexpr (M == Eigen::Dynamic) {
    for (std::size_t s = 1; s < n_blocks_; ++s) {
      dense::apply_adjoint(steps_[s - 1].factor.qr,
                           f.middleRows(static_cast<Index>(s - 1) * m_, 2 * m_));
      looks_.after(8.0 * static_cast<double>(m_ * m_ * f.cols()));
    }
  } else {
    constexpr int kRows = 2 * M;
    for (Index c = 0; c < f.cols(); ++c) {
      double* rows = f.data() + c * f.rows();
      for (const Step& step : steps_) {
        double product[kRows];
        turned<kRows>(step.factor.q_adjoint, rows, product);
        for (int row = 0; row < kRows; ++row) rows[row] = product[row];
        rows += M;
      }
    }
  }
}

template <int M>
void BasicBlockCyclic<M>::back_substitute(const Matrix& eliminated, Matrix& z) const {
  for (std::size_t s = n_blocks_ - 1; s >= 1; --s) {
    const Step& step = steps_[s - 1];
    const Index row = static_cast<Index>(s) * m_;
    const Index next = s + 1 == n_blocks_ ? 0 : row + m_;
    if constexpr (M == Eigen::Dynamic) {
      z.middleRows(row, m_) = eliminated.middleRows(row - m_, m_);
      dense::subtract_product(step.x, z.topRows(m_), z.middleRows(row, m_));
      dense::subtract_product(step.y, z.middleRows(next, m_), z.middleRows(row, m_));
      dense::solve_triangle(step.factor.r, dense::Triangle::upper, z.middleRows(row, m_));
      looks_.after(5.0 * static_cast<double>(m_ * m_ * z.cols()));
    } else {
      for (Index c = 0; c < z.cols(); ++c) {
        const double* right = eliminated.data() + c * z.rows() + row - M;
        double* column = z.data() + c * z.rows();
        double x[M];
        double known[M] = {};
        add_product<M>(M, step.x.data(), column, known);
        add_product<M>(M, step.y.data(), column + next, known);
        for (int i = 0; i < M; ++i) x[i] = right[i] - known[i];
        solve_upper<M>(step.factor.r, x);
        for (int i = 0; i < M; ++i) column[row + i] = x[i];
      }
    }
  }
}

template <int M>
Matrix BasicBlockCyclic<M>::solve(const Matrix& f, Index nullity) const {
  if constexpr (M == Eigen::Dynamic) {
    const Index width = columns_at_once(8.0 * static_cast<double>(m_ * m_));
    if (f.cols() > width) {
      Matrix z(f.rows(), f.cols());
      for (Index first = 0; first < f.cols(); first += width) {
        const Index count = std::min(width, f.cols() - first);
        z.middleCols(first, count) = solve_columns(f.middleCols(first, count), nullity);
      }
      return z;
    }
  }
  return solve_columns(f, nullity);
}

template <int M>
Matrix BasicBlockCyclic<M>::solve_columns(const Matrix& f, Index nullity) const {
  Matrix eliminated = f;
  eliminate(eliminated);
  Matrix z(f.rows(), f.cols());
  if (nullity > 0) {
    z.topRows(m_) = truncated_solution(closing_svd(), m_ - nullity, eliminated.bottomRows(m_));
  } else if (!closing_factor_.full_rank) {
    z.setConstant(std::numeric_limits<double>::infinity());
    return z;
  } else if constexpr (M == Eigen::Dynamic) {
    z.topRows(m_) = closing_factor_.solve(eliminated.bottomRows(m_));
  } else {
    for (Index c = 0; c < f.cols(); ++c) {
      const double* end = eliminated.data() + (c + 1) * f.rows();
      closing_factor_.solve(end - M, z.data() + c * f.rows());
    }
  }
  back_substitute(eliminated, z);
  return z;
}

template <int M>
Matrix BasicBlockCyclic<M>::null_space(Index d) const {
  Matrix z(static_cast<Index>(n_blocks_) * m_, d);
  z.topRows(m_) = closing_svd().v.rightCols(d);
  back_substitute(Matrix::Zero(z.rows(), d), z);
  return z;
}

template <int M>
double BasicBlockCyclic<M>::inconsistency(const Matrix& f, Index d) const {
  Matrix eliminated = f;
  eliminate(eliminated);
  return dense::transposed_product(closing_svd().u.rightCols(d), eliminated.bottomRows(m_))
      .cwiseAbs()
      .maxCoeff();
}

template class BasicBlockCyclic<Eigen::Dynamic>;
template class BasicBlockCyclic<1>;
template class BasicBlockCyclic<2>;
template class BasicBlockCyclic<3>;

}  // namespace rnndyn

#include "block_cyclic.hpp"

#include <cmath>
#include <limits>

namespace rnndyn {

template <int M>
void PairFactor<M>::compute(const Eigen::Matrix<double, kRows, M>& stacked) {
  // Householder reflections (Golub, Van Loan, Matrix Computations, 4th ed., sec. 5.1), written out
  // for fixed sizes.
  Eigen::Matrix<double, kRows, M> rest = stacked;
  q_adjoint.setIdentity();
  for (int c = 0; c < M; ++c) {
    double square = 0.0;
    for (int row = c + 1; row < kRows; ++row) square += rest(row, c) * rest(row, c);
    if (square == 0.0) continue;
    const double head = rest(c, c);
    const double length = std::sqrt(head * head + square);
    Eigen::Matrix<double, kRows, 1> v = rest.col(c);
    for (int row = 0; row < c; ++row) v(row) = 0.0;
    v(c) = head + std::copysign(length, head);
    const double scale = 2.0 / (v(c) * v(c) + square);
    const Eigen::Matrix<double, 1, M> along = scale * (v.transpose() * rest);
    rest -= v * along;
    const Eigen::Matrix<double, 1, kRows> turned = scale * (v.transpose() * q_adjoint);
    q_adjoint -= v * turned;
  }
  r = rest.template topRows<M>();
}

template <int M>
BasicBlockCyclic<M>::BasicBlockCyclic(std::vector<Block> blocks)
    : m_(blocks.front().rows()), n_blocks_(blocks.size()) {
  const Block identity = Block::Identity(m_, m_);
  // Row so far: g z_0 + e z_{s} = f. The first block row is z_1 - P_0 z_0 = f_0.
  Block g = -blocks.front();
  Block e = identity;
  steps_.resize(n_blocks_ - 1);
  for (std::size_t s = 1; s < n_blocks_; ++s) {
    constexpr int kRows = PairFactor<M>::kRows;
    Eigen::Matrix<double, kRows, M> stacked(2 * m_, m_);
    stacked.topRows(m_) = e;
    stacked.bottomRows(m_) = -blocks[s];
    Step& step = steps_[s - 1];
    step.factor.compute(stacked);
    // Columns of z_0 and of z_{s+1}.
    Eigen::Matrix<double, kRows, kRows> others =
        Eigen::Matrix<double, kRows, kRows>::Zero(2 * m_, 2 * m_);
    others.topLeftCorner(m_, m_) = g;
    others.bottomRightCorner(m_, m_) = identity;
    step.factor.apply(others);
    step.x = others.topLeftCorner(m_, m_);
    step.y = others.topRightCorner(m_, m_);
    g = others.bottomLeftCorner(m_, m_);
    e = others.bottomRightCorner(m_, m_);
  }
  closing_ = g + e;
  // All directions count, however small: the caller decides what is singular.
  closing_qr_.setThreshold(0.0);
  closing_qr_.compute(closing_);
}

template <int M>
const Eigen::JacobiSVD<Matrix>& BasicBlockCyclic<M>::closing_svd() const {
  if (!closing_svd_) {
    closing_svd_.emplace(Matrix(closing_), Eigen::ComputeFullU | Eigen::ComputeFullV);
  }
  return *closing_svd_;
}

template <int M>
void BasicBlockCyclic<M>::eliminate(Matrix& f) const {
  for (std::size_t s = 1; s < n_blocks_; ++s) {
    steps_[s - 1].factor.apply(
        f.template middleRows<PairFactor<M>::kRows>(static_cast<Index>(s - 1) * m_, 2 * m_));
  }
}

template <int M>
void BasicBlockCyclic<M>::back_substitute(const Matrix& eliminated, Matrix& z) const {
  for (std::size_t s = n_blocks_ - 1; s >= 1; --s) {
    const Step& step = steps_[s - 1];
    const Index row = static_cast<Index>(s) * m_;
    const Index next = s + 1 == n_blocks_ ? 0 : row + m_;
    const auto r = step.factor.r.template triangularView<Eigen::Upper>();
    if constexpr (M == Eigen::Dynamic) {
      z.middleRows(row, m_) = r.solve(eliminated.middleRows(row - m_, m_) - step.x * z.topRows(m_) -
                                      step.y * z.middleRows(next, m_));
    } else {
      for (Index c = 0; c < z.cols(); ++c) {
        Eigen::Matrix<double, M, 1> right = eliminated.col(c).template segment<M>(row - m_);
        right -= step.x * z.col(c).template head<M>();
        right -= step.y * z.col(c).template segment<M>(next);
        z.col(c).template segment<M>(row) = r.solve(right);
      }
    }
  }
}

template <int M>
Matrix BasicBlockCyclic<M>::solve(const Matrix& f, Index nullity) const {
  Matrix eliminated = f;
  eliminate(eliminated);
  const auto rest = eliminated.bottomRows(m_);
  Matrix z(f.rows(), f.cols());
  if (nullity == 0) {
    if (closing_qr_.rank() < m_) {
      z.setConstant(std::numeric_limits<double>::infinity());
      return z;
    }
    if constexpr (M == Eigen::Dynamic) {
      z.topRows(m_) = closing_qr_.solve(rest);
    } else {
      for (Index c = 0; c < f.cols(); ++c) {
        const Eigen::Matrix<double, M, 1> right = rest.col(c);
        z.col(c).template head<M>() = closing_qr_.solve(right);
      }
    }
  } else {
    const auto& svd = closing_svd();
    const Index rank = m_ - nullity;
    const Matrix scaled = (svd.matrixU().leftCols(rank).adjoint() * rest).array().colwise() /
                          svd.singularValues().head(rank).array();
    z.topRows(m_) = svd.matrixV().leftCols(rank) * scaled;
  }
  back_substitute(eliminated, z);
  return z;
}

template <int M>
Matrix BasicBlockCyclic<M>::null_space(Index d) const {
  Matrix z(static_cast<Index>(n_blocks_) * m_, d);
  z.topRows(m_) = closing_svd().matrixV().rightCols(d);
  back_substitute(Matrix::Zero(z.rows(), d), z);
  return z;
}

template <int M>
double BasicBlockCyclic<M>::inconsistency(const Matrix& f, Index d) const {
  Matrix eliminated = f;
  eliminate(eliminated);
  return (closing_svd().matrixU().rightCols(d).adjoint() * eliminated.bottomRows(m_))
      .cwiseAbs()
      .maxCoeff();
}

template class BasicBlockCyclic<Eigen::Dynamic>;
template class BasicBlockCyclic<1>;
template class BasicBlockCyclic<2>;
template class BasicBlockCyclic<3>;

}  // namespace rnndyn

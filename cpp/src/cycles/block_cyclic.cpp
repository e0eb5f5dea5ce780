#include "block_cyclic.hpp"

#include <limits>

namespace rnndyn {

BlockCyclic::BlockCyclic(std::vector<Matrix> blocks)
    : m_(blocks.front().rows()), n_blocks_(blocks.size()) {
  const Matrix identity = Matrix::Identity(m_, m_);
  // Row so far: g z_0 + e z_{s} = f. The first block row is z_1 - P_0 z_0 = f_0.
  Matrix g = -blocks.front();
  Matrix e = identity;
  for (std::size_t s = 1; s < n_blocks_; ++s) {
    Matrix stacked(2 * m_, m_);
    stacked << e, -blocks[s];
    Step step;
    step.qr.compute(stacked);
    Matrix others = Matrix::Zero(2 * m_, 2 * m_);  // columns of z_0 and of z_{s+1}
    others.topLeftCorner(m_, m_) = g;
    others.bottomRightCorner(m_, m_) = identity;
    others.applyOnTheLeft(step.qr.householderQ().adjoint());
    step.x = others.topLeftCorner(m_, m_);
    step.y = others.topRightCorner(m_, m_);
    g = others.bottomLeftCorner(m_, m_);
    e = others.bottomRightCorner(m_, m_);
    steps_.push_back(std::move(step));
  }
  closing_ = g + e;
  // All directions count, however small: the caller decides what is singular.
  closing_qr_.setThreshold(0.0);
  closing_qr_.compute(closing_);
}

const Eigen::JacobiSVD<Matrix>& BlockCyclic::closing_svd() const {
  if (!closing_svd_) closing_svd_.emplace(closing_, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return *closing_svd_;
}

Matrix BlockCyclic::eliminate(const Matrix& f, std::vector<Matrix>& tops) const {
  Matrix rest = f.topRows(m_);
  tops.clear();
  for (std::size_t s = 1; s < n_blocks_; ++s) {
    Matrix pair(2 * m_, f.cols());
    pair << rest, f.middleRows(static_cast<Index>(s) * m_, m_);
    pair.applyOnTheLeft(steps_[s - 1].qr.householderQ().adjoint());
    tops.push_back(pair.topRows(m_));
    rest = pair.bottomRows(m_);
  }
  return rest;
}

void BlockCyclic::back_substitute(const std::vector<Matrix>& tops, Matrix& z) const {
  for (std::size_t s = n_blocks_ - 1; s >= 1; --s) {
    const Step& step = steps_[s - 1];
    const std::size_t next = s + 1 == n_blocks_ ? 0 : s + 1;
    const auto r = step.qr.matrixQR().topRows(m_).template triangularView<Eigen::Upper>();
    z.middleRows(static_cast<Index>(s) * m_, m_) =
        r.solve(tops[s - 1] - step.x * z.topRows(m_) -
                step.y * z.middleRows(static_cast<Index>(next) * m_, m_));
  }
}

Matrix BlockCyclic::solve(const Matrix& f, Index nullity) const {
  std::vector<Matrix> tops;
  const Matrix rest = eliminate(f, tops);
  Matrix z(f.rows(), f.cols());
  if (nullity == 0) {
    if (closing_qr_.rank() < m_) {
      z.setConstant(std::numeric_limits<double>::infinity());
      return z;
    }
    z.topRows(m_) = closing_qr_.solve(rest);
  } else {
    const auto& svd = closing_svd();
    const Index rank = m_ - nullity;
    const Matrix scaled = (svd.matrixU().leftCols(rank).adjoint() * rest).array().colwise() /
                          svd.singularValues().head(rank).array();
    z.topRows(m_) = svd.matrixV().leftCols(rank) * scaled;
  }
  back_substitute(tops, z);
  return z;
}

Matrix BlockCyclic::null_space(Index d) const {
  Matrix z(static_cast<Index>(n_blocks_) * m_, d);
  z.topRows(m_) = closing_svd().matrixV().rightCols(d);
  const std::vector<Matrix> tops(steps_.size(), Matrix::Zero(m_, d));
  back_substitute(tops, z);
  return z;
}

double BlockCyclic::inconsistency(const Matrix& f, Index d) const {
  std::vector<Matrix> tops;
  const Matrix rest = eliminate(f, tops);
  return (closing_svd().matrixU().rightCols(d).adjoint() * rest).cwiseAbs().maxCoeff();
}

}  // namespace rnndyn

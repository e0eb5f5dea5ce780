#include "rnndyn/smooth/shooting.hpp"

#include <cmath>
#include <numeric>

#include "kernels/functions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn::smooth {
namespace {

int sign_of_permutation(const std::vector<Index>& to) {
  std::vector<bool> seen(to.size(), false);
  int sign = 1;
  for (std::size_t i = 0; i < to.size(); ++i) {
    for (std::size_t j = i, length = 0; !seen[j]; j = static_cast<std::size_t>(to[j]), ++length) {
      seen[j] = true;
      if (length > 0) sign = -sign;
    }
  }
  return sign;
}

}  // namespace

// Columns 0 ... N-1 of the panel; the other columns follow.
void ShootingSystem::eliminate(Step& step) {
  Matrix& a = step.panel;
  const Index rows = 2 * n_;
  step.from.resize(static_cast<std::size_t>(rows));
  std::iota(step.from.begin(), step.from.end(), Index{0});
  for (Index c = 0; c < n_; ++c) {
    Index pivot = c;
    a.col(c).tail(rows - c).cwiseAbs().maxCoeff(&pivot);
    pivot += c;
    if (!(std::abs(a(pivot, c)) > 0.0)) {
      regular_ = false;
      return;
    }
    if (pivot != c) {
      a.row(c).swap(a.row(pivot));
      std::swap(step.from[static_cast<std::size_t>(c)], step.from[static_cast<std::size_t>(pivot)]);
      sign_ = -sign_;
    }
    if (a(c, c) < 0.0) sign_ = -sign_;
    const Index below = rows - c - 1;
    a.col(c).tail(below) /= a(c, c);
    for (Index j = c + 1; j < a.cols(); ++j) {
      if (a(c, j) != 0.0) a.col(j).tail(below) -= a(c, j) * a.col(c).tail(below);
    }
  }
}

void ShootingSystem::factor_closing(const Matrix& block) {
  closing_ = block;
  closing_to_.resize(static_cast<std::size_t>(n_));
  kernels::functions().dense.factor(n_, closing_.data(), closing_to_.data());
  sign_ *= sign_of_permutation(closing_to_);
  for (Index i = 0; i < n_; ++i) {
    const double pivot = closing_(i, i);
    if (!(std::abs(pivot) > 0.0) || !std::isfinite(pivot)) regular_ = false;
    if (pivot < 0.0) sign_ = -sign_;
  }
}

void ShootingSystem::factor(const std::vector<Matrix>& jacobians, double closing) {
  k_ = static_cast<Index>(jacobians.size());
  n_ = jacobians.front().rows();
  regular_ = true;
  // det A = (-1)^N closing^N det(I - closing P); its columns in the order of elimination have
  // another sign for odd N (k - 1).
  const bool odd = n_ % 2 != 0;
  sign_ = odd ? -1 : 1;
  if (odd && closing < 0.0) sign_ = -sign_;
  if (odd && k_ % 2 == 0) sign_ = -sign_;
  steps_.resize(static_cast<std::size_t>(k_ - 1));
  // What is carried on: one block row with a block of x_0 and one of the unknown that is next.
  Matrix of_first = jacobians.front();
  Matrix of_next = -Matrix::Identity(n_, n_);
  if (k_ == 1) of_first -= closing * Matrix::Identity(n_, n_);
  for (Index s = 1; s < k_ && regular_; ++s) {
    Step& step = steps_[static_cast<std::size_t>(s - 1)];
    step.panel.setZero(2 * n_, 3 * n_);
    step.panel.block(0, 0, n_, n_) = of_next;
    step.panel.block(0, n_, n_, n_) = of_first;
    step.panel.block(n_, 0, n_, n_) = jacobians[static_cast<std::size_t>(s)];
    const Index column = s + 1 < k_ ? 2 * n_ : n_;
    step.panel.block(n_, column, n_, n_).diagonal().setConstant(s + 1 < k_ ? -1.0 : -closing);
    eliminate(step);
    of_first = step.panel.block(n_, n_, n_, n_);
    of_next = step.panel.block(n_, 2 * n_, n_, n_);
  }
  if (regular_) factor_closing(of_first);
}

void ShootingSystem::solve(Eigen::Ref<Vector> f) const {
  Vector both(2 * n_), turned(2 * n_);
  Vector carried = f.head(n_);
  for (Index s = 1; s < k_; ++s) {
    const Step& step = steps_[static_cast<std::size_t>(s - 1)];
    both << carried, f.segment(s * n_, n_);
    for (Index i = 0; i < 2 * n_; ++i) turned(i) = both(step.from[static_cast<std::size_t>(i)]);
    for (Index c = 0; c < n_; ++c) {
      const Index below = 2 * n_ - c - 1;
      turned.tail(below) -= turned(c) * step.panel.col(c).tail(below);
    }
    f.segment(s * n_, n_) = turned.head(n_);
    carried = turned.tail(n_);
  }
  kernels::functions().dense.solve(n_, closing_.data(), closing_to_.data(), 1, carried.data(), n_);
  f.head(n_) = carried;
  for (Index s = k_ - 1; s >= 1; --s) {
    const Step& step = steps_[static_cast<std::size_t>(s - 1)];
    auto x = f.segment(s * n_, n_);
    x.noalias() -= step.panel.block(0, n_, n_, n_) * f.head(n_);
    if (s + 1 < k_) {
      x.noalias() -= step.panel.block(0, 2 * n_, n_, n_) * f.segment((s + 1) * n_, n_);
    }
    for (Index c = n_ - 1; c >= 0; --c) {
      x(c) /= step.panel(c, c);
      x.head(c) -= x(c) * step.panel.col(c).head(c);
    }
  }
}

Matrix ShootingSystem::inverse() const {
  const Index size = k_ * n_;
  Matrix result = Matrix::Identity(size, size);
  for (Index c = 0; c < size; ++c) solve(result.col(c));
  return result;
}

// Higham, theorem 9.3: |A - L U| <= gamma(m) |L| |U|, m the number of operations on an entry,
// counted twice for the sake of multiplications with a reciprocal.
Vector ShootingSystem::backward_error(const Vector& r) const {
  Vector result = Vector::Zero(k_ * n_);
  std::vector<Index> ids(static_cast<std::size_t>(2 * n_));  // rows of A
  std::iota(ids.begin(), ids.end(), Index{0});
  Vector carried = Vector::Zero(n_);
  for (Index s = 1; s < k_; ++s) {
    const Step& step = steps_[static_cast<std::size_t>(s - 1)];
    const Matrix size = step.panel.cwiseAbs();
    for (Index i = 0; i < n_; ++i) ids[static_cast<std::size_t>(n_ + i)] = s * n_ + i;
    Vector u = size.block(0, 0, n_, n_).triangularView<Eigen::Upper>() * r.segment(s * n_, n_);
    u += size.block(0, n_, n_, n_) * r.head(n_);
    if (s + 1 < k_) u += size.block(0, 2 * n_, n_, n_) * r.segment((s + 1) * n_, n_);
    Vector sum(2 * n_);
    sum.head(n_) = size.block(0, 0, n_, n_).triangularView<Eigen::UnitLower>() * u;
    sum.tail(n_) = size.block(n_, 0, n_, n_) * u;
    std::vector<Index> turned(ids.size());
    for (Index i = 0; i < 2 * n_; ++i) {
      const Index from = step.from[static_cast<std::size_t>(i)];
      turned[static_cast<std::size_t>(i)] = ids[static_cast<std::size_t>(from)];
      if (from < n_) sum(i) += carried(from);
    }
    ids = turned;
    for (Index i = 0; i < n_; ++i) result(ids[static_cast<std::size_t>(i)]) = sum(i);
    carried = sum.tail(n_);
    std::copy(ids.begin() + n_, ids.end(), ids.begin());
  }
  const Matrix size = closing_.cwiseAbs();
  const Vector u = size.triangularView<Eigen::Upper>() * r.head(n_);
  const Vector sum = size.triangularView<Eigen::UnitLower>() * u;
  for (Index i = 0; i < n_; ++i) {
    result(ids[static_cast<std::size_t>(i)]) =
        carried(i) + sum(closing_to_[static_cast<std::size_t>(i)]);
  }
  const double g = gamma(2.0 * static_cast<double>(k_ * n_) + 4.0) * kOutward;
  return result.array() * g + kUnderflow;
}

void ShootingInverse::prepare(const std::vector<Matrix>& jacobians, double closing) {
  system_.factor(jacobians, closing);
  if (!system_.is_regular()) return;
  const Index n = jacobians.front().rows(), k = static_cast<Index>(jacobians.size());
  inverse_ = system_.inverse();
  abs_inverse_ = inverse_.cwiseAbs();
  defect_.resize(n * k, n * k);
  abs_jacobians_.clear();
  for (Index t = 0; t < k; ++t) {
    const Matrix& j = jacobians[static_cast<std::size_t>(t)];
    abs_jacobians_.push_back(j.cwiseAbs());
    // Column block t of X A: that of A has J_t in row t and -I in the row before.
    auto block = defect_.middleCols(t * n, n);
    block.noalias() = inverse_.middleCols(t * n, n) * j;
    block -= (t == 0 ? closing : 1.0) * inverse_.middleCols((t + k - 1) % k * n, n);
    block.middleRows(t * n, n) -= Matrix::Identity(n, n);
  }
  defect_ = defect_.cwiseAbs();
}

Vector ShootingInverse::bound(const Vector& rows, const Vector& r) const {
  const Index k = system_.order(), n = r.size() / k;
  // Of the computed I - X A: an entry is a sum of N products and two more terms.
  Vector terms(r.size());
  for (Index t = 0; t < k; ++t) {
    terms.segment(t * n, n) = abs_jacobians_[static_cast<std::size_t>(t)] * r.segment(t * n, n) +
                              r.segment((t + 1) % k * n, n);
  }
  const double g = gamma(static_cast<double>(n) + 4.0);
  const Vector product = abs_inverse_ * (rows + g * terms) + defect_ * r + 4.0 * kUnitRoundoff * r;
  return product.array() * kOutward + kUnderflow;
}

int ShootingInverse::sign(const Vector& rows, const Vector& r) const {
  if (!is_regular()) return 0;
  const Vector all = rows + system_.backward_error(r);
  return (bound(all, r).array() < r.array()).all() ? system_.sign() : 0;
}

int certified_sign(const std::vector<Matrix>& jacobians, const std::vector<Matrix>& radii) {
  ShootingInverse inverse;
  inverse.prepare(jacobians, 1.0);
  const Index n = jacobians.front().rows();
  const Vector r = Vector::Ones(n * static_cast<Index>(jacobians.size()));
  Vector rows(r.size());
  for (std::size_t t = 0; t < radii.size(); ++t) {
    rows.segment(static_cast<Index>(t) * n, n) = radii[t].rowwise().sum() * kOutward;
  }
  return inverse.sign(rows, r);
}

}  // namespace rnndyn::smooth

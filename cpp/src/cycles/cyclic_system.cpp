#include "cyclic_system.hpp"

#include <algorithm>
#include <limits>

namespace rnndyn {
namespace {

constexpr double kUnit = 0x1.0p-53;  // unit roundoff
// Segments end before an entry of the product of absolute values passes this: eps * 1e5 leaves
// 1e-11 of relative error inside a segment, which one refinement step removes.
constexpr double kSegmentGrowth = 1e5;

// Bound of the relative error of a sum of n products, gamma_{n+2} of Higham (Accuracy and
// Stability of Numerical Algorithms, 2nd ed., sec. 3.1), widened for the roundings of the bound's
// own evaluation, which involve nonnegative terms only.
double gamma(Index n) { return (static_cast<double>(n) + 2.0) * kUnit * (1.0 + 1e-9); }
// Inflates a bound that was itself summed in floating point, and covers underflow.
template <typename Derived>
Matrix inflated(const Eigen::MatrixBase<Derived>& bound) {
  const double factor = 1.0 + 8.0 * static_cast<double>(bound.rows() + 8) * kUnit;
  return (bound * factor).array() + 1e-290;
}

struct Interval {
  Matrix mid, rad;
};

// Interval product of midpoint-radius matrices.
Interval product(const Matrix& a, const Matrix& ra, const Matrix& b, const Matrix& rb) {
  const Matrix abs_a = a.cwiseAbs();
  const Matrix abs_b = b.cwiseAbs();
  Interval result;
  result.mid.noalias() = a * b;
  Matrix rad = abs_a * (rb + gamma(a.cols()) * abs_b);
  rad.noalias() += ra * (abs_b + rb);
  result.rad = inflated(rad);
  return result;
}

}  // namespace

CyclicSystem::CyclicSystem(const CanonicalMap& map, const Itinerary& itinerary)
    : m_(map.n_states()), offsets_(map.n_states(), itinerary.order) {
  const Index k = itinerary.order;
  const Matrix abs_a = map.a().cwiseAbs();
  for (Index t = 0; t < k; ++t) {
    const Word* region = itinerary.at(t);
    jacobians_.push_back(map.jacobian(region));
    offsets_.col(t) = map.offset(region);
    Matrix magnitude = abs_a;
    Index n_terms = 1;
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(region, i)) continue;
      if (map.w2_is_identity()) {
        magnitude.col(i) += map.w1().col(i).cwiseAbs();
      } else {
        magnitude.noalias() += map.w1().col(i).cwiseAbs() * map.w2().row(i).cwiseAbs();
        ++n_terms;
      }
    }
    jacobian_radii_.push_back(inflated(gamma(n_terms) * magnitude));
  }

  double largest = 1.0;
  Vector growth = Vector::Ones(m_);
  partial_.resize(static_cast<std::size_t>(k));
  partial_radii_.resize(static_cast<std::size_t>(k));
  for (std::size_t t = 0; t < static_cast<std::size_t>(k); ++t) {
    const Matrix& j = jacobians_[t];
    Vector grown = j.cwiseAbs() * growth;
    if (t == 0 || grown.maxCoeff() > kSegmentGrowth) {
      starts_.push_back(static_cast<Index>(t));
      grown = j.cwiseAbs().rowwise().sum();
      partial_[t] = j;
      partial_radii_[t] = jacobian_radii_[t];
    } else {
      Interval p = product(j, jacobian_radii_[t], partial_[t - 1], partial_radii_[t - 1]);
      partial_[t] = std::move(p.mid);
      partial_radii_[t] = std::move(p.rad);
    }
    growth = grown;
    largest = std::max(largest, grown.maxCoeff());
  }
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const auto last = static_cast<std::size_t>(segment_end(s) - 1);
    blocks_.push_back(partial_[last]);
    block_radii_.push_back(partial_radii_[last]);
  }
  condensed_ = std::make_unique<BlockCyclic>(blocks_);
  singular_threshold_ = 32.0 * kUnit * static_cast<double>(m_ + k) * largest;
}

Matrix CyclicSystem::condense(const Matrix& f) const {
  Matrix g(static_cast<Index>(starts_.size()) * m_, 1);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Vector sum = f.col(starts_[s]);
    for (Index t = starts_[s] + 1; t < segment_end(s); ++t) {
      sum = jacobians_[static_cast<std::size_t>(t)] * sum + f.col(t);
    }
    g.middleRows(static_cast<Index>(s) * m_, m_) = sum;
  }
  return g;
}

Matrix CyclicSystem::expand(const Matrix& starts, const Matrix& f) const {
  Matrix z(m_, order());
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Vector point = starts.middleRows(static_cast<Index>(s) * m_, m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      z.col(t) = point;
      point = jacobians_[static_cast<std::size_t>(t)] * point + f.col(t);
    }
  }
  return z;
}

std::vector<Matrix> CyclicSystem::null_space(Index d) const {
  const Matrix starts = condensed_->null_space(d);
  std::vector<Matrix> directions;
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Matrix at = starts.middleRows(static_cast<Index>(s) * m_, m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      directions.push_back(at);
      at = jacobians_[static_cast<std::size_t>(t)] * at;
    }
  }
  return directions;
}

bool CyclicSystem::enclose(const Matrix& residual, const Matrix& residual_error,
                           Matrix& bounds) const {
  const auto n = static_cast<Index>(starts_.size()) * m_;
  bounds = Matrix::Constant(m_, order(), std::numeric_limits<double>::infinity());
  const Matrix x = condensed_->solve(Matrix::Identity(n, n));
  if (!x.allFinite()) return false;
  const Matrix abs_x = x.cwiseAbs();

  // |I - K X|, row block by row block.
  Vector defect(n);  // row sums
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const auto row = static_cast<Index>(s) * m_;
    const Index next = s + 1 == starts_.size() ? 0 : row + m_;
    Matrix e = blocks_[s] * x.middleRows(row, m_) - x.middleRows(next, m_);
    e.middleCols(row, m_) += Matrix::Identity(m_, m_);
    Matrix slack = (block_radii_[s] + gamma(m_ + 2) * blocks_[s].cwiseAbs()) * abs_x.middleRows(row, m_);
    slack += gamma(2) * abs_x.middleRows(next, m_);
    slack.middleCols(row, m_) += gamma(2) * Matrix::Identity(m_, m_);
    defect.segment(row, m_) = inflated((e.cwiseAbs() + slack).rowwise().sum()) *
                              (1.0 + 4.0 * static_cast<double>(n) * kUnit);
  }
  const double norm = defect.maxCoeff();
  if (!(norm < 0.5)) return false;

  // Residuals condensed onto the segments: |g| <= |mid| + rad at every step.
  Matrix g_bound(m_, order());
  Vector condensed_residual(n);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Vector mid = Vector::Zero(m_);
    Vector rad = Vector::Zero(m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      g_bound.col(t) = mid.cwiseAbs() + rad;  // error that has built up when point t is reached
      const Matrix& j = jacobians_[static_cast<std::size_t>(t)];
      const Matrix& rj = jacobian_radii_[static_cast<std::size_t>(t)];
      const bool silent = mid.isZero(0.0) && rad.isZero(0.0) && residual.col(t).isZero(0.0) &&
                          residual_error.col(t).isZero(0.0);
      if (silent) continue;  // keeps an exact point exact, so that a border is seen as one
      const Vector fresh = j * mid + residual.col(t);
      rad = inflated(j.cwiseAbs() * rad + rj * (mid.cwiseAbs() + rad) +
                     gamma(m_ + 1) * (j.cwiseAbs() * mid.cwiseAbs() + residual.col(t).cwiseAbs()) +
                     residual_error.col(t));
      mid = fresh;
    }
    condensed_residual.segment(static_cast<Index>(s) * m_, m_) = mid.cwiseAbs() + rad;
  }
  Vector at_starts = Vector::Zero(n);
  const double largest = condensed_residual.maxCoeff();
  if (largest > 0.0) {
    const Vector y = condensed_residual + defect * (largest / (1.0 - norm) * (1.0 + 1e-9));
    at_starts = inflated(abs_x * y) * (1.0 + 4.0 * static_cast<double>(n) * kUnit);
  }
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const Vector start = at_starts.segment(static_cast<Index>(s) * m_, m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      if (t == starts_[s]) {
        bounds.col(t) = start;
      } else if (start.isZero(0.0)) {
        bounds.col(t) = g_bound.col(t);
      } else {
        const auto u = static_cast<std::size_t>(t - 1);
        bounds.col(t) =
            inflated((partial_[u].cwiseAbs() + partial_radii_[u]) * start + g_bound.col(t));
      }
    }
  }
  return bounds.allFinite();
}

}  // namespace rnndyn

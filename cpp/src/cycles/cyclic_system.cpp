#include "cyclic_system.hpp"

#include <algorithm>
#include <limits>

namespace rnndyn {
namespace {

constexpr double kUnit = 0x1.0p-53;  // unit roundoff

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

// Radius of the interval product of midpoint-radius matrices whose midpoint is fl(a b).
Matrix product_radius(const Matrix& a, const Matrix& ra, const Matrix& b, const Matrix& rb) {
  const Matrix abs_b = b.cwiseAbs();
  Matrix rad = a.cwiseAbs() * (rb + gamma(a.cols()) * abs_b);
  rad.noalias() += ra * (abs_b + rb);
  return inflated(rad);
}

}  // namespace

CyclicSystem::CyclicSystem(const CanonicalMap& map, const Itinerary& itinerary)
    : map_(map), itinerary_(itinerary), m_(map.n_states()), offsets_(m_, itinerary.order) {
  const Index k = itinerary.order;
  double largest = 1.0;
  Vector growth;
  std::vector<Matrix> blocks;
  for (Index t = 0; t < k; ++t) {
    jacobians_.push_back(map.jacobian(itinerary.at(t)));
    offsets_.col(t) = map.offset(itinerary.at(t));
    const Matrix& j = jacobians_.back();
    const Matrix abs_j = j.cwiseAbs();
    if (t > 0) growth = abs_j * growth;
    if (t == 0 || growth.maxCoeff() > kSegmentGrowth) {
      starts_.push_back(t);
      growth = abs_j.rowwise().sum();
      partial_.push_back(j);
      blocks.push_back(j);
    } else {
      partial_.push_back(j * partial_.back());
      blocks.back() = partial_.back();
    }
    largest = std::max(largest, growth.maxCoeff());
  }
  condensed_ = std::make_unique<BlockCyclic>(std::move(blocks));
  singular_threshold_ = 32.0 * kUnit * static_cast<double>(m_ + k) * largest;
}

std::vector<Matrix> CyclicSystem::jacobian_radii() const {
  const Matrix abs_a = map_.a().cwiseAbs();
  std::vector<Matrix> radii;
  for (Index t = 0; t < order(); ++t) {
    const Word* region = itinerary_.at(t);
    Matrix magnitude = abs_a;
    Index n_terms = 1;
    for (Index i = 0; i < map_.n_units(); ++i) {
      if (!get_bit(region, i)) continue;
      if (map_.w2_is_identity()) {
        magnitude.col(i) += map_.w1().col(i).cwiseAbs();
      } else {
        magnitude.noalias() += map_.w1().col(i).cwiseAbs() * map_.w2().row(i).cwiseAbs();
        ++n_terms;
      }
    }
    radii.push_back(inflated(gamma(n_terms) * magnitude));
  }
  return radii;
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
  const std::vector<Matrix> radii = jacobian_radii();
  std::vector<Matrix> partial_radii;
  for (Index t = 0; t < order(); ++t) {
    const auto u = static_cast<std::size_t>(t);
    partial_radii.push_back(
        starts_segment(t)
            ? radii[u]
            : product_radius(jacobians_[u], radii[u], partial_[u - 1], partial_radii[u - 1]));
  }

  // |I - K X|, row block by row block.
  Vector defect(n);  // row sums
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const auto row = static_cast<Index>(s) * m_;
    const Index next = s + 1 == starts_.size() ? 0 : row + m_;
    const auto last = static_cast<std::size_t>(segment_end(s) - 1);
    const Matrix& block = partial_[last];
    Matrix e = block * x.middleRows(row, m_) - x.middleRows(next, m_);
    e.middleCols(row, m_) += Matrix::Identity(m_, m_);
    Matrix slack =
        (partial_radii[last] + gamma(m_ + 2) * block.cwiseAbs()) * abs_x.middleRows(row, m_);
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
      const Matrix& rj = radii[static_cast<std::size_t>(t)];
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
            inflated((partial_[u].cwiseAbs() + partial_radii[u]) * start + g_bound.col(t));
      }
    }
  }
  return bounds.allFinite();
}

}  // namespace rnndyn

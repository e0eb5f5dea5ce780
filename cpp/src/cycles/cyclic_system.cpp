#include "cyclic_system.hpp"

#include <algorithm>
#include <limits>

#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// Of a sum of n products, and two roundings more for the product with the bound of its size.
double gamma_of(Index n) { return gamma(static_cast<double>(n) + 2.0); }
// More than any sum of products here loses to underflow, and so much more that a factor gamma of a
// radius may underflow before it is multiplied by a large number: no sum has 10^9 terms.
constexpr double kUnderflow = underflow(1e9);
// Inflates a bound that was itself summed in floating point, and covers underflow.
template <typename Derived>
typename Derived::PlainObject inflated(const Eigen::MatrixBase<Derived>& bound) {
  const double factor = 1.0 + 8.0 * static_cast<double>(bound.rows() + 8) * kUnitRoundoff;
  return (bound * factor).array() + kUnderflow;
}

// Radius of the interval product of midpoint-radius matrices whose midpoint is fl(a b).
template <typename Block>
Block product_radius(const Block& a, const Block& ra, const Block& b, const Block& rb) {
  const Block abs_b = b.cwiseAbs();
  Block rad = a.cwiseAbs() * (rb + gamma_of(a.cols()) * abs_b);
  rad.noalias() += ra * (abs_b + rb);
  return inflated(rad);
}

}  // namespace

template <int M>
BasicCyclicSystem<M>::BasicCyclicSystem(const CanonicalMap& map, const Itinerary& itinerary)
    : map_(map), itinerary_(itinerary), m_(map.n_states()), offsets_(m_, itinerary.order) {
  const Index k = itinerary.order;
  double largest = 1.0;
  Column growth;
  std::vector<Block> blocks;
  jacobians_.reserve(static_cast<std::size_t>(k));
  partial_.reserve(static_cast<std::size_t>(k));
  for (Index t = 0; t < k; ++t) {
    if constexpr (M == Eigen::Dynamic) {
      jacobians_.push_back(map.jacobian(itinerary.at(t)));
      offsets_.col(t) = map.offset(itinerary.at(t));
    } else {
      add_step(t);
    }
    const Block& j = jacobians_.back();
    const Block abs_j = j.cwiseAbs();
    if (t > 0) growth = (abs_j * growth).eval();
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
  condensed_.emplace(std::move(blocks));
  singular_threshold_ = 32.0 * kUnitRoundoff * static_cast<double>(m_ + k) * largest;
}

// The same sums as CanonicalMap::jacobian and offset, without their temporary matrices.
template <int M>
void BasicCyclicSystem<M>::add_step(Index t) {
  Block j = map_.a();
  Column c = map_.h1();
  for (Index i = 0; i < map_.n_units(); ++i) {
    if (!get_bit(itinerary_.at(t), i)) continue;
    const Column w = map_.w1().col(i);
    if (map_.w2_is_identity()) {
      j.col(i) += w;
    } else {
      for (Index l = 0; l < m_; ++l) j.col(l) += w * map_.w2()(i, l);
    }
    c += w * map_.h2()(i);
  }
  jacobians_.push_back(j);
  offsets_.col(t) = c;
}

template <int M>
auto BasicCyclicSystem<M>::jacobian_radii() const -> std::vector<Block> {
  const Block abs_a = map_.a().cwiseAbs();
  std::vector<Block> radii;
  radii.reserve(static_cast<std::size_t>(order()));
  for (Index t = 0; t < order(); ++t) {
    const Word* region = itinerary_.at(t);
    Block magnitude = abs_a;
    Index n_terms = 1;
    for (Index i = 0; i < map_.n_units(); ++i) {
      if (!get_bit(region, i)) continue;
      if (map_.w2_is_identity()) {
        magnitude.col(i) += map_.w1().col(i).cwiseAbs();
      } else {
        const Column w = map_.w1().col(i).cwiseAbs();
        for (Index l = 0; l < m_; ++l) magnitude.col(l) += w * std::abs(map_.w2()(i, l));
        ++n_terms;
      }
    }
    radii.push_back(inflated(gamma_of(n_terms) * magnitude));
  }
  return radii;
}

template <int M>
Matrix BasicCyclicSystem<M>::condense(const Points& f) const {
  Matrix g(static_cast<Index>(starts_.size()) * m_, 1);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Column sum = f.col(starts_[s]);
    for (Index t = starts_[s] + 1; t < segment_end(s); ++t) {
      sum = (jacobians_[static_cast<std::size_t>(t)] * sum + f.col(t)).eval();
    }
    g.template middleRows<M>(static_cast<Index>(s) * m_, m_) = sum;
  }
  return g;
}

template <int M>
auto BasicCyclicSystem<M>::expand(const Matrix& starts, const Points& f) const -> Points {
  Points z(m_, order());
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Column point = starts.template middleRows<M>(static_cast<Index>(s) * m_, m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      z.col(t) = point;
      point = (jacobians_[static_cast<std::size_t>(t)] * point + f.col(t)).eval();
    }
  }
  return z;
}

template <int M>
std::vector<Matrix> BasicCyclicSystem<M>::null_space(Index d) const {
  const Matrix starts = condensed_->null_space(d);
  std::vector<Matrix> directions;
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Matrix at = starts.template middleRows<M>(static_cast<Index>(s) * m_, m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      directions.push_back(at);
      at = jacobians_[static_cast<std::size_t>(t)] * at;
    }
  }
  return directions;
}

template <int M>
bool BasicCyclicSystem<M>::enclose(const Points& residual, const Points& residual_error,
                                   Points& bounds) const {
  const auto n = static_cast<Index>(starts_.size()) * m_;
  bounds = Points::Constant(m_, order(), std::numeric_limits<double>::infinity());
  const Matrix x = condensed_->solve(Matrix::Identity(n, n));
  if (!x.allFinite()) return false;
  const Matrix abs_x = x.cwiseAbs();
  const std::vector<Block> radii = jacobian_radii();
  std::vector<Block> partial_radii;
  partial_radii.reserve(radii.size());
  for (Index t = 0; t < order(); ++t) {
    const auto u = static_cast<std::size_t>(t);
    partial_radii.push_back(starts_segment(t)
                                ? radii[u]
                                : product_radius<Block>(jacobians_[u], radii[u], partial_[u - 1],
                                                        partial_radii[u - 1]));
  }

  // |I - K X|, row block by row block.
  Vector defect(n);  // row sums
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const auto row = static_cast<Index>(s) * m_;
    const Index next = s + 1 == starts_.size() ? 0 : row + m_;
    const auto last = static_cast<std::size_t>(segment_end(s) - 1);
    const Block& block = partial_[last];
    Points e = block * x.template middleRows<M>(row, m_) - x.template middleRows<M>(next, m_);
    e.template middleCols<M>(row, m_) += Matrix::Identity(m_, m_);
    Points slack = (partial_radii[last] + gamma_of(m_ + 2) * block.cwiseAbs()) *
                   abs_x.template middleRows<M>(row, m_);
    slack += gamma_of(2) * abs_x.template middleRows<M>(next, m_);
    slack.template middleCols<M>(row, m_) += gamma_of(2) * Matrix::Identity(m_, m_);
    defect.template segment<M>(row, m_) = inflated((e.cwiseAbs() + slack).rowwise().sum()) *
                                          (1.0 + 4.0 * static_cast<double>(n) * kUnitRoundoff);
  }
  const double norm = defect.maxCoeff();
  if (!(norm < 0.5)) return false;

  // Residuals condensed onto the segments: |g| <= |mid| + rad at every step.
  Points g_bound(m_, order());
  Vector condensed_residual(n);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Column mid = Column::Zero(m_);
    Column rad = Column::Zero(m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      g_bound.col(t) = mid.cwiseAbs() + rad;  // error that has built up when point t is reached
      const Block& j = jacobians_[static_cast<std::size_t>(t)];
      const Block& rj = radii[static_cast<std::size_t>(t)];
      const bool silent = mid.isZero(0.0) && rad.isZero(0.0) && residual.col(t).isZero(0.0) &&
                          residual_error.col(t).isZero(0.0);
      if (silent) continue;  // keeps an exact point exact, so that a border is seen as one
      const Column fresh = j * mid + residual.col(t);
      rad =
          inflated(j.cwiseAbs() * rad + rj * (mid.cwiseAbs() + rad) +
                   gamma_of(m_ + 1) * (j.cwiseAbs() * mid.cwiseAbs() + residual.col(t).cwiseAbs()) +
                   residual_error.col(t));
      mid = fresh;
    }
    condensed_residual.template segment<M>(static_cast<Index>(s) * m_, m_) = mid.cwiseAbs() + rad;
  }
  Vector at_starts = Vector::Zero(n);
  const double largest = condensed_residual.maxCoeff();
  if (largest > 0.0) {
    Vector y = condensed_residual + defect * (largest / (1.0 - norm) * kOutward);
    y.array() += kUnderflow;  // before X multiplies it
    at_starts = inflated(abs_x * y) * (1.0 + 4.0 * static_cast<double>(n) * kUnitRoundoff);
  }
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const Column start = at_starts.template segment<M>(static_cast<Index>(s) * m_, m_);
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

template class BasicCyclicSystem<Eigen::Dynamic>;
template class BasicCyclicSystem<1>;
template class BasicCyclicSystem<2>;
template class BasicCyclicSystem<3>;

}  // namespace rnndyn

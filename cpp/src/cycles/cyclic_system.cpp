#include "cycles/cyclic_system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "cycles/block_loops.hpp"
#include "cycles/hidden_error.hpp"
#include "kernels/functions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// Of a sum of n products, and two roundings more for the product with the bound of its size.
double gamma_of(Index n) { return gamma(static_cast<double>(n) + 2.0); }
// Inflates a bound that was itself summed in floating point, and covers underflow.
double inflation(Index rows) { return 1.0 + 8.0 * static_cast<double>(rows + 8) * kUnitRoundoff; }

// Radius of the interval product of midpoint-radius matrices whose midpoint is fl(a b).
template <int M, typename Block>
Block product_radius(const Block& a, const Block& ra, const Block& b, const Block& rb) {
  const Index m = a.rows();
  Block spread(m, m);  // of |a|
  Block reach(m, m);   // of ra
  const double unit = gamma_of(m);
  for (Index i = 0; i < m * m; ++i) {
    const double size = std::abs(b.data()[i]);
    spread.data()[i] = rb.data()[i] + unit * size;
    reach.data()[i] = size + rb.data()[i];
  }
  Block abs_a(m, m);
  for (Index i = 0; i < m * m; ++i) abs_a.data()[i] = std::abs(a.data()[i]);
  Block radius(m, m);
  Block part(m, m);
  multiply_columns<M>(m, abs_a.data(), spread.data(), m, m, radius.data(), m);
  multiply_columns<M>(m, ra.data(), reach.data(), m, m, part.data(), m);
  const double factor = inflation(m);
  for (Index i = 0; i < m * m; ++i) {
    radius.data()[i] = (radius.data()[i] + part.data()[i]) * factor + kUnderflow;
  }
  return radius;
}

bool all_zero(Index n, const double* values) {
  return std::all_of(values, values + n, [](double value) { return value == 0.0; });
}

// Of the inverse of a condensed system that are held at a time: 32 MB.
constexpr Index kInverseEntries = 4'000'000;

// Operations of a product of matrices.
double cube(Index m) { return 2.0 * std::pow(static_cast<double>(m), 3); }

double largest_of(Index n, const double* values) { return *std::max_element(values, values + n); }

}  // namespace

template <int M>
BasicCyclicSystem<M>::BasicCyclicSystem(const CanonicalMap& map, const Itinerary& itinerary,
                                        Control* control, Summation summation)
    : map_(map),
      itinerary_(itinerary),
      m_(map.n_states()),
      accurate_(M == Eigen::Dynamic && summation == Summation::accurate && m_ > kSmallBlock &&
                !map.w2_is_identity()),
      offsets_(m_, itinerary.order),
      looks_(control) {
  const Index k = itinerary.order;
  double largest = 1.0;
  Column growth = Column::Zero(m_);
  Column before(m_);
  const Column ones = Column::Ones(m_);
  std::vector<Block> blocks;
  jacobians_.reserve(static_cast<std::size_t>(k));
  partial_.reserve(static_cast<std::size_t>(k));
  const auto grow = [&](const Block& j, const Column& from) {
    growth.setZero();
    add_absolute_product<M>(m_, j.data(), from.data(), growth.data());
  };
  for (Index t = 0; t < k; ++t) {
    if constexpr (M == Eigen::Dynamic) {
      if (accurate_) {
        Matrix& sums = jacobians_.emplace_back(m_, m_);
        kernels::functions().accurate_jacobian(map, itinerary.at(t), sums.data());
      } else {
        jacobians_.push_back(map.jacobian(itinerary.at(t)));
      }
      offsets_.col(t) = map.offset(itinerary.at(t));
      looks_.after(2.0 * static_cast<double>(m_ * m_ * map.n_units()));
    } else {
      add_step(t);
    }
    const Block& j = jacobians_.back();
    before = growth;
    if (t > 0) grow(j, before);
    partial_.push_back(j);
    if (t == 0 || largest_of(m_, growth.data()) > kSegmentGrowth) {
      starts_.push_back(t);
      grow(j, ones);
      blocks.push_back(j);
    } else {
      multiply_columns<M>(m_, j.data(), partial_[static_cast<std::size_t>(t - 1)].data(), m_, m_,
                          partial_.back().data(), m_);
      blocks.back() = partial_.back();
      if constexpr (M == Eigen::Dynamic) looks_.after(cube(m_));
    }
    largest = std::max(largest, largest_of(m_, growth.data()));
  }
  condensed_.emplace(std::move(blocks), control);
  singular_threshold_ = 32.0 * kUnitRoundoff * static_cast<double>(m_ + k) * largest;
}

// The same sums as CanonicalMap::jacobian and offset, without their temporary matrices.
template <int M>
void BasicCyclicSystem<M>::add_step(Index t) {
  const Index m = block_size<M>(m_);
  Block j = map_.a();
  Column c = map_.h1();
  const double* w = map_.w1().data();
  for (Index i = 0; i < map_.n_units(); ++i, w += m) {
    if (!get_bit(itinerary_.at(t), i)) continue;
    const double h2 = map_.h2()(i);
    for (Index r = 0; r < m; ++r) c.data()[r] += w[r] * h2;
    if (map_.w2_is_identity()) {
      for (Index r = 0; r < m; ++r) j.data()[i * m + r] += w[r];
      continue;
    }
    for (Index l = 0; l < m; ++l) {
      const double factor = map_.w2()(i, l);
      for (Index r = 0; r < m; ++r) j.data()[l * m + r] += w[r] * factor;
    }
  }
  jacobians_.push_back(j);
  offsets_.col(t) = c;
}

// The sums are rounded once, by half of kMostHidden, and may hide something before that.
template <int M>
auto BasicCyclicSystem<M>::accurate_radius(Index t) const -> Block {
  const Block& j = jacobians_[static_cast<std::size_t>(t)];
  Block radius = j.cwiseAbs() * (2.0 * kMostHidden);
  if constexpr (M == Eigen::Dynamic) {
    Matrix hidden;
    if (write_hidden_error(map_, itinerary_.at(t), j, hidden)) radius += hidden * kOutward;
  }
  radius.array() += kUnderflow;
  return radius;
}

template <int M>
auto BasicCyclicSystem<M>::jacobian_radii() const -> std::vector<Block> {
  const Index m = block_size<M>(m_);
  Block abs_a(m_, m_);
  for (Index i = 0; i < m * m; ++i) abs_a.data()[i] = std::abs(map_.a().data()[i]);
  std::vector<Block> radii;
  radii.reserve(static_cast<std::size_t>(order()));
  for (Index t = 0; t < order(); ++t) {
    if (accurate_) {
      radii.push_back(accurate_radius(t));
      continue;
    }
    const Word* region = itinerary_.at(t);
    Block& magnitude = radii.emplace_back(abs_a);
    double* sums = magnitude.data();
    Index n_terms = 1;
    const double* w = map_.w1().data();
    for (Index i = 0; i < map_.n_units(); ++i, w += m) {
      if (!get_bit(region, i)) continue;
      if (map_.w2_is_identity()) {
        for (Index r = 0; r < m; ++r) sums[i * m + r] += std::abs(w[r]);
        continue;
      }
      for (Index l = 0; l < m; ++l) {
        const double factor = std::abs(map_.w2()(i, l));
        for (Index r = 0; r < m; ++r) sums[l * m + r] += std::abs(w[r]) * factor;
      }
      ++n_terms;
    }
    const double unit = gamma_of(n_terms);
    const double factor = inflation(m);
    for (Index i = 0; i < m * m; ++i) sums[i] = unit * sums[i] * factor + kUnderflow;
    if constexpr (M == Eigen::Dynamic) looks_.after(static_cast<double>(m * m * n_terms));
  }
  return radii;
}

template <int M>
Matrix BasicCyclicSystem<M>::condense(const Points& f) const {
  const Index m = block_size<M>(m_);
  Matrix g(static_cast<Index>(starts_.size()) * m, 1);
  Column next(m);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    double* sum = g.data() + static_cast<Index>(s) * m;
    std::copy_n(f.data() + starts_[s] * m, m, sum);
    for (Index t = starts_[s] + 1; t < segment_end(s); ++t) {
      std::copy_n(f.data() + t * m, m, next.data());
      add_product<M>(m, jacobians_[static_cast<std::size_t>(t)].data(), sum, next.data());
      std::copy_n(next.data(), m, sum);
    }
  }
  return g;
}

template <int M>
auto BasicCyclicSystem<M>::expand(const Matrix& starts, const Points& f) const -> Points {
  const Index m = block_size<M>(m_);
  Points z(m_, order());
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    double* point = z.data() + starts_[s] * m;
    std::copy_n(starts.data() + static_cast<Index>(s) * m, m, point);
    for (Index t = starts_[s]; t + 1 < segment_end(s); ++t, point += m) {
      std::copy_n(f.data() + t * m, m, point + m);
      add_product<M>(m, jacobians_[static_cast<std::size_t>(t)].data(), point, point + m);
    }
  }
  return z;
}

template <int M>
std::vector<Matrix> BasicCyclicSystem<M>::null_space(Index d) const {
  const Matrix starts = condensed_->null_space(d);
  std::vector<Matrix> directions;
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    Matrix at = starts.middleRows(static_cast<Index>(s) * m_, m_);
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      directions.push_back(at);
      const Block& j = jacobians_[static_cast<std::size_t>(t)];
      multiply_columns<M>(m_, j.data(), directions.back().data(), m_, d, at.data(), m_);
    }
  }
  return directions;
}

template <int M>
auto BasicCyclicSystem<M>::partial_radii(const std::vector<Block>& radii) const
    -> std::vector<Block> {
  std::vector<Block> result;
  result.reserve(radii.size());
  for (Index t = 0; t < order(); ++t) {
    const auto u = static_cast<std::size_t>(t);
    result.push_back(starts_segment(t) ? radii[u]
                                       : product_radius<M>(jacobians_[u], radii[u], partial_[u - 1],
                                                           result[u - 1]));
    if constexpr (M == Eigen::Dynamic) looks_.after(2.0 * cube(m_));
  }
  return result;
}

template <int M>
Matrix BasicCyclicSystem<M>::inverse_columns(Index first, Index count) const {
  Matrix unit = Matrix::Zero(static_cast<Index>(starts_.size()) * m_, count);
  for (Index c = 0; c < count; ++c) unit(first + c, c) = 1.0;
  return condensed_->solve(unit);
}

// Row block by row block.
template <int M>
void BasicCyclicSystem<M>::add_defect(const Matrix& x, const Matrix& abs_x, Index first,
                                      const std::vector<Block>& spreads, Vector& sums) const {
  const Index m = block_size<M>(m_);
  const Index n = x.rows();
  const Index count = x.cols();
  Matrix product(m, count);
  Block spread(m, m);
  Column slack(m), row_sums(m);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const Index row = static_cast<Index>(s) * m;
    const Index next = s + 1 == starts_.size() ? 0 : row + m;
    const auto last = static_cast<std::size_t>(segment_end(s) - 1);
    const Block& block = partial_[last];
    const double unit = gamma_of(m + 2);
    for (Index i = 0; i < m * m; ++i) {
      spread.data()[i] = spreads[last].data()[i] + unit * std::abs(block.data()[i]);
    }
    multiply_columns<M>(m, block.data(), x.data() + row, n, count, product.data(), m);
    // Only sums of rows of spread |X| are needed.
    row_sums.setZero();
    for (Index c = 0; c < count; ++c) {
      for (Index i = 0; i < m; ++i) row_sums.data()[i] += abs_x.data()[c * n + row + i];
    }
    slack.setZero();
    add_product<M>(m, spread.data(), row_sums.data(), slack.data());
    Column sum = sums.segment(row, m) + slack;
    for (Index c = 0; c < count; ++c) {
      for (Index i = 0; i < m; ++i) {
        const double diagonal = first + c == row + i ? 1.0 : 0.0;
        const double e = product.data()[c * m + i] - x.data()[c * n + next + i] + diagonal;
        const double rounding = gamma_of(2) * (abs_x.data()[c * n + next + i] + diagonal);
        sum.data()[i] += std::abs(e) + rounding;
      }
    }
    sums.segment(row, m) = sum;
    if constexpr (M == Eigen::Dynamic) looks_.after(2.0 * static_cast<double>(m * m * count));
  }
}

// Residuals condensed onto the segments; `built_up` is the error there when a point is reached.
template <int M>
Vector BasicCyclicSystem<M>::condensed_bound(const Points& residual, const Points& residual_error,
                                             const std::vector<Block>& radii,
                                             Points& built_up) const {
  const Index m = block_size<M>(m_);
  Vector bound(static_cast<Index>(starts_.size()) * m);
  Column mid(m), rad(m), fresh(m), size(m), carried(m), spread(m), rounding(m);  // |mid| + rad
  const auto write_bound = [&](double* out) {
    for (Index i = 0; i < m; ++i) out[i] = std::abs(mid.data()[i]) + rad.data()[i];
  };
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    mid.setZero();
    rad.setZero();
    for (Index t = starts_[s]; t < segment_end(s); ++t) {
      write_bound(built_up.data() + t * m);
      const double* r = residual.data() + t * m;
      const double* r_error = residual_error.data() + t * m;
      // Keeps an exact point exact, so that a border is seen as one.
      if (all_zero(m, mid.data()) && all_zero(m, rad.data()) && all_zero(m, r) &&
          all_zero(m, r_error)) {
        continue;
      }
      const double* j = jacobians_[static_cast<std::size_t>(t)].data();
      const double* rj = radii[static_cast<std::size_t>(t)].data();
      write_bound(size.data());
      carried.setZero();
      spread.setZero();
      for (Index i = 0; i < m; ++i) {
        fresh.data()[i] = r[i];
        rounding.data()[i] = std::abs(r[i]);
      }
      add_absolute_product<M>(m, j, rad.data(), carried.data());
      add_absolute_product<M>(m, rj, size.data(), spread.data());
      add_absolute_product<M>(m, j, mid.data(), rounding.data());
      add_product<M>(m, j, mid.data(), fresh.data());
      for (Index i = 0; i < m; ++i) {
        const double sum = carried.data()[i] + spread.data()[i] +
                           gamma_of(m + 1) * rounding.data()[i] + r_error[i];
        rad.data()[i] = sum * inflation(m) + kUnderflow;
      }
      mid = fresh;
    }
    write_bound(bound.data() + static_cast<Index>(s) * m);
  }
  return bound;
}

template <int M>
bool BasicCyclicSystem<M>::enclose(const Points& residual, const Points& residual_error,
                                   Points& bounds) const {
  const Index m = block_size<M>(m_);
  const auto n = static_cast<Index>(starts_.size()) * m;
  const double summation = 1.0 + 4.0 * static_cast<double>(n) * kUnitRoundoff;
  bounds = Points::Constant(m_, order(), std::numeric_limits<double>::infinity());
  const std::vector<Block> radii = jacobian_radii();
  const std::vector<Block> spreads = partial_radii(radii);
  // The inverse of many segments of many states is never held as a whole.
  const Index width = std::clamp<Index>(kInverseEntries / n, 1, n);
  Vector defect = Vector::Zero(n);
  Matrix abs_x;
  for (Index first = 0; first < n; first += width) {
    const Matrix x = inverse_columns(first, std::min(width, n - first));
    if (!x.allFinite()) return false;
    abs_x = x.cwiseAbs();
    add_defect(x, abs_x, first, spreads, defect);
  }
  for (double& sum : defect) sum = (sum * inflation(m) + kUnderflow) * summation;
  const double norm = defect.maxCoeff();
  if (!(norm < 0.5)) return false;

  Points built_up(m_, order());
  const Vector condensed = condensed_bound(residual, residual_error, radii, built_up);
  Vector at_starts = Vector::Zero(n);
  const double largest = condensed.maxCoeff();
  if (largest > 0.0) {
    Vector y = condensed + defect * (largest / (1.0 - norm) * kOutward);
    y.array() += kUnderflow;  // before X multiplies it
    for (Index first = 0; first < n; first += width) {
      const Index count = std::min(width, n - first);
      if (width < n) abs_x = inverse_columns(first, count).cwiseAbs();
      at_starts += dense::apply(abs_x, y.segment(first, count));
    }
    for (double& bound : at_starts) bound = (bound * inflation(n) + kUnderflow) * summation;
  }
  Column spread(m);
  for (std::size_t s = 0; s < starts_.size(); ++s) {
    const double* start = at_starts.data() + static_cast<Index>(s) * m;
    const bool exact = all_zero(m, start);
    std::copy_n(start, m, bounds.data() + starts_[s] * m);
    for (Index t = starts_[s] + 1; t < segment_end(s); ++t) {
      const double* extra = built_up.data() + t * m;
      double* out = bounds.data() + t * m;
      if (exact) {
        std::copy_n(extra, m, out);
        continue;
      }
      const auto u = static_cast<std::size_t>(t - 1);
      spread.setZero();
      add_absolute_product<M>(m, partial_[u].data(), start, spread.data());
      add_absolute_product<M>(m, spreads[u].data(), start, spread.data());
      for (Index i = 0; i < m; ++i) {
        out[i] = (spread.data()[i] + extra[i]) * inflation(m) + kUnderflow;
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

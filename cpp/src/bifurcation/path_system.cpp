#include "bifurcation/path_system.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "cycles/block_loops.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// As in BasicCyclicSystem: Jacobians are multiplied only while |J_t| ... |J_s| stays below this.
constexpr double kSegmentGrowth = 1e3;
// Safety of the first-order rounding estimates below.
constexpr double kNoiseSafety = 8.0;
// Numbers below this have products that are lost to underflow, and not to a relative error.
constexpr double kLostBelow = kUnderflow / kEpsilon;
// Second smallest pivot, relative to the matrix, from which on a second loss of rank counts: those
// of long expanding cycles are graded without any.
constexpr double kRankLoss = 1e-6;

constexpr int kAnySize = Eigen::Dynamic;

// The reflection I - factor v v^T of `rows` numbers in each of the columns, which start `stride`
// apart. Four partial sums: one would wait for every addition.
void reflect(Index rows, const double* v, double factor, Index columns, double* first,
             Index stride) {
  for (Index c = 0; c < columns; ++c) {
    double* x = first + c * stride;
    double sums[4] = {};
    Index r = 0;
    for (; r + 4 <= rows; r += 4) {
      for (Index i = 0; i < 4; ++i) sums[i] += v[r + i] * x[r + i];
    }
    double along = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    for (; r < rows; ++r) along += v[r] * x[r];
    along *= factor;
    for (r = 0; r < rows; ++r) x[r] -= v[r] * along;
  }
}

struct Pivots {
  double smallest = std::numeric_limits<double>::infinity();
  double second = std::numeric_limits<double>::infinity();  // smallest
};

// Gaussian elimination with complete pivoting of the left square part; columns right of it are
// carried along. Multiplies `determinant` by that of the square part. A zero pivot becomes one of
// rounding size, a backward error like any other, so that the products N = p d stay finite and
// right.
Pivots eliminate_square(Matrix& a, double scale, ScaledValue& determinant,
                        std::vector<Index>& columns) {
  const Index m = a.rows();
  const Index n = a.cols();
  double* data = a.data();
  columns.resize(static_cast<std::size_t>(m));
  std::iota(columns.begin(), columns.end(), Index{0});
  Pivots pivots;
  double running = 1.0;
  for (Index step = 0; step < m; ++step) {
    Index row = step;
    Index column = step;
    double best = -1.0;
    for (Index c = step; c < m; ++c) {
      for (Index r = step; r < m; ++r) {
        const double size = std::abs(data[c * m + r]);
        if (size > best) {
          best = size;
          row = r;
          column = c;
        }
      }
    }
    if (column != step) {
      std::swap_ranges(data + column * m, data + column * m + m, data + step * m);
      std::swap(columns[static_cast<std::size_t>(column)], columns[static_cast<std::size_t>(step)]);
      running = -running;
    }
    if (row != step) {
      for (Index c = 0; c < n; ++c) std::swap(data[c * m + row], data[c * m + step]);
      running = -running;
    }
    double& pivot = data[step * m + step];
    if (!(best > kEpsilon * kEpsilon * scale)) pivot = kEpsilon * kEpsilon * scale;
    const double pivot_size = std::abs(pivot);
    pivots.second = std::min(pivots.second, std::max(pivots.smallest, pivot_size));
    pivots.smallest = std::min(pivots.smallest, pivot_size);
    determinant.multiply(running * pivot);
    running = 1.0;
    const double inverse = 1.0 / pivot;
    for (Index c = step + 1; c < n; ++c) {
      const double factor = data[c * m + step] * inverse;
      if (factor == 0.0) continue;
      for (Index r = step + 1; r < m; ++r) data[c * m + r] -= factor * data[step * m + r];
    }
  }
  return pivots;
}

}  // namespace

PathSystem::PathSystem(const CanonicalPath& path, const Itinerary& itinerary, Control* control)
    : path_(path),
      itinerary_(itinerary),
      m_(path.n_states()),
      k_(itinerary.order),
      n_relevant_(static_cast<Index>(path.relevant_units().size())),
      looks_(control) {
  const CanonicalMap& a = path.start();
  const CanonicalMap& b = path.end();
  const Index size = m_ * m_ + m_;
  start_.resize(size, k_);
  middle_.resize(size, k_);
  end_.resize(size, k_);
  blocks_.resize(size, k_);
  Index n_on = 0;
  for (Index t = 0; t < k_; ++t) {
    Eigen::Map<Matrix> j0(start_.col(t).data(), m_, m_);
    Eigen::Map<Matrix> jm(middle_.col(t).data(), m_, m_);
    Eigen::Map<Matrix> j1(end_.col(t).data(), m_, m_);
    auto c0 = start_.col(t).tail(m_);
    auto cm = middle_.col(t).tail(m_);
    auto c1 = end_.col(t).tail(m_);
    j0 = a.a();
    j1 = b.a();
    jm = a.a() + b.a();
    c0 = a.h1();
    c1 = b.h1();
    cm = a.h1() + b.h1();
    for (const Index i : path.relevant_units()) {
      if (!get_bit(itinerary.at(t), i)) continue;
      ++n_on;
      const double* w0 = a.w1().col(i).data();
      const double* w1 = b.w1().col(i).data();
      for (Index l = 0; l < m_; ++l) {
        const double v0 = a.w2()(i, l);
        const double v1 = b.w2()(i, l);
        if (v0 == 0.0 && v1 == 0.0) continue;
        for (Index r = 0; r < m_; ++r) {
          j0(r, l) += w0[r] * v0;
          j1(r, l) += w1[r] * v1;
          jm(r, l) += w0[r] * v1 + w1[r] * v0;
        }
      }
      c0 += a.w1().col(i) * a.h2()(i);
      c1 += b.w1().col(i) * b.h2()(i);
      cm += a.w1().col(i) * b.h2()(i) + b.w1().col(i) * a.h2()(i);
    }
  }
  // Each row of the linear system in states and active pre-activations adds one degree, and so do
  // two for each state where all J_t are quadratic.
  degree_bound_ = std::min(m_ * k_ + n_on, 2 * m_ * k_) + 1;
  borders_start_.resize(m_ + 1, n_relevant_);
  borders_end_.resize(m_ + 1, n_relevant_);
  for (Index j = 0; j < n_relevant_; ++j) {
    const Index i = path.relevant_units()[static_cast<std::size_t>(j)];
    borders_start_.col(j) << a.w2().row(i).transpose(), a.h2()(i);
    borders_end_.col(j) << b.w2().row(i).transpose(), b.h2()(i);
  }
  condensed_.resize(size, k_);
  closing_.resize(m_, m_ + 1);
  flip_closing_.resize(m_, m_);
  starts_.resize(m_, k_);
}

// One sample or one set of multipliers takes about k M^3 multiplications.
void PathSystem::look() {
  looks_.after(static_cast<double>(k_) * static_cast<double>(m_ * m_ * m_) + 1.0);
}

void PathSystem::set_blocks(double s) {
  const double w0 = (1.0 - s) * (1.0 - s);
  const double wm = s * (1.0 - s);
  const double w1 = s * s;
  const double* x0 = start_.data();
  const double* xm = middle_.data();
  const double* x1 = end_.data();
  double* out = blocks_.data();
  const Index n = blocks_.size();
  for (Index i = 0; i < n; ++i) out[i] = w0 * x0[i] + wm * xm[i] + w1 * x1[i];
}

std::vector<Matrix> PathSystem::jacobians(double s) {
  look();
  set_blocks(s);
  std::vector<Matrix> result;
  for (Index t = 0; t < k_; ++t) {
    result.emplace_back(Eigen::Map<const Matrix>(blocks_.col(t).data(), m_, m_));
  }
  return result;
}

std::vector<Vector> PathSystem::offsets(double s) {
  set_blocks(s);
  std::vector<Vector> result;
  for (Index t = 0; t < k_; ++t) result.emplace_back(blocks_.col(t).tail(m_));
  return result;
}

void PathSystem::condense() {
  segment_starts_.assign(1, 0);
  amplification_.assign(1, 1.0);
  condensed_.col(0) = blocks_.col(0);
  offset_size_ = blocks_.bottomRows(m_).cwiseAbs().maxCoeff();
  if (k_ == 1) return;
  const Vector ones = Vector::Ones(m_);
  Vector growth = Vector::Zero(m_);
  Vector next(m_);
  add_absolute_product<kAnySize>(m_, blocks_.data(), ones.data(), growth.data());
  Vector product(m_ * m_ + m_);
  // Sizes of the terms that add up to an offset: they may cancel, their rounding errors do not.
  Vector terms = blocks_.col(0).tail(m_).cwiseAbs();
  for (Index t = 1; t < k_; ++t) {
    const double* block = blocks_.col(t).data();
    next.setZero();
    add_absolute_product<kAnySize>(m_, block, growth.data(), next.data());
    growth.swap(next);
    next = blocks_.col(t).tail(m_).cwiseAbs();
    add_absolute_product<kAnySize>(m_, block, terms.data(), next.data());
    terms.swap(next);
    if (growth.maxCoeff() > kSegmentGrowth) {
      condensed_.col(static_cast<Index>(segment_starts_.size())) = blocks_.col(t);
      segment_starts_.push_back(t);
      amplification_.push_back(1.0);
      growth.setZero();
      add_absolute_product<kAnySize>(m_, block, ones.data(), growth.data());
      terms = blocks_.col(t).tail(m_).cwiseAbs();
    } else {
      offset_size_ = std::max(offset_size_, terms.maxCoeff());
      auto target = condensed_.col(static_cast<Index>(segment_starts_.size()) - 1);
      multiply_columns<kAnySize>(m_, block, target.data(), m_, m_, product.data(), m_);
      product.tail(m_) = blocks_.col(t).tail(m_);
      add_product<kAnySize>(m_, block, target.data() + m_ * m_, product.data() + m_ * m_);
      target = product;
      amplification_.back() = std::max(amplification_.back(), growth.maxCoeff());
    }
  }
}

// Structured orthogonal elimination of the segments' starts but the first (Wright, SIAM J. Sci.
// Stat. Comput. 13, 742, 1992), as in BasicBlockCyclic, here with the determinants. With unknowns
// in the order z_1 ... z_{S-1}, z_0 the matrix is the identity where all blocks are zero, so its
// determinant is det(I - P_{S-1} ... P_0).
void PathSystem::eliminate(PathSample& out) {
  out.determinant = ScaledValue{};
  const double scale = segment_starts_.size() == 1 ? close_one() : close_many(out.determinant);
  out.flip_determinant = out.determinant;
  // Relative errors are of normal numbers: below them products lose what `kUnderflow` bounds.
  const double right_size =
      std::max({closing_.col(m_).cwiseAbs().maxCoeff(), offset_size_, kLostBelow});
  // Rounding of determinants: |adj| times the size of the matrix, with |adj| estimated by d over
  // the smallest pivot.
  const double unit = kNoiseSafety * static_cast<double>(m_) * kEpsilon;
  const Pivots flip = eliminate_square(flip_closing_, scale, out.flip_determinant, column_order_);
  out.flip_noise = unit * std::abs(out.flip_determinant.mantissa) * scale / flip.smallest;
  const Pivots plain = eliminate_square(closing_, scale, out.determinant, column_order_);
  const double size = std::abs(out.determinant.mantissa);
  out.determinant_noise = unit * size * scale / plain.smallest;
  out.singular = size <= out.determinant_noise;
  solve_starts();
  // |N| is at most |adj| |right side|, and that is what its rounding errors are relative to, until
  // the matrix is about to lose rank twice: then adj is itself lost in rounding errors, relative to
  // the products of all pivots but two.
  const double loss = std::max(1.0, kRankLoss * scale / plain.second);
  out.noise.assign(amplification_.size(), 0.0);
  for (std::size_t s = 0; s < amplification_.size(); ++s) {
    out.noise[s] = unit * size * amplification_[s] * right_size * loss / plain.smallest;
  }
}

Eigen::Map<const Matrix> PathSystem::condensed_block(Index s) const {
  return Eigen::Map<const Matrix>(condensed_.col(s).data(), m_, m_);
}

// closing_ and flip_closing_ of one segment; returns their scale.
double PathSystem::close_one() {
  closing_.leftCols(m_) = -condensed_block(0);
  flip_closing_ = condensed_block(0);
  closing_.col(m_) = condensed_.col(0).tail(m_);
  closing_.diagonal().array() += 1.0;
  flip_closing_.diagonal().array() += 1.0;
  return 1.0 + condensed_block(0).cwiseAbs().maxCoeff();
}

// The same of several segments. The row so far is g z_0 + e z_s = f; the columns of the stack are
// z_s, z_0, z_{s+1}, right side.
double PathSystem::close_many(ScaledValue& determinant) {
  const auto n_segments = static_cast<Index>(segment_starts_.size());
  Matrix g = -condensed_block(0);
  Matrix e = Matrix::Identity(m_, m_);
  Vector f = condensed_.col(0).tail(m_);
  eliminated_.resize(static_cast<std::size_t>(n_segments - 1));
  for (Index s = 1; s < n_segments; ++s) {
    stack_.setZero(2 * m_, 3 * m_ + 1);
    stack_.topLeftCorner(m_, m_) = e;
    stack_.block(0, m_, m_, m_) = g;
    stack_.col(3 * m_).head(m_) = f;
    stack_.bottomLeftCorner(m_, m_) = -condensed_block(s);
    stack_.block(m_, 2 * m_, m_, m_).setIdentity();
    stack_.col(3 * m_).tail(m_) = condensed_.col(s).tail(m_);
    triangulate_stack(determinant);
    eliminated_[static_cast<std::size_t>(s - 1)] = stack_.topRows(m_);
    g = stack_.block(m_, m_, m_, m_);
    e = stack_.block(m_, 2 * m_, m_, m_);
    f = stack_.col(3 * m_).tail(m_);
  }
  closing_.leftCols(m_) = g + e;
  closing_.col(m_) = f;
  flip_closing_ = e - g;
  return g.cwiseAbs().maxCoeff() + e.cwiseAbs().maxCoeff();
}

// Reflections that make the first M columns of the stack a triangle; its diagonal and the signs of
// the reflections go into the determinant.
void PathSystem::triangulate_stack(ScaledValue& determinant) {
  const Index m2 = 2 * m_;
  Vector v(m2);
  for (Index c = 0; c < m_; ++c) {
    const Index rest = m2 - c;
    double* corner = stack_.data() + c * m2 + c;
    double below = 0.0;
    for (Index i = 1; i < rest; ++i) below += corner[i] * corner[i];
    if (below > 0.0) {
      std::copy_n(corner, rest, v.data());
      v(0) += std::copysign(std::sqrt(v(0) * v(0) + below), v(0));
      reflect(rest, v.data(), 2.0 / (v(0) * v(0) + below), 3 * m_ + 1 - c, corner, m2);
      determinant.multiply(-1.0);
    }
    // [E; -P_s] has full rank as long as the eliminated rows have: E comes from an orthogonal
    // matrix. Guarded all the same.
    if (stack_(c, c) == 0.0) stack_(c, c) = kEpsilon * kEpsilon;
    determinant.multiply(stack_(c, c));
  }
}

// z_0 from the triangle, then the other starts backwards.
void PathSystem::solve_starts() {
  const auto n_segments = static_cast<Index>(segment_starts_.size());
  Vector z(m_);
  for (Index r = m_ - 1; r >= 0; --r) {
    double sum = closing_(r, m_);
    for (Index c = r + 1; c < m_; ++c) sum -= closing_(r, c) * z(c);
    z(r) = sum / closing_(r, r);
  }
  for (Index c = 0; c < m_; ++c) starts_(column_order_[static_cast<std::size_t>(c)], 0) = z(c);
  for (Index s = n_segments - 1; s >= 1; --s) {
    const Matrix& rows = eliminated_[static_cast<std::size_t>(s - 1)];
    const Index next = s + 1 == n_segments ? 0 : s + 1;
    z.setZero();
    add_product<kAnySize>(m_, rows.col(m_).data(), starts_.col(0).data(), z.data());
    add_product<kAnySize>(m_, rows.col(2 * m_).data(), starts_.col(next).data(), z.data());
    double* x = starts_.col(s).data();
    for (Index r = 0; r < m_; ++r) x[r] = rows(r, 3 * m_) - z(r);
    for (Index c = m_ - 1; c >= 0; --c) {
      const double* column = rows.col(c).data();
      x[c] /= column[c];
      for (Index r = 0; r < c; ++r) x[r] -= column[r] * x[c];
    }
  }
}

void PathSystem::expand(PathSample& out) {
  const double s = out.s;
  const double size = std::abs(out.determinant.mantissa);
  const std::vector<double> segment_noise = out.noise;
  out.points.resize(static_cast<std::size_t>(m_ * k_));
  out.preactivations.resize(static_cast<std::size_t>(n_relevant_ * k_));
  out.noise.resize(out.preactivations.size());
  const double* border0 = borders_start_.data();
  const double* border1 = borders_end_.data();
  std::size_t segment = 0;
  for (Index t = 0; t < k_; ++t) {
    double* z = out.points.data() + t * m_;
    if (segment < segment_starts_.size() && segment_starts_[segment] == t) {
      std::copy_n(starts_.col(static_cast<Index>(segment)).data(), m_, z);
      ++segment;
    } else {
      std::copy_n(blocks_.col(t - 1).data() + m_ * m_, m_, z);
      add_product<kAnySize>(m_, blocks_.col(t - 1).data(), z - m_, z);
    }
    double lost = 1.0;
    for (Index l = 0; l < m_; ++l) lost += std::abs(z[l]);
    lost *= kLostBelow;
    for (Index j = 0; j < n_relevant_; ++j) {
      const double* w0 = border0 + j * (m_ + 1);
      const double* w1 = border1 + j * (m_ + 1);
      double p = (1.0 - s) * w0[m_] + s * w1[m_];
      double magnitude = std::abs(p);
      double slope = 0.0;
      for (Index l = 0; l < m_; ++l) {
        const double w = (1.0 - s) * w0[l] + s * w1[l];
        p += w * z[l];
        magnitude += std::abs(w * z[l]);
        slope += std::abs(w);
      }
      const auto f = static_cast<std::size_t>(t * n_relevant_ + j);
      out.preactivations[f] = p;
      out.noise[f] =
          slope * segment_noise[segment - 1] + kNoiseSafety * kEpsilon * size * (magnitude + lost);
    }
  }
}

void PathSystem::sample(double s, PathSample& out) {
  look();
  out.s = s;
  set_blocks(s);
  condense();
  eliminate(out);
  expand(out);
}

}  // namespace rnndyn

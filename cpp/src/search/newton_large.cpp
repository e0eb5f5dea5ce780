#include "search/newton_large.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/functions.hpp"
#include "kernels/sign_bits.hpp"

namespace rnndyn {
namespace {

using kernels::Transposed;

// The first n columns of c, set or added to: the first k columns of a times b (k x n, or n x k and
// taken transposed). Rows of c beyond those of a stay as they are.
void multiply(const Matrix& a, Index k, const Matrix& b, Transposed transposed, Matrix& c, Index n,
              bool add) {
  kernels::functions().dense.multiply(a.rows(), n, k, transposed, 1.0, a.data(), a.rows(), b.data(),
                                      b.rows(), c.data(), c.rows(), add);
}

void add_product(const Matrix& a, Index columns, const double* x, Vector& y) {
  kernels::functions().dense.multiply_vector(a.rows(), columns, a.data(), a.rows(), x, y.data());
}

}  // namespace

LargeNewton::LargeNewton(const CanonicalMap& map, const kernels::PreactivationReach& reach,
                         Index order, Control* control, Refutation refutation)
    : map_(map),
      reach_(reach),
      order_(order),
      bounded_(refutation == Refutation::bounded),
      error_(reach, map.n_states(), order),
      diagonal_a_(map.a().isDiagonal(0.0)),
      product_(map.n_states() + 1, map.n_states()),
      fresh_(map.n_states() + 1, map.n_states()),
      active_w1_(map.n_states(), map.n_units()),
      active_w2_(map.n_states(), map.n_units()),
      active_rows_(map.n_states() + 1, map.n_units()),
      system_(map.n_states(), map.n_states()),
      w2_transposed_(map.w2().transpose()),
      active_h2_(map.n_units()),
      diagonal_(map.a().diagonal()),
      z_(map.n_states()),
      offset_(map.n_states()),
      p_(Vector::Zero((map.n_units() + 7) / 8 * 8)),
      nothing_(map.words_per_region(), 0),
      rows_(static_cast<std::size_t>(map.n_states())),
      looks_(control) {
  if (!map.w2_is_identity() && map.n_units() > map.n_states()) steps_.emplace(map, order);
}

double LargeNewton::flops() const {
  const auto m = static_cast<double>(map_.n_states());
  const auto h = static_cast<double>(map_.n_units());
  const auto k = static_cast<double>(order_);
  return k * (m * m * h + (diagonal_a_ ? 0.0 : 2.0 * m * m * m) + 4.0 * m * h) +
         2.0 / 3.0 * m * m * m;
}

void LargeNewton::gather(const Word* region) {
  active_.clear();
  for (std::size_t w = 0; w < map_.words_per_region(); ++w) {
    for (Word bits = region[w]; bits != 0; bits &= bits - 1) {
      active_.push_back(static_cast<Index>(64 * w) + std::countr_zero(bits));
    }
  }
  for (std::size_t a = 0; a < active_.size(); ++a) {
    std::copy_n(map_.w1().col(active_[a]).data(), map_.n_states(),
                active_w1_.col(static_cast<Index>(a)).data());
  }
  if (map_.w2_is_identity()) return;
  for (std::size_t a = 0; a < active_.size(); ++a) {
    active_w2_.col(static_cast<Index>(a)) = w2_transposed_.col(active_[a]);
    active_h2_(static_cast<Index>(a)) = map_.h2()(active_[a]);
  }
}

void LargeNewton::apply(Index step, const Word* region) {
  const Index m = map_.n_states();
  if (steps_) {
    const Matrix& affine = steps_->at(step, region);
    kernels::functions().dense.multiply(m + 1, m, m, Transposed::none, 1.0, product_.data(), m + 1,
                                        affine.data(), affine.rows(), fresh_.data(), m + 1, false);
    fresh_.row(m) += affine.row(m);
    product_.swap(fresh_);
    return;
  }
  gather(region);
  const auto n = static_cast<Index>(active_.size());
  if (diagonal_a_) {
    kernels::functions().dense.scale_columns(m + 1, m, product_.data(), diagonal_.data(),
                                             fresh_.data());
  } else {
    multiply(product_, m, map_.a(), Transposed::right, fresh_, m, false);
  }
  if (map_.w2_is_identity()) {
    for (Index a = 0; a < n; ++a) {
      const double* from = product_.col(active_[static_cast<std::size_t>(a)]).data();
      std::copy_n(from, m + 1, active_rows_.col(a).data());
    }
  } else {
    multiply(product_, m, active_w2_, Transposed::none, active_rows_, n, false);
    active_rows_.row(m).head(n) += active_h2_.head(n).transpose();
  }
  multiply(active_rows_, n, active_w1_, Transposed::right, fresh_, m, true);
  fresh_.row(m) += map_.h1().transpose();
  product_.swap(fresh_);
}

void LargeNewton::start(const Word* region) {
  const Index m = map_.n_states();
  if (steps_) {
    product_ = steps_->at(0, region).topRows(m + 1);
    return;
  }
  gather(region);
  const auto n = static_cast<Index>(active_.size());
  product_.topRows(m) = map_.a().transpose();
  product_.row(m) = map_.h1().transpose();
  if (map_.w2_is_identity()) {
    for (Index a = 0; a < n; ++a) {
      product_.row(active_[static_cast<std::size_t>(a)]) += active_w1_.col(a).transpose();
    }
    return;
  }
  multiply(active_w2_, n, active_w1_, Transposed::right, product_, m, true);
  offset_.setZero();
  add_product(active_w1_, n, active_h2_.data(), offset_);
  product_.row(m) += offset_.transpose();
}

void LargeNewton::preactivate() {
  const Index units = map_.n_units();
  if (map_.w2_is_identity()) {
    p_.head(units) = z_;
  } else {
    p_.head(units) = map_.h2();
    add_product(map_.w2(), map_.n_states(), z_.data(), p_);
  }
}

void LargeNewton::advance() {
  if (diagonal_a_) {
    z_ = diagonal_.cwiseProduct(z_) + map_.h1();
  } else {
    offset_ = map_.h1();
    add_product(map_.a(), map_.n_states(), z_.data(), offset_);
    z_.swap(offset_);
  }
  p_ = p_.cwiseMax(0.0);
  add_product(map_.w1(), map_.n_units(), p_.data(), z_);
}

Word LargeNewton::read_region(double threshold, const Word* now, Word* out) const {
  return kernels::functions().read_region(p_.data(), map_.n_units(), threshold, now,
                                          map_.relevant_units().data(), out);
}

bool LargeNewton::read_itinerary(double* state, Index transient, Word* out) {
  const Index m = map_.n_states();
  const auto words = static_cast<Index>(map_.words_per_region());
  z_ = Eigen::Map<const Vector>(state, m);
  for (Index t = -transient; t < order_; ++t) {
    preactivate();
    if (t >= 0) read_region(0.0, nothing_.data(), out + t * words);
    advance();
  }
  Eigen::Map<Vector>(state, m) = z_;
  return z_.allFinite() && z_.cwiseAbs().maxCoeff() < kernels::kFarAway;
}

unsigned LargeNewton::iterate(const Word* itinerary, Word* next, unsigned /*active*/,
                              NewtonStatus* status) {
  const auto& dense = kernels::functions().dense;
  const Index m = map_.n_states();
  const auto words = static_cast<Index>(map_.words_per_region());
  double growth = 1.0;
  start(itinerary);
  for (Index t = 1; t < order_; ++t) {
    apply(t, itinerary + t * words);
    looks_.after(flops() / static_cast<double>(order_));
    growth = std::max(growth, dense.largest(m, m, product_.data(), m + 1));
    if (!(growth <= kernels::kProductLimit)) {
      *status = NewtonStatus::moved;
      return 1;
    }
  }
  system_ = -product_.topRows(m).transpose();
  system_.diagonal().array() += 1.0;
  const double size = system_.cwiseAbs().maxCoeff();
  dense.factor(m, system_.data(), rows_.data());
  if (!(system_.diagonal().cwiseAbs().minCoeff() > kernels::kSingularPivot * size)) {
    *status = NewtonStatus::singular;
    return 1;
  }
  z_ = product_.row(m).transpose();
  dense.solve(m, system_.data(), rows_.data(), z_.data());
  *status = follow(growth, itinerary, next);
  return 0;
}

double LargeNewton::inverse_norm() const {
  const Index m = map_.n_states();
  // The bound of the small kernels grows too large with so many states. This is a solution of
  // U x = d with |d| = 1 whose signs make it large (Cline, Moler, Stewart, Wilkinson, SIAM J.
  // Numer. Anal. 16, 368, 1979).
  Vector x = Vector::Zero(m);
  for (Index p = m - 1; p >= 0; --p) {
    x(p) = (x(p) + std::copysign(1.0, x(p))) / system_(p, p);
    x.head(p) -= x(p) * system_.col(p).head(p);
  }
  return x.cwiseAbs().maxCoeff();
}

NewtonStatus LargeNewton::follow(double growth, const Word* itinerary, Word* next) {
  const double largest = z_.cwiseAbs().maxCoeff();
  if (!(largest < 1e150)) return NewtonStatus::diverged;
  double threshold = reach_.negligible(largest, growth);
  if (bounded_) {
    threshold = std::max(threshold, error_(largest, growth, inverse_norm()));
    if (!(threshold < std::numeric_limits<double>::infinity())) return NewtonStatus::singular;
  }
  const auto words = static_cast<Index>(map_.words_per_region());
  Word difference = 0;
  for (Index t = 0; t < order_; ++t) {
    preactivate();
    difference |= read_region(threshold, itinerary + t * words, next + t * words);
    advance();
  }
  if (!z_.allFinite()) return NewtonStatus::diverged;
  return difference == 0 ? NewtonStatus::settled : NewtonStatus::moved;
}

}  // namespace rnndyn

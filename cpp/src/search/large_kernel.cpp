#include "large_kernel.hpp"

#include <bit>
#include <cmath>

#include "sign_bits.hpp"

namespace rnndyn {

LargeKernel::LargeKernel(const CanonicalMap& map, Index order)
    : map_(map),
      reach_(map),
      order_(order),
      diagonal_a_(map.a().isDiagonal(0.0)),
      form_jacobian_(!map.w2_is_identity() && map.n_units() > map.n_states()),
      product_(map.n_states() + 1, map.n_states()),
      fresh_(map.n_states() + 1, map.n_states()),
      active_w1_(map.n_states(), map.n_units()),
      active_w2_(map.n_states(), map.n_units()),
      active_rows_(map.n_states() + 1, map.n_units()),
      system_(map.n_states(), map.n_states()),
      w2_transposed_(map.w2().transpose()),
      active_h2_(map.n_units()),
      z_(map.n_states()),
      p_(Vector::Zero((map.n_units() + 7) / 8 * 8)),
      lu_(map.n_states()) {}

double LargeKernel::flops() const {
  const auto m = static_cast<double>(map_.n_states());
  const auto h = static_cast<double>(map_.n_units());
  const auto k = static_cast<double>(order_);
  return k * (m * m * h + (diagonal_a_ ? 0.0 : 2.0 * m * m * m) + 4.0 * m * h) +
         2.0 / 3.0 * m * m * m;
}

void LargeKernel::gather(const Word* region) {
  active_.clear();
  for (std::size_t w = 0; w < map_.words_per_region(); ++w) {
    for (Word bits = region[w]; bits != 0; bits &= bits - 1) {
      active_.push_back(static_cast<Index>(64 * w) + std::countr_zero(bits));
    }
  }
  for (std::size_t a = 0; a < active_.size(); ++a) {
    active_w1_.col(static_cast<Index>(a)) = map_.w1().col(active_[a]);
  }
  if (map_.w2_is_identity()) return;
  for (std::size_t a = 0; a < active_.size(); ++a) {
    active_w2_.col(static_cast<Index>(a)) = w2_transposed_.col(active_[a]);
    active_h2_(static_cast<Index>(a)) = map_.h2()(active_[a]);
  }
}

void LargeKernel::apply(const Word* region) {
  const Index m = map_.n_states();
  gather(region);
  const auto n = static_cast<Index>(active_.size());
  const auto w1 = active_w1_.leftCols(n);
  const auto w2 = active_w2_.leftCols(n);
  if (form_jacobian_) {
    jacobian_ = map_.a().transpose();
    jacobian_.noalias() += w2 * w1.transpose();
    fresh_.noalias() = product_ * jacobian_;
    fresh_.row(m).noalias() += (w1 * active_h2_.head(n)).transpose();
  } else {
    if (diagonal_a_) {
      for (Index i = 0; i < m; ++i) fresh_.col(i) = map_.a()(i, i) * product_.col(i);
    } else {
      fresh_.noalias() = product_ * map_.a().transpose();
    }
    auto rows = active_rows_.leftCols(n);
    if (map_.w2_is_identity()) {
      for (Index a = 0; a < n; ++a)
        rows.col(a) = product_.col(active_[static_cast<std::size_t>(a)]);
    } else {
      rows.noalias() = product_ * w2;
      rows.row(m) += active_h2_.head(n).transpose();
    }
    fresh_.noalias() += rows * w1.transpose();
  }
  fresh_.row(m) += map_.h1().transpose();
  product_.swap(fresh_);
}

void LargeKernel::start(const Word* region) {
  const Index m = map_.n_states();
  gather(region);
  const auto n = static_cast<Index>(active_.size());
  product_.topRows(m) = map_.a().transpose();
  product_.row(m) = map_.h1().transpose();
  if (map_.w2_is_identity()) {
    for (Index a = 0; a < n; ++a) {
      product_.row(active_[static_cast<std::size_t>(a)]) += active_w1_.col(a).transpose();
    }
  } else {
    const auto w1 = active_w1_.leftCols(n);
    product_.topRows(m).noalias() += active_w2_.leftCols(n) * w1.transpose();
    product_.row(m).noalias() += (w1 * active_h2_.head(n)).transpose();
  }
}

void LargeKernel::preactivate(const Vector& z) {
  const Index units = map_.n_units();
  if (map_.w2_is_identity()) {
    p_.head(units) = z;
  } else {
    p_.head(units).noalias() = map_.w2() * z;
    p_.head(units) += map_.h2();
  }
}

void LargeKernel::advance(Vector& z) {
  if (diagonal_a_) {
    z.array() *= map_.a().diagonal().array();
  } else {
    z = map_.a() * z;
  }
  z += map_.h1();
  p_ = p_.cwiseMax(0.0);
  z.noalias() += map_.w1() * p_.head(map_.n_units());
}

bool LargeKernel::read_itinerary(Vector& state, Index transient, Word* out) {
  const auto words = static_cast<Index>(map_.words_per_region());
  for (Index t = -transient; t < order_; ++t) {
    preactivate(state);
    for (Index w = 0; t >= 0 && w < words; ++w) {
      const Index count = std::min<Index>(64, map_.n_units() - 64 * w);
      out[t * words + w] = sign_bits(p_.data() + 64 * w, count, 0.0, 0) &
                           map_.relevant_units()[static_cast<std::size_t>(w)];
    }
    advance(state);
  }
  return state.allFinite() && state.cwiseAbs().maxCoeff() < 1e100;
}

void LargeKernel::iterate(const Word* itinerary, Word* next, unsigned /*active*/,
                          NewtonStatus* status) {
  *status = iterate_one(itinerary, next);
}

NewtonStatus LargeKernel::iterate_one(const Word* itinerary, Word* next) {
  const Index m = map_.n_states();
  const auto words = static_cast<Index>(map_.words_per_region());
  double growth = 1.0;
  start(itinerary);
  for (Index t = 1; t < order_; ++t) {
    apply(itinerary + t * words);
    growth = std::max(growth, product_.topRows(m).cwiseAbs().maxCoeff());
    if (!(growth <= kProductLimit)) {
      return iterate_stably(map_, itinerary, order_, next);
    }
  }
  system_ = -product_.topRows(m).transpose();
  system_.diagonal().array() += 1.0;
  const double size = system_.cwiseAbs().maxCoeff();
  lu_.compute(system_);
  if (!(lu_.matrixLU().diagonal().cwiseAbs().minCoeff() > 1e-13 * size)) {
    return iterate_singular(map_, itinerary, order_, next);
  }
  z_ = product_.row(m).transpose();
  z_ = lu_.solve(z_);
  const double largest = z_.cwiseAbs().maxCoeff();
  if (!(largest < 1e150)) return NewtonStatus::diverged;
  const double threshold = reach_.negligible(largest, growth);
  Word difference = 0;
  const Index units = map_.n_units();
  for (Index t = 0; t < order_; ++t) {
    preactivate(z_);
    for (Index w = 0; w < words; ++w) {
      const Word now = itinerary[t * words + w];
      const Word bits =
          sign_bits(p_.data() + 64 * w, std::min<Index>(64, units - 64 * w), threshold, now) &
          map_.relevant_units()[static_cast<std::size_t>(w)];
      next[t * words + w] = bits;
      difference |= bits ^ now;
    }
    advance(z_);
  }
  if (!z_.allFinite()) return NewtonStatus::diverged;
  return difference == 0 ? NewtonStatus::settled : NewtonStatus::moved;
}

}  // namespace rnndyn

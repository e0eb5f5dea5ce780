#include "search/candidate_system.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "kernels/lu.hpp"

namespace rnndyn {
namespace {

// What all steps of a workspace may take together.
constexpr double kMostBytes = 32e6;
// Rounding errors of as many changes of a step are not worth forming it anew.
constexpr Index kMostChanges = 32;
// Rows and columns that are transposed together.
constexpr Index kTransposed = 16;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

template <class Real>
CandidateSystem<Real>::CandidateSystem(const CanonicalMap& map, Index order)
    : map_(map),
      order_(order),
      m_(map.n_states()),
      units_(map.n_units()),
      plain_(map.w2_is_identity()),
      by_factors_(map.a().isDiagonal(0.0) && (plain_ || units_ <= m_)),
      words_(map.words_per_region()),
      padded_(kernels::padded<Real>(m_)),
      padded_affine_(kernels::padded<Real>(m_ + 1)),
      w1_(at(padded_ * units_)),
      w2_(at(padded_affine_ * units_)),
      base_(at(padded_ * (m_ + 1))),
      diagonal_(at(m_)),
      picked_(64 * words_),
      product_(at(padded_affine_ * m_)),
      fresh_(product_.size()),
      stride_(kernels::lu_stride<Real>(m_)),
      system_(at(stride_ * m_)),
      constant_(at(stride_)),
      x_(at(stride_)),
      swaps_(at(m_)) {
  for (Index j = 0; j < m_; ++j) {
    for (Index i = 0; i < m_; ++i) base_[at(j * padded_ + i)] = static_cast<Real>(map.a()(i, j));
    base_[at(m_ * padded_ + j)] = static_cast<Real>(map.h1()(j));
    diagonal_[at(j)] = static_cast<Real>(map.a()(j, j));
  }
  for (Index u = 0; u < units_; ++u) {
    for (Index i = 0; i < m_; ++i) w1_[at(u * padded_ + i)] = static_cast<Real>(map.w1()(i, u));
    Real* row = w2_.data() + u * padded_affine_;
    for (Index j = 0; j < m_; ++j) row[j] = static_cast<Real>(map.w2()(u, j));
    row[m_] = static_cast<Real>(map.h2()(u));
  }
  const double bytes = static_cast<double>(sizeof(Real) * base_.size() * at(order));
  steps_.resize(bytes <= kMostBytes && !by_factors_ ? at(order) : 1);
  if (by_factors_ && !plain_) {
    active_w1_.resize(at(padded_ * units_));
    active_w2_.resize(at(m_ * kernels::padded<Real>(units_)));
    between_.resize(at(padded_affine_ * units_));
  }
}

template <class Real>
void CandidateSystem<Real>::forget() {
  for (Step& step : steps_) step.known = false;
}

template <class Real>
void CandidateSystem<Real>::list_active(const Word* region) {
  Index none = 0;
  const std::vector<Word> nothing(words_, 0);
  n_active_ =
      kernels::functions().list_differences(words_, region, nothing.data(), picked_.data(), none);
}

template <class Real>
void CandidateSystem<Real>::form_anew(Step& step, const Word* region) {
  step.affine = base_;
  step.n_changes = 0;
  list_active(region);
  if (plain_) {
    for (Index l = 0; l < n_active_; ++l) {
      const Real* from = w1_.data() + picked_[at(l)] * padded_;
      Real* to = step.affine.data() + picked_[at(l)] * padded_;
      for (Index i = 0; i < m_; ++i) to[i] += from[i];
    }
    return;
  }
  kernels::linear<Real>().add_outer_products(padded_, m_ + 1, n_active_, 0, picked_.data(),
                                             w2_.data(), padded_affine_, w1_.data(), padded_,
                                             step.affine.data(), padded_, work_);
}

template <class Real>
void CandidateSystem<Real>::change(Step& step, const Word* region) {
  Index n_removed = 0;
  const Index n_added = kernels::functions().list_differences(words_, region, step.region.data(),
                                                              picked_.data(), n_removed);
  ++step.n_changes;
  kernels::linear<Real>().add_outer_products(padded_, m_ + 1, n_added, n_removed, picked_.data(),
                                             w2_.data(), padded_affine_, w1_.data(), padded_,
                                             step.affine.data(), padded_, work_);
}

template <class Real>
const kernels::AlignedVector<Real>& CandidateSystem<Real>::form(Index number, const Word* region) {
  Step& step = steps_.size() == 1 ? steps_.front() : steps_[at(number)];
  int n_active = 0;
  int n_changed = 0;
  if (step.known) {
    for (std::size_t w = 0; w < words_; ++w) {
      n_active += std::popcount(region[w]);
      n_changed += std::popcount(region[w] ^ step.region[w]);
    }
  }
  if (plain_ || !step.known || n_changed >= n_active || step.n_changes >= kMostChanges) {
    form_anew(step, region);
  } else {
    change(step, region);
  }
  step.region.assign(region, region + words_);
  step.known = true;
  return step.affine;
}

template <class Real>
void CandidateSystem<Real>::begin(const Numbers& affine) {
  for (Index first = 0; first <= m_; first += kTransposed) {
    const Index end = std::min(m_ + 1, first + kTransposed);
    for (Index i = 0; i < m_; ++i) {
      Real* to = product_.data() + i * padded_affine_;
      for (Index j = first; j < end; ++j) to[j] = affine[at(j * padded_ + i)];
    }
  }
}

template <class Real>
void CandidateSystem<Real>::multiply(const Numbers& affine) {
  std::fill(fresh_.begin(), fresh_.end(), Real{});
  for (Index i = 0; i < m_; ++i) {
    fresh_[at(i * padded_affine_ + m_)] = affine[at(m_ * padded_ + i)];
  }
  kernels::linear<Real>().add_outer_products(padded_affine_, m_, m_, 0, nullptr, affine.data(),
                                             padded_, product_.data(), padded_affine_,
                                             fresh_.data(), padded_affine_, work_);
  product_.swap(fresh_);
}

template <class Real>
void CandidateSystem<Real>::multiply_by_factors(const Word* region) {
  const auto& linear = kernels::linear<Real>();
  list_active(region);
  linear.scale_columns(padded_affine_, m_, product_.data(), diagonal_.data(), fresh_.data());
  for (Index i = 0; i < m_; ++i) fresh_[at(i * padded_affine_ + m_)] += base_[at(m_ * padded_ + i)];
  if (plain_) {
    linear.add_outer_products(padded_affine_, m_, n_active_, 0, picked_.data(), w1_.data(), padded_,
                              product_.data(), padded_affine_, fresh_.data(), padded_affine_,
                              work_);
    product_.swap(fresh_);
    return;
  }
  const Index step = kernels::padded<Real>(n_active_);
  // What the active units see of the product, one column each, then what they make of it.
  for (Index l = 0; l < n_active_; ++l) {
    const Real* row = w2_.data() + picked_[at(l)] * padded_affine_;
    Real* seen = between_.data() + l * padded_affine_;
    std::fill_n(seen, padded_affine_, Real{});
    seen[m_] = row[m_];
    for (Index j = 0; j < m_; ++j) active_w2_[at(j * step + l)] = row[j];
    Real* w1 = active_w1_.data() + l * padded_;
    std::copy_n(w1_.data() + picked_[at(l)] * padded_, padded_, w1);
  }
  linear.add_outer_products(padded_affine_, n_active_, m_, 0, nullptr, active_w2_.data(), step,
                            product_.data(), padded_affine_, between_.data(), padded_affine_,
                            work_);
  linear.add_outer_products(padded_affine_, m_, n_active_, 0, nullptr, active_w1_.data(), padded_,
                            between_.data(), padded_affine_, fresh_.data(), padded_affine_, work_);
  product_.swap(fresh_);
}

template <class Real>
double CandidateSystem<Real>::compose(const Word* itinerary, double limit, Looks& looks,
                                      double flops_per_step) {
  const auto words = static_cast<Index>(words_);
  const auto& linear = kernels::linear<Real>();
  const Numbers& first = form(0, itinerary);
  if (order_ == 1) {
    for (Index j = 0; j < m_; ++j) {
      for (Index i = 0; i < m_; ++i) system_[at(j * stride_ + i)] = -first[at(j * padded_ + i)];
      constant_[at(j)] = first[at(m_ * padded_ + j)];
    }
    return 1.0;
  }
  begin(first);
  double growth = 1.0;
  for (Index t = 1; t < order_; ++t) {
    const Word* region = itinerary + t * words;
    if (by_factors_) {
      multiply_by_factors(region);
    } else {
      multiply(form(t, region));
    }
    looks.after(flops_per_step);
    growth = std::max(growth,
                      static_cast<double>(linear.largest(m_, m_, product_.data(), padded_affine_)));
    if (!(growth <= limit)) return growth;
  }
  for (Index first_row = 0; first_row < m_; first_row += kTransposed) {
    const Index end = std::min(m_, first_row + kTransposed);
    for (Index j = 0; j < m_; ++j) {
      Real* to = system_.data() + j * stride_;
      for (Index i = first_row; i < end; ++i) to[i] = -product_[at(i * padded_affine_ + j)];
    }
  }
  for (Index i = 0; i < m_; ++i) constant_[at(i)] = product_[at(i * padded_affine_ + m_)];
  return growth;
}

template <class Real>
bool CandidateSystem<Real>::factor(double smallest_pivot) {
  const auto& linear = kernels::linear<Real>();
  for (Index i = 0; i < m_; ++i) system_[at(i * stride_ + i)] += Real{1};
  const auto size = static_cast<double>(linear.largest(m_, m_, system_.data(), stride_));
  const auto pivot =
      static_cast<double>(linear.factor(m_, system_.data(), stride_, swaps_.data(), work_));
  return pivot > smallest_pivot * size;
}

template <class Real>
void CandidateSystem<Real>::solve(Vector& z) {
  z.resize(m_);
  for (Index i = 0; i < m_; ++i) z(i) = static_cast<double>(constant_[at(i)]);
  apply_inverse(z);
}

template <class Real>
void CandidateSystem<Real>::apply_inverse(Vector& x) {
  for (Index i = 0; i < m_; ++i) x_[at(i)] = static_cast<Real>(x(i));
  kernels::linear<Real>().solve(m_, system_.data(), stride_, swaps_.data(), x_.data());
  for (Index i = 0; i < m_; ++i) x(i) = static_cast<double>(x_[at(i)]);
}

template <class Real>
double CandidateSystem<Real>::inverse_norm() const {
  // The bound of the small kernels grows too large with so many states. This is a solution of
  // U x = d with |d| = 1 whose signs make it large (Cline, Moler, Stewart, Wilkinson, SIAM J.
  // Numer. Anal. 16, 368, 1979).
  Vector x = Vector::Zero(m_);
  double largest = 0.0;
  for (Index p = m_ - 1; p >= 0; --p) {
    const Real* u = system_.data() + p * stride_;
    x(p) = (x(p) + std::copysign(1.0, x(p))) / static_cast<double>(u[p]);
    for (Index i = 0; i < p; ++i) x(i) -= x(p) * static_cast<double>(u[i]);
    largest = std::max(largest, std::abs(x(p)));
  }
  return largest;
}

template class CandidateSystem<double>;
template class CandidateSystem<float>;

}  // namespace rnndyn

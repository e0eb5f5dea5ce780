#include "search/newton_large.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/functions.hpp"
#include "kernels/pack.hpp"

namespace rnndyn {
namespace {

// The product of Jacobians keeps three digits in single precision up to here.
constexpr double kFastProductLimit = 1e4;
constexpr double kFastSingularPivot = 1e-6;
// A correction has to be smaller than what it corrects by this factor, ...
constexpr double kMostError = 1e-2;
// ... and the error that it leaves is taken to be larger than they suggest by this one.
constexpr double kErrorSafety = 10.0;
constexpr int kMostCorrections = 6;
// Where it was refused so often, the next itineraries of a restart often are, too.
constexpr int kMostRefused = 2;
// Numbers of the map are neither that large nor, all of a kind, that small: products of a few of
// them and their rounding errors are then within the range of single precision.
constexpr double kFastRange = 0x1p40;
// Columns of W2 are added up as long as all of it stays in the first caches; with more states its
// rows are multiplied one after the other.
constexpr Index kFewStates = 32;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class Numbers>
bool in_fast_range(const Numbers& numbers) {
  const double largest = numbers.size() == 0 ? 0.0 : numbers.cwiseAbs().maxCoeff();
  return largest == 0.0 || (largest >= 1.0 / kFastRange && largest <= kFastRange);
}

bool in_fast_range(const CanonicalMap& map) {
  return in_fast_range(map.a()) && in_fast_range(map.w1()) && in_fast_range(map.w2()) &&
         in_fast_range(map.h1()) && in_fast_range(map.h2());
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
      padded_(kernels::padded<double>(map.n_states())),
      padded_units_(std::max<Index>(8, kernels::padded<double>(map.n_units()))),
      by_rows_(map.n_states() > kFewStates),
      w1_(at(padded_ * map.n_units()), 0.0),
      h1_(Vector::Zero(padded_)),
      h2_(Vector::Zero(padded_units_)),
      diagonal_(Vector::Zero(padded_)),
      z_(Vector::Zero(padded_)),
      candidate_(map.n_states()),
      change_(map.n_states()),
      fresh_(padded_),
      p_(Vector::Zero(padded_units_)),
      nothing_(map.words_per_region(), 0),
      everything_(map.words_per_region(), ~Word{0}),
      other_(map.words_per_region()),
      picked_(64 * map.words_per_region()),
      looks_(control) {
  const Index m = map.n_states();
  const Index units = map.n_units();
  h1_.head(m) = map.h1();
  diagonal_.head(m) = map.a().diagonal();
  for (Index u = 0; u < units; ++u) {
    std::copy_n(map.w1().col(u).data(), m, w1_.data() + u * padded_);
  }
  if (!diagonal_a_) {
    a_.assign(at(padded_ * m), 0.0);
    for (Index j = 0; j < m; ++j) std::copy_n(map.a().col(j).data(), m, a_.data() + j * padded_);
  }
  if (!bounded_ && m >= kFastStates && in_fast_range(map)) {
    fast_ = std::make_unique<CandidateSystem<float>>(map, order);
  }
  if (map.w2_is_identity()) return;
  h2_.head(units) = map.h2();
  w2_.assign(at(by_rows_ ? padded_ * units : padded_units_ * m), 0.0);
  for (Index u = 0; u < units; ++u) {
    for (Index j = 0; j < m; ++j) {
      w2_[at(by_rows_ ? u * padded_ + j : j * padded_units_ + u)] = map.w2()(u, j);
    }
  }
}

double LargeNewton::flops() const {
  return kernels::large_newton_flops(map_.n_states(), map_.n_units(), order_, diagonal_a_);
}

void LargeNewton::begin(int /*lane*/) {
  if (system_) system_->forget();
  if (fast_) fast_->forget();
  n_refused_ = 0;
}

void LargeNewton::pick(const Word* region) {
  Index none = 0;
  n_picked_ = kernels::functions().list_differences(map_.words_per_region(), region,
                                                    nothing_.data(), picked_.data(), none);
}

void LargeNewton::preactivate(bool all) {
  const Index m = map_.n_states();
  if (map_.w2_is_identity()) {
    p_.head(m) = z_.head(m);
    return;
  }
  p_ = h2_;
  const auto& functions = kernels::functions();
  if (!by_rows_) {
    functions.add_columns(map_.n_units(), m, nullptr, w2_.data(), padded_units_, z_.data(),
                          p_.data());
  } else {
    functions.add_dots(m, all ? map_.n_units() : n_picked_, all ? nullptr : picked_.data(),
                       w2_.data(), padded_, z_.data(), p_.data());
  }
}

void LargeNewton::advance() {
  const auto& functions = kernels::functions();
  const Index m = map_.n_states();
  fresh_ = h1_;
  if (diagonal_a_) {
    fresh_ += diagonal_.cwiseProduct(z_);
  } else {
    functions.add_columns(m, m, nullptr, a_.data(), padded_, z_.data(), fresh_.data());
  }
  functions.add_columns(m, n_picked_, picked_.data(), w1_.data(), padded_, p_.data(),
                        fresh_.data());
  z_.swap(fresh_);
}

bool LargeNewton::read_itinerary(double* state, Index transient, Word* out) {
  const Index m = map_.n_states();
  const auto words = static_cast<Index>(map_.words_per_region());
  z_.head(m) = Eigen::Map<const Vector>(state, m);
  for (Index t = -transient; t < order_; ++t) {
    preactivate(true);
    Word* region = t >= 0 ? out + t * words : other_.data();
    kernels::functions().read_region(p_.data(), map_.n_units(), 0.0, nothing_.data(),
                                     map_.relevant_units().data(), region);
    pick(region);
    advance();
  }
  Eigen::Map<Vector>(state, m) = z_.head(m);
  return z_.allFinite() && z_.cwiseAbs().maxCoeff() < kernels::kFarAway;
}

unsigned LargeNewton::iterate(const Word* itinerary, Word* next, unsigned /*active*/,
                              NewtonStatus* status) {
  if (fast_ && n_refused_ < kMostRefused) {
    if (const auto result = iterate_fast(itinerary, next)) {
      *status = *result;
      return 0;
    }
    ++n_refused_;
  }
  if (!system_) system_ = std::make_unique<CandidateSystem<double>>(map_, order_);
  const double growth = system_->compose(itinerary, kernels::kProductLimit, looks_,
                                         flops() / static_cast<double>(order_));
  *status = NewtonStatus::moved;
  if (!(growth <= kernels::kProductLimit)) return 1;
  if (!system_->factor(kernels::kSingularPivot)) {
    *status = NewtonStatus::singular;
    return 1;
  }
  system_->solve(candidate_);
  *status = follow(growth, itinerary, next);
  return 0;
}

void LargeNewton::set_residual(const Word* itinerary) {
  const Index m = map_.n_states();
  const auto words = static_cast<Index>(map_.words_per_region());
  z_.head(m) = candidate_;
  for (Index t = 0; t < order_; ++t) {
    pick(itinerary + t * words);
    preactivate(false);
    advance();
  }
  change_ = z_.head(m) - candidate_;
}

std::optional<NewtonStatus> LargeNewton::iterate_fast(const Word* itinerary, Word* next) {
  const double growth =
      fast_->compose(itinerary, kFastProductLimit, looks_, flops() / static_cast<double>(order_));
  if (!(growth <= kFastProductLimit) || !fast_->factor(kFastSingularPivot)) return {};
  fast_->solve(candidate_);
  double before = candidate_.cwiseAbs().maxCoeff();  // what was corrected last
  double rate = 0.0;                                 // of corrections
  for (int n = 0; n < kMostCorrections; ++n) {
    set_residual(itinerary);
    fast_->apply_inverse(change_);
    candidate_ += change_;
    const double largest = candidate_.cwiseAbs().maxCoeff();
    const double size = change_.cwiseAbs().maxCoeff();
    rate = std::max(rate, size / before);
    // Nothing that was corrected by nothing tells nothing of a rate.
    if (!(before > 0.0) || !(rate <= kMostError) || !(largest < 1e150)) return {};
    before = size;
    const double threshold = reach_.negligible(largest, growth);
    const double error = kErrorSafety * std::max(rate, 1e-7) * size;
    if (!follow_orbit(threshold, reach_.scale * error * growth, itinerary, next)) continue;
    if (!z_.allFinite()) return {};
    return next_differs_ ? NewtonStatus::moved : NewtonStatus::settled;
  }
  return {};
}

bool LargeNewton::follow_orbit(double threshold, double doubt, const Word* itinerary, Word* next) {
  const auto& functions = kernels::functions();
  const Index m = map_.n_states();
  const auto words = static_cast<Index>(map_.words_per_region());
  const Word* relevant = map_.relevant_units().data();
  z_.head(m) = candidate_;
  Word difference = 0;
  for (Index t = 0; t < order_; ++t) {
    preactivate(true);
    Word* out = next + t * words;
    if (doubt > threshold) {
      // Those within it keep whatever bit they are said to have.
      functions.read_region(p_.data(), map_.n_units(), doubt, everything_.data(), relevant,
                            other_.data());
      functions.read_region(p_.data(), map_.n_units(), doubt, nothing_.data(), relevant, out);
      if (!std::equal(out, out + words, other_.data())) return false;
    }
    difference |= functions.read_region(p_.data(), map_.n_units(), threshold, itinerary + t * words,
                                        relevant, out);
    if (t + 1 == order_) break;  // nothing depends on where the last step leads
    pick(out);
    advance();
  }
  next_differs_ = difference != 0;
  return true;
}

NewtonStatus LargeNewton::follow(double growth, const Word* itinerary, Word* next) {
  const double largest = candidate_.cwiseAbs().maxCoeff();
  if (!(largest < 1e150)) return NewtonStatus::diverged;
  double threshold = reach_.negligible(largest, growth);
  if (bounded_) {
    threshold = std::max(threshold, error_(largest, growth, system_->inverse_norm()));
    if (!(threshold < std::numeric_limits<double>::infinity())) return NewtonStatus::singular;
  }
  follow_orbit(threshold, 0.0, itinerary, next);
  if (!z_.allFinite() || !p_.allFinite()) return NewtonStatus::diverged;
  return next_differs_ ? NewtonStatus::moved : NewtonStatus::settled;
}

}  // namespace rnndyn

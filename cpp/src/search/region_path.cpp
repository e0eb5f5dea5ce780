#include "search/region_path.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "kernels/functions.hpp"
#include "kernels/pack.hpp"
#include "linear_algebra/decompositions.hpp"

namespace rnndyn {
namespace {

// Ordinary curves come through about as many itineraries as there are bits; it takes more for those
// that wind around many cycles.
constexpr Index kItinerariesPerBit = 8;
constexpr Index kFewestItineraries = 100;
constexpr Index kBetweenRenewals = 50;
constexpr double kFarAway = 1e12;
// What a state and its slope may be off, relative to them, without a new inverse.
constexpr double kMostDrift = 1e-9;
// Of the way that a unit is known to be away from its border, for rounding errors.
constexpr double kSafe = 0.999;
// How much further to look for the next border than it was to the last one, ...
constexpr double kFurther = 2.0;
// ... and how much further still where none is found, so many times.
constexpr double kMuchFurther = 8.0;
constexpr int kMostLooks = 3;
// Of the units that are looked at for every border, roughly.
constexpr double kLookedAt = 0.1;

void add_product(const Matrix& a, const Vector& x, Vector& y) {
  kernels::functions().dense.multiply_vector(a.rows(), a.cols(), a.data(), a.rows(), x.data(),
                                             y.data());
}

}  // namespace

RegionPath::RegionPath(const CanonicalMap& map, Index order, Control* control)
    : map_(map),
      order_(order),
      diagonal_a_(map.a().isDiagonal(0.0)),
      itinerary_(order, map.words_per_region()),
      padded_(kernels::padded<double>(map.n_states())),
      z_(Vector::Zero(padded_)),
      slope_(Vector::Zero(padded_)),
      preactivations_(map.n_units(), order),
      velocities_(map.n_units(), order),
      jacobian_(Matrix::Zero(padded_, map.n_states())),
      inverse_(Matrix::Zero(padded_, map.n_states())),
      change_(Vector::Zero(padded_)),
      scaled_(Vector::Zero(padded_)),
      row_(Vector::Zero(padded_)),
      looks_(control) {
  for (Index u = 0; u < map.n_units(); ++u) {
    if (get_bit(map.relevant_units().data(), u)) units_.push_back(u);
  }
  if (!map.w2_is_identity()) {
    w1_ = Matrix::Zero(padded_, map.n_units());
    w1_.topRows(map.n_states()) = map.w1();
    w2_transposed_ = Matrix::Zero(padded_, map.n_units());
    w2_transposed_.topRows(map.n_states()) = map.w2().transpose();
    active_.resize(64 * map.words_per_region());
  }
  if (order == 1) {
    prepare_looks();
    return;
  }
  w1_transposed_ = map.w1().transpose();
  if (!diagonal_a_) a_transposed_ = map.a().transpose();
}

double RegionPath::flops() const {
  const auto m = static_cast<double>(map_.n_states());
  const auto h = static_cast<double>(map_.n_units());
  const double step =
      (diagonal_a_ ? 2.0 * m : 2.0 * m * m) + (map_.w2_is_identity() ? 2.0 * m * h : 4.0 * m * h);
  const double own = map_.w2_is_identity() ? 0.0
                     : is_lazy()           ? 4.0 * kLookedAt * m * h + h
                                           : 4.0 * m * h;
  return 2.0 * static_cast<double>(order_ - 1) * step + own + 6.0 * m * m;
}

void RegionPath::apply(Index step, const Vector& x, Vector& y) {
  if (map_.w2_is_identity()) {
    p_ = x;
  } else {
    p_.setZero(map_.n_units());
    add_product(map_.w2(), x, p_);
  }
  for (Index u = 0; u < map_.n_units(); ++u) {
    if (!is_on(step, u)) p_(u) = 0.0;
  }
  if (diagonal_a_) {
    y = map_.a().diagonal().cwiseProduct(x);
  } else {
    y.setZero(x.size());
    add_product(map_.a(), x, y);
  }
  add_product(map_.w1(), p_, y);
}

void RegionPath::apply_transposed(Index step, const Vector& x, Vector& y) {
  p_.setZero(map_.n_units());
  add_product(w1_transposed_, x, p_);
  for (Index u = 0; u < map_.n_units(); ++u) {
    if (!is_on(step, u)) p_(u) = 0.0;
  }
  if (diagonal_a_) {
    y = map_.a().diagonal().cwiseProduct(x);
  } else {
    y.setZero(x.size());
    add_product(a_transposed_, x, y);
  }
  if (map_.w2_is_identity()) {
    y += p_;
  } else {
    kernels::functions().dense.multiply_vector(map_.n_states(), map_.n_units(),
                                               w2_transposed_.data(), padded_, p_.data(), y.data());
  }
}

void RegionPath::follow_orbit(bool regions) {
  x_ = z_.head(map_.n_states());
  for (Index t = 0; t < order_; ++t) {
    if (map_.w2_is_identity()) {
      p_ = x_;
    } else {
      p_ = map_.h2();
      add_product(map_.w2(), x_, p_);
    }
    preactivations_.col(t) = p_;
    if (regions) {
      for (const Index u : units_) set_bit(itinerary_.at(t), u, p_(u) > 0.0);
    }
    // On a border either side will do.
    for (Index u = 0; u < map_.n_units(); ++u) {
      if (!is_on(t, u)) p_(u) = 0.0;
    }
    y_ = map_.h1();
    if (diagonal_a_) {
      y_ += map_.a().diagonal().cwiseProduct(x_);
    } else {
      add_product(map_.a(), x_, y_);
    }
    add_product(map_.w1(), p_, y_);
    x_.swap(y_);
  }
}

const Matrix& RegionPath::jacobian(Index step) {
  const Index m = map_.n_states();
  const Word* region = itinerary_.at(step);
  if (map_.w2_is_identity()) {
    jacobian_.topRows(m) = map_.jacobian(region);
    return jacobian_;
  }
  jacobian_.topRows(m) = map_.a();
  const std::vector<Word> nothing(map_.words_per_region(), 0);
  Index none = 0;
  const Index n_active = kernels::functions().list_differences(
      map_.words_per_region(), region, nothing.data(), active_.data(), none);
  kernels::linear<double>().add_outer_products(padded_, m, n_active, 0, active_.data(),
                                               w2_transposed_.data(), padded_, w1_.data(), padded_,
                                               jacobian_.data(), padded_, work_);
  return jacobian_;
}

bool RegionPath::renew() {
  const Index m = map_.n_states();
  Matrix around = jacobian(0).topRows(m);
  for (Index t = 1; t < order_; ++t) {
    around = dense::product(jacobian(t).topRows(m), around);
    if (!(around.cwiseAbs().maxCoeff() < kernels::kProductLimit)) return false;
  }
  inverse_.topRows(m) = dense::inverse(Matrix::Identity(m, m) - around);
  const double units = static_cast<double>(units_.size());
  const auto size = static_cast<double>(m);
  looks_.after(2.0 * size * size * (size + units) * static_cast<double>(order_));
  if (!(inverse_.cwiseAbs().maxCoeff() < kFarAway)) return false;
  apply_inverse(direction_);
  slope_.head(m) = change_.head(m);
  forget_looks();
  return true;
}

bool RegionPath::has_drifted() {
  const Index m = map_.n_states();
  x_ = slope_.head(m);
  for (Index t = 0; t < order_; ++t) {
    apply(t, x_, y_);
    x_.swap(y_);
  }
  const Vector off = direction_ - slope_.head(m) + x_;
  apply_inverse(off);
  const double slope = slope_.cwiseAbs().maxCoeff();
  if (!(change_.cwiseAbs().maxCoeff() <= kMostDrift * slope)) return true;
  slope_.head(m) += change_.head(m);
  follow_orbit(false);
  s_ = (z_.head(m) - x_).dot(direction_) / direction_.squaredNorm();
  const Vector away = s_ * direction_ - z_.head(m) + x_;
  apply_inverse(away);
  const double size = 1.0 + z_.cwiseAbs().maxCoeff();
  if (!(change_.cwiseAbs().maxCoeff() <= kMostDrift * size)) return true;
  z_.head(m) += change_.head(m);
  follow_orbit(false);
  forget_looks();
  return false;
}

void RegionPath::apply_inverse(const Vector& x) {
  change_.setZero();
  add_product(inverse_, x, change_);
}

void RegionPath::set_velocities() {
  x_ = sense_ * slope_.head(map_.n_states());
  for (Index t = 0; t < order_; ++t) {
    if (map_.w2_is_identity()) {
      velocities_.col(t) = x_;
    } else {
      y_.setZero(map_.n_units());
      add_product(map_.w2(), x_, y_);
      velocities_.col(t) = y_;
    }
    if (t + 1 == order_) break;
    apply(t, x_, y_);
    x_.swap(y_);
  }
}

void RegionPath::prepare_looks() {
  if (!is_lazy()) return;
  reach_ = w2_transposed_.colwise().norm();
  safe_.assign(static_cast<std::size_t>(map_.n_units()), 0.0);
  seen_.assign(static_cast<std::size_t>(map_.n_units()), 0);
  picked_.reserve(units_.size());
}

void RegionPath::forget_looks() {
  if (!is_lazy()) return;
  std::fill(safe_.begin(), safe_.end(), 0.0);
  length_ = 0.0;
}

// A unit's pre-activation changes by no more than the norm of its row of W2 times the way that the
// state goes, so that most units need not be looked at.
RegionPath::Border RegionPath::next_border_lazily() {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto& functions = kernels::functions();
  const double speed = slope_.norm();
  Border next{kInfinity};
  ++look_;
  double ahead = kFurther * last_ahead_;
  for (int n = 0;; ++n) {
    picked_.clear();
    for (const Index u : units_) {
      const auto at = static_cast<std::size_t>(u);
      if (safe_[at] > length_ + ahead || seen_[at] == look_) continue;
      seen_[at] = look_;
      picked_.push_back(u);
      preactivations_(u, 0) = map_.h2()(u);
      velocities_(u, 0) = 0.0;
    }
    const auto n_picked = static_cast<Index>(picked_.size());
    functions.add_dots(map_.n_states(), n_picked, picked_.data(), w2_transposed_.data(), padded_,
                       z_.data(), preactivations_.data());
    functions.add_dots(map_.n_states(), n_picked, picked_.data(), w2_transposed_.data(), padded_,
                       slope_.data(), velocities_.data());
    for (const Index u : picked_) {
      const double sign = is_on(0, u) ? 1.0 : -1.0;
      const double left = u == crossed_ ? 0.0 : std::max(0.0, sign * preactivations_(u, 0));
      velocities_(u, 0) *= sense_;
      safe_[static_cast<std::size_t>(u)] = length_ + kSafe * left / reach_(u);
      if (!(sign * velocities_(u, 0) < 0.0)) continue;
      const double distance = left / std::abs(velocities_(u, 0));
      if (distance < next.distance || (distance == next.distance && u < next.unit)) {
        next = {distance, 0, u};
      }
    }
    if (!(next.distance * speed > ahead)) break;
    ahead = next.unit >= 0   ? next.distance * speed
            : n < kMostLooks ? std::max(kMuchFurther * ahead, kMostDrift * speed)
                             : kInfinity;
  }
  if (next.unit >= 0) last_ahead_ = std::max(next.distance * speed, last_ahead_ / kMuchFurther);
  return next;
}

RegionPath::Border RegionPath::next_border() {
  if (is_lazy()) return next_border_lazily();
  set_velocities();
  Border next{std::numeric_limits<double>::infinity()};
  for (Index t = 0; t < order_; ++t) {
    const double* p = preactivations_.col(t).data();
    const double* v = velocities_.col(t).data();
    for (const Index u : units_) {
      const double sign = is_on(t, u) ? 1.0 : -1.0;
      if (!(sign * v[u] < 0.0)) continue;
      const double distance = std::max(0.0, sign * p[u]) / std::abs(v[u]);
      if (distance < next.distance) next = {distance, t, u};
    }
  }
  return next;
}

void RegionPath::move(double distance) {
  z_ += distance * sense_ * slope_;
  s_ += distance * sense_;
  if (is_lazy()) {
    length_ += distance * slope_.norm();
  } else {
    preactivations_ += distance * velocities_;
  }
}

// I - J changes by a column times a row: what the unit does to the last state, and what the first
// state does to the unit.
bool RegionPath::cross(const Border& border) {
  const Index m = map_.n_states();
  left_ = map_.w1().col(border.unit);
  for (Index t = border.step + 1; t < order_; ++t) {
    apply(t, left_, y_);
    left_.swap(y_);
  }
  apply_inverse(left_);
  double gain = 0.0;
  if (map_.w2_is_identity() && border.step == 0) {
    right_ = inverse_.row(border.unit).transpose();
    gain = change_(border.unit);
  } else {
    if (map_.w2_is_identity()) {
      x_ = Vector::Unit(m, border.unit);
    } else {
      x_ = w2_transposed_.col(border.unit).head(m);
    }
    for (Index t = border.step - 1; t >= 0; --t) {
      apply_transposed(t, x_, y_);
      x_.swap(y_);
    }
    row_.head(m) = x_;
    right_.setZero(m);
    kernels::functions().add_dots(m, m, nullptr, inverse_.data(), padded_, row_.data(),
                                  right_.data());
    gain = x_.dot(change_.head(m));
  }
  const double factor = is_on(border.step, border.unit) ? -1.0 : 1.0;
  const double pivot = 1.0 - factor * gain;
  if (!(std::abs(pivot) > kernels::kSingularPivot)) return false;
  // As it is followed, without the rounding errors of the inverse.
  const double velocity = sense_ * velocities_(border.unit, border.step);
  slope_.head(m) += (factor * velocity / pivot) * change_.head(m);
  scaled_.head(m) = (factor / pivot) * right_;
  kernels::linear<double>().add_outer_products(padded_, m, 1, 0, nullptr, scaled_.data(), padded_,
                                               change_.data(), padded_, inverse_.data(), padded_,
                                               work_);
  // The unit goes on in its direction, which now is that of its velocity over the pivot.
  if (pivot < 0.0) sense_ = -sense_;
  preactivations_(border.unit, border.step) = 0.0;
  crossed_ = border.unit;
  if (is_lazy()) safe_[static_cast<std::size_t>(border.unit)] = length_;
  set_bit(itinerary_.at(border.step), border.unit, factor > 0.0);
  return true;
}

std::int64_t RegionPath::follow(const Vector& start, std::vector<Itinerary>& met) {
  z_.head(map_.n_states()) = start;
  std::fill(itinerary_.bits.begin(), itinerary_.bits.end(), Word{0});
  follow_orbit(true);
  direction_ = start - x_;
  s_ = 1.0;
  sense_ = -1.0;
  std::int64_t n_itineraries = 1;
  if (direction_.allFinite() && direction_.cwiseAbs().maxCoeff() < kFarAway && renew()) {
    follow_on(n_itineraries, met);
  }
  return n_itineraries;
}

std::int64_t RegionPath::follow_from_cycle(const Vector& point, const Itinerary& itinerary,
                                           const Vector& direction, std::vector<Itinerary>& met) {
  std::int64_t n_itineraries = 0;
  for (const double sense : {1.0, -1.0}) {
    z_.head(map_.n_states()) = point;
    itinerary_ = itinerary;
    follow_orbit(false);
    direction_ = direction;
    s_ = 0.0;
    sense_ = sense;
    ++n_itineraries;
    if (!renew() || follow_on(n_itineraries, met) == End::closed) break;
  }
  return n_itineraries;
}

RegionPath::End RegionPath::follow_on(std::int64_t& n_itineraries, std::vector<Itinerary>& met) {
  crossed_ = -1;
  last_ahead_ = 1.0;
  const Itinerary first = itinerary_;
  const auto n_bits = static_cast<Index>(units_.size()) * order_;
  const Index most = std::max(kFewestItineraries, kItinerariesPerBit * n_bits);
  Index n_changed = 0;
  for (Index n = 1; n <= most; ++n) {
    const Border border = next_border();
    // The distance is measured in s.
    if (s_ * sense_ < 0.0 && std::abs(s_) <= border.distance) met.push_back(itinerary_);
    if (border.unit < 0) return End::open;
    move(border.distance);
    if (!(z_.cwiseAbs().maxCoeff() < kFarAway) || !cross(border)) return End::open;
    ++n_itineraries;
    looks_.after(flops());
    const bool as_first =
        is_on(border.step, border.unit) == get_bit(first.at(border.step), border.unit);
    n_changed += as_first ? -1 : 1;
    if (n_changed == 0) return End::closed;
    if (n % kBetweenRenewals != 0) continue;
    if (!has_drifted()) continue;
    if (!renew()) return End::open;
    follow_orbit(false);
    s_ = (z_.head(map_.n_states()) - x_).dot(direction_) / direction_.squaredNorm();
  }
  return End::open;
}

}  // namespace rnndyn

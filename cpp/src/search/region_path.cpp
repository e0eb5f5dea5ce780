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
      preactivations_(map.n_units(), order),
      velocities_(map.n_units(), order),
      padded_(kernels::padded<double>(map.n_states())),
      inverse_(Matrix::Zero(padded_, map.n_states())),
      change_(Vector::Zero(padded_)),
      scaled_(Vector::Zero(padded_)),
      looks_(control) {
  for (Index u = 0; u < map.n_units(); ++u) {
    if (get_bit(map.relevant_units().data(), u)) units_.push_back(u);
  }
  if (!map.w2_is_identity()) w2_transposed_ = map.w2().transpose();
  if (order == 1) return;
  w1_transposed_ = map.w1().transpose();
  if (!diagonal_a_) a_transposed_ = map.a().transpose();
}

double RegionPath::flops() const {
  const auto m = static_cast<double>(map_.n_states());
  const auto h = static_cast<double>(map_.n_units());
  const double step =
      (diagonal_a_ ? 2.0 * m : 2.0 * m * m) + (map_.w2_is_identity() ? 2.0 * m * h : 4.0 * m * h);
  const double own = map_.w2_is_identity() ? 0.0 : 4.0 * m * h;
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
    add_product(w2_transposed_, p_, y);
  }
}

void RegionPath::follow_orbit(bool regions) {
  x_ = z_;
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

bool RegionPath::renew() {
  const Index m = map_.n_states();
  Matrix around = map_.jacobian(itinerary_.at(0));
  for (Index t = 1; t < order_; ++t) {
    around = dense::product(map_.jacobian(itinerary_.at(t)), around);
    if (!(around.cwiseAbs().maxCoeff() < kernels::kProductLimit)) return false;
  }
  inverse_.topRows(m) = dense::inverse(Matrix::Identity(m, m) - around);
  const double units = static_cast<double>(units_.size());
  const auto size = static_cast<double>(m);
  looks_.after(2.0 * size * size * (size + units) * static_cast<double>(order_));
  if (!(inverse_.cwiseAbs().maxCoeff() < kFarAway)) return false;
  apply_inverse(direction_);
  slope_ = change_.head(m);
  return true;
}

void RegionPath::apply_inverse(const Vector& x) {
  change_.setZero();
  add_product(inverse_, x, change_);
}

void RegionPath::set_velocities() {
  x_ = sense_ * slope_;
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

RegionPath::Border RegionPath::next_border() const {
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
  preactivations_ += distance * velocities_;
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
      x_ = w2_transposed_.col(border.unit);
    }
    for (Index t = border.step - 1; t >= 0; --t) {
      apply_transposed(t, x_, y_);
      x_.swap(y_);
    }
    right_.noalias() = inverse_.topRows(m).transpose() * x_;
    gain = x_.dot(change_.head(m));
  }
  const double factor = is_on(border.step, border.unit) ? -1.0 : 1.0;
  const double pivot = 1.0 - factor * gain;
  if (!(std::abs(pivot) > kernels::kSingularPivot)) return false;
  // As it is followed, without the rounding errors of the inverse.
  const double velocity = sense_ * velocities_(border.unit, border.step);
  slope_ += (factor * velocity / pivot) * change_.head(m);
  scaled_.head(m) = (factor / pivot) * right_;
  kernels::linear<double>().add_outer_products(padded_, m, 1, 0, nullptr, scaled_.data(), padded_,
                                               change_.data(), padded_, inverse_.data(), padded_,
                                               work_);
  // The unit goes on in its direction, which now is that of its velocity over the pivot.
  if (pivot < 0.0) sense_ = -sense_;
  preactivations_(border.unit, border.step) = 0.0;
  set_bit(itinerary_.at(border.step), border.unit, factor > 0.0);
  return true;
}

std::int64_t RegionPath::follow(const Vector& start, std::vector<Itinerary>& met) {
  z_ = start;
  std::fill(itinerary_.bits.begin(), itinerary_.bits.end(), Word{0});
  follow_orbit(true);
  direction_ = z_ - x_;
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
    z_ = point;
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
  const Itinerary first = itinerary_;
  const auto n_bits = static_cast<Index>(units_.size()) * order_;
  const Index most = std::max(kFewestItineraries, kItinerariesPerBit * n_bits);
  Index n_changed = 0;
  for (Index n = 1; n <= most; ++n) {
    set_velocities();
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
    if (!renew()) return End::open;
    follow_orbit(false);
    s_ = (z_ - x_).dot(direction_) / direction_.squaredNorm();
  }
  return End::open;
}

}  // namespace rnndyn

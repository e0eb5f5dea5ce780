#include "proof/orbit_enclosure.hpp"

#include <algorithm>
#include <cmath>

#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// What is said to be positive is so by this part of what it was computed from: the independent
// checker rounds in other places, and must agree.
constexpr double kRoom = 1e-10;

}  // namespace

OrbitEnclosure::OrbitEnclosure(const CanonicalMap& map)
    : m_(map.n_states()), n_units_(map.n_units()), words_(map.words_per_region()) {
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(map.relevant_units().data(), i)) continue;
    units_.push_back(i);
    h2_.push_back(map.h2()(i));
    double weight = 0.0;
    for (Index j = 0; j < m_; ++j) {
      w1_.push_back(map.w1()(j, i));
      w2_.push_back(map.w2()(i, j));
      weight += std::abs(map.w1()(j, i));
    }
    weight_.push_back(weight);
  }
  for (Index i = 0; i < m_; ++i) {
    h1_.push_back(map.h1()(i));
    double offset = std::abs(map.h1()(i));
    for (std::size_t u = 0; u < units_.size(); ++u) {
      offset += std::abs(w1_[u * at(m_) + at(i)]) * std::abs(h2_[u]);
    }
    offset_.push_back(offset);
    for (Index j = 0; j < m_; ++j) {
      a_.push_back(map.a()(i, j));
      double gain = std::abs(map.a()(i, j));
      for (std::size_t u = 0; u < units_.size(); ++u) {
        gain += std::abs(w1_[u * at(m_) + at(i)]) * std::abs(w2_[u * at(m_) + at(j)]);
      }
      gain_.push_back(gain);
    }
  }
  // A term passes through the sums over the units (each a product of three), over the states twice,
  // and a few more; the bounds of errors are sums of as many.
  const auto n = static_cast<double>(units_.size()) + 3.0 * static_cast<double>(m_) + 24.0;
  unit_ = gamma(n) * kOutward;
  // What underflows may be multiplied by a weight and a state afterwards; of states see step().
  double weights = 1.0 + map.h1().cwiseAbs().sum() + map.h2().cwiseAbs().sum();
  weights += map.a().cwiseAbs().sum() + map.w1().cwiseAbs().sum() + map.w2().cwiseAbs().sum();
  lost_ = kUnderflow * weights;
}

void OrbitEnclosure::start(const Box& box) {
  t_ = 0;
  box_ = box;
  l_.fill(0.0);
  r_.fill(0.0);
  score_.fill(0.0);
  for (Index j = 0; j < m_; ++j) {
    const double low = box.lower(j);
    const double high = box.upper(j);
    const double center = 0.5 * low + 0.5 * high;
    center_[at(j)] = center;
    // Two differences of numbers, each rounded.
    width_[at(j)] = std::max(high - center, center - low) * (1.0 + 4.0 * kUnitRoundoff) + kSmallest;
    m_t_[at(j)] = center;
    l_[at(j * m_ + j)] = 1.0;
  }
  regions_.clear();
  undecided_.clear();
}

double OrbitEnclosure::reach(Index i) const {
  double sum = std::abs(m_t_[at(i)]) + r_[at(i)];
  for (Index j = 0; j < m_; ++j) sum += std::abs(l(i, j)) * width_[at(j)];
  return sum;
}

// The map on the enclosure, the region, and the units that are undecided in it. `size` bounds
// |z_t|, and `lost` what underflow takes.
bool OrbitEnclosure::linearise(const States& size, double lost, Linear& map) {
  auto& [slope, constant, extra] = map;
  std::copy(a_.begin(), a_.end(), slope.begin());
  std::copy(h1_.begin(), h1_.end(), constant.begin());
  const std::size_t first = regions_.size();
  regions_.resize(first + words_, 0);
  const std::size_t m = at(m_);
  for (std::size_t u = 0; u < units_.size(); ++u) {
    const double* w = w2_.data() + u * m;
    double middle = h2_[u];
    double spread = 0.0;
    double total = std::abs(h2_[u]);
    States along{};
    for (std::size_t i = 0; i < m; ++i) {
      middle += w[i] * m_t_[i];
      spread += std::abs(w[i]) * r_[i];
      total += std::abs(w[i]) * size[i];
      for (std::size_t j = 0; j < m; ++j) along[j] += w[i] * l_[i * m + j];
    }
    for (std::size_t j = 0; j < m; ++j) spread += std::abs(along[j]) * width_[j];
    spread += 2.0 * unit_ * total + lost;
    const double low = middle - spread;
    const double high = middle + spread;
    if (!(high > low)) return false;
    if (high <= 0.0) continue;
    double s = 1.0;
    double lift = 0.0;
    if (low >= 0.0) {
      set_bit(regions_.data() + first, units_[u], true);
    } else {
      undecided_.push_back(static_cast<std::int32_t>(t_ * n_units_ + units_[u]));
      s = high / (high - low);
      // relu(p) - s p is convex, zero in p = 0 and largest at an end of the range.
      lift = 0.5 * std::max(-s * low, (1.0 - s) * high) * (1.0 + 8.0 * kUnitRoundoff) + lost;
      for (std::size_t j = 0; j < m; ++j) {
        score_[j] += weight_[u] * std::abs(along[j]) * width_[j];
      }
    }
    const double* v = w1_.data() + u * m;
    const double height = s * h2_[u] + lift;
    for (std::size_t i = 0; i < m; ++i) {
      const double factor = v[i] * s;
      constant[i] += v[i] * height;
      extra[i] += std::abs(v[i]) * lift;
      for (std::size_t j = 0; j < m; ++j) slope[i * m + j] += factor * w[j];
    }
  }
  return true;
}

bool OrbitEnclosure::step() {
  States size{};
  double all = 1.0;
  for (Index i = 0; i < m_; ++i) {
    size[at(i)] = reach(i);
    all += size[at(i)] + width_[at(i)];
  }
  const double lost = lost_ * all;
  Linear map{};
  if (!linearise(size, lost, map)) return false;
  const auto& [slope, constant, extra] = map;
  const std::size_t m = at(m_);
  Square next{};
  States middle{};
  States rest{};
  bool finite = true;
  for (std::size_t i = 0; i < m; ++i) {
    middle[i] = constant[i];
    rest[i] = extra[i];
    double total = offset_[i];
    for (std::size_t l = 0; l < m; ++l) {
      const double factor = slope[i * m + l];
      middle[i] += factor * m_t_[l];
      rest[i] += std::abs(factor) * r_[l];
      total += gain_[i * m + l] * size[l];
      for (std::size_t j = 0; j < m; ++j) next[i * m + j] += factor * l_[l * m + j];
    }
    // |slope| <= gain and |constant| <= 2 (gain |z| + offset), with the products of both; a lift is
    // at most |p|.
    rest[i] = (rest[i] + 6.0 * unit_ * total) * (1.0 + unit_) + lost;
    finite = finite && std::isfinite(rest[i]) && std::isfinite(middle[i]);
  }
  l_ = next;
  m_t_ = middle;
  r_ = rest;
  ++t_;
  return finite;
}

std::pair<double, double> OrbitEnclosure::state(Index j) const {
  double spread = r_[at(j)];
  for (Index i = 0; i < m_; ++i) spread += std::abs(l(j, i)) * width_[at(i)];
  const double slop = 2.0 * unit_ * (std::abs(m_t_[at(j)]) + spread) + lost_;
  return {m_t_[at(j)] - spread - slop, m_t_[at(j)] + spread + slop};
}

std::pair<double, double> OrbitEnclosure::change(Index j) const {
  double spread = r_[at(j)];
  double total = std::abs(m_t_[at(j)]) + std::abs(center_[at(j)]);
  for (Index i = 0; i < m_; ++i) {
    spread += std::abs(l(j, i) - (i == j ? 1.0 : 0.0)) * width_[at(i)];
    total += (std::abs(l(j, i)) + 1.0) * width_[at(i)];
  }
  const double middle = m_t_[at(j)] - center_[at(j)];
  const double slop = 2.0 * unit_ * (total + spread) + lost_;
  return {middle - spread - slop, middle + spread + slop};
}

bool OrbitEnclosure::is_separated(const States& d) const {
  double value = 0.0;
  double spread = 0.0;
  double total = 0.0;
  for (Index i = 0; i < m_; ++i) {
    const double size = std::abs(d[at(i)]);
    value += d[at(i)] * (m_t_[at(i)] - center_[at(i)]);
    spread += size * r_[at(i)];
    total += size * (std::abs(m_t_[at(i)]) + std::abs(center_[at(i)]));
  }
  for (Index j = 0; j < m_; ++j) {
    double along = 0.0;
    for (Index i = 0; i < m_; ++i) {
      along += d[at(i)] * (l(i, j) - (i == j ? 1.0 : 0.0));
      total += std::abs(d[at(i)]) * (std::abs(l(i, j)) + 1.0) * width_[at(j)];
    }
    spread += std::abs(along) * width_[at(j)];
  }
  return value * (1.0 - kRoom) > spread + 2.0 * unit_ * total + lost_;
}

// Combinations of coordinates whose affine change depends on one coordinate each of those in which
// the box has a width: rows of the inverse of L - 1 where it has one in all.
void OrbitEnclosure::precondition(std::array<States, kMostStates>& directions) const {
  const std::size_t m = at(m_);
  std::array<std::array<double, 2 * kMostStates>, kMostStates> rows{};
  for (std::size_t i = 0; i < m; ++i) {
    for (std::size_t j = 0; j < m; ++j) rows[i][j] = l_[i * m + j] - (i == j ? 1.0 : 0.0);
    rows[i][m + i] = 1.0;
  }
  std::size_t n = 0;
  for (std::size_t c = 0; c < m; ++c) {
    if (box_.lower(static_cast<Index>(c)) == box_.upper(static_cast<Index>(c))) continue;
    std::size_t pivot = n;
    for (std::size_t i = n + 1; i < m; ++i) {
      if (std::abs(rows[i][c]) > std::abs(rows[pivot][c])) pivot = i;
    }
    std::swap(rows[n], rows[pivot]);
    if (rows[n][c] == 0.0) continue;
    for (std::size_t j = 2 * m; j-- > c;) rows[n][j] /= rows[n][c];
    for (std::size_t i = 0; i < m; ++i) {
      if (i == n) continue;
      for (std::size_t j = 2 * m; j-- > c;) rows[i][j] -= rows[i][c] * rows[n][j];
    }
    ++n;
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < m; ++j) directions[i][j] = rows[i][m + j];
  }
}

bool OrbitEnclosure::separates(States& direction) const {
  const auto tried = [&](States d) {
    double value = 0.0;
    double largest = 0.0;
    for (Index i = 0; i < m_; ++i) {
      value += d[at(i)] * (m_t_[at(i)] - center_[at(i)]);
      largest = std::max(largest, std::abs(d[at(i)]));
    }
    if (!(largest > 0.0) || !std::isfinite(largest)) return false;
    for (Index i = 0; i < m_; ++i) d[at(i)] *= (value < 0.0 ? -1.0 : 1.0) / largest;
    if (!is_separated(d)) return false;
    direction = d;
    return true;
  };
  for (Index i = 0; i < m_; ++i) {
    States d{};
    d[at(i)] = 1.0;
    if (tried(d)) return true;
  }
  States d{};
  for (Index i = 0; i < m_; ++i) d[at(i)] = m_t_[at(i)] - center_[at(i)];
  if (tried(d)) return true;
  std::array<States, kMostStates> directions{};
  precondition(directions);
  return std::any_of(directions.begin(), directions.begin() + m_, tried);
}

Index OrbitEnclosure::widest() const {
  Index best = -1;
  double largest = -1.0;
  for (Index j = 0; j < m_; ++j) {
    const double middle = center_[at(j)];
    if (!(box_.lower(j) < middle && middle < box_.upper(j))) continue;
    // What units across the box do with its width, and what the map does without them.
    const double score = score_[at(j)] + width_[at(j)] * 1e-3;
    if (score > largest) {
      largest = score;
      best = j;
    }
  }
  return best;
}

}  // namespace rnndyn

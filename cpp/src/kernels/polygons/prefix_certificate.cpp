#include "kernels/polygons/prefix_certificate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// Of a sum of n products, and two roundings more for the product with the bound of its size.
constexpr double gamma_of(std::size_t n) { return gamma(static_cast<double>(n) + 2.0); }
// A product that is added to a sum: one rounding of each.
constexpr double kTermAndSum = gamma(2.0) * kOutward;
// Steps that a proof goes back beyond its last multiplier without gaining.
constexpr int kPatience = 6;

}  // namespace

PrefixDomain domain_in_box(const Box& box) {
  PrefixDomain domain;
  domain.lower = box.lower;
  domain.upper = box.upper;
  return domain;
}

PrefixDomain domain_at_infinity(Index n_states, double radius, Index pivot, Index face_state,
                                double face_sign) {
  PrefixDomain domain;
  domain.lower = Vector::Constant(n_states, -1.0);
  domain.upper = Vector::Constant(n_states, 1.0);
  domain.tau_low = 0.0;
  domain.tau_high = std::nextafter(1.0 / radius, 2.0 / radius);  // never too small
  domain.pivot = pivot;
  domain.face_state = face_state;
  domain.face_sign = face_sign;
  return domain;
}

PrefixCertificate::PrefixCertificate(const CanonicalMap& map, PrefixDomain domain,
                                     Index n_cell_faces)
    : map_(map),
      domain_(std::move(domain)),
      m_(static_cast<std::size_t>(map.n_states())),
      words_(map.words_per_region()),
      first_box_row_(static_cast<std::int32_t>(map.n_units())),
      n_constraints_(static_cast<std::int32_t>(map.n_units() + 2 * map.n_states() +
                                               (domain_.at_infinity() ? 1 : n_cell_faces))),
      stride_(2 * m_ * m_ + 2 * m_),
      n_cell_faces_(static_cast<std::size_t>(n_cell_faces)),
      table_(64, -1) {
  for (Index j = 0; j < map.n_states(); ++j) {
    size_.push_back(std::max(std::abs(domain_.lower(j)), std::abs(domain_.upper(j))));
  }
  // A row that is added, or a step that is substituted, takes at most M + 1 products for each
  // coefficient and as many for the constant, and some for the bounds of their errors.
  const auto m = static_cast<double>(m_);
  double sizes = domain_.tau_high + 1.0;
  for (const double size : size_) sizes += size;
  lost_ = std::max(kUnderflow, underflow(4.0 * (m + 4.0)) * (sizes + m + 4.0));
  for (Index i = 0; i < map.n_units(); ++i) {
    for (Index j = 0; j < map.n_states(); ++j) normal_.push_back(map.w2()(i, j));
    normal_.push_back(map.h2()(i));
  }
}

std::int32_t PrefixCertificate::piece(const Word* region) {
  const std::size_t mask = table_.size() - 1;
  std::size_t slot = static_cast<std::size_t>(hash_words(region, words_)) & mask;
  for (; table_[slot] >= 0; slot = (slot + 1) & mask) {
    if (std::equal(region, region + words_, this->region(table_[slot]))) return table_[slot];
  }
  const auto number = static_cast<std::int32_t>(regions_.size() / words_);
  table_[slot] = number;
  add_piece(region);
  if (2 * (static_cast<std::size_t>(number) + 1) > table_.size()) grow_table();
  return number;
}

void PrefixCertificate::grow_table() {
  table_.assign(2 * table_.size(), -1);
  const std::size_t mask = table_.size() - 1;
  for (std::size_t number = 0; number < regions_.size() / words_; ++number) {
    std::size_t slot =
        static_cast<std::size_t>(hash_words(regions_.data() + number * words_, words_)) & mask;
    while (table_[slot] >= 0) slot = (slot + 1) & mask;
    table_[slot] = static_cast<std::int32_t>(number);
  }
}

void PrefixCertificate::add_piece(const Word* region) {
  const Matrix j = map_.jacobian(region);
  const Vector c = map_.offset(region);
  // Sizes of the terms that J and c are sums of.
  Matrix j_terms = map_.a().cwiseAbs();
  Vector c_terms = map_.h1().cwiseAbs();
  double n_terms = 1.0;
  for (Index i = 0; i < map_.n_units(); ++i) {
    if (!get_bit(region, i)) continue;
    j_terms += map_.w1().col(i).cwiseAbs() * map_.w2().row(i).cwiseAbs();
    c_terms += map_.w1().col(i).cwiseAbs() * std::abs(map_.h2()(i));
    n_terms += 1.0;
  }
  // What the stored numbers are off by, plus the rounding of a product with M numbers and its sum.
  const double once = gamma_of(m_ + 1);
  const double stored = gamma(n_terms + 2.0);
  const Matrix j_error =
      (stored * j_terms + once * (j.cwiseAbs() + stored * j_terms)).array() * kOutward + kUnderflow;
  const Vector c_error =
      (stored * c_terms + once * (c.cwiseAbs() + stored * c_terms)).array() * kOutward + kUnderflow;
  values_.insert(values_.end(), j.data(), j.data() + j.size());
  values_.insert(values_.end(), c.data(), c.data() + c.size());
  values_.insert(values_.end(), j_error.data(), j_error.data() + j_error.size());
  values_.insert(values_.end(), c_error.data(), c_error.data() + c_error.size());
  regions_.insert(regions_.end(), region, region + words_);
}

void PrefixCertificate::set_cell(std::int32_t piece, const Matrix& normals, const Vector& offsets) {
  const std::size_t size = n_cell_faces_ * (m_ + 1);
  const auto first = static_cast<std::size_t>(piece) * size;
  if (cells_.size() < first + size) cells_.resize(first + size, 0.0);
  double* face = cells_.data() + first;
  for (Index f = 0; f < normals.rows(); ++f) {
    for (Index j = 0; j < normals.cols(); ++j) *face++ = normals(f, j);
    *face++ = offsets(f);
  }
}

template <int M>
PrefixCertificate::Closing PrefixCertificate::close_in(
    const std::int32_t* pieces, const Word* last, std::span<const Multiplier> multipliers) const {
  constexpr bool kFixed = M != kDynamic;
  const std::size_t m = kFixed ? static_cast<std::size_t>(M) : m_;
  using Numbers =
      std::conditional_t<kFixed, std::array<double, kFixed ? M : 1>, std::vector<double>>;
  Numbers g{}, before{};
  if constexpr (!kFixed) {
    g.resize(m);
    before.resize(m);
  }
  // The function so far is g z_t + b tau + d, g, b, d being exactly these numbers; `slack` bounds
  // how far the true combination of rows can be above it anywhere in the domain.
  double b = 0.0;
  double d = 0.0;
  double slack = lost_;  // that of the maximum
  const double of_maximum = gamma_of(m + 3);
  const double of_step = gamma_of(m + 1);
  const double* lower = domain_.lower.data();
  const double* upper = domain_.upper.data();
  const double* size = size_.data();
  const double tau_low = domain_.tau_low;
  const double tau_high = domain_.tau_high;

  const auto add_linear = [&](const double* normal, double factor) {
    for (std::size_t j = 0; j < m; ++j) {
      const double term = factor * normal[j];
      g[j] += term;
      slack += size[j] * kTermAndSum * (std::abs(term) + std::abs(g[j]));
    }
  };
  const auto add_constant = [&](double term) {
    d += term;
    slack += kTermAndSum * (std::abs(term) + std::abs(d));
  };
  const auto add_tau = [&](double term) {
    b += term;
    slack += tau_high * kTermAndSum * (std::abs(term) + std::abs(b));
  };
  const auto add_state = [&](std::size_t j, double term) {
    g[j] += term;
    slack += size[j] * kTermAndSum * std::abs(g[j]);
  };

  Closing closing;
  const std::int32_t last_time = multipliers.front().time;
  std::int32_t time = last_time;
  std::size_t next = 0;
  double lowest = std::numeric_limits<double>::infinity();
  int stale = 0;
  for (;;) {
    for (; next < multipliers.size() && multipliers[next].time == time; ++next) {
      const Multiplier& at = multipliers[next];
      if (!(at.value > 0.0)) continue;
      slack += lost_;
      std::int32_t c = at.constraint;
      if (c < first_box_row_) {
        const Word* region = time == last_time ? last : this->region(pieces[time]);
        const double factor = get_bit(region, c) ? at.value : -at.value;
        const double* normal = normal_.data() + static_cast<std::size_t>(c) * (m + 1);
        add_linear(normal, factor);
        add_tau(factor * normal[m]);
        continue;
      }
      c -= first_box_row_;
      const auto state = static_cast<std::size_t>(c);
      if (state < m) {
        add_state(state, -at.value);
        add_constant(at.value * upper[state]);
      } else if (state < 2 * m) {
        add_state(state - m, at.value);
        add_constant(-at.value * lower[state - m]);
      } else if (domain_.at_infinity()) {
        add_state(static_cast<std::size_t>(domain_.face_state), domain_.face_sign * at.value);
        add_constant(-at.value);
      } else {
        const std::size_t face =
            static_cast<std::size_t>(pieces[time]) * n_cell_faces_ + (state - 2 * m);
        const double* row = cells_.data() + face * (m + 1);
        add_linear(row, -at.value);
        add_constant(at.value * row[m]);
      }
    }
    // Maximum over the box of this step, and the size of what was summed for it.
    double top = d + std::max(b * tau_low, b * tau_high);
    double summed = std::abs(d) + std::abs(b) * tau_high;
    for (std::size_t j = 0; j < m; ++j) {
      top += std::max(g[j] * lower[j], g[j] * upper[j]);
      summed += std::abs(g[j]) * size[j];
    }
    const double most = top + (slack + of_maximum * summed) * kOutward;
    if (most < 0.0) {
      closing.closed = true;
      closing.time = time;
      closing.n_used = next;
      return closing;
    }
    if (next == multipliers.size()) {
      // Where the map contracts, an earlier step's box says more; rounding errors, which grow where
      // it expands, say when to give up.
      stale = most < lowest ? 0 : stale + 1;
      lowest = std::min(most, lowest);
      if (time == 0 || stale == kPatience) return closing;
    }
    // Substitute z_time = J z_{time-1} + tau c.
    --time;
    const double* j = jacobian(pieces[time]);
    const double* c = j + m * m;
    const double* j_error = c + m;
    const double* c_error = j_error + m * m;
    double c_slack = of_step * std::abs(b);
    slack += lost_;
    for (std::size_t r = 0; r < m; ++r) {
      before[r] = g[r];
      b += c[r] * g[r];
      c_slack += c_error[r] * std::abs(g[r]);
    }
    slack += tau_high * c_slack;
    for (std::size_t l = 0; l < m; ++l) {
      double sum = 0.0;
      double error = 0.0;
      for (std::size_t r = 0; r < m; ++r) {
        sum += j[l * m + r] * before[r];
        error += j_error[l * m + r] * std::abs(before[r]);
      }
      g[l] = sum;
      slack += size[l] * error;
    }
  }
}

PrefixCertificate::Closing PrefixCertificate::close(const std::int32_t* pieces, const Word* last,
                                                    std::span<const Multiplier> multipliers) const {
  if (multipliers.empty()) return {};
  switch (m_) {
    case 1:
      return close_in<1>(pieces, last, multipliers);
    case 2:
      return close_in<2>(pieces, last, multipliers);
    case 3:
      return close_in<3>(pieces, last, multipliers);
    default:
      return close_in<kDynamic>(pieces, last, multipliers);
  }
}

void append_infeasible(ProofTree& tree, Index n_units, Index n_constraints,
                       std::span<const Multiplier> multipliers,
                       const PrefixCertificate::Closing& closing) {
  std::int32_t first = closing.time + 1;
  for (const Multiplier& at : multipliers.first(closing.n_used)) {
    if (!(at.value > 0.0)) continue;
    tree.row.push_back(static_cast<std::int32_t>(at.time * n_constraints + at.constraint));
    tree.value.push_back(at.value);
    first = at.time;
  }
  if (first > closing.time) {
    tree.row.push_back(static_cast<std::int32_t>(closing.time * n_constraints + n_units));
    tree.value.push_back(0.0);
  }
  tree.first.push_back(static_cast<std::int64_t>(tree.row.size()));
  tree.nodes.push_back(ProofTree::kInfeasible);
}

}  // namespace rnndyn

#include "kernels/polygons/prefix_certificate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

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
// A number of states that is known when the program runs.
constexpr int kDynamic = 0;

// M numbers, or as many as there are states.
template <int M>
struct Numbers : std::array<double, static_cast<std::size_t>(M)> {
  explicit Numbers(std::size_t) : std::array<double, static_cast<std::size_t>(M)>{} {}
};
template <>
struct Numbers<kDynamic> : std::vector<double> {
  explicit Numbers(std::size_t n) : std::vector<double>(n) {}
};

// A combination of rows: the function g z_t + b tau + d, g, b, d being exactly these numbers; the
// slack bounds how far the true combination can be above it anywhere in the domain.
template <int M>
class Combination {
 public:
  // `size` bounds |z_j|; `lost` is what one row, one step or the maximum loses to underflow. The
  // coefficients, which are addressed by number, lie outside: else compilers keep the other numbers
  // in memory, too.
  Combination(const PrefixDomain& domain, const std::vector<double>& size, double lost,
              Numbers<M>& g, Numbers<M>& before)
      : m_(size.size()),
        lower_(domain.lower.data()),
        upper_(domain.upper.data()),
        size_(size.data()),
        tau_low_(domain.tau_low),
        tau_high_(domain.tau_high),
        lost_(lost),
        of_maximum_(gamma_of(this->size() + 3)),
        of_step_(gamma_of(this->size() + 1)),
        g_(g.data()),
        before_(before.data()),
        slack_(lost) {}

  std::size_t size() const {
    if constexpr (M == kDynamic) {
      return m_;
    } else {
      return static_cast<std::size_t>(M);
    }
  }

  double lower(std::size_t j) const { return lower_[j]; }
  double upper(std::size_t j) const { return upper_[j]; }

  void begin_row() { slack_ += lost_; }
  void add_linear(const double* normal, double factor) {
    for (std::size_t j = 0; j < size(); ++j) {
      const double term = factor * normal[j];
      g_[j] += term;
      slack_ += size_[j] * kTermAndSum * (std::abs(term) + std::abs(g_[j]));
    }
  }
  void add_constant(double term) {
    d_ += term;
    slack_ += kTermAndSum * (std::abs(term) + std::abs(d_));
  }
  void add_tau(double term) {
    b_ += term;
    slack_ += tau_high_ * kTermAndSum * (std::abs(term) + std::abs(b_));
  }
  void add_state(std::size_t j, double term) {
    g_[j] += term;
    slack_ += size_[j] * kTermAndSum * std::abs(g_[j]);
  }

  // Upper bound of the maximum over the box of this step.
  double most() const {
    double top = d_ + std::max(b_ * tau_low_, b_ * tau_high_);
    double summed = std::abs(d_) + std::abs(b_) * tau_high_;  // the size of what top is a sum of
    for (std::size_t j = 0; j < size(); ++j) {
      top += std::max(g_[j] * lower_[j], g_[j] * upper_[j]);
      summed += std::abs(g_[j]) * size_[j];
    }
    return top + (slack_ + of_maximum_ * summed) * kOutward;
  }

  // z_t = J z_{t-1} + tau c, given the values of a piece: J, c, and what they are wrong by.
  void substitute(const double* j) {
    const std::size_t m = size();
    const double* c = j + m * m;
    const double* j_error = c + m;
    const double* c_error = j_error + m * m;
    double c_slack = of_step_ * std::abs(b_);
    slack_ += lost_;
    for (std::size_t r = 0; r < m; ++r) {
      before_[r] = g_[r];
      b_ += c[r] * g_[r];
      c_slack += c_error[r] * std::abs(g_[r]);
    }
    slack_ += tau_high_ * c_slack;
    for (std::size_t l = 0; l < m; ++l) {
      double sum = 0.0;
      double error = 0.0;
      for (std::size_t r = 0; r < m; ++r) {
        sum += j[l * m + r] * before_[r];
        error += j_error[l * m + r] * std::abs(before_[r]);
      }
      g_[l] = sum;
      slack_ += size_[l] * error;
    }
  }

 private:
  std::size_t m_;
  const double *lower_, *upper_, *size_;
  double tau_low_, tau_high_, lost_, of_maximum_, of_step_;
  double *g_, *before_;
  double b_ = 0.0;
  double d_ = 0.0;
  double slack_;
};

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

template <typename Sum>
void PrefixCertificate::add_row(const Multiplier& at, const Prefix& prefix, Sum& sum) const {
  sum.begin_row();
  std::int32_t c = at.constraint;
  if (c < first_box_row_) {
    const Word* region =
        at.time == prefix.last_time ? prefix.last : this->region(prefix.pieces[at.time]);
    const double factor = get_bit(region, c) ? at.value : -at.value;
    const double* normal = normal_.data() + static_cast<std::size_t>(c) * (sum.size() + 1);
    sum.add_linear(normal, factor);
    sum.add_tau(factor * normal[sum.size()]);
    return;
  }
  c -= first_box_row_;
  const std::size_t m = sum.size();
  const auto state = static_cast<std::size_t>(c);
  if (state < m) {
    sum.add_state(state, -at.value);
    sum.add_constant(at.value * sum.upper(state));
  } else if (state < 2 * m) {
    sum.add_state(state - m, at.value);
    sum.add_constant(-at.value * sum.lower(state - m));
  } else if (domain_.at_infinity()) {
    sum.add_state(static_cast<std::size_t>(domain_.face_state), domain_.face_sign * at.value);
    sum.add_constant(-at.value);
  } else {
    const std::size_t face =
        static_cast<std::size_t>(prefix.pieces[at.time]) * n_cell_faces_ + (state - 2 * m);
    const double* row = cells_.data() + face * (m + 1);
    sum.add_linear(row, -at.value);
    sum.add_constant(at.value * row[m]);
  }
}

template <int M>
PrefixCertificate::Closing PrefixCertificate::close_in(
    const std::int32_t* pieces, const Word* last, std::span<const Multiplier> multipliers) const {
  Numbers<M> g(m_);
  Numbers<M> before(m_);
  Combination<M> sum(domain_, size_, lost_, g, before);
  Closing closing;
  const Prefix prefix{pieces, last, multipliers.front().time};
  std::int32_t time = prefix.last_time;
  std::size_t next = 0;
  double lowest = std::numeric_limits<double>::infinity();
  int stale = 0;
  for (;;) {
    for (; next < multipliers.size() && multipliers[next].time == time; ++next) {
      const Multiplier& at = multipliers[next];
      if (!(at.value > 0.0)) continue;
      add_row(at, prefix, sum);
    }
    const double most = sum.most();
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
    --time;
    sum.substitute(values(pieces[time]));
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

#include "bifurcation/identities.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <utility>

namespace rnndyn {
namespace {

// The largest two primes below 2^31 modulo which 2 generates all residues but zero, so that no
// two powers of two that differ by less than 2^31 binary places are one number there.
constexpr std::array<std::uint64_t, 2> kPrimes{2147483629, 2147483587};
// Any numbers: no network knows them.
constexpr std::array<std::uint64_t, 2> kPlaces{1234567891, 987654323};

class Residues {
 public:
  explicit Residues(std::uint64_t prime) : prime_(prime) {}

  std::uint64_t plus(std::uint64_t a, std::uint64_t b) const { return (a + b) % prime_; }
  std::uint64_t minus(std::uint64_t a, std::uint64_t b) const { return (a + prime_ - b) % prime_; }
  std::uint64_t times(std::uint64_t a, std::uint64_t b) const { return a * b % prime_; }
  std::uint64_t power(std::uint64_t base, std::uint64_t exponent) const {
    std::uint64_t result = 1;
    for (; exponent != 0; exponent >>= 1, base = times(base, base)) {
      if ((exponent & 1) != 0) result = times(result, base);
    }
    return result;
  }
  std::uint64_t inverse(std::uint64_t a) const { return power(a, prime_ - 2); }
  // Of a finite number m 2^e, exactly.
  std::uint64_t of(double value) const {
    if (value == 0.0) return 0;
    int exponent = 0;
    const double mantissa = std::ldexp(std::frexp(std::abs(value), &exponent), 53);
    const auto own = static_cast<std::uint64_t>(mantissa) % prime_;
    const auto order = static_cast<std::int64_t>(prime_ - 1);
    const std::int64_t turns = (static_cast<std::int64_t>(exponent) - 53 + order) % order;
    const std::uint64_t size = times(own, power(2, static_cast<std::uint64_t>(turns)));
    return value < 0.0 ? minus(0, size) : size;
  }

 private:
  std::uint64_t prime_;
};

// Row by row.
struct Table {
  Table() = default;
  Table(Index n_rows, Index n_cols)
      : cols(n_cols), entries(static_cast<std::size_t>(n_rows * n_cols), 0) {}
  std::uint64_t& operator()(Index r, Index c) {
    return entries[static_cast<std::size_t>(r * cols + c)];
  }
  std::uint64_t operator()(Index r, Index c) const {
    return entries[static_cast<std::size_t>(r * cols + c)];
  }
  Index cols = 0;
  std::vector<std::uint64_t> entries;
};

// The cycle of an itinerary at one place, modulo one prime.
class ModularCycle {
 public:
  ModularCycle(const CanonicalPath& path, const Itinerary& itinerary, std::uint64_t prime,
               std::uint64_t place)
      : path_(path), itinerary_(itinerary), field_(prime), m_(path.n_states()), place_(place) {
    a_ = between(path.start().a(), path.end().a());
    w1_ = between(path.start().w1(), path.end().w1());
    w2_ = between(path.start().w2(), path.end().w2());
    h1_ = between(path.start().h1(), path.end().h1());
    h2_ = between(path.start().h2(), path.end().h2());
  }

  // False where det(I - J) is zero.
  bool solve() {
    // [P q]: the map of z_0 to z_k.
    Table total(m_, m_ + 1);
    for (Index i = 0; i < m_; ++i) total(i, i) = 1;
    for (Index t = 0; t < itinerary_.order; ++t) {
      for (Index c = 0; c <= m_; ++c) step(total, c, t, c == m_);
    }
    Table system(m_, m_ + 1);
    for (Index r = 0; r < m_; ++r) {
      for (Index c = 0; c < m_; ++c) system(r, c) = field_.minus(r == c ? 1 : 0, total(r, c));
      system(r, m_) = total(r, m_);
    }
    return reduce(system);
  }

  // Whether each pre-activation is zero, after a `solve` that succeeded.
  void note_zeros(std::vector<char>& zeros) {
    const std::vector<Index>& units = path_.relevant_units();
    Table z(m_, 1);
    z.entries = point_;
    std::size_t f = 0;
    for (Index t = 0; t < itinerary_.order; ++t) {
      for (const Index unit : units) {
        if (preactivation(z, 0, unit, true) != 0) zeros[f] = 0;
        ++f;
      }
      step(z, 0, t, true);
    }
  }

 private:
  Table between(const Matrix& start, const Matrix& end) const {
    Table out(start.rows(), start.cols());
    const std::uint64_t rest = field_.minus(1, place_);
    for (Index r = 0; r < start.rows(); ++r) {
      for (Index c = 0; c < start.cols(); ++c) {
        out(r, c) = field_.plus(field_.times(rest, field_.of(start(r, c))),
                                field_.times(place_, field_.of(end(r, c))));
      }
    }
    return out;
  }

  std::uint64_t preactivation(const Table& z, Index column, Index unit, bool affine) const {
    std::uint64_t p = affine ? h2_(unit, 0) : 0;
    for (Index l = 0; l < m_; ++l) {
      p = field_.plus(p, field_.times(w2_(unit, l), z(l, column)));
    }
    return p;
  }

  // Applies the piece of step t to one column, without its offset where not affine.
  void step(Table& z, Index column, Index t, bool affine) const {
    std::vector<std::uint64_t> next(static_cast<std::size_t>(m_), 0);
    for (Index r = 0; r < m_; ++r) {
      std::uint64_t sum = affine ? h1_(r, 0) : 0;
      for (Index l = 0; l < m_; ++l) sum = field_.plus(sum, field_.times(a_(r, l), z(l, column)));
      next[static_cast<std::size_t>(r)] = sum;
    }
    for (const Index unit : path_.relevant_units()) {
      if (!get_bit(itinerary_.at(t), unit)) continue;
      const std::uint64_t p = preactivation(z, column, unit, affine);
      for (Index r = 0; r < m_; ++r) {
        std::uint64_t& own = next[static_cast<std::size_t>(r)];
        own = field_.plus(own, field_.times(w1_(r, unit), p));
      }
    }
    for (Index r = 0; r < m_; ++r) z(r, column) = next[static_cast<std::size_t>(r)];
  }

  // Gauss and Jordan; false where the matrix is singular.
  bool reduce(Table& system) {
    for (Index c = 0; c < m_; ++c) {
      Index pivot = c;
      while (pivot < m_ && system(pivot, c) == 0) ++pivot;
      if (pivot == m_) return false;
      for (Index j = 0; j <= m_; ++j) std::swap(system(pivot, j), system(c, j));
      const std::uint64_t inverse = field_.inverse(system(c, c));
      for (Index j = c; j <= m_; ++j) system(c, j) = field_.times(system(c, j), inverse);
      for (Index r = 0; r < m_; ++r) {
        const std::uint64_t factor = system(r, c);
        if (r == c || factor == 0) continue;
        for (Index j = c; j <= m_; ++j) {
          system(r, j) = field_.minus(system(r, j), field_.times(factor, system(c, j)));
        }
      }
    }
    point_.clear();
    for (Index r = 0; r < m_; ++r) point_.push_back(system(r, m_));
    return true;
  }

  const CanonicalPath& path_;
  const Itinerary& itinerary_;
  Residues field_;
  Index m_;
  std::uint64_t place_;
  Table a_, w1_, w2_, h1_, h2_;
  std::vector<std::uint64_t> point_;
};

}  // namespace

Identities identities_of(const CanonicalPath& path, const Itinerary& itinerary) {
  const std::size_t n = path.relevant_units().size() * static_cast<std::size_t>(itinerary.order);
  Identities found;
  found.determinant = true;
  found.preactivations.assign(n, 1);
  for (std::size_t i = 0; i < kPrimes.size(); ++i) {
    ModularCycle cycle(path, itinerary, kPrimes[i], kPlaces[i]);
    if (!cycle.solve()) continue;
    found.determinant = false;
    cycle.note_zeros(found.preactivations);
  }
  if (found.determinant) found.preactivations.assign(n, 0);
  return found;
}

}  // namespace rnndyn

#include "cycles/exact_stability.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "cycles/exact_map.hpp"

namespace rnndyn {
namespace {

// Products of 32-bit words: about ten milliseconds.
constexpr double kEffort = 3e6;

using Polynomial = std::vector<Dyadic>;  // leading coefficient first

// Faddeev and Le Verrier's recursion (Gantmacher, The Theory of Matrices, ch. IV, sec. 5); the
// divisions leave no remainder.
Polynomial characteristic_polynomial(const ExactMatrix& matrix, ExactEffort& effort) {
  const Index n = matrix.rows();
  Polynomial coefficients{Dyadic(1.0)};
  ExactMatrix power(n, n);
  for (Index k = 1; k <= n && !effort.exhausted(); ++k) {
    for (Index i = 0; i < n; ++i) power(i, i) += coefficients.back();
    power = product(matrix, power, effort);
    Dyadic trace;
    for (Index i = 0; i < n; ++i) trace += power(i, i);
    coefficients.push_back(-trace.over_divisor(Dyadic(static_cast<double>(k))));
  }
  return coefficients;
}

// On the unit circle a real polynomial p and its reverse q have the same modulus, so of a p - b q
// the larger term decides how many roots lie inside (Rouche's theorem; I. Schur, J. reine angew.
// Math. 147, 205, 1917): the first and last coefficients as factors remove one of the two ends.
std::optional<Index> roots_inside(Polynomial p, ExactEffort& effort) {
  Index inside = 0;
  while (p.size() > 1) {
    const Dyadic head = p.front();
    const Dyadic tail = p.back();
    if (head.is_zero()) {
      p.erase(p.begin());
      continue;
    }
    effort.spend(head, head);
    effort.spend(tail, tail);
    const int larger = (head * head - tail * tail).sign();
    if (larger == 0 || effort.exhausted()) return std::nullopt;
    Polynomial next(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const Dyadic& own = p[i];
      const Dyadic& reverse = p[p.size() - 1 - i];
      effort.spend(head, own);
      effort.spend(tail, reverse);
      next[i] = larger > 0 ? head * own - tail * reverse : tail * own - head * reverse;
    }
    if (larger > 0) {
      next.pop_back();  // a root at 0
      ++inside;
    } else {
      next.erase(next.begin());
    }
    p = std::move(next);
  }
  return inside;
}

}  // namespace

std::optional<Stability> exact_stability(const CanonicalMap& map, const Itinerary& itinerary,
                                         Control* control) {
  ExactEffort effort(kEffort, control);
  const ExactMatrix around = ExactMap(map).return_jacobian(itinerary, effort);
  Polynomial polynomial = characteristic_polynomial(around, effort);
  if (effort.exhausted()) return std::nullopt;
  const std::optional<Index> inside = roots_inside(std::move(polynomial), effort);
  if (!inside) return std::nullopt;
  if (*inside == map.n_states()) return Stability::stable;
  return *inside == 0 ? Stability::unstable : Stability::saddle;
}

}  // namespace rnndyn

#include "cycles/exact_map.hpp"

#include <utility>

namespace rnndyn {
namespace {

// The square part of [J | c].
ExactMatrix linear_part(const ExactMatrix& piece) {
  const Index m = piece.rows();
  ExactMatrix linear(m, m);
  for (Index r = 0; r < m; ++r) {
    for (Index c = 0; c < m; ++c) linear(r, c) = piece(r, c);
  }
  return linear;
}

// [J | c] of a step after columns of which one holds constants, worth `unit`.
ExactMatrix applied(const ExactMatrix& piece, const ExactMatrix& columns, Index constants,
                    const Dyadic& unit, ExactEffort& effort) {
  ExactMatrix result = product(linear_part(piece), columns, effort);
  for (Index r = 0; r < piece.rows(); ++r) {
    effort.spend(piece(r, piece.rows()), unit);
    result(r, constants) += piece(r, piece.rows()) * unit;
  }
  return result;
}

}  // namespace

ExactMap::ExactMap(const CanonicalMap& map)
    : map_(map),
      a_(map.a()),
      w1_(map.w1()),
      w2_(map.w2()),
      h1_(Matrix(map.h1())),
      h2_(Matrix(map.h2())) {}

std::optional<ExactOrbits> ExactMap::orbits(const Itinerary& itinerary, ExactEffort& effort) const {
  const Index m = map_.n_states();
  std::vector<ExactMatrix> pieces;  // [J_t | c_t]
  ExactMatrix around(m, m + 1);     // [P | q] of all steps so far
  for (Index i = 0; i < m; ++i) around(i, i) = Dyadic(1.0);
  for (Index t = 0; t < itinerary.order && !effort.exhausted(); ++t) {
    pieces.push_back(piece(itinerary.at(t), effort));
    around = applied(pieces.back(), around, m, Dyadic(1.0), effort);
  }
  if (effort.exhausted()) return std::nullopt;
  ExactMatrix closing(m, m);
  std::vector<Dyadic> right(static_cast<std::size_t>(m));
  for (Index r = 0; r < m; ++r) {
    for (Index c = 0; c < m; ++c) closing(r, c) = -around(r, c);
    closing(r, r) += Dyadic(1.0);
    right[static_cast<std::size_t>(r)] = around(r, m);
  }
  std::optional<AffineSolutions> starts = solve_exactly(closing, right, effort);
  if (!starts) return std::nullopt;
  ExactOrbits result{{std::move(starts->solutions)}, std::move(starts->denominator)};
  for (Index t = 0; t + 1 < itinerary.order; ++t) {
    const ExactMatrix& now = result.at.back();
    const ExactMatrix& step = pieces[static_cast<std::size_t>(t)];
    result.at.push_back(applied(step, now, 0, result.denominator, effort));
  }
  return result;
}

ExactMatrix ExactMap::preactivations(const ExactOrbits& orbits, Index t,
                                     ExactEffort& effort) const {
  const ExactMatrix& z = orbits.at[static_cast<std::size_t>(t)];
  if (map_.w2_is_identity()) return z;
  ExactMatrix p = product(w2_, z, effort);
  for (Index i = 0; i < p.rows(); ++i) {
    effort.spend(h2_(i, 0), orbits.denominator);
    p(i, 0) += h2_(i, 0) * orbits.denominator;
  }
  return p;
}

ExactMatrix ExactMap::return_jacobian(const Itinerary& itinerary, ExactEffort& effort) const {
  ExactMatrix around = linear_part(piece(itinerary.at(0), effort));
  for (Index t = 1; t < itinerary.order && !effort.exhausted(); ++t) {
    around = product(linear_part(piece(itinerary.at(t), effort)), around, effort);
  }
  return around;
}

ExactMatrix ExactMap::piece(const Word* region, ExactEffort& effort) const {
  const Index m = map_.n_states();
  ExactMatrix result(m, m + 1);
  for (Index r = 0; r < m; ++r) {
    for (Index c = 0; c < m; ++c) result(r, c) = a_(r, c);
    result(r, m) = h1_(r, 0);
    for (Index i = 0; i < map_.n_units() && !effort.exhausted(); ++i) {
      if (!get_bit(region, i) || w1_(r, i).is_zero()) continue;
      for (Index c = 0; c <= m; ++c) {
        const Dyadic& factor = c == m ? h2_(i, 0) : w2_(i, c);
        if (factor.is_zero()) continue;
        effort.spend(w1_(r, i), factor);
        result(r, c) += w1_(r, i) * factor;
      }
    }
  }
  return result;
}

}  // namespace rnndyn

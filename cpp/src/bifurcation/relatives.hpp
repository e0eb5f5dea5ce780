// Itineraries that a cycle can become, or that can be born with it, at an event.
#pragma once

#include <vector>

#include "bifurcation/branch.hpp"

namespace rnndyn {

// The itinerary without the bits that vanish, and these bits, as one word of as few regions as it
// can be: cycles whose points run into the same border point together share it, whatever their
// order.
Itinerary border_point(const Itinerary& itinerary, const std::vector<Vanishing>& vanishing);

// The itinerary with subsets of the vanishing bits flipped: all subsets of up to kMaxVanishing
// bits; of more than that the single bits, the pairs, and all of them. Where all its points run
// into a border point of smaller order, the itineraries of that order, too. Canonical; where the
// result repeats itself, the shorter itinerary.
constexpr std::size_t kMaxVanishing = 6;
std::vector<Itinerary> border_partners(const CanonicalPath& path, const Itinerary& itinerary,
                                       const std::vector<Vanishing>& vanishing);

// Words over the two itineraries that meet at a border collision, of 2 ... kMaxWord letters and at
// most max_order steps: the cycles of larger order that Feigin's condition, and what is known
// beyond it, let be born there (di Bernardo, Feigin, Hogan, Homer, Chaos Solitons Fractals 10,
// 1881, 1999).
constexpr Index kMaxWord = 6;
std::vector<Itinerary> border_words(const CanonicalPath& path, const Itinerary& itinerary,
                                    const std::vector<Vanishing>& vanishing, Index max_order);

// At a degenerate flip there is a whole line of cycles of twice the order (Sushko, Gardini, Int. J.
// Bifurcation Chaos 20, 2045, 2010). What lives on beyond it has crossed the border at the line's
// end.
std::vector<Itinerary> flip_successors(const CanonicalPath& path, const Itinerary& itinerary,
                                       double s);

}  // namespace rnndyn

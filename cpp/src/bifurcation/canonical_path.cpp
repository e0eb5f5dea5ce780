#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "rnndyn/bifurcation.hpp"

namespace rnndyn {

CanonicalPath::CanonicalPath(CanonicalMap start, CanonicalMap end)
    : start_(std::move(start)), end_(std::move(end)) {
  if (start_.n_states() != end_.n_states() || start_.n_units() != end_.n_units()) {
    throw std::invalid_argument(
        "both ends of a path must have the same number of states and units, got (" +
        std::to_string(start_.n_states()) + ", " + std::to_string(start_.n_units()) + ") and (" +
        std::to_string(end_.n_states()) + ", " + std::to_string(end_.n_units()) + ")");
  }
  // A unit can be without effect at both ends, for different reasons, and have one between.
  for (Index i = 0; i < n_units(); ++i) {
    const bool written = !start_.w1().col(i).isZero(0.0) || !end_.w1().col(i).isZero(0.0);
    const bool constant = start_.w2().row(i).isZero(0.0) && end_.w2().row(i).isZero(0.0);
    const bool off = constant && start_.h2()(i) <= 0.0 && end_.h2()(i) <= 0.0;
    if (written && !off) relevant_.push_back(i);
  }
}

Itinerary CanonicalPath::canonical(Itinerary itinerary) const {
  for (Index t = 0; t < itinerary.order; ++t) {
    const std::vector<Word> bits(itinerary.at(t), itinerary.at(t) + itinerary.words);
    std::fill_n(itinerary.at(t), itinerary.words, Word{0});
    for (const Index i : relevant_) set_bit(itinerary.at(t), i, get_bit(bits.data(), i));
  }
  return canonical_rotation(resized(itinerary, primitive_period(itinerary)));
}

}  // namespace rnndyn

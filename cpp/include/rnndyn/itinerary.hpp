// Itineraries: the sequence of regions an orbit visits, as packed bits, up to rotation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

struct Itinerary {
  Index order = 0;
  std::size_t words = 1;   // words per region
  std::vector<Word> bits;  // order * words

  Itinerary() = default;
  Itinerary(Index order_, std::size_t words_)
      : order(order_), words(words_), bits(static_cast<std::size_t>(order_) * words_, 0) {}

  const Word* at(Index t) const { return bits.data() + static_cast<std::size_t>(t) * words; }
  Word* at(Index t) { return bits.data() + static_cast<std::size_t>(t) * words; }

  // Regions compare as numbers with unit 0 least significant.
  friend bool operator==(const Itinerary& a, const Itinerary& b) {
    return a.order == b.order && a.bits == b.bits;
  }
  friend bool operator<(const Itinerary& a, const Itinerary& b);
};

// Negative, zero or positive as region a comes before, equals, or comes after region b.
int compare_regions(const Word* a, const Word* b, std::size_t words);

Itinerary rotated(const Itinerary& itinerary, Index shift);
// Shift that leads to the smallest of all rotations (Booth 1980; here the two-pointer form).
Index smallest_rotation(const Itinerary& itinerary);
inline Itinerary canonical_rotation(const Itinerary& itinerary) {
  return rotated(itinerary, smallest_rotation(itinerary));
}
// Smallest d that divides the order such that the itinerary is its first d regions repeated.
Index primitive_period(const Itinerary& itinerary);
// The first `order` regions, or the itinerary repeated until it has `order` regions.
Itinerary resized(const Itinerary& itinerary, Index order);

// Hash of `count` words that lie `stride` apart.
std::uint64_t hash_words(const Word* words, std::size_t count, std::size_t stride = 1);
struct ItineraryHash {
  std::size_t operator()(const Itinerary& itinerary) const {
    return static_cast<std::size_t>(hash_words(itinerary.bits.data(), itinerary.bits.size()));
  }
};

}  // namespace rnndyn

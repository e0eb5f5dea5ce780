#include "rnndyn/itinerary.hpp"

#include <algorithm>

namespace rnndyn {

int compare_regions(const Word* a, const Word* b, std::size_t words) {
  for (std::size_t w = words; w-- > 0;) {
    if (a[w] != b[w]) return a[w] < b[w] ? -1 : 1;
  }
  return 0;
}

bool operator<(const Itinerary& a, const Itinerary& b) {
  if (a.order != b.order) return a.order < b.order;
  for (Index t = 0; t < a.order; ++t) {
    const int c = compare_regions(a.at(t), b.at(t), a.words);
    if (c != 0) return c < 0;
  }
  return false;
}

Itinerary rotated(const Itinerary& itinerary, Index shift) {
  Itinerary result = itinerary;
  const auto middle =
      static_cast<std::ptrdiff_t>(static_cast<std::size_t>(shift) * itinerary.words);
  std::rotate(result.bits.begin(), result.bits.begin() + middle, result.bits.end());
  return result;
}

Index smallest_rotation(const Itinerary& itinerary) {
  const Index k = itinerary.order;
  Index best = 0;
  Index rival = 1;
  Index matched = 0;
  while (best < k && rival < k && matched < k) {
    const int c = compare_regions(itinerary.at((best + matched) % k),
                                  itinerary.at((rival + matched) % k), itinerary.words);
    if (c == 0) {
      ++matched;
      continue;
    }
    // Every rotation that starts inside the matched stretch of the loser loses as well.
    Index& loser = c > 0 ? best : rival;
    loser += matched + 1;
    if (best == rival) ++rival;
    matched = 0;
  }
  return std::min(best, rival);
}

Index primitive_period(const Itinerary& itinerary) {
  const Index k = itinerary.order;
  for (Index d = 1; d <= k / 2; ++d) {
    if (k % d != 0) continue;
    const auto shift = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(d) * itinerary.words);
    if (std::equal(itinerary.bits.begin() + shift, itinerary.bits.end(), itinerary.bits.begin())) {
      return d;
    }
  }
  return k;
}

Itinerary resized(const Itinerary& itinerary, Index order) {
  Itinerary result(order, itinerary.words);
  for (Index t = 0; t < order; ++t) {
    std::copy_n(itinerary.at(t % itinerary.order), itinerary.words, result.at(t));
  }
  return result;
}

std::uint64_t hash_words(const Word* words, std::size_t count, std::size_t stride) {
  // Multiply-xorshift per word; constants are the 64-bit finaliser of splitmix64 (Steele 2014).
  std::uint64_t state = 0x9e3779b97f4a7c15ULL ^ count;
  for (std::size_t i = 0; i < count; ++i) {
    state = (state ^ words[i * stride]) * 0xbf58476d1ce4e5b9ULL;
    state ^= state >> 29;
  }
  state *= 0x94d049bb133111ebULL;
  return state ^ (state >> 32);
}

}  // namespace rnndyn

// Words of a prefix tree that have to be solved.
#include <algorithm>

#include "kernels/polygons/polygon_walk.hpp"
#include "rnndyn/itinerary.hpp"

namespace rnndyn {

template <int M, bool AtInfinity>
Itinerary PolygonWalk<M, AtInfinity>::word(std::int32_t order) const {
  Itinerary itinerary(order, words_);
  for (std::int32_t t = 0; t < order; ++t) {
    std::copy_n(certificate_.region(pieces_[static_cast<std::size_t>(t)]), words_, itinerary.at(t));
  }
  return itinerary;
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::file_words(std::int32_t length, Piece<PrefixSubtree>& piece) {
  const auto asked = [&](std::int32_t order) {
    return static_cast<std::size_t>(order) < is_asked_.size() &&
           is_asked_[static_cast<std::size_t>(order)] != 0;
  };
  if (!AtInfinity) {
    if (asked(length) && length % period_ == 0 && can_close(length, length)) {
      piece.leaves.push_back(word(length));
    }
    return;
  }
  // The largest point comes at the pivot, so shorter cycles are read where the word is so long.
  const auto shortest = static_cast<std::int32_t>(certificate_.domain().pivot) + 1;
  if (length < shortest) return;
  for (std::int32_t order = length == shortest ? 1 : length; order <= length; ++order) {
    if (!asked(order)) continue;
    bool repeats = true;
    for (std::int32_t t = order; t < length && repeats; ++t) {
      repeats =
          pieces_[static_cast<std::size_t>(t)] == pieces_[static_cast<std::size_t>(t - order)];
    }
    if (repeats && can_close(length, order)) {
      piece.leaves.push_back(canonical_rotation(word(order)));
    }
  }
}

template <int M, bool AtInfinity>
bool PolygonWalk<M, AtInfinity>::can_close(std::int32_t length, std::int32_t order) {
  // A cycle goes on with the same word for ever. Later entries of pieces_ are free to use here.
  if (!rigorous_) return true;
  const std::int64_t uncertified = n_uncertified_;
  Set set = set_;
  Values values;
  bool possible = true;
  for (std::int32_t t = length; t < length + closing_steps(order) && possible; ++t) {
    const std::int32_t piece = pieces_[static_cast<std::size_t>(t - order)];
    pieces_[static_cast<std::size_t>(t)] = piece;
    const Word* region = certificate_.region(piece);
    for (const Index unit : units_) {
      Function f = unit_functions_[static_cast<std::size_t>(unit)];
      if (!get_bit(region, unit)) {
        for (double& x : f) x = -x;
      }
      set.evaluate(f, values);
      if (cut(set, values, f, t, static_cast<std::int32_t>(unit), region, true) ==
          Outcome::proved_empty) {
        possible = false;
        break;
      }
    }
    possible = possible && advance(set, t, true) != Outcome::proved_empty;
  }
  // What could not be certified here costs a solve, not a node.
  n_uncertified_ = uncertified;
  return possible;
}

template void PolygonWalk<1, false>::file_words(std::int32_t, Piece<PrefixSubtree>&);
template void PolygonWalk<1, true>::file_words(std::int32_t, Piece<PrefixSubtree>&);
template void PolygonWalk<2, false>::file_words(std::int32_t, Piece<PrefixSubtree>&);
template void PolygonWalk<2, true>::file_words(std::int32_t, Piece<PrefixSubtree>&);

}  // namespace rnndyn

#include <doctest/doctest.h>

#include <algorithm>

#include "networks.hpp"

using namespace rnndyn;
using rnndyn::testing::itinerary;

TEST_CASE("the smallest rotation is the smallest of all rotations") {
  RandomStream stream(1, 2, 3);
  for (int trial = 0; trial < 2000; ++trial) {
    Itinerary word(1 + static_cast<Index>(stream.below(9)), 1 + stream.below(2));
    for (Word& w : word.bits) w = stream.below(3);
    std::vector<Itinerary> all;
    for (Index shift = 0; shift < word.order; ++shift) all.push_back(rotated(word, shift));
    CHECK(canonical_rotation(word) == *std::min_element(all.begin(), all.end()));
  }
}

TEST_CASE("repeated words are recognised") {
  CHECK(primitive_period(itinerary({1, 2, 1, 2})) == 2);
  CHECK(primitive_period(itinerary({1, 1, 1})) == 1);
  CHECK(primitive_period(itinerary({1, 2, 1})) == 3);
  CHECK(primitive_period(itinerary({7})) == 1);
  CHECK(resized(itinerary({1, 2}), 5) == itinerary({1, 2, 1, 2, 1}));
}

TEST_CASE("bits survive beyond the first word") {
  std::vector<Word> region(3, 0);
  set_bit(region.data(), 130, true);
  CHECK(get_bit(region.data(), 130));
  CHECK_FALSE(get_bit(region.data(), 129));
  set_bit(region.data(), 130, false);
  CHECK(region == std::vector<Word>(3, 0));
}

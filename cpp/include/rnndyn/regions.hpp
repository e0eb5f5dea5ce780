// Which regions are not empty.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// The regions of positive volume, `words_per_region` words each, in ascending order, bits of
// irrelevant units zero. Every point of R^M lies in the closure of one of them. Nothing when there
// may be more than `limit`.
// Throws Stopped when the control says stop.
std::optional<std::vector<Word>> nonempty_regions(const CanonicalMap& map, std::size_t limit,
                                                  Control* control = nullptr);

// All 2^(relevant units) bit patterns, empty regions included, in ascending order; nothing when
// there are more than `limit`.
std::optional<std::vector<Word>> all_bit_patterns(const CanonicalMap& map, std::size_t limit);

}  // namespace rnndyn

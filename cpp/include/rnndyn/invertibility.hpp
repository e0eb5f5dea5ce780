// Where a piecewise linear map turns space over or flattens it: what its invertibility depends on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

struct RegionDeterminants {
  std::vector<Word> regions;       // `words_per_region` words each, ascending
  std::vector<std::int8_t> signs;  // of det J, exact; kUnknownSign where the effort ran out
  Matrix interiors;                // a point well inside each region, as columns,
  Vector radii;                    // and how far it is from the nearest border, at most
};

constexpr std::int8_t kUnknownSign = 2;

// The signs of det J over all regions of positive volume. Nothing when there may be more regions
// than `limit`. Throws Stopped when the control says stop.
std::optional<RegionDeterminants> region_determinants(const CanonicalMap& map, std::size_t limit,
                                                      int n_threads, Control* control);

}  // namespace rnndyn

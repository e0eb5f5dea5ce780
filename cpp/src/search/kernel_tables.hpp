// The parameters of a map laid out for SmallKernel; shared by all threads of a search.
#pragma once

#include <vector>

#include "newton_kernel.hpp"

namespace rnndyn {

inline constexpr Index kMaxSmallStates = 16;

// Columns of an affine row [J | c]: M + 1 rounded up to half a cache line or whole ones.
constexpr Index affine_width(Index m) { return m + 1 <= 4 ? 4 : (m + 8) / 8 * 8; }

class KernelTables {
 public:
  explicit KernelTables(const CanonicalMap& map);

  PreactivationReach reach;
  bool diagonal_a;
  Index width;                   // affine_width(M)
  Index units;                   // H padded to a multiple of 8
  std::vector<double> base;      // [A | h1], M x width
  std::vector<double> a;         // A column by column, each padded to `width`
  std::vector<double> diagonal;  // of A, padded to `width`
  std::vector<double> h1;        // padded to `width`
  std::vector<double> rank1;     // per unit: W1 column (width), then [W2 row | h2] (width)
  std::vector<double> w2;        // W2 column by column, each padded to `units`
  std::vector<double> h2;        // padded to `units`
  // [J | c] of every region, indexed by the region's word, where H is small; else empty.
  std::vector<double> regions;
};

}  // namespace rnndyn

// The affine maps of the steps of a cycle, for networks with more units than states: changed from
// one itinerary to the next where that is less work than forming them.
#pragma once

#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

class AffineSteps {
 public:
  AffineSteps(const CanonicalMap& map, Index order);

  // What follows depends on no itinerary before.
  void forget();
  // [J | c] of the region at this step, transposed: row j of column i is J_ij, row M is c_i. Valid
  // until the next call.
  const Matrix& at(Index step, const Word* region);

 private:
  struct Step {
    Matrix affine;
    std::vector<Word> region;
    bool known = false;
  };
  // Lists the units that differ between the region and what the step holds.
  void pick(Step& step, const Word* region);
  void add_picked(Matrix& affine);

  const CanonicalMap& map_;
  std::size_t words_;
  Index padded_;               // M + 1, up to full packs
  std::vector<double> right_;  // row of W2 and h2 of each unit, padded
  Matrix base_;                // [A | h1], transposed
  std::vector<Step> steps_;    // one for all where there are too many to keep
  std::vector<Index> picked_;
  std::vector<double> factors_;  // 1 for those to be added, -1 for those to be taken away
  Matrix picked_left_, picked_right_;
};

}  // namespace rnndyn

// Searches of one order from random starts, in the units that suit the network.
#pragma once

#include <memory>

#include "search/context.hpp"

namespace rnndyn {

// A network whose states or units are scaled far apart is searched as its balanced copy (see
// map/balanced_map.hpp): kernels, random starts and orbits see that one only. What it finds is
// solved for once more in the given network, so that all that is said of a cycle is said of that.
class RandomSearch {
 public:
  explicit RandomSearch(SearchContext& context);
  ~RandomSearch();
  RandomSearch(const RandomSearch&) = delete;
  RandomSearch& operator=(const RandomSearch&) = delete;

  // By statistics.method: SCYFI as published, else the heuristic.
  void search(OrderStatistics& statistics);

 private:
  struct Balanced;
  SearchContext& context_;
  std::unique_ptr<Balanced> balanced_;
  bool tried_ = false;
};

}  // namespace rnndyn

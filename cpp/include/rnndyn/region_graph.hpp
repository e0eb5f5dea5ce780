// Which linear regions orbits can come to, and from which one to which.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

struct StateBox {
  Vector lower, upper;
};

struct RegionGraphOptions {
  StateBox box;                   // where orbits stay
  std::optional<StateBox> start;  // where they begin; without it anywhere in the box
  std::int64_t max_regions = 0;
  int n_threads = 1;
};

// A closed linear region, as far as it lies in the box.
struct RegionOfGraph {
  std::vector<Word> bits;  // those of irrelevant units are zero
  Vector state;            // a state of it, deepest inside
  bool proved = false;     // whether that lies inside for certain; else the region is thin or empty
  bool initial = false;    // whether orbits may begin there
  bool expanded = false;   // whether its transitions were computed
};

// From one region to another: some state of the first one in the box has its image in the second
// one in the box. Every transition that is not listed is proved to be impossible.
struct Transition {
  std::int64_t source = 0, target = 0;
  bool proved = false;  // whether such a state is known for certain; else what there is is thin
};

enum class RegionGraphEnd { exhausted, max_regions, stopped };

struct RegionGraph {
  std::vector<RegionOfGraph> regions;   // in the order in which they are reached
  std::vector<Transition> transitions;  // by source, then by target's bits
  std::int64_t n_programs_empty = 0;    // sets of states proved to be empty
  RegionGraphEnd end = RegionGraphEnd::exhausted;
};

struct RegionGraphProgress {
  std::atomic<std::int64_t> n_regions{0};
  std::atomic<std::int64_t> n_expanded{0};
};

// The regions that orbits can come to while they stay in the box, and the transitions between them.
// The result is the same for any number of threads.
RegionGraph region_graph(const CanonicalMap& map, const RegionGraphOptions& options,
                         Control& control, RegionGraphProgress& progress);

}  // namespace rnndyn

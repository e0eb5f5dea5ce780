// Where restarts begin: random itineraries, itineraries of orbits, neighbours of known cycles.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "rnndyn/random.hpp"
#include "search/collection.hpp"
#include "search/newton_kernel.hpp"

namespace rnndyn {

// Topics of the random streams besides the orders 1, 2, ... themselves.
inline constexpr std::uint64_t kSamplerTopic = ~std::uint64_t{0};
inline constexpr std::uint64_t kLongOrbitTopic = kSamplerTopic - 1;

enum class StartSource : int {
  random_bits,    // every bit a fair coin
  random_states,  // regions of independent random states
  orbit,          // regions along an orbit from a random state
  warm_orbit,     // the same after a transient
  path,           // a curve through the regions from a random state; see RegionPath
  neighbour       // a known cycle's itinerary, changed a little
};
inline constexpr std::size_t kIndependentSources = 5;
inline constexpr std::size_t kSources = 6;
// Of a restart.
inline constexpr double kTypicalSolves = 4.0;
// Steps of an orbit before a restart begins on it.
inline constexpr Index kLongestTransient = 200;

// Draws random states of the size that the map's own dynamics has.
class StateSampler {
 public:
  StateSampler(const CanonicalMap& map, const std::optional<Box>& box, std::uint64_t seed);
  void draw(RandomStream& stream, Vector& state) const;

 private:
  Vector centre_, reach_;
  bool widen_;
};

// Fills in an itinerary from an independent source; falls back on random bits where an orbit
// diverges.
void draw_start(StartSource source, const CanonicalMap& map, const StateSampler& sampler,
                NewtonKernel& kernel, Index longest_transient, RandomStream& stream,
                Itinerary& itinerary);

// Itineraries close to known cycles, each handed out once, in the order in which they were thought
// of. What a border collision or a period doubling would create next to a known cycle differs from
// it in one bit. With `paths`, curves through the regions lead to cycles further away (RegionPath);
// then a bit is changed only where its border is among the nearest.
class Neighbours {
 public:
  Neighbours(const CanonicalMap& map, Index order, bool paths)
      : map_(map), order_(order), paths_(paths) {}

  // An itinerary to begin with as it is, owed to none of the members.
  void add(Itinerary itinerary) { queue_.push_back({std::move(itinerary), {}, 0, -1, {}}); }
  // Before an order is searched: repetitions, concatenations and stretched copies of what is known.
  void add_from_shorter(const Collection& collection);
  // Single-bit changes of a member's itinerary, repeated to this order, nearest borders first; with
  // paths from it, if this is its order.
  // `root` is handed out with them: the member whose discovery they are owed to, -1 for none.
  void add_flips(const Collection::Member& member, std::int32_t root);

  struct Start {
    Itinerary itinerary;
    std::int32_t root;
    std::optional<Vector> point;  // of the cycle of this itinerary where a path begins
  };
  bool empty() const { return queue_.empty(); }
  Start pop();

  // Until allow_paths() is called, paths wait, and what is empty but for them is empty.
  void hold_paths() { held_ = true; }
  bool paths_held() const { return held_; }
  // From now on no more than so many from a cycle; nothing for as many as usual.
  void allow_paths(std::optional<std::size_t> most);

 private:
  struct Bit {
    std::int32_t time, unit;
  };
  // An itinerary, or one for every bit to change in it. Made when asked for: a cycle of order 200
  // has as many neighbours as bits, and a search may find cycles faster than it pops neighbours.
  struct Group {
    Itinerary base;
    std::vector<Bit> flips;
    std::size_t next = 0;
    std::int32_t root = -1;
    Vector point;           // where paths begin
    std::size_t paths = 0;  // that are left; they take turns with the flips
  };

  const CanonicalMap& map_;
  Index order_;
  bool paths_;
  bool held_ = false;
  std::deque<Group> queue_;
  std::vector<Group> waiting_;  // nothing is left of them but paths that are held
};

// Chooses among the independent sources by what each has brought per solve so far.
class SourceChoice {
 public:
  // `path_solves` is what one restart along a path may take, in solves of Newton's method; nothing
  // where there are no paths.
  SourceChoice(std::optional<double> path_solves, Index order);

  void record(StartSource source, double n_solves, bool hit, bool fresh);
  StartSource draw(RandomStream& stream) const;
  void update();  // between batches; draw() uses the weights of the last update

 private:
  struct Tally {
    double expected = 0.0;  // solves of a restart
    double solves = 0.0, restarts = 0.0, hits = 0.0, fresh = 0.0;
  };
  double trust_in_paths_;
  std::size_t n_sources_;
  std::array<Tally, kIndependentSources> tallies_;
  std::array<double, kIndependentSources> cumulative_;
};

}  // namespace rnndyn

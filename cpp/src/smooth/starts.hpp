// Where restarts begin.
#pragma once

#include <array>
#include <deque>
#include <vector>

#include "rnndyn/random.hpp"
#include "smooth/collection.hpp"

namespace rnndyn::smooth {

enum class StartSource : int {
  given,      // states of the caller
  box,        // random states of the invariant box
  free_run,   // after random states have run for a while; for cycles, where a run nearly closes
  pair,       // between two known points
  triple,     // among three
  direction,  // from a known point along where it is unstable
  attached    // close by a known point that is nearly degenerate: its partner
};
inline constexpr std::size_t kSources = 7;
// Independent of what is known: these count for Good and Turing.
constexpr bool is_independent(StartSource source) { return source <= StartSource::free_run; }

// Shares of the sources by what each has brought per solve so far.
class SourceChoice {
 public:
  explicit SourceChoice(bool has_states) : has_states_(has_states) { update(0); }

  void record(StartSource source, std::int64_t n_solves, bool hit, bool fresh);
  void update(std::size_t n_known);  // between batches
  StartSource draw(RandomStream& stream) const;

 private:
  struct Tally {
    double solves = 0.0, hits = 0.0, fresh = 0.0;
  };
  bool has_states_;
  std::array<Tally, kSources> tallies_{};
  std::array<double, kSources> cumulative_{};
};

// A state of the box for the first point of a restart, or all points of one.
Matrix draw_start(StartSource source, Index order, const Matrix& states,
                  const Collection& collection, Newton& newton, RandomStream& stream);

// Guesses on both sides of a point along its softest direction: where two cycles have come out of a
// fold, one is the other's neighbour there.
std::vector<Matrix> partners_of(const Member& member, Newton& newton);

}  // namespace rnndyn::smooth

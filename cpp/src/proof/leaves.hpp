// Solves the itineraries that the trees of a proof come down to, and keeps what stays undecided.
#pragma once

#include <optional>
#include <vector>

#include "rnndyn/proof.hpp"
#include "search/context.hpp"

namespace rnndyn {

class Leaves {
 public:
  explicit Leaves(SearchContext& context) : context_(context), map_(context.map) {}

  // Adds what follows the itineraries to the collection. When the control says stop, a moment is
  // left for them; those that are not reached then are undecided.
  void solve(std::vector<Itinerary> leaves);
  bool all_solved() const { return all_solved_; }

  // Of each member that is listed without a proof that it exists: its itinerary is undecided, too.
  // Bits of borders are cleared in it, so it may be another one than the one that was solved.
  void doubt(const Collection::Member& member);

  // Sorted, each once.
  std::vector<Undecided> take_undecided();

 private:
  struct Answers;
  Control& clock();
  void solve_each(Answers& answers);
  void enlarge(Answers& answers);
  void file(Answers& answers);
  bool refuted(const Itinerary& itinerary) const;

  SearchContext& context_;
  const CanonicalMap& map_;
  std::optional<Control> moment_;
  std::vector<Undecided> undecided_;
  bool all_solved_ = true;
};

}  // namespace rnndyn

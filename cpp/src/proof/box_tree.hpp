// Branch and bound over boxes of first states: what proofs by boxes have in common.
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "parallel/tree_search.hpp"
#include "proof/orbit_enclosure.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// The boxes that cycles begin in. A tree branches on a coordinate, whose middle cuts a box in two.
struct BoxDomain {
  const CanonicalMap* map;    // whose cycles they are; its itineraries are those that are asked for
  std::vector<Box> roots;     // one tree for each
  std::vector<Index> orders;  // ascending
  bool is_forest = false;     // paths begin with the number of their tree, as -1 - number
};

struct BoxNode {
  Path path;
  Index root = 0;
  Box box;
};

// A box is done when no cycle of any of the orders begins in it, or when the few that may do follow
// a handful of itineraries. All points of the cycles lie in the root box of the first one, which is
// the one with the largest first coordinate.
class BoxTree {
 public:
  // Throws std::invalid_argument where a path does not fit the domain.
  static TreeOutcome search(const BoxDomain& domain, const ProofOptions& options, int n_threads,
                            std::int64_t max_nodes, Control& control, const TreeProgress& shown,
                            PartialProof& part, const Interludes* interludes);

 private:
  using Direction = OrbitEnclosure::States;
  struct Verdict {
    bool done = true;
    std::vector<Index> open;             // orders whose itineraries are to be solved
    std::vector<Direction> directions;   // of the orders that were separated
    std::vector<std::size_t> separated;  // which these are, by place in the domain's orders
  };

  BoxTree(const BoxDomain& domain, const ProofOptions& options, Control& control);

  std::vector<Path> paths_of_roots() const;
  BoxNode from_path(const Path& path) const;
  void explore(BoxNode&& root, std::int64_t budget, Piece<BoxNode>& piece);
  void visit(BoxNode&& node, std::vector<BoxNode>& stack, Piece<BoxNode>& piece,
             std::set<Itinerary>& leaves);
  void branch(BoxNode&& node, Index j, std::vector<BoxNode>& stack, Piece<BoxNode>& piece) const;
  Verdict examine(const BoxNode& node, std::size_t most_undecided);
  bool is_smallest(const BoxNode& node) const;
  bool is_outside(const Box& root) const;
  double share(const Path& path) const;
  void write(Piece<BoxNode>& piece, std::int32_t entry) const;
  void close(Piece<BoxNode>& piece, const Verdict& verdict) const;
  void add_itineraries(Index order, std::set<Itinerary>& leaves) const;

  const BoxDomain& domain_;
  const ProofOptions& options_;
  Control& control_;
  OrbitEnclosure enclosure_;
  bool is_stuck_ = false;  // whether a box was met that could be neither settled nor cut
};

}  // namespace rnndyn

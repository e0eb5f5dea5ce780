// The tree of a proof, put together from the trees of its pieces.
#pragma once

#include <cstddef>
#include <vector>

#include "rnndyn/proof.hpp"

namespace rnndyn {

// What one piece of work on a tree has kept. Each kOpen of its tree stands for the piece whose
// number is next in `open`.
struct ProofPiece {
  ProofTree tree;
  std::vector<std::size_t> open;
  bool done = false;  // else it is open as a whole
};

// Appends the trees of the first `n_roots` pieces, each with what was searched in place of kOpen.
void append_joined(const std::vector<ProofPiece>& pieces, std::size_t n_roots, ProofTree& tree);

// The tree of an interrupted search, with the trees of what was searched later, one after the other
// in `later`, in place of its open leaves.
ProofTree spliced(const ProofTree& earlier, const ProofTree& later);

}  // namespace rnndyn

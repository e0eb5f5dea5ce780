// Depth-first search over words of cells: which sequences of cells some orbit can pass.
//
// A tree that is kept lists the cells that may come next. An entry >= 0 is the number of one of
// them; its first branch is about the longer word, its second one is the rest of the list, which
// kRotation ends. The number of regions stands for the step back to the first cell; below it is
// kDecided or kInfeasible.
#pragma once

#include <cstdint>
#include <vector>

#include "parallel/tree_search.hpp"
#include "proof/cell_certificate.hpp"
#include "proof/cell_cover.hpp"

namespace rnndyn {

// All words that begin with `word`, whose last cell has not been looked at yet. The first cell of a
// word is the least of all its cells, in the order of the cover: every cyclic word has such a
// rotation.
struct CellSubtree {
  Path path;  // the bits of the relevant units at every step of the word
  std::vector<std::int32_t> word;
  double share = 0.0;
};

class CellWords {
 public:
  CellWords(const CanonicalMap& map, const CellCover& cover, const Vector& size,
            const std::vector<Index>& orders, const ProofOptions& options, std::size_t n_regions);

  std::vector<CellSubtree> roots() const;
  // Empty when the path leads to a cell that the cover does not have: there is nothing to search.
  std::vector<CellSubtree> subtree(const Path& path) const;

  // For search_tree().
  void explore(CellSubtree&& subtree, std::int64_t budget, Piece<CellSubtree>& piece,
               Control& control) const;

 private:
  class Walk;

  Path path_of(const std::vector<std::int32_t>& word) const;

  const CanonicalMap& map_;
  const CellCover& cover_;
  WordCertificate certificate_;
  std::vector<Index> orders_;
  Index largest_order_;
  bool rigorous_, keep_tree_;
  std::int32_t closing_;      // in trees: that the word closes, among the numbers of cells
  std::vector<Index> units_;  // relevant
  std::vector<std::vector<std::int32_t>> predecessors_;
};

}  // namespace rnndyn

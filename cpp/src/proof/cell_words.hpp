// Depth-first search over words of cells: which sequences of cells some orbit can pass.
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
            const std::vector<Index>& orders, bool rigorous);

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
  bool rigorous_;
  std::vector<Index> units_;  // relevant
  std::vector<std::vector<std::int32_t>> predecessors_;
};

}  // namespace rnndyn

#include "proof/cell_search.hpp"

#include <utility>

#include "proof/cell_cover.hpp"
#include "proof/cell_words.hpp"

namespace rnndyn {

TreeOutcome prove_by_cells(const CanonicalMap& map, const Box& box,
                           const std::vector<Index>& orders, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           std::atomic<std::int64_t>& n_nodes_shown, PartialProof& part,
                           const std::vector<Path>* open) {
  part.method = ProofMethod::cells;
  part.orders = orders;
  part.rigorous = options.rigorous;
  const double begun = control.seconds();
  TreeOutcome outcome;
  const CellCoverOutcome covered =
      cover_recurrent_set(map, box, CellCoverOptions{}, n_threads, control);
  if (!covered.begun) {
    part.reason = covered.reason;
    part.seconds = control.seconds() - begun;
    return outcome;
  }
  const Vector size = box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs());
  const CellWords words(map, covered.cover, size, orders, options.rigorous);
  std::vector<CellSubtree> roots;
  if (open == nullptr) {
    roots = words.roots();
  } else {
    for (const Path& path : *open) {
      for (CellSubtree& subtree : words.subtree(path)) roots.push_back(std::move(subtree));
    }
  }
  outcome = search_tree(std::move(roots), n_threads, max_nodes, false, control, n_nodes_shown, part,
                        [&](CellSubtree&& subtree, std::int64_t budget, Piece<CellSubtree>& piece,
                            int) { words.explore(std::move(subtree), budget, piece, control); });
  part.seconds = control.seconds() - begun;
  return outcome;
}

}  // namespace rnndyn

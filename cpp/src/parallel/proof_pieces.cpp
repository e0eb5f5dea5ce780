#include "parallel/proof_pieces.hpp"

#include <cstdint>

namespace rnndyn {
namespace {

// Reads a tree node by node.
class TreeReader {
 public:
  explicit TreeReader(const ProofTree& tree) : tree_(&tree) {}

  bool at_end() const { return node_ == tree_->nodes.size(); }
  std::int32_t peek() const { return tree_->nodes[node_]; }
  void skip() { ++node_; }
  // Appends the next node, with its multipliers, to another tree.
  std::int32_t copy_to(ProofTree& to) {
    const std::int32_t node = tree_->nodes[node_++];
    to.nodes.push_back(node);
    if (node != ProofTree::kInfeasible) return node;
    const auto begin = static_cast<std::ptrdiff_t>(tree_->first[n_infeasible_]);
    const auto end = static_cast<std::ptrdiff_t>(tree_->first[++n_infeasible_]);
    to.row.insert(to.row.end(), tree_->row.begin() + begin, tree_->row.begin() + end);
    to.value.insert(to.value.end(), tree_->value.begin() + begin, tree_->value.begin() + end);
    to.first.push_back(static_cast<std::int64_t>(to.row.size()));
    return node;
  }

 private:
  const ProofTree* tree_;
  std::size_t node_ = 0;
  std::size_t n_infeasible_ = 0;  // leaves that have been read
};

}  // namespace

void append_joined(const std::vector<ProofPiece>& pieces, std::size_t n_roots, ProofTree& tree) {
  struct Cursor {
    std::size_t piece;
    TreeReader reader;
    std::size_t n_entered = 0;
  };
  // Pieces may be nested deeply, so use a stack.
  std::vector<Cursor> stack;
  const auto enter = [&](std::size_t piece) {
    if (pieces[piece].done) {
      stack.push_back({piece, TreeReader(pieces[piece].tree)});
    } else {
      tree.nodes.push_back(ProofTree::kOpen);
    }
  };
  for (std::size_t root = 0; root < n_roots; ++root) {
    enter(root);
    while (!stack.empty()) {
      Cursor& at = stack.back();
      if (at.reader.at_end()) {
        stack.pop_back();
      } else if (at.reader.peek() == ProofTree::kOpen) {
        at.reader.skip();
        enter(pieces[at.piece].open[at.n_entered++]);  // `at` is invalid from here on
      } else {
        at.reader.copy_to(tree);
      }
    }
  }
}

ProofTree spliced(const ProofTree& earlier, const ProofTree& later) {
  ProofTree result;
  TreeReader first(earlier);
  TreeReader second(later);
  while (!first.at_end()) {
    if (first.peek() != ProofTree::kOpen || second.at_end()) {
      first.copy_to(result);
      continue;
    }
    first.skip();
    // One whole tree: a branching adds a subtree to be read, a leaf ends one.
    for (int unread = 1; unread > 0;) unread += second.copy_to(result) >= 0 ? 1 : -1;
  }
  return result;
}

}  // namespace rnndyn

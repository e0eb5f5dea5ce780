// Depth-first search of a tree in pieces that threads work on: the pieces, and so the result, do
// not depend on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// What one piece of work on a subtree brings. `open` are the subtrees that were not reached within
// the budget of nodes, in preorder; the piece's tree shows each as kOpen.
template <typename Subtree>
struct Piece {
  std::vector<Subtree> open;
  std::vector<Itinerary> leaves;  // to be solved
  std::int64_t n_nodes = 0;
  std::int64_t n_pruned = 0;
  std::int64_t n_uncertified = 0;
  double share = 0.0;  // sum of 2^-depth over the leaves, depth in branchings from the root
  ProofTree tree;      // filled only where trees are kept
};

// Where a search of a tree shows how far it is.
struct TreeProgress {
  std::atomic<std::int64_t>& n_nodes;
  std::atomic<std::int64_t>& n_open;
  std::atomic<double>& share;
};

// For a search that nobody watches.
struct UnseenProgress {
  std::atomic<std::int64_t> n_nodes{0};
  std::atomic<std::int64_t> n_open{0};
  std::atomic<double> share{0.0};
  operator TreeProgress() { return {n_nodes, n_open, share}; }
};

// What happens between the rounds of a search, on the thread that began it. A round that takes long
// or brings many leaves ends early: that changes when things are done, not which tree is searched.
struct Interludes {
  std::function<bool()> wanted;                        // asked by any thread: end the round now?
  std::function<void(std::vector<Itinerary>)> settle;  // the leaves that have come up
};

struct TreeOutcome {
  std::vector<Itinerary> leaves;  // where no interludes took them
  bool complete = false;
};

// A piece of work ends when it has this many leaves: as a stopped search has to do something about
// each that it has not solved, they must not pile up.
inline constexpr std::size_t kLeavesPerPiece = 512;

// Runs explore(subtree, budget, piece, thread) on `roots` and on what that leaves open, until
// nothing is open, `max_nodes` nodes have been looked at, or the control stops it. explore() takes
// the subtree by rvalue reference, must look at at least one node, and asks
// control.stop_requested() itself, at least every few milliseconds: when that is true it leaves
// everything open. Subtree needs a member `Path path`.
//
// `piece_budget` is how many nodes a piece may look at: what takes a moment. The tree does not
// depend on it.
template <typename Subtree, typename Explore>
TreeOutcome search_tree(std::vector<Subtree> roots, int n_threads, std::int64_t max_nodes,
                        bool keep_tree, Control& control, const TreeProgress& shown,
                        PartialProof& proof, const Explore& explore,
                        const Interludes* interludes = nullptr, std::int64_t piece_budget = 4096) {
  // A round takes the last kPerRound open subtrees, whatever the number of threads: like a stack,
  // which keeps few of them in memory.
  constexpr std::size_t kPerRound = 64;
  constexpr std::int64_t kLeavesPerRound = 16384;
  struct Waiting {
    Subtree subtree;
    std::size_t piece;  // number of the piece that will hold its tree
  };
  struct Kept {
    ProofTree tree;
    std::vector<std::size_t> open;  // pieces to put in place of kOpen, in order
    bool done = false;
  };
  TreeOutcome outcome;
  std::vector<Kept> kept(keep_tree ? roots.size() : 0);
  std::vector<Waiting> waiting;
  std::size_t n_pieces = 0;
  for (Subtree& root : roots) waiting.push_back({std::move(root), n_pieces++});
  std::reverse(waiting.begin(), waiting.end());
  shown.n_nodes.store(proof.n_nodes);
  shown.n_open.store(static_cast<std::int64_t>(waiting.size()));
  shown.share.store(proof.share);
  std::int64_t n_kept = 0;  // leaves that have been counted

  while (!waiting.empty() && proof.n_nodes < max_nodes && !control.stop_requested()) {
    const std::size_t n = std::min(kPerRound, waiting.size());
    // Small limits are kept to, roughly.
    const std::int64_t left = (max_nodes - proof.n_nodes) / static_cast<std::int64_t>(n);
    const std::int64_t budget =
        std::clamp<std::int64_t>(left, std::min<std::int64_t>(64, piece_budget), piece_budget);
    std::vector<Piece<Subtree>> pieces(n);
    std::vector<char> begun(n, 0);
    // The top of the stack comes first in preorder.
    const auto item = [&](std::size_t i) -> Waiting& { return waiting[waiting.size() - 1 - i]; };
    std::atomic<std::int64_t> n_leaves{0};
    // Which nodes a limited search looks at must not depend on the clock.
    const bool may_end =
        interludes != nullptr && max_nodes == std::numeric_limits<std::int64_t>::max();
    parallel_for(n, n_threads, [&](std::size_t i, int thread) {
      if (control.stop_requested()) return;
      if (may_end && i > 0 && (n_leaves.load() > kLeavesPerRound || interludes->wanted())) return;
      begun[i] = 1;
      explore(std::move(item(i).subtree), budget, pieces[i], thread);
      n_leaves.fetch_add(static_cast<std::int64_t>(pieces[i].leaves.size()));
      shown.n_nodes.fetch_add(pieces[i].n_nodes);
      shown.share.fetch_add(pieces[i].share);
    });
    std::vector<Waiting> next;  // in preorder
    for (std::size_t i = 0; i < n; ++i) {
      if (begun[i] == 0) {
        next.push_back(std::move(item(i)));
        continue;
      }
      Piece<Subtree>& piece = pieces[i];
      proof.n_nodes += piece.n_nodes;
      proof.n_pruned += piece.n_pruned;
      proof.n_uncertified += piece.n_uncertified;
      proof.share += piece.share;
      std::move(piece.leaves.begin(), piece.leaves.end(), std::back_inserter(outcome.leaves));
      std::vector<std::size_t> numbers;
      for (Subtree& open : piece.open) {
        numbers.push_back(n_pieces);
        next.push_back({std::move(open), n_pieces++});
      }
      if (keep_tree) {
        kept.resize(n_pieces);
        kept[item(i).piece] = {std::move(piece.tree), std::move(numbers), true};
      }
    }
    waiting.resize(waiting.size() - n);
    std::move(next.rbegin(), next.rend(), std::back_inserter(waiting));
    shown.n_nodes.store(proof.n_nodes);
    shown.n_open.store(static_cast<std::int64_t>(waiting.size()));
    shown.share.store(proof.share);
    proof.n_leaves += static_cast<std::int64_t>(outcome.leaves.size()) - n_kept;
    n_kept = static_cast<std::int64_t>(outcome.leaves.size());
    if (interludes != nullptr) {
      interludes->settle(std::exchange(outcome.leaves, {}));
      n_kept = 0;
    }
  }
  for (auto it = waiting.rbegin(); it != waiting.rend(); ++it) {
    proof.open.push_back(std::move(it->subtree.path));
  }
  outcome.complete = waiting.empty();
  proof.complete = outcome.complete;
  if (keep_tree) {
    // Put the pieces together. Recursion depth is the number of nested pieces, so use a stack.
    struct Cursor {
      std::size_t piece, node = 0, open = 0, infeasible = 0;
    };
    std::vector<Cursor> stack;
    for (std::size_t root = roots.size(); root-- > 0;) stack.push_back({root});
    while (!stack.empty()) {
      Cursor& at = stack.back();
      const Kept& source = kept[at.piece];
      if (!source.done) {
        proof.tree.nodes.push_back(ProofTree::kOpen);
        stack.pop_back();
        continue;
      }
      bool entered = false;
      while (at.node < source.tree.nodes.size() && !entered) {
        const std::int32_t node = source.tree.nodes[at.node++];
        if (node == ProofTree::kOpen) {
          const std::size_t child = source.open[at.open++];
          stack.push_back({child});
          entered = true;  // `at` is invalid from here on
          break;
        }
        proof.tree.nodes.push_back(node);
        if (node == ProofTree::kInfeasible) {
          const auto begin = static_cast<std::size_t>(source.tree.first[at.infeasible]);
          const auto end = static_cast<std::size_t>(source.tree.first[++at.infeasible]);
          for (std::size_t e = begin; e < end; ++e) {
            proof.tree.row.push_back(source.tree.row[e]);
            proof.tree.value.push_back(source.tree.value[e]);
          }
          proof.tree.first.push_back(static_cast<std::int64_t>(proof.tree.row.size()));
        }
      }
      if (!entered) stack.pop_back();
    }
  }
  return outcome;
}

// The tree of an interrupted search, with the trees of what was searched later, one after the other
// in `later`, in place of its open leaves.
inline ProofTree spliced(const ProofTree& earlier, const ProofTree& later) {
  ProofTree result;
  std::size_t infeasible[2] = {0, 0};
  const auto copy = [&](const ProofTree& from, int which, std::int32_t node) {
    result.nodes.push_back(node);
    if (node != ProofTree::kInfeasible) return;
    const auto begin = static_cast<std::size_t>(from.first[infeasible[which]]);
    const auto end = static_cast<std::size_t>(from.first[++infeasible[which]]);
    for (std::size_t e = begin; e < end; ++e) {
      result.row.push_back(from.row[e]);
      result.value.push_back(from.value[e]);
    }
    result.first.push_back(static_cast<std::int64_t>(result.row.size()));
  };
  std::size_t next = 0;
  for (const std::int32_t node : earlier.nodes) {
    if (node != ProofTree::kOpen || next >= later.nodes.size()) {
      copy(earlier, 0, node);
      continue;
    }
    // One whole tree: a branching adds a subtree to be read, a leaf ends one.
    for (int unread = 1; unread > 0; ++next) {
      const std::int32_t inner = later.nodes[next];
      copy(later, 1, inner);
      unread += inner >= 0 ? 1 : -1;
    }
  }
  return result;
}

}  // namespace rnndyn

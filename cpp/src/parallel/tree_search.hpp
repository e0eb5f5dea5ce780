// Depth-first search of a tree in pieces that threads work on: the pieces, and so the result, do
// not depend on the number of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <utility>
#include <vector>

#include "parallel/proof_pieces.hpp"
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

// How far a search goes, and in what pieces.
struct SearchLimits {
  int n_threads;
  std::int64_t max_nodes;
  std::int64_t piece_budget;
};

// The rounds of search_tree(), below.
template <typename Subtree, typename Explore>
class TreeSearch {
 public:
  TreeSearch(std::vector<Subtree> roots, const SearchLimits& limits, bool keep_tree,
             Control& control, const TreeProgress& shown, PartialProof& proof,
             const Explore& explore, const Interludes* interludes)
      : limits_(limits),
        keep_tree_(keep_tree),
        control_(control),
        shown_(shown),
        proof_(proof),
        explore_(explore),
        interludes_(interludes),
        n_roots_(roots.size()),
        kept_(keep_tree ? roots.size() : 0) {
    for (Subtree& root : roots) waiting_.push_back({std::move(root), n_pieces_++});
    std::reverse(waiting_.begin(), waiting_.end());
  }

  TreeOutcome run() {
    show();
    while (!waiting_.empty() && proof_.n_nodes < limits_.max_nodes && !control_.stop_requested()) {
      Round round(std::min(kPerRound, waiting_.size()));
      explore(round);
      take_in(round);
      show();
      if (interludes_ != nullptr) interludes_->settle(std::exchange(outcome_.leaves, {}));
    }
    for (auto it = waiting_.rbegin(); it != waiting_.rend(); ++it) {
      proof_.open.push_back(std::move(it->subtree.path));
    }
    outcome_.complete = waiting_.empty();
    proof_.complete = outcome_.complete;
    if (keep_tree_) append_joined(kept_, n_roots_, proof_.tree);
    return std::move(outcome_);
  }

 private:
  // A round takes the last kPerRound open subtrees, whatever the number of threads: like a stack,
  // which keeps few of them in memory.
  static constexpr std::size_t kPerRound = 64;
  static constexpr std::int64_t kLeavesPerRound = 16384;

  struct Waiting {
    Subtree subtree;
    std::size_t piece;  // number of the piece that will hold its tree
  };

  struct Round {
    explicit Round(std::size_t n) : pieces(n), begun(n, 0) {}
    std::vector<Piece<Subtree>> pieces;
    std::vector<char> begun;
  };

  // The top of the stack comes first in preorder.
  Waiting& item(std::size_t i) { return waiting_[waiting_.size() - 1 - i]; }

  void explore(Round& round) {
    const std::size_t n = round.pieces.size();
    // Small limits are kept to, roughly.
    const std::int64_t left = (limits_.max_nodes - proof_.n_nodes) / static_cast<std::int64_t>(n);
    const std::int64_t most = limits_.piece_budget;
    const std::int64_t budget =
        std::clamp<std::int64_t>(left, std::min<std::int64_t>(64, most), most);
    std::atomic<std::int64_t> n_leaves{0};
    // Which nodes a limited search looks at must not depend on the clock.
    const bool may_end =
        interludes_ != nullptr && limits_.max_nodes == std::numeric_limits<std::int64_t>::max();
    parallel_for(n, limits_.n_threads, [&](std::size_t i, int thread) {
      if (control_.stop_requested()) return;
      if (may_end && i > 0 && (n_leaves.load() > kLeavesPerRound || interludes_->wanted())) return;
      round.begun[i] = 1;
      Piece<Subtree>& piece = round.pieces[i];
      explore_(std::move(item(i).subtree), budget, piece, thread);
      n_leaves.fetch_add(static_cast<std::int64_t>(piece.leaves.size()));
      shown_.n_nodes.fetch_add(piece.n_nodes);
      shown_.share.fetch_add(piece.share);
    });
  }

  // What the subtrees of a round leave open takes their place on the stack.
  void take_in(Round& round) {
    const std::size_t n = round.pieces.size();
    std::vector<Waiting> next;  // in preorder
    for (std::size_t i = 0; i < n; ++i) {
      if (round.begun[i] == 0) {
        next.push_back(std::move(item(i)));
      } else {
        take_in(round.pieces[i], item(i).piece, next);
      }
    }
    waiting_.resize(waiting_.size() - n);
    std::move(next.rbegin(), next.rend(), std::back_inserter(waiting_));
  }

  void take_in(Piece<Subtree>& piece, std::size_t number, std::vector<Waiting>& next) {
    proof_.n_nodes += piece.n_nodes;
    proof_.n_pruned += piece.n_pruned;
    proof_.n_uncertified += piece.n_uncertified;
    proof_.n_leaves += static_cast<std::int64_t>(piece.leaves.size());
    proof_.share += piece.share;
    std::move(piece.leaves.begin(), piece.leaves.end(), std::back_inserter(outcome_.leaves));
    std::vector<std::size_t> numbers;
    for (Subtree& open : piece.open) {
      numbers.push_back(n_pieces_);
      next.push_back({std::move(open), n_pieces_++});
    }
    if (!keep_tree_) return;
    kept_.resize(n_pieces_);
    kept_[number] = {std::move(piece.tree), std::move(numbers), true};
  }

  void show() {
    shown_.n_nodes.store(proof_.n_nodes);
    shown_.n_open.store(static_cast<std::int64_t>(waiting_.size()));
    shown_.share.store(proof_.share);
  }

  SearchLimits limits_;
  bool keep_tree_;
  Control& control_;
  const TreeProgress& shown_;
  PartialProof& proof_;
  const Explore& explore_;
  const Interludes* interludes_;

  std::size_t n_roots_;
  std::size_t n_pieces_ = 0;
  std::vector<Waiting> waiting_;  // a stack
  std::vector<ProofPiece> kept_;  // by number
  TreeOutcome outcome_;
};

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
  TreeSearch<Subtree, Explore> search(std::move(roots), {n_threads, max_nodes, piece_budget},
                                      keep_tree, control, shown, proof, explore, interludes);
  return search.run();
}

}  // namespace rnndyn

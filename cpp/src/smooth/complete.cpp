#include "rnndyn/smooth/complete.hpp"

#include <algorithm>
#include <cmath>

#include "rnndyn/smooth/newton.hpp"
#include "smooth/pruning.hpp"

namespace rnndyn::smooth {
namespace {

// Open boxes that a round takes from the end of the list, and boxes that each may look at.
constexpr std::size_t kPerRound = 32;
constexpr int kBudget = 64;
// A box of this size is given up: it holds a degenerate solution, or nearly one.
constexpr double kSmallestBox = 1e-9;

struct Node {
  IntervalVector box;
  double share = 1.0;
};

class Search {
 public:
  Search(const SmoothMap& map, Index order, const CompleteOptions& options, Control& control,
         SearchProgress& progress)
      : map_(map),
        equations_(order == 1 ? fixed_point_equations(map) : cycle_equations(map, order)),
        pruner_(*equations_),
        options_(options),
        control_(control),
        progress_(progress) {
    proof_.order = order;
  }

  CompleteProof run(const std::vector<Matrix>& known);

 private:
  struct Work {
    std::vector<Node> open;
    std::vector<IntervalVector> unique, undecided;
    std::int64_t n_boxes = 0;
    double share = 0.0;
  };
  Work explore(Node node) const;
  void take_in(IntervalVector box);
  void add_ball(const Vector& x);

  const SmoothMap& map_;
  std::unique_ptr<Equations> equations_;
  Pruner pruner_;
  const CompleteOptions& options_;
  Control& control_;
  SearchProgress& progress_;
  std::vector<IntervalVector> balls_;
  CompleteProof proof_;
};

std::pair<Node, Node> halves(const Node& node, Index i) {
  std::pair<Node, Node> parts{node, node};
  // Not in the middle, where symmetric networks have their solutions.
  const double cut = node.box.lower(i) + 0.4921875 * (node.box.upper(i) - node.box.lower(i));
  parts.first.box.upper(i) = cut;
  parts.second.box.lower(i) = cut;
  parts.first.share = parts.second.share = 0.5 * node.share;
  return parts;
}

Search::Work Search::explore(Node node) const {
  Work work;
  work.open.push_back(std::move(node));
  while (!work.open.empty() && work.n_boxes < kBudget && !control_.stop_requested()) {
    Node now = std::move(work.open.back());
    work.open.pop_back();
    ++work.n_boxes;
    const BoxAnswer answer = pruner_.narrow_down(now.box, balls_);
    if (answer != BoxAnswer::open) {
      work.share += now.share;
      if (answer == BoxAnswer::unique) work.unique.push_back(std::move(now.box));
      continue;
    }
    if ((now.box.upper - now.box.lower).maxCoeff() < kSmallestBox) {
      work.share += now.share;
      work.undecided.push_back(std::move(now.box));
      continue;
    }
    auto [first, second] = halves(now, pruner_.widest(now.box));
    work.open.push_back(std::move(second));
    work.open.push_back(std::move(first));
  }
  return work;
}

void Search::add_ball(const Vector& x) {
  if (auto ball = pruner_.ball_of(x)) balls_.push_back(std::move(*ball));
}

// A box with exactly one solution: it lies in a ball, or the search has missed it.
void Search::take_in(IntervalVector box) {
  pruner_.refine(box);
  for (const IntervalVector& ball : balls_) {
    if (ball.contains(box)) return;
  }
  for (const IntervalVector& ball : balls_) {
    if (ball.meets(box)) {
      proof_.undecided.push_back(std::move(box));
      return;
    }
  }
  const Vector x = 0.5 * (box.lower + box.upper);
  const auto ball = pruner_.ball_of(x);
  balls_.push_back(ball && ball->contains(box) ? *ball : box);
  proof_.missed.push_back(equations_->points(x));
}

CompleteProof Search::run(const std::vector<Matrix>& known) {
  for (const Matrix& points : known) add_ball(equations_->unknowns(points));
  std::vector<Node> open{{equations_->domain(), 1.0}};
  double share = 0.0;
  while (!open.empty() && proof_.n_boxes < options_.max_boxes && !control_.stop_requested()) {
    const std::size_t n = std::min(kPerRound, open.size());
    std::vector<Node> now(open.end() - static_cast<std::ptrdiff_t>(n), open.end());
    open.resize(open.size() - n);
    std::vector<Work> works(n);
    parallel_for(n, options_.n_threads,
                 [&](std::size_t item, int) { works[item] = explore(std::move(now[item])); });
    for (Work& work : works) {
      proof_.n_boxes += work.n_boxes;
      share += work.share;
      for (IntervalVector& box : work.unique) take_in(std::move(box));
      for (IntervalVector& box : work.undecided) proof_.undecided.push_back(std::move(box));
      for (Node& node : work.open) open.push_back(std::move(node));
    }
    progress_.n_nodes.store(proof_.n_boxes);
    progress_.n_open.store(static_cast<std::int64_t>(open.size()));
    progress_.share.store(share);
    progress_.fraction.store(share);
  }
  for (Node& node : open) proof_.undecided.push_back(std::move(node.box));
  proof_.proved = proof_.undecided.empty();
  return std::move(proof_);
}

}  // namespace

CompleteProof prove_complete(const SmoothMap& map, Index order, const std::vector<Matrix>& known,
                             const CompleteOptions& options, Control& control,
                             SearchProgress& progress) {
  return Search(map, order, options, control, progress).run(known);
}

}  // namespace rnndyn::smooth

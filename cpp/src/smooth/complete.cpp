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
// Around a box of this size a ball is tried, and again each time it has become so much smaller.
constexpr double kWorthABall = 1e-3;
constexpr double kMuchSmaller = 0.1;
// A box of this size is given up: it holds a degenerate solution, or nearly one.
constexpr double kSmallestBox = 1e-9;

struct Node {
  IntervalVector box;
  double share = 1.0;
  double worth_a_ball = kWorthABall;

  double width() const { return (box.upper - box.lower).maxCoeff(); }
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
    std::vector<Node> open, small;
    std::vector<IntervalVector> unique;
    std::int64_t n_boxes = 0;
    double share = 0.0;  // of the domain that is done
  };
  Work explore(Node node) const;
  bool settle(const IntervalVector& box);
  bool file(const IntervalVector& ball, IntervalVector within);
  void merge(Work& work, std::vector<Node>& open);

  const SmoothMap& map_;
  std::unique_ptr<Equations> equations_;
  Pruner pruner_;
  const CompleteOptions& options_;
  Control& control_;
  SearchProgress& progress_;
  std::vector<IntervalVector> balls_;
  double share_ = 0.0;  // of the domain that is done
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
    if (now.width() < now.worth_a_ball) {
      work.small.push_back(std::move(now));
      continue;
    }
    auto [first, second] = halves(now, pruner_.widest(now.box));
    work.open.push_back(std::move(second));
    work.open.push_back(std::move(first));
  }
  return work;
}

// A ball with exactly one solution, which lies in the box `within`, too: is it a new one? False
// where that cannot be told.
bool Search::file(const IntervalVector& ball, IntervalVector within) {
  pruner_.refine(within);
  for (const IntervalVector& other : balls_) {
    if (other.contains(within)) return true;
  }
  for (const IntervalVector& other : balls_) {
    if (other.meets(within)) return false;
  }
  balls_.push_back(ball);
  const Matrix middle = equations_->points(0.5 * (within.lower + within.upper));
  Matrix points = middle;
  const bool settled = Newton(map_).solve(points, {}, nullptr) == NewtonEnd::converged &&
                       ball.contains(equations_->unknowns(points));
  proof_.missed.push_back(settled ? points : middle);
  return true;
}

// All solutions of a small box lie in one ball.
bool Search::settle(const IntervalVector& box) {
  for (const IntervalVector& ball : balls_) {
    if (ball.contains(box)) return true;
  }
  const auto ball = pruner_.ball_of(0.5 * (box.lower + box.upper));
  return ball && ball->contains(box) && file(*ball, *ball);
}

void Search::merge(Work& work, std::vector<Node>& open) {
  proof_.n_boxes += work.n_boxes;
  share_ += work.share;
  for (IntervalVector& box : work.unique) {
    if (!settle(box) && !file(box, box)) proof_.undecided.push_back(std::move(box));
  }
  for (Node& node : work.open) open.push_back(std::move(node));
  for (Node& node : work.small) {
    if (settle(node.box)) {
      share_ += node.share;
    } else if (node.width() < kSmallestBox) {
      share_ += node.share;
      proof_.undecided.push_back(std::move(node.box));
    } else {
      node.worth_a_ball = kMuchSmaller * node.width();
      open.push_back(std::move(node));
    }
  }
}

CompleteProof Search::run(const std::vector<Matrix>& known) {
  for (const Matrix& points : known) {
    if (control_.stop_requested()) break;
    if (auto ball = pruner_.ball_of(equations_->unknowns(points))) {
      balls_.push_back(std::move(*ball));
    }
  }
  std::vector<Node> open{{equations_->domain()}};
  while (!open.empty() && proof_.n_boxes < options_.max_boxes && !control_.stop_requested()) {
    const std::size_t n = std::min(kPerRound, open.size());
    std::vector<Node> now(open.end() - static_cast<std::ptrdiff_t>(n), open.end());
    open.resize(open.size() - n);
    std::vector<Work> works(n);
    parallel_for(n, options_.n_threads,
                 [&](std::size_t item, int) { works[item] = explore(std::move(now[item])); });
    for (Work& work : works) merge(work, open);
    progress_.n_nodes.store(proof_.n_boxes);
    progress_.n_open.store(static_cast<std::int64_t>(open.size()));
    progress_.share.store(share_);
    progress_.fraction.store(share_);
  }
  for (Node& node : open) proof_.undecided.push_back(std::move(node.box));
  proof_.proved = proof_.undecided.empty();
  proof_.stopped_by = control_.reason();
  return std::move(proof_);
}

}  // namespace

CompleteProof prove_complete(const SmoothMap& map, Index order, const std::vector<Matrix>& known,
                             const CompleteOptions& options, Control& control,
                             SearchProgress& progress) {
  return Search(map, order, options, control, progress).run(known);
}

}  // namespace rnndyn::smooth

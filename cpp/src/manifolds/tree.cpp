// The tree of words: pieces of a manifold are made of each other, one more step at a time.

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <utility>

#include "manifolds/arcs.hpp"
#include "manifolds/images.hpp"
#include "manifolds/local_sets.hpp"
#include "manifolds/polytope.hpp"
#include "rnndyn/regions.hpp"

namespace rnndyn {
namespace {

constexpr std::size_t kMostRegions = 1U << 14U;

// What becomes of one piece.
struct Children {
  std::vector<ManifoldPiece> pieces;
  std::int64_t n_empty = 0;
  std::int64_t n_undecided = 0;
  bool done = false;

  void count(Contents contents) {
    n_empty += contents == Contents::none ? 1 : 0;
    n_undecided += contents == Contents::undecided ? 1 : 0;
  }
};

class Tree {
 public:
  Tree(const CanonicalMap& map, std::vector<AffineStep> regions, std::vector<AffineStep> around,
       const ManifoldOptions& options, Control& control, ManifoldProgress& progress)
      : map_(map),
        regions_(std::move(regions)),
        around_(std::move(around)),
        options_(options),
        box_(box_rows(options.lower, options.upper)),
        reach_(options.lower.cwiseAbs().cwiseMax(options.upper.cwiseAbs())),
        control_(control),
        progress_(progress) {}

  ManifoldOutcome grow(const Matrix& points, double error_bound, ManifoldTree&& begun) {
    ManifoldOutcome outcome;
    ManifoldTree& tree = outcome.tree;
    tree = std::move(begun);
    // Those of a piece that max_pieces cut off are made again with the others.
    while (!tree.pieces.empty() && tree.pieces.back().parent >= tree.n_expanded) {
      tree.pieces.pop_back();
    }
    if (tree.pieces.empty()) {
      tree = ManifoldTree{};
      try {
        LocalSets local = local_sets(around_, points, error_bound, options_, reach_, &control_);
        outcome.refusal = local.refusal;
        tree.n_undecided += local.too_thin ? 1 : 0;
        for (std::size_t t = 0; t < local.at.size(); ++t) {
          tree.pieces.push_back(piece_of(std::move(local.at[t]), around_[t]));
          tree.pieces.back().phase = static_cast<Index>(t);
        }
      } catch (const Stopped&) {
        tree.end = ManifoldEnd::stopped;
        return outcome;
      }
    }
    if (std::isfinite(options_.max_length) && !tree.pieces.empty()) {
      arcs_.emplace(map_, around_, points, options_.kind, options_.max_length);
    }
    add_levels(tree);
    return outcome;
  }

 private:
  // So many pieces are worked on before the next are handed out.
  static constexpr std::size_t kPerRound = 256;

  void add_levels(ManifoldTree& tree) {
    while (true) {
      if (arcs_) measure(tree);
      const auto first = static_cast<std::size_t>(tree.n_expanded);
      progress_.n_pieces.store(static_cast<std::int64_t>(tree.pieces.size()));
      tree.end = arcs_ ? ManifoldEnd::max_length : ManifoldEnd::exhausted;
      if (first == tree.pieces.size()) return;
      const Index depth = tree.pieces[first].depth;
      progress_.depth.store(depth);
      tree.end = ManifoldEnd::depth;
      if (depth >= options_.depth) return;
      if (!add_level(tree, first, end_of_level(tree, first))) return;
    }
  }

  // The first piece that is of more steps than the one numbered `first`.
  static std::size_t end_of_level(const ManifoldTree& tree, std::size_t first) {
    std::size_t end = tree.pieces.size();
    while (first < end && tree.pieces[end - 1].depth > tree.pieces[first].depth) --end;
    return end;
  }

  // Looks how long the branches are before a level is added, and cuts what is too long. Where half
  // of the level is there already, that was done before.
  void measure(ManifoldTree& tree) {
    const std::size_t end = end_of_level(tree, static_cast<std::size_t>(tree.n_expanded));
    arcs_->take(tree.pieces, end);
    arcs_->look();
    if (end == tree.pieces.size()) arcs_->cut(tree, reach_);
    arcs_->take(tree.pieces, tree.pieces.size());
  }

  // The children of the pieces from first to end, which are of one depth.
  bool add_level(ManifoldTree& tree, std::size_t first, std::size_t end) {
    for (std::size_t begin = first; begin < end; begin += kPerRound) {
      const std::size_t n = std::min(kPerRound, end - begin);
      std::vector<Children> found(n);
      parallel_for(n, options_.n_threads, [&](std::size_t i, int) {
        if (control_.stop_requested()) return;
        try {
          children_of(tree.pieces[begin + i], static_cast<std::int64_t>(begin + i), found[i]);
          found[i].done = true;
        } catch (const Stopped&) {
          // Half a piece's children are of no use.
        }
      });
      for (Children& children : found) {
        if (!children.done) {
          tree.end = ManifoldEnd::stopped;
          return false;
        }
        if (arcs_) children.pieces = arcs_->following(tree.pieces, std::move(children.pieces));
        for (ManifoldPiece& piece : children.pieces) {
          if (static_cast<std::int64_t>(tree.pieces.size()) >= options_.max_pieces) {
            tree.end = ManifoldEnd::max_pieces;
            return false;
          }
          tree.pieces.push_back(std::move(piece));
        }
        tree.n_empty += children.n_empty;
        tree.n_undecided += children.n_undecided;
        ++tree.n_expanded;
        if (arcs_) arcs_->take(tree.pieces, tree.pieces.size());
      }
      progress_.n_pieces.store(static_cast<std::int64_t>(tree.pieces.size()));
    }
    return true;
  }

  void children_of(const ManifoldPiece& parent, std::int64_t number, Children& children) const {
    if (arcs_ && !arcs_->goes_on(parent, static_cast<std::size_t>(number))) return;
    const std::size_t k = around_.size();
    const auto phase = static_cast<std::size_t>(parent.phase);
    // What goes on in the region of the cycle itself is the neighbouring local set.
    const std::vector<Word>* skipped = nullptr;
    const bool stable = options_.kind == ManifoldKind::stable;
    if (parent.depth == 0) skipped = &around_[(phase + (stable ? k - 1 : 1)) % k].region;
    Polytope image;
    if (!stable) {
      image = pushed_forward(polytope_of(parent), step_of(parent.region));
      if (image.equations.size() != parent.equations.size()) {
        ++children.n_undecided;
        return;
      }
      image.inequalities = joined(image.inequalities, box_);
      const Contents contents = settle(image, reach_, &control_);
      children.count(contents);
      if (contents != Contents::some) return;
    }
    for (const AffineStep& step : regions_) {
      if (skipped != nullptr && step.region == *skipped) continue;
      Polytope child;
      const Contents contents = stable ? preimage(parent, step, child) : part(image, step, child);
      children.count(contents);
      if (contents != Contents::some) continue;
      ManifoldPiece piece = piece_of(std::move(child), step);
      piece.parent = number;
      piece.phase = parent.phase;
      piece.depth = parent.depth + 1;
      children.pieces.push_back(std::move(piece));
    }
  }

  Contents preimage(const ManifoldPiece& parent, const AffineStep& step, Polytope& child) const {
    child.equations = pulled_back(parent.equations, step, reach_);
    const Contents possible = orthonormalize(child.equations, reach_);
    if (possible != Contents::some) return possible;
    child.inequalities =
        joined(joined(pulled_back(parent.inequalities, step, reach_), step.border), box_);
    return settle(child, reach_, &control_);
  }

  Contents part(const Polytope& image, const AffineStep& step, Polytope& child) const {
    child.equations = image.equations;
    child.inequalities = joined(image.inequalities, step.border);
    return settle(child, reach_, &control_);
  }

  AffineStep step_of(const std::vector<Word>& region) const {
    return affine_step(map_, region.data(), reach_);
  }

  static Polytope polytope_of(const ManifoldPiece& piece) {
    return {piece.equations, piece.inequalities, piece.interior, piece.radius};
  }

  static ManifoldPiece piece_of(Polytope&& set, const AffineStep& step) {
    ManifoldPiece piece;
    piece.region = step.region;
    piece.equations = std::move(set.equations);
    piece.inequalities = std::move(set.inequalities);
    piece.interior = std::move(set.interior);
    piece.radius = set.radius;
    return piece;
  }

  const CanonicalMap& map_;
  std::vector<AffineStep> regions_, around_;
  const ManifoldOptions& options_;
  Rows box_;
  Vector reach_;
  Control& control_;
  ManifoldProgress& progress_;
  std::optional<Arcs> arcs_;  // where max_length was asked for
};

bool is_finite(const Rows& rows) {
  return rows.normals.allFinite() && rows.values.allFinite() && rows.errors.allFinite();
}

// Whether these are the pieces of a tree as it grows from the local sets of such a cycle: they may
// come from a file.
bool is_tree(const ManifoldTree& tree, Index order, Index n_equations) {
  const auto n = static_cast<std::int64_t>(tree.pieces.size());
  bool good = n >= order && tree.n_expanded >= 0 && tree.n_expanded <= n;
  for (std::int64_t i = 0; good && i < n; ++i) {
    const ManifoldPiece& piece = tree.pieces[static_cast<std::size_t>(i)];
    good = piece.equations.size() == n_equations && is_finite(piece.equations) &&
           is_finite(piece.inequalities) && piece.interior.allFinite() &&
           std::isfinite(piece.radius);
    if (i < order) {
      good = good && piece.parent == -1 && piece.phase == i && piece.depth == 0;
      continue;
    }
    good = good && piece.parent >= 0 && piece.parent < i && piece.parent <= tree.n_expanded;
    if (!good) break;
    const ManifoldPiece& parent = tree.pieces[static_cast<std::size_t>(piece.parent)];
    const ManifoldPiece& before = tree.pieces[static_cast<std::size_t>(i - 1)];
    good = piece.depth == parent.depth + 1 && piece.phase == parent.phase &&
           piece.parent >= before.parent;
  }
  return good;
}

}  // namespace

ManifoldOutcome manifold(const CanonicalMap& map, const Itinerary& itinerary, const Matrix& points,
                         double error_bound, const ManifoldOptions& options, Control& control,
                         ManifoldProgress& progress, ManifoldTree begun) {
  ManifoldOutcome outcome;
  const Index r = options.n_directions;
  const Index n_equations = options.kind == ManifoldKind::stable ? r : map.n_states() - r;
  if (!begun.pieces.empty() && !is_tree(begun, itinerary.order, n_equations)) {
    outcome.refusal = ManifoldRefusal::not_its_tree;
    return outcome;
  }
  std::vector<AffineStep> regions;
  std::vector<AffineStep> around;
  const std::size_t words = map.words_per_region();
  const Vector reach = options.lower.cwiseAbs().cwiseMax(options.upper.cwiseAbs());
  try {
    const auto nonempty = nonempty_regions(map, kMostRegions, &control);
    if (!nonempty) {
      outcome.refusal = ManifoldRefusal::too_many_regions;
      return outcome;
    }
    const Rows box = box_rows(options.lower, options.upper);
    for (std::size_t first = 0; first < nonempty->size(); first += words) {
      AffineStep step = affine_step(map, nonempty->data() + first, reach);
      // Regions outside the box are of no interest. Pieces in very thin ones may be large.
      Polytope inside;
      inside.equations = Rows(map.n_states(), 0);
      inside.inequalities = joined(step.border, box);
      if (settle(inside, reach, &control) != Contents::none) regions.push_back(std::move(step));
    }
  } catch (const Stopped&) {
    outcome.tree = std::move(begun);
    outcome.tree.end = ManifoldEnd::stopped;
    return outcome;
  }
  for (Index t = 0; t < itinerary.order; ++t) {
    std::vector<Word> region(itinerary.at(t), itinerary.at(t) + words);
    for (std::size_t w = 0; w < words; ++w) region[w] &= map.relevant_units()[w];
    around.push_back(affine_step(map, region.data(), reach));
  }
  return Tree(map, std::move(regions), std::move(around), options, control, progress)
      .grow(points, error_bound, std::move(begun));
}

}  // namespace rnndyn

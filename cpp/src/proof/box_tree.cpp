#include "proof/box_tree.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace rnndyn {
namespace {

// A box is done when no more units than this, over all steps, are undecided in it: every
// combination of their bits is an itinerary to be solved.
constexpr std::size_t kFewUndecided = 4;
// The same where a box is this part of the whole box in every direction: nothing is gained from
// cutting any further, as a cycle there lies on borders, or as good as.
constexpr double kSmallest = 0x1p-36;
constexpr std::size_t kMostUndecided = 14;
constexpr std::int64_t kNodesBetweenAsking = 256;

double middle(const Box& box, Index j) { return 0.5 * box.lower(j) + 0.5 * box.upper(j); }

}  // namespace

BoxTree::BoxTree(const BoxDomain& domain, const ProofOptions& options, Control& control)
    : domain_(domain), options_(options), control_(control), enclosure_(*domain.map) {}

TreeOutcome BoxTree::search(const BoxDomain& domain, const ProofOptions& options, int n_threads,
                            std::int64_t max_nodes, Control& control, const TreeProgress& shown,
                            PartialProof& part, const Interludes* interludes) {
  std::vector<BoxTree> trees;
  for (int i = 0; i < std::max(1, n_threads); ++i) {
    trees.push_back(BoxTree(domain, options, control));
  }
  std::vector<Path> starts = std::exchange(part.open, {});
  if (starts.empty()) starts = trees.front().paths_of_roots();
  std::vector<BoxNode> roots;
  for (const Path& path : starts) roots.push_back(trees.front().from_path(path));
  TreeOutcome outcome = search_tree(
      std::move(roots), n_threads, max_nodes, options.keep_tree, control, shown, part,
      [&](BoxNode&& node, std::int64_t budget, Piece<BoxNode>& piece, int thread) {
        trees[static_cast<std::size_t>(thread)].explore(std::move(node), budget, piece);
      },
      interludes);
  if (std::ranges::any_of(trees, [](const BoxTree& tree) { return tree.is_stuck_; })) {
    part.complete = outcome.complete = false;
    part.reason = "a point lies on the borders of too many regions to solve for each of them";
  }
  return outcome;
}

std::vector<Path> BoxTree::paths_of_roots() const {
  if (!domain_.is_forest) return {Path{}};
  std::vector<Path> paths;
  for (std::size_t root = 0; root < domain_.roots.size(); ++root) {
    paths.push_back({{-1 - static_cast<std::int32_t>(root), true}});
  }
  return paths;
}

BoxNode BoxTree::from_path(const Path& path) const {
  BoxNode node{path, 0, {}};
  auto next = path.begin();
  if (domain_.is_forest) {
    if (next != path.end() && next->bit < 0) node.root = -1 - (next++)->bit;
    if (next == path.begin() || node.root >= static_cast<Index>(domain_.roots.size())) {
      throw std::invalid_argument("an open branch is in a tree that its proof does not have");
    }
  }
  node.box = domain_.roots[static_cast<std::size_t>(node.root)];
  for (; next != path.end(); ++next) {
    if (next->bit < 0 || next->bit >= domain_.map->n_states()) {
      throw std::invalid_argument("an open branch cuts a coordinate that does not exist");
    }
    (next->on ? node.box.lower : node.box.upper)(next->bit) = middle(node.box, next->bit);
  }
  return node;
}

void BoxTree::explore(BoxNode&& root, std::int64_t budget, Piece<BoxNode>& piece) {
  std::vector<BoxNode> stack;
  stack.push_back(std::move(root));
  std::set<Itinerary> leaves;  // boxes side by side share their itineraries
  while (!stack.empty()) {
    const bool ask = piece.n_nodes % kNodesBetweenAsking == kNodesBetweenAsking - 1;
    if (piece.n_nodes > 0 && (piece.n_nodes >= budget || (ask && control_.stop_requested()))) {
      break;
    }
    if (leaves.size() >= kLeavesPerPiece) break;
    BoxNode node = std::move(stack.back());
    stack.pop_back();
    visit(std::move(node), stack, piece, leaves);
  }
  for (; !stack.empty(); stack.pop_back()) {
    write(piece, ProofTree::kOpen);
    piece.open.push_back(std::move(stack.back()));
  }
  piece.leaves.assign(leaves.begin(), leaves.end());
}

void BoxTree::write(Piece<BoxNode>& piece, std::int32_t entry) const {
  if (options_.keep_tree) piece.tree.nodes.push_back(entry);
}

double BoxTree::share(const Path& path) const {
  const auto depth = static_cast<int>(path.size());
  return domain_.is_forest ? std::ldexp(1.0, 1 - depth) / static_cast<double>(domain_.roots.size())
                           : std::ldexp(1.0, -depth);
}

void BoxTree::visit(BoxNode&& node, std::vector<BoxNode>& stack, Piece<BoxNode>& piece,
                    std::set<Itinerary>& leaves) {
  ++piece.n_nodes;
  Verdict verdict = examine(node, kFewUndecided);
  if (!verdict.done) {
    const Index j = enclosure_.widest();
    if (j >= 0 && !is_smallest(node)) {
      branch(std::move(node), j, stack, piece);
      return;
    }
    verdict = examine(node, kMostUndecided);
    is_stuck_ = is_stuck_ || !verdict.done;
  }
  piece.share += share(node.path);
  if (!verdict.done) {
    ++piece.n_uncertified;
    write(piece, ProofTree::kUnproved);
  } else if (verdict.open.empty()) {
    ++piece.n_pruned;
    close(piece, verdict);
  } else {
    for (const Index order : verdict.open) add_itineraries(order, leaves);
    write(piece, ProofTree::kDecided);
  }
}

void BoxTree::branch(BoxNode&& node, Index j, std::vector<BoxNode>& stack,
                     Piece<BoxNode>& piece) const {
  write(piece, static_cast<std::int32_t>(j));
  const double cut = middle(node.box, j);
  BoxNode above = node;
  above.box.lower(j) = cut;
  above.path.push_back({static_cast<std::int32_t>(j), true});
  node.box.upper(j) = cut;
  node.path.push_back({static_cast<std::int32_t>(j), false});
  stack.push_back(std::move(above));
  stack.push_back(std::move(node));
}

// Follows the orbits from a box until all orders are settled or one is not.
BoxTree::Verdict BoxTree::examine(const BoxNode& node, std::size_t most_undecided) {
  Verdict verdict;
  enclosure_.start(node.box);
  for (std::size_t next = 0; next < domain_.orders.size();) {
    if (!enclosure_.step()) {
      verdict.done = false;
      return verdict;
    }
    // z_t lies in the domain for every t, of cycles of every order.
    if (is_outside(domain_.roots[static_cast<std::size_t>(node.root)])) return verdict;
    if (enclosure_.time() == domain_.orders[next]) {
      Direction direction{};
      if (enclosure_.separates(direction)) {
        verdict.directions.push_back(direction);
        verdict.separated.push_back(next);
      } else if (enclosure_.undecided().size() <= most_undecided) {
        verdict.open.push_back(domain_.orders[next]);
      } else {
        verdict.done = false;
        return verdict;
      }
      ++next;
    }
    // No point of the cycle has a larger first coordinate than z_0.
    if (enclosure_.change(0).first > 0.0) return verdict;
  }
  if (!verdict.open.empty() && enclosure_.undecided().size() > most_undecided) {
    verdict.done = false;
  }
  return verdict;
}

bool BoxTree::is_smallest(const BoxNode& node) const {
  const Box& whole = domain_.roots[static_cast<std::size_t>(node.root)];
  const Vector width = node.box.upper - node.box.lower;
  return (width.array() <= kSmallest * (whole.upper - whole.lower).array()).all();
}

bool BoxTree::is_outside(const Box& root) const {
  for (Index j = 0; j < domain_.map->n_states(); ++j) {
    const auto [low, high] = enclosure_.state(j);
    if (low > root.upper(j) || high < root.lower(j)) return true;
  }
  return false;
}

void BoxTree::close(Piece<BoxNode>& piece, const Verdict& verdict) const {
  write(piece, ProofTree::kInfeasible);
  if (!options_.keep_tree) return;
  const Index m = domain_.map->n_states();
  for (std::size_t n = 0; n < verdict.separated.size(); ++n) {
    for (Index j = 0; j < m; ++j) {
      const double value = verdict.directions[n][static_cast<std::size_t>(j)];
      if (value == 0.0) continue;
      piece.tree.row.push_back(
          static_cast<std::int32_t>(static_cast<Index>(verdict.separated[n]) * m + j));
      piece.tree.value.push_back(value);
    }
  }
  piece.tree.first.push_back(static_cast<std::int64_t>(piece.tree.row.size()));
}

void BoxTree::add_itineraries(Index order, std::set<Itinerary>& leaves) const {
  const CanonicalMap& map = *domain_.map;
  Itinerary itinerary(order, map.words_per_region());
  std::copy_n(enclosure_.regions().begin(), itinerary.bits.size(), itinerary.bits.begin());
  std::vector<std::int32_t> free;
  for (const std::int32_t bit : enclosure_.undecided()) {
    if (bit < order * map.n_units()) free.push_back(bit);
  }
  for (std::size_t pattern = 0; pattern < std::size_t{1} << free.size(); ++pattern) {
    for (std::size_t n = 0; n < free.size(); ++n) {
      set_bit(itinerary.at(free[n] / map.n_units()), free[n] % map.n_units(),
              ((pattern >> n) & 1U) != 0);
    }
    leaves.insert(canonical_rotation(itinerary));
  }
}

}  // namespace rnndyn

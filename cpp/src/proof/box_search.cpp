#include "proof/box_search.hpp"

#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "proof/orbit_enclosure.hpp"

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

struct Node {
  Path path;
  Box box;
};

class Search {
 public:
  using Direction = OrbitEnclosure::States;

  Search(const CanonicalMap& map, const Box& domain, const std::vector<Index>& orders,
         const ProofOptions& options, Control& control)
      : map_(map),
        domain_(domain),
        orders_(orders),
        options_(options),
        control_(control),
        enclosure_(map) {}

  Node from_path(const Path& path) const {
    Node node{path, domain_};
    for (const Decision& decision : path) {
      if (decision.bit < 0 || decision.bit >= map_.n_states()) {
        throw std::invalid_argument("an open branch cuts a coordinate that does not exist");
      }
      (decision.on ? node.box.lower : node.box.upper)(decision.bit) =
          middle(node.box, decision.bit);
    }
    return node;
  }

  void explore(Node&& root, std::int64_t budget, Piece<Node>& piece) {
    std::vector<Node> stack;
    stack.push_back(std::move(root));
    std::set<Itinerary> leaves;  // boxes side by side share their itineraries
    while (!stack.empty()) {
      const bool ask = piece.n_nodes % kNodesBetweenAsking == kNodesBetweenAsking - 1;
      if (piece.n_nodes > 0 && (piece.n_nodes >= budget || (ask && control_.stop_requested()))) {
        break;
      }
      if (leaves.size() >= kLeavesPerPiece) break;
      Node node = std::move(stack.back());
      stack.pop_back();
      visit(std::move(node), stack, piece, leaves);
    }
    for (; !stack.empty(); stack.pop_back()) {
      write(piece, ProofTree::kOpen);
      piece.open.push_back(std::move(stack.back()));
    }
    piece.leaves.assign(leaves.begin(), leaves.end());
  }

  // Whether a box was met that could be neither settled nor cut.
  bool is_stuck() const { return stuck_; }

 private:
  struct Verdict {
    bool done = true;
    std::vector<Index> open;             // orders whose itineraries are to be solved
    std::vector<Direction> directions;   // of the orders that were separated
    std::vector<std::size_t> separated;  // which these are, by place in orders_
  };

  static double middle(const Box& box, Index j) { return 0.5 * box.lower(j) + 0.5 * box.upper(j); }

  void write(Piece<Node>& piece, std::int32_t node) const {
    if (options_.keep_tree) piece.tree.nodes.push_back(node);
  }

  void visit(Node&& node, std::vector<Node>& stack, Piece<Node>& piece,
             std::set<Itinerary>& leaves) {
    ++piece.n_nodes;
    Verdict verdict = examine(node.box, kFewUndecided);
    if (!verdict.done) {
      const Index j = enclosure_.widest();
      if (j >= 0 && !is_smallest(node.box)) {
        branch(std::move(node), j, stack, piece);
        return;
      }
      verdict = examine(node.box, kMostUndecided);
      stuck_ = stuck_ || !verdict.done;
    }
    piece.share += std::ldexp(1.0, -static_cast<int>(node.path.size()));
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

  void branch(Node&& node, Index j, std::vector<Node>& stack, Piece<Node>& piece) const {
    write(piece, static_cast<std::int32_t>(j));
    const double cut = middle(node.box, j);
    Node above = node;
    above.box.lower(j) = cut;
    above.path.push_back({static_cast<std::int32_t>(j), true});
    node.box.upper(j) = cut;
    node.path.push_back({static_cast<std::int32_t>(j), false});
    stack.push_back(std::move(above));
    stack.push_back(std::move(node));
  }

  // Follows the orbits from a box until all orders are settled or one is not.
  Verdict examine(const Box& box, std::size_t most_undecided) {
    Verdict verdict;
    enclosure_.start(box);
    for (std::size_t next = 0; next < orders_.size();) {
      if (!enclosure_.step()) {
        verdict.done = false;
        return verdict;
      }
      // z_t lies in the domain for every t, of cycles of every order.
      if (is_outside()) return verdict;
      if (enclosure_.time() == orders_[next]) {
        Direction direction{};
        if (enclosure_.separates(direction)) {
          verdict.directions.push_back(direction);
          verdict.separated.push_back(next);
        } else if (enclosure_.undecided().size() <= most_undecided) {
          verdict.open.push_back(orders_[next]);
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

  bool is_smallest(const Box& box) const {
    const Vector width = box.upper - box.lower;
    return (width.array() <= kSmallest * (domain_.upper - domain_.lower).array()).all();
  }

  bool is_outside() const {
    for (Index j = 0; j < map_.n_states(); ++j) {
      const auto [low, high] = enclosure_.state(j);
      if (low > domain_.upper(j) || high < domain_.lower(j)) return true;
    }
    return false;
  }

  void close(Piece<Node>& piece, const Verdict& verdict) const {
    write(piece, ProofTree::kInfeasible);
    if (!options_.keep_tree) return;
    const Index m = map_.n_states();
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

  void add_itineraries(Index order, std::set<Itinerary>& leaves) const {
    const std::size_t words = map_.words_per_region();
    Itinerary itinerary(order, words);
    std::copy_n(enclosure_.regions().begin(), itinerary.bits.size(), itinerary.bits.begin());
    std::vector<std::int32_t> free;
    for (const std::int32_t bit : enclosure_.undecided()) {
      if (bit < order * map_.n_units()) free.push_back(bit);
    }
    for (std::size_t pattern = 0; pattern < std::size_t{1} << free.size(); ++pattern) {
      for (std::size_t n = 0; n < free.size(); ++n) {
        set_bit(itinerary.at(free[n] / map_.n_units()), free[n] % map_.n_units(),
                ((pattern >> n) & 1U) != 0);
      }
      leaves.insert(canonical_rotation(itinerary));
    }
  }

  const CanonicalMap& map_;
  const Box& domain_;
  const std::vector<Index>& orders_;
  const ProofOptions& options_;
  Control& control_;
  OrbitEnclosure enclosure_;
  bool stuck_ = false;
};

}  // namespace

bool boxes_suit(const CanonicalMap& map) {
  return map.n_states() >= 1 && map.n_states() <= OrbitEnclosure::kMostStates;
}

TreeOutcome prove_by_boxes(const CanonicalMap& map, const Box& box, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           const TreeProgress& shown, PartialProof& part,
                           const Interludes* interludes) {
  part.method = ProofMethod::boxes;
  std::sort(part.orders.begin(), part.orders.end());
  std::vector<Search> searches;
  for (int i = 0; i < std::max(1, n_threads); ++i) {
    searches.emplace_back(map, box, part.orders, options, control);
  }
  std::vector<Path> starts = std::exchange(part.open, {});
  if (starts.empty()) starts.emplace_back();
  std::vector<Node> roots;
  for (const Path& path : starts) roots.push_back(searches.front().from_path(path));
  TreeOutcome outcome = search_tree(
      std::move(roots), n_threads, max_nodes, options.keep_tree, control, shown, part,
      [&](Node&& node, std::int64_t budget, Piece<Node>& piece, int thread) {
        searches[static_cast<std::size_t>(thread)].explore(std::move(node), budget, piece);
      },
      interludes);
  if (std::any_of(searches.begin(), searches.end(), [](const Search& s) { return s.is_stuck(); })) {
    part.complete = outcome.complete = false;
    part.reason = "a point lies on the borders of too many regions to solve for each of them";
  }
  return outcome;
}

}  // namespace rnndyn

#include "proof/dictionary_search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "proof/cyclic_relaxation.hpp"
#include "proof/split.hpp"
#include "proof/unit_relaxation.hpp"

namespace rnndyn {
namespace {

// A prune counts with its certificate only, which is kept when the tree is.
template <typename Multipliers>
struct Leaf {
  std::int32_t kind = ProofTree::kInfeasible;
  Multipliers multipliers;
};

template <typename Multipliers>
struct Node {
  Path path;
  Index face = -1;                         // of the cube, where there is a tree for each
  std::vector<std::int8_t> decided;        // by bit of the relaxation: 0, 1, -1 undecided
  std::shared_ptr<Dictionary> dictionary;  // nothing: to be made from the path
  std::optional<Leaf<Multipliers>> leaf;   // already known to hold no cycle
};

// `Relaxation` is a CyclicRelaxation or a UnitRelaxation.
template <typename Relaxation>
class Search {
 public:
  using Leaf = rnndyn::Leaf<typename Relaxation::Multipliers>;
  using Node = rnndyn::Node<typename Relaxation::Multipliers>;

  Search(const CanonicalMap& map, const Relaxation& relaxation, const ProofOptions& options,
         Control& control)
      : map_(map), relaxation_(relaxation), options_(options), control_(control) {}

  Node from_path(const Path& path) const {
    Node node;
    node.path = path;
    node.decided.assign(static_cast<std::size_t>(relaxation_.n_bits()), -1);
    for (const Decision& decision : path) {
      if (decision.bit < 0) {
        node.face = -1 - decision.bit;
        if (node.face >= relaxation_.n_faces()) {
          throw std::invalid_argument("an open branch is on a face that its proof does not have");
        }
        const Index bit = relaxation_.bit_of_face(node.face);
        if (bit >= 0) node.decided[static_cast<std::size_t>(bit)] = 1;
        continue;
      }
      node.decided[static_cast<std::size_t>(bit_of(decision.bit))] = decision.on ? 1 : 0;
    }
    return node;
  }

  void explore(Node&& root, std::int64_t budget, Piece<Node>& piece) {
    std::vector<Node> stack;
    stack.push_back(std::move(root));
    while (!stack.empty()) {
      if (piece.n_nodes > 0 && (piece.n_nodes >= budget || control_.stop_requested())) break;
      if (piece.leaves.size() >= kLeavesPerPiece) break;
      Node node = std::move(stack.back());
      stack.pop_back();
      if (!visit(node, stack, piece)) {
        stack.push_back(std::move(node));
        break;
      }
    }
    for (std::size_t n_bytes = 0; !stack.empty(); stack.pop_back()) {
      write(piece, ProofTree::kOpen);
      Node& node = stack.back();
      if (node.dictionary) n_bytes += node.dictionary->n_bytes();
      if (n_bytes > kWaitingBytes) give_back(std::move(node.dictionary));
      piece.open.push_back(std::move(node));
    }
  }

 private:
  // Dictionaries that a piece keeps for the nodes of its stack, and for those that it leaves open;
  // beyond, they are made again from the path.
  static constexpr std::size_t kStackBytes = std::size_t{1} << 28;
  static constexpr std::size_t kWaitingBytes = std::size_t{1} << 25;

  // Number of a bit among the relevant units, from its number among all units.
  Index bit_of(std::int32_t bit) const {
    const Index t = bit / map_.n_units();
    const Index unit = bit % map_.n_units();
    for (Index r = 0; r < relaxation_.n_units(); ++r) {
      const Index own = t * relaxation_.n_units() + r;
      if (relaxation_.unit(r) == unit && own < relaxation_.n_bits()) return own;
    }
    // Paths come from files as well.
    throw std::invalid_argument("an open branch decides a bit that its proof does not have");
  }
  std::int32_t number_of(Index bit) const {
    const Index t = bit / relaxation_.n_units();
    return static_cast<std::int32_t>(t * map_.n_units() + relaxation_.unit(bit));
  }
  void write(Piece<Node>& piece, std::int32_t node) const {
    if (options_.keep_tree) piece.tree.nodes.push_back(node);
  }

  std::shared_ptr<Dictionary> fresh() {
    if (spare_.empty()) return std::make_shared<Dictionary>(relaxation_.root());
    std::shared_ptr<Dictionary> result = std::move(spare_.back());
    spare_.pop_back();
    return result;
  }
  void give_back(std::shared_ptr<Dictionary>&& dictionary) {
    std::shared_ptr<Dictionary> last = std::move(dictionary);
    if (last && (spare_.size() + 1) * last->n_bytes() <= kStackBytes) {
      spare_.push_back(std::move(last));
    }
  }

  std::shared_ptr<Dictionary> rebuild(const Node& node) {
    const std::vector<std::int8_t>& decided = node.decided;
    std::shared_ptr<Dictionary> dictionary = fresh();
    relaxation_.root().copy_to(*dictionary);
    if (node.face >= 0) relaxation_.start_on_face(*dictionary, node.face);
    for (Index bit = 0; bit < relaxation_.n_bits(); ++bit) {
      const std::int8_t value = decided[static_cast<std::size_t>(bit)];
      if (value >= 0) dictionary->fix_at_zero(fixed_by(bit, value == 1), relaxation_.kept());
    }
    return dictionary;
  }
  static std::int32_t fixed_by(Index bit, bool on) {
    return on ? Relaxation::v(bit) : Relaxation::u(bit);
  }

  // Share of all trees that a node stands for.
  double share(const Path& path) const {
    const Index n_faces = relaxation_.n_faces();
    const int depth = static_cast<int>(path.size());
    return n_faces == 0 ? std::ldexp(1.0, -depth)
                        : std::ldexp(1.0, 1 - depth) / static_cast<double>(n_faces);
  }

  void close(Piece<Node>& piece, const Leaf& leaf, const Path& path) const {
    ++piece.n_pruned;
    piece.share += share(path);
    write(piece, leaf.kind);
    if (leaf.kind != ProofTree::kInfeasible || !options_.keep_tree) return;
    relaxation_.append(leaf.multipliers, map_.n_units(), piece.tree);
  }

  // The certificate of the dictionary's infeasible row, if it holds.
  std::optional<Leaf> refuted(const Dictionary& dictionary, const std::vector<std::int8_t>& decided,
                              Index face) const {
    Leaf leaf;
    if (!options_.rigorous) {
      leaf.kind = ProofTree::kUnproved;
      return leaf;
    }
    leaf.multipliers = relaxation_.multipliers(dictionary);
    if (!relaxation_.refutes(leaf.multipliers, decided, face)) return std::nullopt;
    return leaf;
  }

  // False where the control stopped it: then the node is still to be visited.
  bool visit(Node& node, std::vector<Node>& stack, Piece<Node>& piece) {
    if (node.leaf) {
      ++piece.n_nodes;
      close(piece, *node.leaf, node.path);
      return true;
    }
    if (!node.dictionary) node.dictionary = rebuild(node);
    Dictionary::Outcome outcome = node.dictionary->solve(relaxation_.kept(), &control_);
    if (outcome == Dictionary::Outcome::stopped) return false;
    std::int64_t n_uncertified = 0;
    if (outcome == Dictionary::Outcome::infeasible) {
      std::optional<Leaf> leaf = refuted(*node.dictionary, node.decided, node.face);
      if (!leaf) {
        // Rounding errors may have piled up in the tableau: once more from the start.
        give_back(std::move(node.dictionary));
        node.dictionary = rebuild(node);
        outcome = node.dictionary->solve(relaxation_.kept(), &control_);
        if (outcome == Dictionary::Outcome::stopped) return false;
        if (outcome == Dictionary::Outcome::infeasible) {
          leaf = refuted(*node.dictionary, node.decided, node.face);
        }
        if (!leaf) ++n_uncertified;
      }
      if (leaf) {
        ++piece.n_nodes;
        close(piece, *leaf, node.path);
        give_back(std::move(node.dictionary));
        return true;
      }
    }
    ++piece.n_nodes;
    piece.n_uncertified += n_uncertified;
    const Index bit = choose(*node.dictionary, node.decided);
    if (bit < 0) {
      piece.leaves.push_back(itinerary(node.decided));
      piece.share += share(node.path);
      write(piece, ProofTree::kDecided);
      give_back(std::move(node.dictionary));
      return true;
    }
    write(piece, number_of(bit));
    branch(std::move(node), bit, stack);
    return true;
  }

  // The second child to be looked at takes over the parent's dictionary; a child that its own row
  // refutes needs none.
  void branch(Node&& node, Index bit, std::vector<Node>& stack) {
    Node on = child(node, bit, true);
    Node off = child(node, bit, false);
    const bool off_open = !off.leaf;
    if (!on.leaf) {
      if (!off_open) {
        on.dictionary = std::move(node.dictionary);
      } else if ((stack.size() + 1) * node.dictionary->n_bytes() <= kStackBytes) {
        on.dictionary = fresh();
        node.dictionary->copy_to(*on.dictionary);
      }
      if (on.dictionary) on.dictionary->fix_at_zero(fixed_by(bit, true), relaxation_.kept());
    }
    if (off_open) {
      off.dictionary = std::move(node.dictionary);
      off.dictionary->fix_at_zero(fixed_by(bit, false), relaxation_.kept());
    }
    give_back(std::move(node.dictionary));
    stack.push_back(std::move(on));
    stack.push_back(std::move(off));
  }

  Node child(const Node& node, Index bit, bool is_on) {
    Node result;
    result.path = node.path;
    result.path.push_back({number_of(bit), is_on});
    result.face = node.face;
    result.decided = node.decided;
    result.decided[static_cast<std::size_t>(bit)] = is_on ? 1 : 0;
    Index row = -1;
    if (node.dictionary->refutes_zero(fixed_by(bit, is_on), row)) {
      node.dictionary->set_infeasible(row, true);
      result.leaf = refuted(*node.dictionary, result.decided, node.face);
    }
    return result;
  }

  Index choose(const Dictionary& dictionary, const std::vector<std::int8_t>& decided) const {
    Index best = -1;
    double best_score = -1.0;
    for (Index bit = 0; bit < relaxation_.n_bits(); ++bit) {
      if (decided[static_cast<std::size_t>(bit)] >= 0) continue;
      if (options_.branching == BranchingRule::time_order) return bit;
      const double u = std::max(0.0, dictionary.value(Relaxation::u(bit)));
      const double v = std::max(0.0, dictionary.value(Relaxation::v(bit)));
      // Where nothing is violated, a pre-activation far from its border is the likeliest to have
      // no other side.
      const double violation = std::min(u, v);
      const double score = violation > 1e-9 * (1.0 + std::max(u, v))
                               ? 1.0 + violation
                               : 0.5 * std::max(u, v) / (1.0 + std::max(u, v));
      if (score > best_score) {
        best_score = score;
        best = bit;
      }
    }
    return best;
  }

  Itinerary itinerary(const std::vector<std::int8_t>& decided) const {
    Itinerary result(relaxation_.order(), map_.words_per_region());
    for (Index bit = 0; bit < relaxation_.n_bits(); ++bit) {
      if (decided[static_cast<std::size_t>(bit)] == 1) {
        set_bit(result.at(bit / relaxation_.n_units()), relaxation_.unit(bit), true);
      }
    }
    return canonical_rotation(result);
  }

  const CanonicalMap& map_;
  const Relaxation& relaxation_;
  const ProofOptions& options_;
  Control& control_;
  std::vector<std::shared_ptr<Dictionary>> spare_;
};

// Nodes of a piece of work by their number of bits: an eighth of a second, about.
std::int64_t piece_budget(Index n_bits) {
  return std::clamp(static_cast<std::int64_t>(0.125 / dictionary_node_seconds(n_bits)),
                    std::int64_t{1}, std::int64_t{4096});
}

template <typename Relaxation>
TreeOutcome search_all(const CanonicalMap& map, const Relaxation& relaxation,
                       const ProofOptions& options, int n_threads, std::int64_t max_nodes,
                       Control& control, const TreeProgress& shown, PartialProof& part,
                       const Interludes* interludes) {
  std::vector<Search<Relaxation>> searches;
  for (int i = 0; i < std::max(1, n_threads); ++i) {
    searches.emplace_back(map, relaxation, options, control);
  }
  std::vector<Path> starts = std::move(part.open);
  part.open.clear();
  if (starts.empty()) {
    for (Index face = 0; face < relaxation.n_faces(); ++face) {
      starts.push_back({{static_cast<std::int32_t>(-1 - face), true}});
    }
    if (starts.empty()) starts.emplace_back();
  }
  using Node = typename Search<Relaxation>::Node;
  std::vector<Node> roots;
  for (const Path& path : starts) roots.push_back(searches.front().from_path(path));
  return search_tree(
      std::move(roots), n_threads, max_nodes, options.keep_tree, control, shown, part,
      [&](Node&& node, std::int64_t budget, Piece<Node>& piece, int thread) {
        searches[static_cast<std::size_t>(thread)].explore(std::move(node), budget, piece);
      },
      interludes, piece_budget(relaxation.n_bits()));
}

// Sum of |p| up to which a proof has rounding errors relative to that size, in units of the offsets
// that drive the map; the relaxation beyond gets simpler the larger it is.
constexpr double kLargeSum = 1e6;
// What is worth while to find out whether a split suits: about the first dictionary.
constexpr double kOperationsOfMoment = 1e9;
// Within a cube this small most maps are affine, in the same units.
constexpr double kSmallCube = 0.125;

double scale_of(const CanonicalMap& map) {
  double scale = 0.0;
  if (map.n_states() > 0) scale = std::max(scale, map.h1().cwiseAbs().maxCoeff());
  if (map.n_units() > 0) scale = std::max(scale, map.h2().cwiseAbs().maxCoeff());
  return split_unit(scale);
}

// Whether the split by activities suits: several steps, and not more units than states. With as
// many units as states it takes as many steps as by faces (measured: gauss_m30_high_gain, order 2,
// has 1,293 nodes, and 934 by sums).
bool units_suit(const CanonicalMap& map, Index order, double radius) {
  const bool few = 2 * map.n_relevant_units() <= map.n_states();
  const bool long_enough = map.n_relevant_units() <= map.n_states() && map.n_states() <= 8 * order;
  if (order == 1 || !(few || long_enough)) return false;
  if (UnitRelaxation::n_operations(map, order) > kOperationsOfMoment) return false;
  return UnitRelaxation(map, order, radius, true, false).suits();
}

// Whether a box is close enough to a cube around the origin for a cube to stand in for it.
bool is_cube_like(const Box& box) {
  return (-box.lower).minCoeff() > 0.0 && box.upper.minCoeff() > 0.0 &&
         10.0 * std::min((-box.lower).minCoeff(), box.upper.minCoeff()) >
             std::max((-box.lower).maxCoeff(), box.upper.maxCoeff());
}

// Or where few units, and so few rows without the states, face many states.
bool is_nearly_everything(const Box& box, const CanonicalMap& map, double scale) {
  constexpr double kLarge = 100.0;
  return 2 * map.n_relevant_units() <= map.n_states() ||
         std::min((-box.lower).minCoeff(), box.upper.minCoeff()) > kLarge * scale;
}

}  // namespace

double dictionary_node_seconds(Index n_bits) {
  const auto n = static_cast<double>(n_bits);
  return 4e-7 + 8e-9 * n * n;
}

PartialProof plan_dictionaries(const CanonicalMap& map, const std::optional<Box>& box,
                               Index order) {
  PartialProof part;
  part.method = ProofMethod::dictionary;
  part.orders = {order};
  part.unbounded = !box;
  const double scale = scale_of(map);
  const double radius = std::exp2(std::floor(std::log2(kSmallCube * scale)));
  // In a box that holds nearly everything, all of R^M is proved with less work than the box.
  if ((!box || is_nearly_everything(*box, map, scale)) && units_suit(map, order, radius)) {
    part.unbounded = true;
    part.by_units = true;
    part.radius = radius;
    return part;
  }
  // One tree per face pays when there are many steps, or many units, for every state.
  part.by_faces =
      (order > 1 && map.n_states() <= 8 * order) || map.n_relevant_units() > 2 * map.n_states();
  if (box) {
    part.by_faces = part.by_faces && is_cube_like(*box);
    if (part.by_faces) {
      part.outer = std::max((-box->lower).maxCoeff(), box->upper.maxCoeff());
      part.radius = std::min(kSmallCube * scale, 0.5 * part.outer);
    }
    return part;
  }
  part.radius = scale * (part.by_faces ? kSmallCube : kLargeSum);
  return part;
}

TreeOutcome prove_by_dictionaries(const CanonicalMap& map, const std::optional<Box>& box,
                                  const ProofOptions& options, int n_threads,
                                  std::int64_t max_nodes, Control& control,
                                  const TreeProgress& shown, PartialProof& part,
                                  const Interludes* interludes) {
  using Domain = CyclicRelaxation::Domain;
  if (part.by_units) {
    const UnitRelaxation relaxation(map, part.orders.front(), part.radius, part.at_infinity,
                                    options.rigorous);
    if (!relaxation.suits()) return {};
    return search_all(map, relaxation, options, n_threads, max_nodes, control, shown, part,
                      interludes);
  }
  Domain domain;
  domain.radius = part.radius;
  domain.outer = part.outer;
  const Index m = map.n_states();
  if (part.by_faces) {
    domain.kind = part.at_infinity ? Domain::Kind::large_cube : Domain::Kind::box;
    domain.box = {Vector::Constant(m, -part.radius), Vector::Constant(m, part.radius)};
  } else if (part.unbounded) {
    domain.kind = part.at_infinity ? Domain::Kind::large_sum : Domain::Kind::small_sum;
  } else {
    domain.box = *box;
  }
  const CyclicRelaxation relaxation(map, part.orders.front(), domain, options.rigorous, true,
                                    &control);
  if (!relaxation.complete()) return {};
  return search_all(map, relaxation, options, n_threads, max_nodes, control, shown, part,
                    interludes);
}

}  // namespace rnndyn

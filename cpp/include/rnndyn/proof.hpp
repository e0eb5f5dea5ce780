// Proofs that no cycle is missing: what is asked for, and what was proved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

struct Box {
  Vector lower, upper;
};

// The numbers are part of the file format of certificates.
enum class ProofMethod : std::int8_t {
  automatic = 0,
  dictionary = 1,         // branch and bound over the bits of one order, linear complementarity
  polygons = 2,           // forward images of polygons, M <= 2, all orders in one tree
  cells = 3,              // cover of F-invariant cells and words over them, in a box
  contraction = 4,        // the map contracts in some norm: one fixed point, no other cycle
  boxes = 5,              // boxes of first states, few states, in a box
  homogeneous_boxes = 6,  // the same for fixed points in all of R^M
  p_matrix = 7            // the linear complementarity problem of an order has one solution
};

// Which undecided bit the dictionary method branches on. The answer does not depend on it.
enum class BranchingRule : std::int8_t {
  violation = 0,  // where complementarity is violated most
  time_order = 1  // the first undecided bit
};

struct ProofOptions {
  ProofMethod method = ProofMethod::automatic;
  BranchingRule branching = BranchingRule::violation;
  bool rigorous = true;    // a prune counts only with a verified certificate
  bool keep_tree = false;  // for an independent checker
};

// One branching of a tree: the bit of `unit` at step `time`, by its number time * n_units + unit.
// The path into tree f of a forest begins with the bit -1 - f.
struct Decision {
  std::int32_t bit = 0;
  bool on = false;
};
using Path = std::vector<Decision>;

// The numbers are part of the file format of certificates.
enum class ContractionNorm : std::int8_t {
  weighted_infinity = 0,  // |z| = max_j |z_j| / weights_j
  quadratic = 1           // |z|^2 = z^T P z
};

// A norm in which the map contracts; what has to hold is said in proof/contraction.hpp.
struct ContractionProof {
  ContractionNorm kind = ContractionNorm::weighted_infinity;
  Vector weights;      // (n_states), weighted_infinity only
  Matrix norm;         // P, (n_states, n_states), quadratic only
  Vector multipliers;  // (n_units), quadratic only
};

// A tree of bits in preorder. Entries >= 0 are the bit a node branches on, off first, then on;
// entries < 0 are leaves.
struct ProofTree {
  static constexpr std::int32_t kInfeasible = -1;  // has multipliers, in order of occurrence
  static constexpr std::int32_t kDecided = -2;     // a whole itinerary: to be solved exactly
  static constexpr std::int32_t kRotation = -3;    // some rotation of the word comes earlier
  static constexpr std::int32_t kOpen = -4;        // not searched
  static constexpr std::int32_t kUnproved = -5;    // pruned without a certificate

  std::vector<std::int32_t> nodes;
  // Multipliers of the n-th infeasible leaf: entries first[n] ... first[n + 1].
  std::vector<std::int64_t> first{0};
  std::vector<std::int32_t> row;
  std::vector<double> value;
};

// Why every cycle in the box stays in the cells over which the words of a tree are.
struct CellsProof {
  Matrix faces;      // (n, n_states): the faces of cells, but for the unit vectors
  Matrix slopes;     // (n, n_units): by which the box was cut down; see proof/cell_cover.hpp
  ProofTree record;  // regions of the box, and claims; see docs/reference/certificate.md
};

// What one tree proved: for orders `orders`, that every cycle with all points in its domain follows
// one of the itineraries that were solved.
struct PartialProof {
  ProofMethod method = ProofMethod::automatic;
  std::vector<Index> orders;
  // Without a box the proof has two trees: cycles up to a size of `radius`, and cycles beyond.
  bool unbounded = false;
  bool at_infinity = false;
  double radius = 0.0;
  Index pivot = 0;  // polygons at infinity: the step of the largest |z|
  // Dictionaries: the two trees are split by max |z| <= radius, and the one beyond is a forest with
  // one tree per face of the unit cube; else they are split by sum |p| <= radius.
  bool by_faces = false;
  // The two trees are split by max relu(p) <= radius, and the one beyond is a forest with one tree
  // per relevant unit.
  bool by_units = false;
  double outer = 0.0;  // by faces, in a box: cycles up to this size only; 0: no limit
  std::string reason;  // one sentence: why this method, or why there is no proof
  bool complete = false;
  bool rigorous = true;
  std::int64_t n_nodes = 0;
  std::int64_t n_pruned = 0;       // leaves without a cycle
  std::int64_t n_uncertified = 0;  // prunes that could not be certified and were split further
  std::int64_t n_leaves = 0;       // itineraries handed to the exact solver
  double share = 0.0;              // of the tree that is done, by depth
  double seconds = 0.0;
  std::vector<Path> open;
  ProofTree tree;  // empty unless kept
  std::optional<ContractionProof> contraction;
  std::optional<Vector> p_matrix;   // multipliers by unit; see proof/p_matrix.hpp
  std::optional<CellsProof> cells;  // only where trees are kept
};

enum class UndecidedReason : std::int8_t {
  border = 0,    // a cycle on a region border, or one that cannot be told from it
  singular = 1,  // the cyclic system is singular within rounding
  unproved = 2   // its error bounds could not be verified, or an interrupted search left it
};
struct Undecided {
  Itinerary itinerary;
  UndecidedReason reason = UndecidedReason::unproved;
};

enum class ProofStatus : std::int8_t {
  proved = 0,    // nothing is missing but, possibly, on undecided itineraries
  searched = 1,  // not proved
  partial = 2    // stopped early
};

struct Certificate {
  ProofStatus status = ProofStatus::searched;
  std::optional<Box> box;
  std::vector<Index> orders;         // all that were asked for
  std::vector<Index> proved_orders;  // those proved
  std::vector<PartialProof> parts;
  std::vector<Undecided> undecided;
};

}  // namespace rnndyn

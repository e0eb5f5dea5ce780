// Invariant manifolds of the cycles of a piecewise linear map, as pieces of affine sets.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <vector>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// Rows normals x = values, or normals x <= values, and how far rounding may have moved them: all
// states that are meant fulfil the rows but for these errors.
struct Rows {
  Matrix normals;
  Vector values;
  Vector errors;

  explicit Rows(Index n_states = 0, Index n_rows = 0);
  Index size() const { return values.size(); }
};

// The states { z : equations hold, inequalities hold }, all rows of length 1, the equations
// orthonormal and none of the inequalities redundant.
struct ManifoldPiece {
  std::int64_t parent = -1;  // the piece it was made of; -1 for a local set
  Index phase = 0;           // the point of the cycle whose local set it began with
  Index depth = 0;           // steps between it and the local set
  std::vector<Word> region;  // the closed linear region that it lies in
  Rows equations, inequalities;
  Vector interior;      // a point of it,
  double radius = 0.0;  // and how far that is from the nearest inequality, within the equations
};

enum class ManifoldKind { stable, unstable };

struct ManifoldOptions {
  ManifoldKind kind = ManifoldKind::stable;
  Index n_directions = 0;  // multipliers of modulus above 1
  Index depth = 0;         // steps away from the local sets
  std::int64_t max_pieces = 0;
  Vector lower, upper;  // the box that orbits stay in on their way
  // Of manifolds of one dimension: where branches end that go out from the points of the cycle,
  // along the curve. They also end where they leave the box or, of a map that is not one to one,
  // where they turn back.
  double max_length = std::numeric_limits<double>::infinity();
  int n_threads = 1;
};

struct ManifoldProgress {
  std::atomic<std::int64_t> n_pieces{0};
  std::atomic<Index> depth{0};
};

enum class ManifoldEnd { exhausted, max_length, depth, max_pieces, stopped };

struct ManifoldTree {
  // By depth; of one depth in the order of the pieces that they were made of, then of the regions.
  std::vector<ManifoldPiece> pieces;
  // So many of them have all of their children in the tree, and in the counts; of the next one some
  // may be there. From here the tree goes on.
  std::int64_t n_expanded = 0;
  std::int64_t n_empty = 0;      // words proved to have no piece
  std::int64_t n_undecided = 0;  // words whose piece is too thin to be told from none
  ManifoldEnd end = ManifoldEnd::exhausted;
};

// Why there is no manifold to be had.
enum class ManifoldRefusal {
  none,
  no_gap,            // the subspace of the expanding multipliers did not settle
  on_border,         // a point of the cycle lies on a border
  too_many_regions,  // more nonempty regions than can be tried one by one
  not_its_tree       // what was to be gone on with is no tree of this cycle
};

struct ManifoldOutcome {
  ManifoldRefusal refusal = ManifoldRefusal::none;
  ManifoldTree tree;
};

// The stable manifold of a hyperbolic cycle off the borders: the states whose orbits stay in the
// box while they follow a word of regions, and then follow the regions of the cycle for ever,
// coming closer to it.
// Or its unstable manifold: the states that have such orbits into the past. The pieces are the same
// for any number of threads.
//
// error_bound: of every coordinate of `points`, M x order.
// begun: a tree of the same cycle, kind and box to go on with, of at most max_pieces pieces; one
// without pieces is begun anew. However often it is stopped, the tree becomes the same one.
ManifoldOutcome manifold(const CanonicalMap& map, const Itinerary& itinerary, const Matrix& points,
                         double error_bound, const ManifoldOptions& options, Control& control,
                         ManifoldProgress& progress, ManifoldTree begun = {});

struct ClosestPoint {
  Vector point;
  double distance = 0.0;
  double violation = 0.0;  // of the conditions of Karush, Kuhn and Tucker: distances, and weights
                           // relative to the largest
};

// The point of { equations . x = values, inequalities . x <= bounds } closest to `state`; the
// equations orthonormal, the inequalities of length 1, the set not empty.
ClosestPoint closest_point(const Matrix& equations, const Vector& values,
                           const Matrix& inequalities, const Vector& bounds, const Vector& state);

}  // namespace rnndyn

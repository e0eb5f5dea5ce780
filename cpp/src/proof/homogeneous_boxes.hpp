// Proof by boxes of states in all of R^M: the fixed points of maps with few states and many units.
#pragma once

#include <cstdint>
#include <optional>

#include "parallel/tree_search.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// With more states the boxes become too many before they become small.
inline constexpr Index kMostStatesOfBoxes = 4;

// The size that divides the cube from what is beyond it, a power of two. Nothing where the method
// does not suit the map.
std::optional<double> radius_of_boxes(const CanonicalMap& map);

// In units of the radius R the fixed points of F are, together with t = 1, fixed points of
//
//     G(x, t) = (A x + W1 relu(W2 x + h2 t / R) + h1 t / R, t),
//
// and with (x, t) all multiples s (x, t), s > 0, are. So each has a multiple on one of the faces
//   t = 1, |x_j| <= 1   and   x_i = +-1, |x_j| <= 1, 0 <= t <= 1,
// which are boxes: the trees of the forest, in the order t = 1, x_1 = -1, x_1 = 1, x_2 = -1, ...
// Multiples lie in the same regions. How many regions there are does not matter: boxes are cut
// until few borders pass through those near a fixed point, so that the work grows with the number
// of units like one evaluation of the map does. Listing the cells of the arrangement of H borders
// in R^M instead takes of the order of H^M solves (Buck, Amer. Math. Monthly 50 (1943) 541-544).
TreeOutcome prove_by_homogeneous_boxes(const CanonicalMap& map, double radius,
                                       const ProofOptions& options, int n_threads,
                                       std::int64_t max_nodes, Control& control,
                                       const TreeProgress& shown, PartialProof& part,
                                       const Interludes* interludes = nullptr);

}  // namespace rnndyn

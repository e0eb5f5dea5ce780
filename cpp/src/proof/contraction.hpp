// Networks that contract: one fixed point, and no cycle of any other order.
#pragma once

#include <cstdint>
#include <optional>

#include "rnndyn/map.hpp"

namespace rnndyn {

// The numbers are part of the file format of certificates.
enum class ContractionNorm : std::int8_t {
  weighted_infinity = 0,  // |z| = max_j |z_j| / weights_j
  quadratic = 1           // |z|^2 = z^T P z
};

// A norm in which |F(x) - F(y)| <= q |x - y| with one q < 1 for all x and y of R^M. By the fixed
// point theorem of Banach F has exactly one fixed point; every orbit converges to it, so there is
// no other cycle.
//
// F(x) - F(y) = J (x - y) with J = A + W1 S W2, S = diag(s), 0 <= s_i <= 1, because relu has slopes
// between 0 and 1. What has to hold, with all numbers taken as the exact values of the doubles:
//   weighted_infinity: weights > 0 and sum_j B_ij weights_j < weights_i for every i, where
//     B_ij = max over s of |J_ij| = max(|A_ij + sum_u min(0, W1_iu W2_uj)|,
//                                       |A_ij + sum_u max(0, W1_iu W2_uj)|).
//   quadratic: P symmetric and positive definite, and with the units u where multipliers_u > 0,
//     L = diag(multipliers), the symmetric matrix
//       [ P - A^T P A          -A^T P W1 - W2^T L ]
//       [ -W1^T P A - L W2      2 L - W1^T P W1   ]
//     is positive definite. Multipliers are not negative; one may be zero only if the unit's column
//     of W1 or its row of W2 is zero: such a unit does not enter J.
//     Reason: dphi = relu(p) - relu(q) and dp = p - q fulfil dphi_u (dp_u - dphi_u) >= 0, so the
//     matrix being definite makes |F(x) - F(y)|^2 - |x - y|^2 < 0, uniformly (the S-procedure).
struct ContractionProof {
  ContractionNorm kind = ContractionNorm::weighted_infinity;
  Vector weights;      // (n_states), weighted_infinity only
  Matrix norm;         // P, (n_states, n_states), quadratic only
  Vector multipliers;  // (n_units), quadratic only
};

// Looks for a norm and verifies it. Nothing means that none was found, not that there is none.
// Takes about as long as some dozens of matrix products; far less where a growing difference of two
// orbits of the family J shows that no norm exists. Quadratic norms are tried up to
// n_states + n_units = 600.
std::optional<ContractionProof> prove_contraction(const CanonicalMap& map);

// Whether the conditions above hold, with all rounding errors of the check accounted for.
bool is_contraction(const CanonicalMap& map, const ContractionProof& proof);

// Whether a symmetric matrix is positive definite when each entry may be wrong, symmetrically, by
// amounts whose absolute row sums after scaling with d from both sides are at most
// d_i error(d)_i: error(d) = E d, E >= 0 the bounds of the entries. Only the lower triangle is read.
// Never true wrongly.
template <typename ErrorTimes>
bool is_positive_definite(const Matrix& matrix, const ErrorTimes& error_times);

}  // namespace rnndyn

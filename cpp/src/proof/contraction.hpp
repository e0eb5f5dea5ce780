// Networks that contract: one fixed point, and no cycle of any other order.
#pragma once

#include <optional>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// A norm in which |F(x) - F(y)| <= q |x - y| with one q < 1 for all x and y of R^M. By the fixed
// point theorem of Banach F has exactly one fixed point; every orbit converges to it, so there is
// no other cycle.
//
// F(x) - F(y) = J (x - y) with J = A + W1 S W2, S = diag(s), 0 <= s_i <= 1, because relu has slopes
// between 0 and 1. What has to hold, with all numbers taken as the exact values of the doubles:
//   weighted_infinity: weights > 0 and sum_j B_ij weights_j < weights_i for every i, where
//     B_ij = max over s of |J_ij|, B = |A + W1 W2 / 2| + |W1| |W2| / 2 (absolute values entrywise).
//   quadratic: P symmetric and positive definite, multipliers > 0, and with L = diag(multipliers)
//       [ P - A^T P A          -A^T P W1 - W2^T L ]
//       [ -W1^T P A - L W2      2 L - W1^T P W1   ]   positive definite.
//     Reason: dphi = relu(p) - relu(q) and dp = p - q fulfil dphi_u (dp_u - dphi_u) >= 0, so the
//     matrix being definite makes |F(x) - F(y)|^2 - |x - y|^2 < 0, uniformly (the S-procedure).
//
// Looks for a norm and verifies it. Nothing means that none was found, not that there is none.
// Takes about as long as some dozens of matrix products; far less where a growing difference of two
// orbits of the family J shows that no norm exists. Quadratic norms are tried up to
// n_states + n_units = 600. Nothing, too, when the control says stop.
std::optional<ContractionProof> prove_contraction(const CanonicalMap& map,
                                                  Control* control = nullptr);

// Whether the conditions above hold, with all rounding errors of the check accounted for.
bool is_contraction(const CanonicalMap& map, const ContractionProof& proof);

}  // namespace rnndyn

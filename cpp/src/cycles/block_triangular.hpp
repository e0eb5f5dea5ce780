// Similarities that change no eigenvalue of a product of matrices, and what they are good for.
#pragma once

#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

// The index sets of the diagonal blocks to which a permutation of rows and columns reduces all of
// the matrices at once: strongly connected components of their common pattern of nonzero entries.
// The eigenvalues of their product are those of the products of the blocks.
std::vector<std::vector<Index>> diagonal_blocks(const std::vector<Matrix>& matrices);

// Divides row i and multiplies column i of all matrices by a power of two, such that rows and
// columns of the sum of their absolute values are of similar size.
void balance(std::vector<Matrix>& matrices);

}  // namespace rnndyn

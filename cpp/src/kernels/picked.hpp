// Products of a matrix of which some rows or columns take part with a vector, and which they are.
#pragma once

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Lists the bits that are set in a and not in b, then those that are set in b and not in a; returns
// how many there are of the first kind and adds those of the second to n_removed. `to` has room for
// 64 * words numbers.
Index list_differences(std::size_t words, const Word* a, const Word* b, Index* to,
                       Index& n_removed);

// y += sum over l < n of x[picked[l]] * (column picked[l] of a) for a of m rows, `stride` numbers
// from one column to the next; all of the first n columns without picks. y and the columns have
// padded(m) numbers.
void add_columns(Index m, Index n, const Index* picked, const double* a, Index stride,
                 const double* x, double* y);

// y[picked[l]] += x * (vector picked[l] of a), l < n; vectors begin `stride` numbers apart and
// have, like x, padded(m) numbers. All of the first n without picks.
void add_dots(Index m, Index n, const Index* picked, const double* a, Index stride, const double* x,
              double* y);

}  // namespace rnndyn::kernels

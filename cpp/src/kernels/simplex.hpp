// The inner loops of the simplex methods: one row of a tableau substituted into all others.
#pragma once

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Rows of `stride` numbers, of which the first `width` count. Every row but `skip` gets the
// multiple of `fresh` that its entry in `column` asks for, in place of that entry; constants[row]
// gets the same multiple of `constant`. Rows whose entry is zero are passed over.
void substitute_row(double* rows, Index n_rows, Index stride, Index width, Index skip, Index column,
                    const double* fresh, double* constants, double constant);

// The same for short rows, without constants. The entry in `column` is not put to zero first but
// added to, so fresh[column] is to be one less: loading a vector right after a store into it is
// slow.
void add_row_multiples(double* rows, Index n_rows, Index stride, Index skip, Index column,
                       const double* fresh);

// Columns of a row whose entry, times `sign`, is larger than `smallest` in modulus and whose
// variable can move in the direction that makes the row grow: up where the entry is positive, down
// where it is negative. Writes them in order and returns their number; `columns` has room for n.
Index columns_that_help(Index n, const double* row, double sign, double smallest,
                        const double* value, const double* lower, const double* upper,
                        std::int32_t* columns);

// The largest step that no row forbids, with tolerance: the smallest of `range` and
// (|bound - value| + tolerance (1 + |bound|)) / |slope| over rows with |slope| > zero_slope, where
// the bound is the upper one for a positive slope.
double allowed_step(Index n_rows, const double* slope, const double* lower, const double* upper,
                    const double* value, double range, double tolerance, double zero_slope);

}  // namespace rnndyn::kernels

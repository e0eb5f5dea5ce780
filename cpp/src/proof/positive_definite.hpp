// Verified positive definiteness, and the scaling that brings a matrix near its smallest norm.
#pragma once

#include <functional>

#include "rnndyn/map.hpp"

namespace rnndyn {

// Entries up to this in size only: what underflows is multiplied by at most four of them, in sums
// of fewer than 10^12 terms, and is less than kTiniest then.
inline constexpr double kLargestModerate = 1e60;
inline constexpr double kTiniest = 1e-60;
bool is_moderate(const Matrix& matrix);

// diag(rows) matrix diag(columns).
Matrix scaled(const Matrix& matrix, const Vector& rows, const Vector& columns);

// Whether every symmetric matrix within the entrywise bounds E of `matrix` (lower triangle) is
// positive definite; `bound(d)` is an upper bound of E d for d > 0. By the criterion of Rump, BIT
// 46, 433 (2006): the floating-point Cholesky decomposition of a shifted matrix runs through.
bool is_positive_definite(const Matrix& matrix, const std::function<Vector(const Vector&)>& bound);

// d such that D^-1 N D has a spectral norm near the spectral radius of N >= 0: d = sqrt(x / y) with
// the right and left Perron vectors x and y (Stoer and Witzgall, Numer. Math. 4, 158, 1962).
Vector balancing_scale(Matrix entries);

}  // namespace rnndyn

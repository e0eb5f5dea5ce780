// What Francis' double-shift steps on a Hessenberg form begin with and where they stop (Golub, Van
// Loan, Matrix Computations, 4th ed., sec. 7.5).
#pragma once

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Steps without a new eigenvalue before and between exceptional shifts, which break cycles of
// ordinary ones.
inline constexpr int kOrdinarySteps = 10;
// LAPACK gives up after 30 steps for each eigenvalue; as far as is known nothing needs that many.
inline constexpr int kMaxSteps = 300;

struct HessenbergForm {
  double* data;  // column by column
  Index stride;  // from one column to the next
  double norm;   // in place of neighbours that are all zero

  double& at(Index r, Index c) const { return data[c * stride + r]; }

  // First row of the unreduced block that ends at `last`.
  Index block_start(Index last) const {
    constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
    constexpr double kTiny = std::numeric_limits<double>::min() / kEpsilon;
    Index first = last;
    for (; first > 0; --first) {
      const double below = std::abs(at(first, first - 1));
      const double a = at(first - 1, first - 1);
      const double d = at(first, first);
      double neighbours = std::abs(a) + std::abs(d);
      if (neighbours == 0.0) neighbours = norm;
      if (below > kEpsilon * neighbours) continue;
      // Small is not small enough beside a large entry above: M. Ahues, F. Tisseur, "A new
      // deflation criterion for the QR algorithm", LAPACK Working Note 122 (1997).
      const double above = std::abs(at(first - 1, first));
      const double larger = std::max(std::abs(d), std::abs(a - d));
      const double smaller = std::min(std::abs(d), std::abs(a - d));
      const double sum = larger + std::max(above, below);
      if (sum == 0.0 || std::min(above, below) * (std::max(above, below) / sum) <=
                            std::max(kTiny, kEpsilon * (smaller * (larger / sum)))) {
        break;
      }
    }
    return first;
  }

  // The eigenvalues of the two rows that end at `last`.
  void pair(Index last, std::complex<double>* out) const {
    const double x = at(last, last);
    const double half = 0.5 * (at(last - 1, last - 1) - x);
    const double product = at(last, last - 1) * at(last - 1, last);
    const double discriminant = half * half + product;
    const double root = std::sqrt(std::abs(discriminant));
    if (discriminant < 0.0) {
      out[0] = {x + half, root};
      out[1] = {x + half, -root};
    } else {
      // The larger correction first: the other one follows without cancellation.
      const double larger = half + std::copysign(root, half);
      out[0] = x + larger;
      out[1] = larger == 0.0 ? x : x - product / larger;
    }
  }

  // For the block from `first` to `last`: what the first reflection of a step turns to the first
  // unit vector.
  void first_vector(Index first, Index last, bool exceptional, double* v) const {
    double x = at(last, last);
    double y = at(last - 1, last - 1);
    double product = at(last, last - 1) * at(last - 1, last);
    if (exceptional) {
      const double size = std::abs(at(last, last - 1)) + std::abs(at(last - 1, last - 2));
      x = y = x + 0.75 * size;
      product = -0.4375 * size * size;
    }
    // In differences of entries, as in EISPACK's hqr: where eigenvalues are equal to half of the
    // digits, the shifts would be lost in rounding errors of sums and products of them.
    const double z = at(first, first);
    const double to_x = x - z;
    const double to_y = y - z;
    const double below = at(first + 1, first);
    v[0] = to_x * to_y - product + at(first, first + 1) * below;
    v[1] = below * (at(first + 1, first + 1) - z - to_x - to_y);
    v[2] = at(first + 2, first + 1) * below;
  }
};

// Makes of three numbers, of which the last may be 0, the v of the reflection I - factor v v^T that
// leaves only the first of them, and returns what that becomes. The factor is 0 where all are 0.
inline double make_reflection(double* v, double& factor) {
  factor = 0.0;
  // The vector is scaled: its entries may be products of three of the matrix.
  const double size = std::max({std::abs(v[0]), std::abs(v[1]), std::abs(v[2])});
  if (size == 0.0) return 0.0;
  for (int i = 0; i < 3; ++i) v[i] /= size;
  const double alpha = std::copysign(std::sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]), v[0]);
  v[0] += alpha;
  factor = 2.0 / (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  return -alpha * size;
}

}  // namespace rnndyn::kernels

#include "kernels/simplex.hpp"

#include <array>
#include <cmath>
#include <limits>

namespace rnndyn::kernels {
namespace {

// The stride as a constant lets the compiler keep `fresh` in registers.
template <Index Stride>
void add_multiples(double* rows, Index n_rows, Index skip, Index column, const double* fresh) {
  std::array<double, static_cast<std::size_t>(Stride)> kept;
  for (Index c = 0; c < Stride; ++c) kept[static_cast<std::size_t>(c)] = fresh[c];
  for (Index s = 0; s < n_rows; ++s) {
    if (s == skip) continue;
    double* row = rows + s * Stride;
    const double factor = row[column];
    for (Index c = 0; c < Stride; ++c) row[c] += factor * kept[static_cast<std::size_t>(c)];
  }
}

}  // namespace

void substitute_row(double* rows, Index n_rows, Index stride, Index width, Index skip, Index column,
                    const double* fresh, double* constants, double constant) {
  for (Index i = 0; i < n_rows; ++i) {
    if (i == skip) continue;
    double* target = rows + i * stride;
    const double factor = target[column];
    if (factor == 0.0) continue;
    constants[i] += factor * constant;
    target[column] = 0.0;
    for (Index j = 0; j < width; ++j) target[j] += factor * fresh[j];
  }
}

void add_row_multiples(double* rows, Index n_rows, Index stride, Index skip, Index column,
                       const double* fresh) {
  switch (stride) {
    case 4:
      return add_multiples<4>(rows, n_rows, skip, column, fresh);
    case 8:
      return add_multiples<8>(rows, n_rows, skip, column, fresh);
    case 16:
      return add_multiples<16>(rows, n_rows, skip, column, fresh);
    case 24:
      return add_multiples<24>(rows, n_rows, skip, column, fresh);
    case 32:
      return add_multiples<32>(rows, n_rows, skip, column, fresh);
    default:
      break;
  }
  for (Index s = 0; s < n_rows; ++s) {
    if (s == skip) continue;
    double* row = rows + s * stride;
    const double factor = row[column];
    for (Index c = 0; c < stride; ++c) row[c] += factor * fresh[c];
  }
}

double allowed_step(Index n_rows, const double* slope, const double* lower, const double* upper,
                    const double* value, double range, double tolerance, double zero_slope) {
  double allowed = range;
#pragma omp simd reduction(min : allowed)
  for (Index s = 0; s < n_rows; ++s) {
    const double bound = slope[s] > 0.0 ? upper[s] : lower[s];
    const double size = std::abs(slope[s]);
    const double room = std::abs(bound - value[s]) + tolerance * (1.0 + std::abs(bound));
    const double ratio = size > zero_slope ? room / size : std::numeric_limits<double>::infinity();
    allowed = ratio < allowed ? ratio : allowed;
  }
  return allowed;
}

}  // namespace rnndyn::kernels

#include "kernels/functions.hpp"

#include "kernels/dense.hpp"
#include "kernels/lu.hpp"
#include "kernels/newton_factories.hpp"
#include "kernels/outer_products.hpp"
#include "kernels/polygons/polygon_walk.hpp"
#include "kernels/residual.hpp"
#include "kernels/sign_bits.hpp"
#include "kernels/tangent/layer.hpp"
#include "kernels/tangent/orthonormalize.hpp"

namespace rnndyn::kernels {
namespace {

constexpr const char* kInstructionSet =
#if defined(__AVX512F__)
    "avx512";
#elif defined(__AVX2__)
    "avx2";
#else
    "baseline";
#endif

Word read_region(const double* p, Index n_units, double threshold, const Word* now,
                 const Word* relevant, Word* out) {
  Word difference = 0;
  for (Index w = 0; 64 * w < n_units || w == 0; ++w) {
    const Index count = n_units - 64 * w < 64 ? n_units - 64 * w : 64;
    out[w] = sign_bits(p + 64 * w, count, threshold, now[w]) & relevant[w];
    difference |= out[w] ^ now[w];
  }
  return difference;
}

template <class Real>
constexpr TangentFunctions<Real> tangent_functions() {
  return {&lyapunov::make_gated_layer<Real>, &lyapunov::make_piecewise_linear_layer<Real>,
          &lyapunov::make_orthonormalizer<Real>};
}

template <class Real>
constexpr LinearFunctions<Real> linear_functions() {
  return {&add_outer_products<Real>, &lu_factor<Real>, &lu_solve<Real>, &largest<Real>,
          &scale_columns<Real>};
}

}  // namespace

const Functions& native_functions() {
  static constexpr Functions kFunctions{
      .instruction_set = kInstructionSet,
      .native_lanes = kNativeLanes,
      .make_newton = &make_newton,
      .make_lockstep_newton = &make_lockstep_newton,
      .make_reduced_newton = &make_reduced_newton,
      .dense = kDense,
      .linear_double = linear_functions<double>(),
      .linear_float = linear_functions<float>(),
      .eigensystem = &eigensystem,
      .list_differences = &list_differences,
      .add_columns = &add_columns,
      .add_dots = &add_dots,
      .read_region = &read_region,
      .step_orbits = &step_orbits,
      .near_center = &near_center,
      .substitute_row = &substitute_row,
      .add_row_multiples = &add_row_multiples,
      .columns_that_help = &columns_that_help,
      .allowed_step = &allowed_step,
      .accurate_residual = &accurate_residual,
      .accurate_jacobian = &accurate_jacobian,
      .make_polygon_walk = &make_polygon_walk,
      .tangent_double = tangent_functions<double>(),
      .tangent_float = tangent_functions<float>(),
  };
  return kFunctions;
}

}  // namespace rnndyn::kernels

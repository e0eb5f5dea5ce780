// The hot loops: compiled once per instruction set, reached through one table of functions.
//
// Everything in kernels/ but in_use.cpp is compiled for the baseline into the core and once more
// for each further instruction set into a module of its own, whose symbols cannot meet those of the
// core. What a kernel calls in other rooms is linked into its module, too, as it is compiled for
// the core, so it must keep nothing between calls; and kernels do not call functions(). What
// crosses the border are numbers, pointers, standard containers, objects with virtual functions,
// and Eigen's matrices to read: they are aligned alike everywhere (EIGEN_MAX_ALIGN_BYTES in
// CMakeLists.txt).
#pragma once

#include <functional>
#include <memory>
#include <type_traits>
#include <vector>

#include "kernels/eigensystem.hpp"
#include "kernels/newton.hpp"
#include "kernels/newton_reduced.hpp"
#include "kernels/orbits.hpp"
#include "kernels/pack.hpp"
#include "kernels/picked.hpp"
#include "kernels/simplex.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn {

// These are Eigen's and the networks': only the rooms that use them need to read their headers.
enum class CellKind;
struct RecurrentLayer;
struct DrivenMap;
class CanonicalMap;
struct Itinerary;
class PrefixWalk;
struct PrefixDomain;
struct ProofOptions;
namespace lyapunov {
template <class Real>
class Layer;
template <class Real>
class Orthonormalizer;
}  // namespace lyapunov

namespace kernels {

using ParallelFor = void (*)(std::size_t n_items, int n_threads,
                             const std::function<void(std::size_t item, int thread)>& task);

// Matrices are stored column by column, `ld` numbers from one column to the next.
enum class Transposed { none, left, right };

struct DenseFunctions {
  // c (m x n) = alpha a b, or c + alpha a b. a is m x k, b is k x n; the factor that is said to be
  // transposed is stored the other way round.
  void (*multiply)(Index m, Index n, Index k, Transposed transposed, double alpha, const double* a,
                   Index lda, const double* b, Index ldb, double* c, Index ldc, bool add);
  // y += a x for a of m x n.
  void (*multiply_vector)(Index m, Index n, const double* a, Index lda, const double* x, double* y);
  // LU with row pivoting of a (n x n) in place; row i of a stands in row rows[i] of the factors.
  void (*factor)(Index n, double* a, Index* rows);
  // x = a^-1 x with these factors; x is n x columns.
  void (*solve)(Index n, const double* lu, const Index* rows, Index columns, double* x, Index ldx);
  // Largest modulus; NaN counts as infinite.
  double (*largest)(Index m, Index n, const double* a, Index lda);
};

// What solves for candidates with many states; see kernels/outer_products.hpp and kernels/lu.hpp.
template <class Real>
struct LinearFunctions {
  void (*add_outer_products)(Index rows, Index columns, Index n_added, Index n_removed,
                             const Index* picked, const Real* left, Index left_step,
                             const Real* right, Index right_step, Real* c, Index stride,
                             AlignedVector<Real>& work);
  Real (*factor)(Index n, Real* a, Index stride, Index* swaps, AlignedVector<Real>& work);
  void (*solve)(Index n, const Real* lu, Index stride, const Index* swaps, Real* x);
  // Largest modulus; NaN counts as infinite.
  Real (*largest)(Index m, Index n, const Real* a, Index lda);
  // Column j of c is factors[j] times column j of a; both are m x n without gaps.
  void (*scale_columns)(Index m, Index n, const Real* a, const Real* factors, Real* c);
};

// Steps of networks and the tangent vectors along them.
template <class Real>
struct TangentFunctions {
  using Layer = std::unique_ptr<lyapunov::Layer<Real>>;
  Layer (*make_gated_layer)(CellKind kind, bool reset_after, const RecurrentLayer& weights,
                            ParallelFor parallel);
  Layer (*make_piecewise_linear_layer)(const DrivenMap& map, ParallelFor parallel);
  std::unique_ptr<lyapunov::Orthonormalizer<Real>> (*make_orthonormalizer)(Index rows,
                                                                           Index columns,
                                                                           ParallelFor parallel);
};

// Under this name a table goes from its module to the core.
inline constexpr const char* kCapsuleName = "rnndyn.kernels";

struct Functions {
  const char* instruction_set;
  int native_lanes;  // doubles in one register
  // For up to kMaxSmallStates states. The tables must outlive the kernel.
  std::unique_ptr<Newton> (*make_newton)(const NewtonTables& tables, Index order,
                                         Refutation refutation);
  // Nothing where the compiler has no vector types.
  std::unique_ptr<Newton> (*make_lockstep_newton)(const NewtonTables& tables, Index order);
  std::unique_ptr<Newton> (*make_reduced_newton)(const ReducedTables& tables);
  DenseFunctions dense;
  LinearFunctions<double> linear_double;
  LinearFunctions<float> linear_float;
  decltype(&kernels::eigensystem) eigensystem;
  decltype(&kernels::list_differences) list_differences;
  decltype(&kernels::add_columns) add_columns;
  decltype(&kernels::add_dots) add_dots;
  // The region of a state with the pre-activations p, readable up to the next multiple of 8. Where
  // |p| <= threshold the bit of `now` stays; returns what differs from `now`.
  Word (*read_region)(const double* p, Index n_units, double threshold, const Word* now,
                      const Word* relevant, Word* out);
  decltype(&kernels::step_orbits) step_orbits;
  decltype(&kernels::near_center) near_center;
  decltype(&kernels::substitute_row) substitute_row;
  decltype(&kernels::add_row_multiples) add_row_multiples;
  decltype(&kernels::columns_that_help) columns_that_help;
  decltype(&kernels::allowed_step) allowed_step;
  // See kernels/residual.hpp.
  void (*accurate_residual)(const CanonicalMap& map, const Itinerary& itinerary,
                            const double* points, double* residual, double* error);
  void (*accurate_jacobian)(const CanonicalMap& map, const Word* region, double* jacobian);
  std::unique_ptr<PrefixWalk> (*make_polygon_walk)(const CanonicalMap& map,
                                                   const PrefixDomain& domain,
                                                   const std::vector<Index>& orders,
                                                   const ProofOptions& options);
  TangentFunctions<double> tangent_double;
  TangentFunctions<float> tangent_float;
};

// Those of the instruction set that this file's user was compiled with.
const Functions& native_functions();

// Those in use. The baseline's until use_functions() is called, which is done once, when the core
// is loaded and before anything is computed.
const Functions& functions();
void use_functions(const Functions& functions);

template <class Real>
const LinearFunctions<Real>& linear() {
  if constexpr (std::is_same_v<Real, double>) {
    return functions().linear_double;
  } else {
    return functions().linear_float;
  }
}

template <class Real>
const TangentFunctions<Real>& tangent() {
  if constexpr (std::is_same_v<Real, double>) {
    return functions().tangent_double;
  } else {
    return functions().tangent_float;
  }
}

}  // namespace kernels
}  // namespace rnndyn

#include "linear_algebra/decompositions.hpp"

template class Eigen::JacobiSVD<rnndyn::Matrix>;
template class Eigen::BDCSVD<rnndyn::Matrix>;

namespace rnndyn::dense {
namespace {

// Jacobi's method takes the cube of the size times some hundred; dividing and conquering, which
// keeps the digits of the largest singular value only, takes a twentieth of that for many states.
constexpr Index kMostByRotations = 48;

template <typename Solver>
Svd decomposed(const Matrix& a) {
  const Solver solver(a, Eigen::ComputeFullU | Eigen::ComputeFullV);
  return {solver.matrixU(), solver.matrixV(), solver.singularValues()};
}

}  // namespace

Svd svd(const Matrix& a) {
  if (a.rows() <= kMostByRotations || !a.allFinite()) {
    return decomposed<Eigen::JacobiSVD<Matrix>>(a);
  }
  return decomposed<Eigen::BDCSVD<Matrix>>(a);
}

}  // namespace rnndyn::dense

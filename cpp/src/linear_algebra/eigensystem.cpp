#include "kernels/functions.hpp"
#include "linear_algebra/decompositions.hpp"

namespace rnndyn::dense {

Eigensystem eigensystem(const Matrix& a) {
  Eigensystem result{Eigen::VectorXcd(a.rows()), Vector(a.rows())};
  kernels::functions().eigensystem(a.rows(), a.data(), result.values.data(),
                                   result.conditions.data());
  return result;
}

}  // namespace rnndyn::dense

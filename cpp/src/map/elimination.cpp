#include "map/decompositions.hpp"

namespace rnndyn::dense {

Matrix solve(const ConstMatrixRef& a, const ConstMatrixRef& right) {
  return a.partialPivLu().solve(right);
}

Matrix inverse(const ConstMatrixRef& a) { return a.partialPivLu().inverse(); }

}  // namespace rnndyn::dense

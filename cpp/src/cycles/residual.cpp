#include "cycles/continuum.hpp"
#include "cycles/cyclic_system.hpp"
#include "kernels/functions.hpp"

namespace rnndyn {

void accurate_residual(const CanonicalMap& map, const Itinerary& itinerary,
                       const Eigen::Ref<const Matrix>& points, Eigen::Ref<Matrix> residual,
                       Eigen::Ref<Matrix> error) {
  kernels::functions().accurate_residual(map, itinerary, points.data(), residual.data(),
                                         error.data());
}

std::vector<Matrix> jacobians_of(const CanonicalMap& map, const Itinerary& itinerary) {
  std::vector<Matrix> jacobians;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Word* region = itinerary.at(t);
    if (map.w2_is_identity()) {  // every entry is a sum of two numbers
      jacobians.push_back(map.jacobian(region));
      continue;
    }
    Matrix& j = jacobians.emplace_back(map.n_states(), map.n_states());
    kernels::functions().accurate_jacobian(map, region, j.data());
  }
  return jacobians;
}

}  // namespace rnndyn

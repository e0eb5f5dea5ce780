// Multipliers of Jacobians whose size the compiler knows.
#pragma once

#include <vector>

#include "rnndyn/cycles.hpp"

namespace rnndyn {

// What multipliers() gives, but for few states without its temporary matrices.
Multipliers multipliers_of(const std::vector<Matrix>& jacobians, Control* control);
template <int M>
Multipliers multipliers_of(const std::vector<Eigen::Matrix<double, M, M>>& jacobians,
                           Control* control);

}  // namespace rnndyn

// Multipliers of a cycle at any point of a path.
#pragma once

#include <complex>
#include <vector>

#include "bifurcation/path_system.hpp"

namespace rnndyn {

struct MultiplierSet {
  std::vector<std::complex<double>> values;
  std::vector<double> log_moduli;
  Index n_outside() const;
  bool finite() const;
};

MultiplierSet multipliers_at(PathSystem& system, double s);
MultiplierSet multiplier_set(const std::vector<Matrix>& jacobians, Control* control);

// prod_{i<j} (1 - mu_i mu_j), the determinant of I minus the bialternate product of the Jacobian
// with itself (Kuznetsov, Elements of Applied Bifurcation Theory, sec. 10.2): a polynomial in s
// that vanishes where a complex pair is on the unit circle, and where mu_j = 1 / mu_i for real
// ones.
ScaledValue center_function(const MultiplierSet& multipliers);

}  // namespace rnndyn

// Eigenvalues of a product of matrices, with error bars, however far their moduli are apart.
#pragma once

#include <complex>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// The formed product is trusted while its spread costs fewer digits than this.
inline constexpr double kTrustedSpread = 1e5;

struct Eigenvalue {
  std::complex<double> value;
  double log_modulus;
  double log_error;
};

// The error of a logarithm. A zero that rounding may have made of anything up to beyond the unit
// circle is not known.
double log_error_of(double modulus, double error, double log_scale);

// Those of J_{k-1} ... J_0 for k >= 1 square matrices that couple all states. `jacobian_errors` are
// those of the entries, by absolute value, where they are larger than those of rounding them; else
// none.
std::vector<Eigenvalue> product_eigenvalues(const std::vector<Matrix>& jacobians,
                                            const std::vector<Matrix>& jacobian_errors,
                                            Looks& looks);

}  // namespace rnndyn

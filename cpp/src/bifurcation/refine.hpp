// A simple root of a function that can be evaluated anywhere, from a good guess.
#pragma once

#include <functional>

#include "bifurcation/scaled_value.hpp"

namespace rnndyn {

struct RefinedRoot {
  double s = 0.0;
  double lower = 0.0;
  double upper = 0.0;
  bool converged = false;  // the function changes its sign between lower and upper
};

RefinedRoot refine_root(const std::function<ScaledValue(double)>& function, double lower,
                        double upper);

}  // namespace rnndyn

// Roots of many polynomials at once that can be evaluated at any point, by Chebyshev interpolation
// on as many subintervals as it takes.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

// Values of all functions at one point. Functions belong to one of two groups, each with a power
// of two of its own that its values are to be multiplied by.
struct FunctionValues {
  std::vector<double> values;
  std::vector<double> noise;  // rounding error of each value
  int exponents[2] = {0, 0};
};

struct RootInterval {
  std::size_t function = 0;
  double lower = 0.0;
  double upper = 0.0;
  double error() const { return upper - lower; }
  double middle() const { return 0.5 * (lower + upper); }
};

struct RootProblem {
  std::size_t n_functions = 0;
  std::size_t n_first_group = 0;  // functions 0 ... n - 1 are of group 0
  Index degree_bound = 0;         // of all functions, negative where they are no polynomials
  // Where rounding is worse than its estimate, halving would not end; what this many subintervals
  // leave unresolved is reported as such.
  int max_subintervals = 2000;
  std::function<void(double s, FunctionValues& out)> evaluate;
  // Asked on every subinterval with the sign of each function there, 0 where it may have a root:
  // true where nobody wants to know the roots.
  std::function<bool(const std::vector<int>& signs)> skip;
};

struct RootSolution {
  // Each root of each function lies in one of these; a root of even order may give one, too.
  std::vector<RootInterval> roots;  // by function, then by position; disjoint
  std::vector<char> vanishes;       // the function is zero within rounding from end to end
  std::vector<double> joints;       // ends of subintervals inside (lower, upper)
  std::vector<double> skipped;      // middles of subintervals that were skipped
  std::vector<double> unresolved;   // middles of subintervals where interpolation failed
};

RootSolution find_roots(const RootProblem& problem, double lower, double upper);

}  // namespace rnndyn

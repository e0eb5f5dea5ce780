// A polytope divided by hyperplanes: which of the parts are not empty.
#pragma once

#include <cstdint>
#include <vector>

#include "manifolds/polytope.hpp"

namespace rnndyn {

// A set of states given by inequalities, and a state of it.
struct Part {
  std::vector<char> sides;  // for each hyperplane 1 if it lies where normals x <= values
  Vector state;
  bool proved = false;  // whether the state lies inside for certain, for the exact rows
};

// Whether a state fulfils all inequalities, whatever their errors and those of the sums here.
bool lies_inside(const Rows& rows, const Vector& state);

// Whether the inequalities have a common solution within |x| <= reach. Of some it gives one that
// lies inside for certain; `undecided` has one that may miss rows by rounding.
Contents contents_of(const Rows& rows, const Vector& reach, Control* control, Vector& state);

// The parts of { set } on the sides of the hyperplanes, in the order of their sides, 0 first. What
// is left out is proved to be empty; `n_empty` counts the proofs.
std::vector<Part> parts_of(const Rows& set, const Rows& hyperplanes, const Vector& reach,
                           Control* control, std::int64_t& n_empty);

}  // namespace rnndyn

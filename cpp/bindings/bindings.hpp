// What the binding files share: one register function per topic, and array conversions.
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "rnndyn/map.hpp"

namespace rnndyn::bindings {

namespace py = pybind11;

using BoolArray = py::array_t<bool, py::array::c_style>;
using DoubleArray = py::array_t<double, py::array::c_style>;

void register_map(py::module_& module);

// A region or an itinerary as Python sees it (bool, one per unit) <-> packed words.
std::vector<Word> pack_itinerary(const BoolArray& bits, Index n_units);
void unpack_region(const Word* region, Index n_units, bool* out);

}  // namespace rnndyn::bindings

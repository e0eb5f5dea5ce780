// What the binding files share: array conversions and records.
#pragma once

#include <pybind11/eigen.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "register.hpp"
#include "rnndyn/cycles.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn::bindings {

namespace py = pybind11;

using BoolArray = py::array_t<bool, py::array::c_style>;
using RowMatrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using DoubleArray = py::array_t<double, py::array::c_style>;

// A region or an itinerary as Python sees it (bool, one per unit) <-> packed words.
std::vector<Word> pack_itinerary(const BoolArray& bits, Index n_units);
void unpack_region(const Word* region, Index n_units, bool* out);

// Bool (order, n_units) with the true bits of irrelevant units.
BoolArray itinerary_array(const CanonicalMap& map, const Itinerary& itinerary,
                          const Matrix& points);

py::dict cycle_record(const CanonicalMap& map, const Cycle& cycle);
py::dict continuum_record(const CanonicalMap& map, const Continuum& continuum);

}  // namespace rnndyn::bindings

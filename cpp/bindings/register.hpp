// One register function per topic, defined in register_*.cpp. Kept apart from bindings.hpp so that
// module.cpp need not compile Eigen's conversions.
#pragma once

#include <pybind11/pybind11.h>

namespace rnndyn::bindings {

void register_kernels(pybind11::module_& module);
void register_map(pybind11::module_& module);
void register_cycles(pybind11::module_& module);
void register_search(pybind11::module_& module);
void register_lyapunov(pybind11::module_& module);
void register_bifurcation(pybind11::module_& module);
void register_basins(pybind11::module_& module);
void register_slow_points(pybind11::module_& module);
void register_manifolds(pybind11::module_& module);
void register_region_graph(pybind11::module_& module);
void register_smooth(pybind11::module_& module);
void register_smooth_path(pybind11::module_& module);

}  // namespace rnndyn::bindings

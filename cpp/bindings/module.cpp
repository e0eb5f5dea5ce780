#include "register.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "Compiled core of rnndyn.";
  rnndyn::bindings::register_kernels(module);
  rnndyn::bindings::register_map(module);
  rnndyn::bindings::register_cycles(module);
  rnndyn::bindings::register_search(module);
  rnndyn::bindings::register_lyapunov(module);
  rnndyn::bindings::register_bifurcation(module);
  rnndyn::bindings::register_basins(module);
  rnndyn::bindings::register_slow_points(module);
  rnndyn::bindings::register_manifolds(module);
  rnndyn::bindings::register_region_graph(module);
  rnndyn::bindings::register_smooth(module);
  rnndyn::bindings::register_smooth_path(module);
}

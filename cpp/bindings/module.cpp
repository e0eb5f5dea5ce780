#include "register.hpp"

// RNNDYN_MODULE_NAME is the instruction set this copy of the core was compiled for.
PYBIND11_MODULE(RNNDYN_MODULE_NAME, module) {
  module.doc() = "Compiled core of rnndyn.";
  rnndyn::bindings::register_map(module);
  rnndyn::bindings::register_cycles(module);
  rnndyn::bindings::register_search(module);
  rnndyn::bindings::register_lyapunov(module);
  rnndyn::bindings::register_bifurcation(module);
  rnndyn::bindings::register_basins(module);
}

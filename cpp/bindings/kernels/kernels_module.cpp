// An extension module that holds nothing but the kernels of one instruction set, for the core to
// use: its attribute `functions` is a capsule around their table. Written against Python's own
// interface, so that little beside the kernels is compiled for each instruction set.
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "kernels/functions.hpp"

#define RNNDYN_TEXT_OF(name) #name
#define RNNDYN_TEXT(name) RNNDYN_TEXT_OF(name)
#define RNNDYN_INIT_OF(name) PyInit_##name
#define RNNDYN_INIT(name) RNNDYN_INIT_OF(name)

PyMODINIT_FUNC RNNDYN_INIT(RNNDYN_KERNELS_MODULE)(void);

PyMODINIT_FUNC RNNDYN_INIT(RNNDYN_KERNELS_MODULE)(void) {
  static PyModuleDef definition = {PyModuleDef_HEAD_INIT,
                                   RNNDYN_TEXT(RNNDYN_KERNELS_MODULE),
                                   "Kernels of rnndyn for one instruction set.",
                                   -1,
                                   nullptr,
                                   nullptr,
                                   nullptr,
                                   nullptr,
                                   nullptr};
  PyObject* module = PyModule_Create(&definition);
  if (module == nullptr) return nullptr;
  // Capsules hold no pointers to const; the core takes it back as one.
  auto* table = const_cast<rnndyn::kernels::Functions*>(&rnndyn::kernels::native_functions());
  PyObject* capsule = PyCapsule_New(table, rnndyn::kernels::kCapsuleName, nullptr);
  if (capsule == nullptr || PyModule_AddObject(module, "functions", capsule) < 0) {
    Py_XDECREF(capsule);
    Py_DECREF(module);
    return nullptr;
  }
  return module;
}

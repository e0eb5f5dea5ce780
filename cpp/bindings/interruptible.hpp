// Long calls without the interpreter's lock that hear of Ctrl-C, a time limit and an observer.
#pragma once

#include <limits>
#include <optional>

#include "bindings.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn::bindings {

inline const char* reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::time_limit:
      return "time_limit";
    case StopReason::interrupt:
      return "interrupt";
    case StopReason::none:
      break;
  }
  return "finished";
}

// Returns body(control). `observe` is called with the lock held, a few times a second. An error
// that it raises stops the call and is raised again afterwards; KeyboardInterrupt only stops it.
template <class Observe, class Body>
auto run_interruptible(std::optional<double> time_limit, const Observe& observe, const Body& body) {
  std::optional<py::error_already_set> error;
  const auto poll = [&]() {
    const py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      observe();
    } catch (py::error_already_set& e) {
      if (!e.matches(PyExc_KeyboardInterrupt)) error.emplace(e);
      return false;
    }
    return true;
  };
  Control control(time_limit.value_or(std::numeric_limits<double>::infinity()), poll);
  auto result = [&] {
    // The body touches no Python object; poll() takes the lock for itself.
    const py::gil_scoped_release release;
    return body(control);
  }();
  if (error) throw py::error_already_set(*error);
  return result;
}

}  // namespace rnndyn::bindings

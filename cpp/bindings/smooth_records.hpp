// Points and cycles of smooth networks as Python sees them.
#pragma once

#include <stdexcept>

#include "bindings.hpp"
#include "rnndyn/smooth/search.hpp"

namespace rnndyn::bindings {

// (k, N) <-> columns.
inline Matrix points_from(const smooth::SmoothMap& map, const DoubleArray& rows,
                          const char* message) {
  if (rows.ndim() != 2 || rows.shape(1) != map.n_states()) throw std::invalid_argument(message);
  return Eigen::Map<const Matrix>(rows.data(), rows.shape(1), rows.shape(0));
}
inline DoubleArray rows_of(const Matrix& columns) {
  DoubleArray rows({columns.cols(), columns.rows()});
  std::copy_n(columns.data(), columns.size(), rows.mutable_data());
  return rows;
}

inline py::dict verified_record(const smooth::Verified& verified) {
  py::dict record;
  record["certified"] = verified.certified;
  record["error_bound"] = verified.error_bound;
  record["errors"] = verified.certified ? py::object(rows_of(verified.errors)) : py::none();
  record["ball"] = verified.ball;
  record["residual"] = verified.residual;
  record["index"] = verified.index;
  record["index_of_double"] = verified.index_of_double;
  return record;
}

inline py::dict cycle_record(const smooth::SmoothCycle& cycle) {
  py::dict record = verified_record(cycle.verified);
  record["order"] = cycle.points.cols();
  record["points"] = rows_of(cycle.points);
  record["multipliers"] = cycle.multipliers.values;
  record["log_moduli"] = cycle.multipliers.log_moduli;
  record["log_errors"] = cycle.multipliers.log_errors;
  record["spectral_radius"] = cycle.multipliers.spectral_radius;
  record["stability"] = static_cast<std::int8_t>(cycle.multipliers.stability);
  record["hits"] = cycle.hits;
  return record;
}

}  // namespace rnndyn::bindings

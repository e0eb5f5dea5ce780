#include <limits>
#include <stdexcept>

#include "bindings.hpp"
#include "rnndyn/cycles.hpp"
#include "rnndyn/linear_program.hpp"

namespace rnndyn::bindings {

BoolArray itinerary_array(const CanonicalMap& map, const Itinerary& itinerary,
                          const Matrix& points) {
  const Itinerary visible = visible_itinerary(map, itinerary, points);
  BoolArray bits({itinerary.order, map.n_units()});
  for (Index t = 0; t < itinerary.order; ++t) {
    unpack_region(visible.at(t), map.n_units(), bits.mutable_data() + t * map.n_units());
  }
  return bits;
}

py::dict cycle_record(const CanonicalMap& map, const Cycle& cycle) {
  py::dict record;
  record["order"] = cycle.itinerary.order;
  record["points"] = RowMatrix(cycle.points.transpose());
  record["itinerary"] = itinerary_array(map, cycle.itinerary, cycle.points);
  record["multipliers"] = Eigen::VectorXcd(cycle.multipliers.values);
  record["log_moduli"] = Vector(cycle.multipliers.log_moduli);
  record["spectral_radius"] = cycle.multipliers.spectral_radius;
  record["stability"] = static_cast<int>(cycle.multipliers.stability);
  record["residual"] = cycle.residual;
  record["margin"] = cycle.margin;
  record["error_bound"] = cycle.error_bound;
  record["on_border"] = cycle.on_border;
  record["certified"] = cycle.certified;
  return record;
}

py::dict continuum_record(const CanonicalMap& map, const Continuum& continuum) {
  py::dict record;
  record["order"] = continuum.itinerary.order;
  record["points"] = RowMatrix(continuum.points.transpose());
  record["itinerary"] = itinerary_array(map, continuum.itinerary, continuum.points);
  record["basis"] = RowMatrix(continuum.basis);
  record["extent"] = RowMatrix(continuum.extent);
  record["multipliers"] = Eigen::VectorXcd(continuum.multipliers.values);
  record["log_moduli"] = Vector(continuum.multipliers.log_moduli);
  record["spectral_radius"] = continuum.multipliers.spectral_radius;
  record["residual"] = continuum.residual;
  record["on_border"] = continuum.on_border;
  return record;
}

void register_cycles(py::module_& module) {
  module.def(
      "solve_cycle",
      [](const CanonicalMap& map, const BoolArray& bits) {
        const std::vector<Word> packed = pack_itinerary(bits, map.n_units());
        if (packed.empty()) throw std::invalid_argument("an itinerary needs at least one region");
        Itinerary itinerary(bits.shape(0), map.words_per_region());
        itinerary.bits = packed;
        Candidate candidate;
        {
          const py::gil_scoped_release release;
          candidate = solve_cycle(map, itinerary);
        }
        py::dict record;
        const char* kind = "none";
        if (candidate.cycle) record = cycle_record(map, *candidate.cycle);
        if (candidate.continuum) record = continuum_record(map, *candidate.continuum);
        switch (candidate.kind) {
          case CandidateKind::cycle:
            kind = "cycle";
            break;
          case CandidateKind::virtual_cycle:
            kind = "virtual";
            break;
          case CandidateKind::continuum:
            kind = "continuum";
            break;
          case CandidateKind::none:
            break;
        }
        record["kind"] = kind;
        return record;
      },
      py::arg("canonical_map"), py::arg("itinerary"));

  module.def(
      "multipliers",
      [](const std::vector<Matrix>& jacobians) {
        if (jacobians.empty()) throw std::invalid_argument("a cycle has at least one Jacobian");
        for (const Matrix& jacobian : jacobians) {
          if (jacobian.rows() != jacobian.cols() || jacobian.rows() != jacobians.front().rows()) {
            throw std::invalid_argument("Jacobians must be square and of one size");
          }
        }
        Multipliers found;
        {
          const py::gil_scoped_release release;
          found = multipliers(jacobians);
        }
        py::dict record;
        record["multipliers"] = Eigen::VectorXcd(found.values);
        record["log_moduli"] = Vector(found.log_moduli);
        record["spectral_radius"] = found.spectral_radius;
        record["stability"] = static_cast<int>(found.stability);
        return record;
      },
      py::arg("jacobians"));

  // The largest value of objective x where normals x <= offsets, with offsets of at least 0;
  // infinite where there is none.
  module.def(
      "maximize",
      [](const Vector& objective, const Matrix& normals, const Vector& offsets) {
        if (normals.cols() != objective.size() || normals.rows() != offsets.size()) {
          throw std::invalid_argument("an inequality has an entry for each variable and an offset");
        }
        const LinearProgramResult best = maximize(objective, normals, offsets);
        return best.bounded ? best.value : std::numeric_limits<double>::infinity();
      },
      py::arg("objective"), py::arg("normals"), py::arg("offsets"));
}

}  // namespace rnndyn::bindings

#include <stdexcept>

#include "bindings.hpp"
#include "rnndyn/cycles.hpp"

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
}

}  // namespace rnndyn::bindings

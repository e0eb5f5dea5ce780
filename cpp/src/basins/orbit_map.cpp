#include "basins/orbit_map.hpp"

namespace rnndyn {
namespace {

void add_term(kernels::OrbitRows& rows, Index row, double value) {
  if (value == 0.0) return;
  rows.offset.push_back(static_cast<std::size_t>(row) * static_cast<std::size_t>(kOrbits));
  rows.coefficient.push_back(value);
}

void end_row(kernels::OrbitRows& rows) { rows.first.push_back(rows.offset.size()); }

}  // namespace

OrbitMap::OrbitMap(const CanonicalMap& map) {
  tables_.n_states = static_cast<std::size_t>(map.n_states());
  tables_.n_units = static_cast<std::size_t>(map.n_relevant_units());
  const Index m = map.n_states();
  std::vector<Index> relevant;
  for (Index unit = 0; unit < map.n_units(); ++unit) {
    if (get_bit(map.relevant_units().data(), unit)) relevant.push_back(unit);
  }
  for (const Index unit : relevant) {
    tables_.units.constants.push_back(map.h2()(unit));
    for (Index j = 0; j < m; ++j) add_term(tables_.units, j, map.w2()(unit, j));
    end_row(tables_.units);
  }
  for (Index i = 0; i < m; ++i) {
    tables_.states.constants.push_back(map.h1()(i));
    for (Index j = 0; j < m; ++j) add_term(tables_.states, j, map.a()(i, j));
    Index row = m;
    for (const Index unit : relevant) add_term(tables_.states, row++, map.w1()(i, unit));
    end_row(tables_.states);
  }
}

Index OrbitMap::n_terms() const {
  return static_cast<Index>(tables_.units.offset.size() + tables_.states.offset.size() +
                            tables_.n_states + tables_.n_units);
}

}  // namespace rnndyn

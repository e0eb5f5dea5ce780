#include <stdexcept>

#include "bindings.hpp"

namespace rnndyn::bindings {

std::vector<Word> pack_itinerary(const BoolArray& bits, Index n_units) {
  if (bits.ndim() != 2 || bits.shape(1) != n_units) {
    throw std::invalid_argument("an itinerary must have shape (order, n_units)");
  }
  const auto words = static_cast<std::size_t>(std::max<Index>(1, (n_units + 63) / 64));
  std::vector<Word> packed(static_cast<std::size_t>(bits.shape(0)) * words, 0);
  const auto view = bits.unchecked<2>();
  for (py::ssize_t t = 0; t < view.shape(0); ++t) {
    for (Index i = 0; i < n_units; ++i) {
      set_bit(packed.data() + static_cast<std::size_t>(t) * words, i, view(t, i));
    }
  }
  return packed;
}

void unpack_region(const Word* region, Index n_units, bool* out) {
  for (Index i = 0; i < n_units; ++i) out[i] = get_bit(region, i);
}

namespace {

std::vector<Word> pack_region(const BoolArray& bits, Index n_units) {
  if (bits.ndim() != 1 || bits.shape(0) != n_units) {
    throw std::invalid_argument("a region must have shape (n_units,)");
  }
  std::vector<Word> packed(static_cast<std::size_t>(std::max<Index>(1, (n_units + 63) / 64)), 0);
  for (Index i = 0; i < n_units; ++i) set_bit(packed.data(), i, bits.at(i));
  return packed;
}

// A state of the wrong length would be read past its end.
const Vector& checked(const CanonicalMap& map, const Vector& z) {
  if (z.size() != map.n_states()) {
    throw std::invalid_argument("a state must have one entry per dimension of the map");
  }
  return z;
}

}  // namespace

void register_map(py::module_& module) {
  py::class_<CanonicalMap>(module, "CanonicalMap", py::module_local())
      .def(py::init<Matrix, Matrix, Matrix, Vector, Vector>(), py::arg("A"), py::arg("W1"),
           py::arg("W2"), py::arg("h1"), py::arg("h2"))
      .def_property_readonly("n_states", &CanonicalMap::n_states)
      .def_property_readonly("n_units", &CanonicalMap::n_units)
      .def_property_readonly("largest_entry", &CanonicalMap::largest_entry)
      .def_property_readonly("A", [](const CanonicalMap& map) { return Matrix(map.a()); })
      .def_property_readonly("W1", [](const CanonicalMap& map) { return Matrix(map.w1()); })
      .def_property_readonly("W2", [](const CanonicalMap& map) { return Matrix(map.w2()); })
      .def_property_readonly("h1", [](const CanonicalMap& map) { return Vector(map.h1()); })
      .def_property_readonly("h2", [](const CanonicalMap& map) { return Vector(map.h2()); })
      .def(
          "preactivation",
          [](const CanonicalMap& map, const Vector& z) {
            return map.preactivation(checked(map, z));
          },
          py::arg("z"))
      .def(
          "step",
          [](const CanonicalMap& map, const Vector& z) { return map.step(checked(map, z)); },
          py::arg("z"))
      .def(
          "orbit",
          [](const CanonicalMap& map, const Vector& z0, Index n_steps) {
            if (n_steps < 0) throw std::invalid_argument("n_steps must not be negative");
            // Row per time step, as NumPy users index a time series.
            return Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>(
                map.orbit(checked(map, z0), n_steps).transpose());
          },
          py::arg("z0"), py::arg("n_steps"), py::call_guard<py::gil_scoped_release>())
      .def(
          "region",
          [](const CanonicalMap& map, const Vector& z) {
            std::vector<Word> packed(map.words_per_region());
            map.region(checked(map, z), packed.data());
            BoolArray bits(map.n_units());
            unpack_region(packed.data(), map.n_units(), bits.mutable_data());
            return bits;
          },
          py::arg("z"))
      .def(
          "jacobian",
          [](const CanonicalMap& map, const BoolArray& region) {
            return map.jacobian(pack_region(region, map.n_units()).data());
          },
          py::arg("region"))
      .def(
          "offset",
          [](const CanonicalMap& map, const BoolArray& region) {
            return map.offset(pack_region(region, map.n_units()).data());
          },
          py::arg("region"));
}

}  // namespace rnndyn::bindings

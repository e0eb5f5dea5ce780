// Certificates as Python dictionaries, and back where an interrupted search is resumed.
#pragma once

#include <string>
#include <vector>

#include "bindings.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn::bindings {

ProofMethod proof_method_from(const std::string& name);
py::dict certificate_record(const CanonicalMap& map, const Certificate& certificate);
// What resuming needs: "orders", "parts", and the itineraries of "undecided".
Certificate certificate_from(const CanonicalMap& map, const py::dict& record);
// A list of bool arrays of shape (n, order, n_units).
std::vector<Itinerary> itineraries_from(const CanonicalMap& map, const py::handle& blocks);

}  // namespace rnndyn::bindings

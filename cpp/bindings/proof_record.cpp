#include "proof_record.hpp"

#include <algorithm>

#include "bindings.hpp"

namespace rnndyn::bindings {
namespace {

constexpr const char* kMethods[] = {"auto",        "dictionary", "polygons",          "cells",
                                    "contraction", "boxes",      "homogeneous_boxes", "p_matrix"};
constexpr const char* kStatuses[] = {"proved", "searched", "partial"};

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <typename T>
std::vector<T> vector_from(const py::handle& object) {
  const auto array = py::cast<py::array_t<T, py::array::c_style | py::array::forcecast>>(object);
  return {array.data(), array.data() + array.size()};
}

Matrix matrix_from(const py::handle& object) {
  const auto array =
      py::cast<py::array_t<double, py::array::c_style | py::array::forcecast>>(object);
  if (array.ndim() != 2) {
    throw std::invalid_argument("faces and slopes of a proof by cells must have rows and columns");
  }
  return Eigen::Map<const RowMatrix>(array.data(), array.shape(0), array.shape(1));
}

void put_tree(const ProofTree& tree, py::dict& record) {
  record["nodes"] = array_of(tree.nodes);
  record["first"] = array_of(tree.first);
  record["row"] = array_of(tree.row);
  record["value"] = array_of(tree.value);
}

ProofTree tree_from(const py::dict& record) {
  return {vector_from<std::int32_t>(record["nodes"]), vector_from<std::int64_t>(record["first"]),
          vector_from<std::int32_t>(record["row"]), vector_from<double>(record["value"])};
}

py::dict part_record(const PartialProof& part) {
  py::list open;
  for (const Path& path : part.open) {
    std::vector<std::int32_t> bits;
    py::array_t<bool> on(static_cast<py::ssize_t>(path.size()));
    for (std::size_t i = 0; i < path.size(); ++i) {
      bits.push_back(path[i].bit);
      on.mutable_data()[i] = path[i].on;
    }
    open.append(py::make_tuple(array_of(bits), on));
  }
  py::dict record;
  record["method"] = kMethods[static_cast<int>(part.method)];
  record["orders"] = part.orders;
  record["at_infinity"] = part.at_infinity;
  record["unbounded"] = part.unbounded;
  record["radius"] = part.radius;
  record["pivot"] = part.pivot;
  record["by_faces"] = part.by_faces;
  record["by_units"] = part.by_units;
  record["outer"] = part.outer;
  record["reason"] = part.reason;
  record["complete"] = part.complete;
  record["rigorous"] = part.rigorous;
  record["n_nodes"] = part.n_nodes;
  record["n_pruned"] = part.n_pruned;
  record["n_uncertified"] = part.n_uncertified;
  record["n_leaves"] = part.n_leaves;
  record["share"] = part.share;
  record["seconds"] = part.seconds;
  record["open"] = open;
  if (part.tree.nodes.empty()) {
    record["nodes"] = py::none();
  } else {
    put_tree(part.tree, record);
  }
  if (part.contraction) {
    py::dict data;
    if (part.contraction->kind == ContractionNorm::quadratic) {
      data["kind"] = "quadratic";
      data["P"] = RowMatrix(part.contraction->norm);
      data["Lambda"] = part.contraction->multipliers;
    } else {
      data["kind"] = "weighted_infinity";
      data["weights"] = part.contraction->weights;
    }
    record["data"] = data;
  } else if (part.p_matrix) {
    py::dict data;
    data["Lambda"] = *part.p_matrix;
    record["data"] = data;
  } else if (part.cells) {
    py::dict data;
    data["faces"] = RowMatrix(part.cells->faces);
    data["slopes"] = RowMatrix(part.cells->slopes);
    put_tree(part.cells->record, data);
    record["data"] = data;
  } else {
    record["data"] = py::none();
  }
  return record;
}

template <std::size_t N>
int index_of(const char* const (&names)[N], const std::string& name) {
  const auto* at = std::find(std::begin(names), std::end(names), name);
  if (at == std::end(names)) throw std::invalid_argument("unknown name '" + name + "'");
  return static_cast<int>(at - std::begin(names));
}

PartialProof part_from(const py::dict& record) {
  PartialProof part;
  part.method = proof_method_from(record["method"].cast<std::string>());
  part.orders = record["orders"].cast<std::vector<Index>>();
  part.at_infinity = record["at_infinity"].cast<bool>();
  part.unbounded = record["unbounded"].cast<bool>();
  part.radius = record["radius"].cast<double>();
  part.pivot = record["pivot"].cast<Index>();
  part.by_faces = record["by_faces"].cast<bool>();
  part.by_units = record["by_units"].cast<bool>();
  part.outer = record["outer"].cast<double>();
  part.reason = record["reason"].cast<std::string>();
  part.complete = record["complete"].cast<bool>();
  part.rigorous = record["rigorous"].cast<bool>();
  part.n_nodes = record["n_nodes"].cast<std::int64_t>();
  part.n_pruned = record["n_pruned"].cast<std::int64_t>();
  part.n_uncertified = record["n_uncertified"].cast<std::int64_t>();
  part.n_leaves = record["n_leaves"].cast<std::int64_t>();
  part.share = record["share"].cast<double>();
  part.seconds = record["seconds"].cast<double>();
  for (const py::handle& item : record["open"]) {
    const auto pair = item.cast<py::tuple>();
    const auto bits = vector_from<std::int32_t>(pair[0]);
    const auto on = pair[1].cast<py::array_t<bool, py::array::c_style | py::array::forcecast>>();
    if (static_cast<std::size_t>(on.size()) != bits.size()) {
      throw std::invalid_argument("an open path must have one value per bit");
    }
    Path path;
    for (std::size_t i = 0; i < bits.size(); ++i) path.push_back({bits[i], on.data()[i]});
    part.open.push_back(std::move(path));
  }
  if (!record["nodes"].is_none()) part.tree = tree_from(record);
  const py::dict data = record["data"];
  if (part.method == ProofMethod::cells && data.contains("nodes") && data.contains("faces") &&
      data.contains("slopes")) {
    part.cells.emplace();
    part.cells->faces = matrix_from(data["faces"]);
    part.cells->slopes = matrix_from(data["slopes"]);
    part.cells->record = tree_from(data);
  }
  return part;
}

// Itineraries of one order as columns: there may be millions.
py::dict undecided_block(const CanonicalMap& map, const Undecided* first, std::size_t n) {
  const Index order = first->itinerary.order;
  const Index h = map.n_units();
  BoolArray bits(
      {static_cast<py::ssize_t>(n), static_cast<py::ssize_t>(order), static_cast<py::ssize_t>(h)});
  py::array_t<std::int8_t> reasons(static_cast<py::ssize_t>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (Index t = 0; t < order; ++t) {
      unpack_region(first[i].itinerary.at(t), h,
                    bits.mutable_data() + (static_cast<Index>(i) * order + t) * h);
    }
    reasons.mutable_data()[i] = static_cast<std::int8_t>(first[i].reason);
  }
  py::dict block;
  block["order"] = order;
  block["itinerary"] = bits;
  block["reason"] = reasons;
  return block;
}

}  // namespace

ProofMethod proof_method_from(const std::string& name) {
  return static_cast<ProofMethod>(index_of(kMethods, name));
}

py::dict certificate_record(const CanonicalMap& map, const Certificate& certificate) {
  py::list parts, undecided;
  for (const PartialProof& part : certificate.parts) parts.append(part_record(part));
  // They are sorted by order.
  const std::vector<Undecided>& all = certificate.undecided;
  for (std::size_t i = 0, end = 0; i < all.size(); i = end) {
    while (end < all.size() && all[end].itinerary.order == all[i].itinerary.order) ++end;
    undecided.append(undecided_block(map, &all[i], end - i));
  }
  py::dict record;
  record["status"] = kStatuses[static_cast<int>(certificate.status)];
  record["box"] = certificate.box
                      ? py::object(py::make_tuple(certificate.box->lower, certificate.box->upper))
                      : py::none();
  record["orders"] = certificate.orders;
  record["proved_orders"] = certificate.proved_orders;
  record["parts"] = parts;
  record["undecided"] = undecided;
  return record;
}

Certificate certificate_from(const CanonicalMap& map, const py::dict& record) {
  Certificate certificate;
  certificate.orders = record["orders"].cast<std::vector<Index>>();
  for (const py::handle& part : record["parts"]) {
    certificate.parts.push_back(part_from(part.cast<py::dict>()));
  }
  for (Itinerary& itinerary : itineraries_from(map, record["undecided"])) {
    certificate.undecided.push_back({std::move(itinerary), UndecidedReason::unproved});
  }
  return certificate;
}

std::vector<Itinerary> itineraries_from(const CanonicalMap& map, const py::handle& blocks) {
  std::vector<Itinerary> itineraries;
  for (const py::handle& item : blocks) {
    const auto bits = item.cast<py::array_t<bool, py::array::c_style | py::array::forcecast>>();
    if (bits.ndim() != 3 || bits.shape(1) < 1 || bits.shape(2) != map.n_units()) {
      throw std::invalid_argument("itineraries must have shape (n, order, n_units)");
    }
    const auto order = static_cast<Index>(bits.shape(1));
    const bool* next = bits.data();
    for (py::ssize_t i = 0; i < bits.shape(0); ++i) {
      Itinerary itinerary(order, map.words_per_region());
      for (Index t = 0; t < order; ++t) {
        for (Index u = 0; u < map.n_units(); ++u) set_bit(itinerary.at(t), u, *next++);
      }
      itineraries.push_back(std::move(itinerary));
    }
  }
  return itineraries;
}

}  // namespace rnndyn::bindings

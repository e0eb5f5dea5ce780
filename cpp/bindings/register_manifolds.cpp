#include <algorithm>
#include <stdexcept>
#include <utility>

#include "bindings.hpp"
#include "interruptible.hpp"
#include "rnndyn/invertibility.hpp"
#include "rnndyn/manifolds.hpp"

namespace rnndyn::bindings {
namespace {

using NumberArray = py::array_t<std::int64_t, py::array::c_style>;

const char* end_name(ManifoldEnd end) {
  switch (end) {
    case ManifoldEnd::exhausted:
      return "exhausted";
    case ManifoldEnd::max_length:
      return "max_length";
    case ManifoldEnd::depth:
      return "depth";
    case ManifoldEnd::max_pieces:
      return "max_pieces";
    case ManifoldEnd::stopped:
      break;
  }
  return "stopped";
}

const char* refusal_name(ManifoldRefusal refusal) {
  switch (refusal) {
    case ManifoldRefusal::no_gap:
      return "no_gap";
    case ManifoldRefusal::on_border:
      return "on_border";
    case ManifoldRefusal::too_many_regions:
      return "too_many_regions";
    case ManifoldRefusal::not_its_tree:
      return "not_its_tree";
    case ManifoldRefusal::none:
      break;
  }
  return "";
}

// Rows of all pieces, one after the other.
template <class Select>
py::tuple rows_of(const std::vector<ManifoldPiece>& pieces, Index m, const Select& select) {
  Index total = 0;
  for (const ManifoldPiece& piece : pieces) total += select(piece).size();
  DoubleArray normals({total, m});
  DoubleArray values(total);
  DoubleArray errors(total);
  NumberArray starts(static_cast<py::ssize_t>(pieces.size() + 1));
  Eigen::Map<RowMatrix> all(normals.mutable_data(), total, m);
  Index row = 0;
  starts.mutable_data()[0] = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Rows& rows = select(pieces[i]);
    all.middleRows(row, rows.size()) = rows.normals;
    std::copy(rows.values.data(), rows.values.data() + rows.size(), values.mutable_data() + row);
    std::copy(rows.errors.data(), rows.errors.data() + rows.size(), errors.mutable_data() + row);
    row += rows.size();
    starts.mutable_data()[i + 1] = row;
  }
  return py::make_tuple(normals, values, errors, starts);
}

// The same backwards.
template <class Select>
void take_rows(std::vector<ManifoldPiece>& pieces, Index m, const py::handle& record,
               const Select& select) {
  const auto rows = record.cast<py::tuple>();
  const auto normals = rows[0].cast<RowMatrix>();
  const auto values = rows[1].cast<Vector>();
  const auto errors = rows[2].cast<Vector>();
  const auto starts = rows[3].cast<std::vector<Index>>();
  if (starts.size() != pieces.size() + 1 || starts.front() != 0 || starts.back() != values.size() ||
      errors.size() != values.size() || normals.rows() != values.size() || normals.cols() != m ||
      !std::is_sorted(starts.begin(), starts.end())) {
    throw std::invalid_argument("rows of pieces must have one normal, value and error each");
  }
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const Index n = starts[i + 1] - starts[i];
    Rows& own = select(pieces[i]);
    own.normals = normals.middleRows(starts[i], n);
    own.values = values.segment(starts[i], n);
    own.errors = errors.segment(starts[i], n);
  }
}

// A tree from what record_of made of it.
ManifoldTree tree_from(const CanonicalMap& map, const py::dict& record) {
  const Index m = map.n_states();
  const auto parents = record["parents"].cast<std::vector<std::int64_t>>();
  const auto phases = record["phases"].cast<std::vector<Index>>();
  const auto depths = record["depths"].cast<std::vector<Index>>();
  const auto radii = record["radii"].cast<std::vector<double>>();
  const auto interiors = record["interiors"].cast<RowMatrix>();
  const auto regions = record["regions"].cast<BoolArray>();
  const std::size_t n = parents.size();
  const auto n_rows = static_cast<Index>(n);
  if (phases.size() != n || depths.size() != n || radii.size() != n || interiors.rows() != n_rows ||
      interiors.cols() != m || regions.ndim() != 2 || regions.shape(0) != n_rows) {
    throw std::invalid_argument("a tree must have one entry of each kind per piece");
  }
  const std::vector<Word> words = pack_itinerary(regions, map.n_units());
  const std::size_t step = map.words_per_region();
  ManifoldTree tree;
  tree.pieces.resize(n);
  for (std::size_t i = 0; i < n; ++i) {
    ManifoldPiece& piece = tree.pieces[i];
    piece.parent = parents[i];
    piece.phase = phases[i];
    piece.depth = depths[i];
    const Word* const region = words.data() + i * step;
    piece.region.assign(region, region + step);
    piece.interior = interiors.row(static_cast<Index>(i)).transpose();
    piece.radius = radii[i];
  }
  take_rows(tree.pieces, m, record["equations"],
            [](ManifoldPiece& p) -> Rows& { return p.equations; });
  take_rows(tree.pieces, m, record["inequalities"],
            [](ManifoldPiece& p) -> Rows& { return p.inequalities; });
  tree.n_expanded = record["n_expanded"].cast<std::int64_t>();
  tree.n_empty = record["n_empty"].cast<std::int64_t>();
  tree.n_undecided = record["n_undecided"].cast<std::int64_t>();
  return tree;
}

py::dict record_of(const CanonicalMap& map, const ManifoldOutcome& outcome) {
  const std::vector<ManifoldPiece>& pieces = outcome.tree.pieces;
  const auto n = static_cast<py::ssize_t>(pieces.size());
  const Index m = map.n_states();
  NumberArray parents(n);
  NumberArray phases(n);
  NumberArray depths(n);
  BoolArray regions({n, map.n_units()});
  DoubleArray interiors({n, m});
  DoubleArray radii(n);
  for (py::ssize_t i = 0; i < n; ++i) {
    const ManifoldPiece& piece = pieces[static_cast<std::size_t>(i)];
    parents.mutable_data()[i] = piece.parent;
    phases.mutable_data()[i] = piece.phase;
    depths.mutable_data()[i] = piece.depth;
    unpack_region(piece.region.data(), map.n_units(), regions.mutable_data() + i * map.n_units());
    std::copy(piece.interior.data(), piece.interior.data() + m, interiors.mutable_data() + i * m);
    radii.mutable_data()[i] = piece.radius;
  }
  py::dict record;
  record["refusal"] = refusal_name(outcome.refusal);
  record["end"] = end_name(outcome.tree.end);
  record["n_expanded"] = outcome.tree.n_expanded;
  record["n_empty"] = outcome.tree.n_empty;
  record["n_undecided"] = outcome.tree.n_undecided;
  record["parents"] = parents;
  record["phases"] = phases;
  record["depths"] = depths;
  record["regions"] = regions;
  record["interiors"] = interiors;
  record["radii"] = radii;
  record["equations"] =
      rows_of(pieces, m, [](const ManifoldPiece& p) -> const Rows& { return p.equations; });
  record["inequalities"] =
      rows_of(pieces, m, [](const ManifoldPiece& p) -> const Rows& { return p.inequalities; });
  return record;
}

py::dict manifold_record(const CanonicalMap& map, const BoolArray& itinerary,
                         const RowMatrix& points, double error_bound, bool stable,
                         Index n_directions, Index depth, std::int64_t max_pieces,
                         const Vector& lower, const Vector& upper, int n_threads,
                         std::optional<double> time_limit,
                         const std::optional<py::function>& observer,
                         const std::optional<py::dict>& resume, std::optional<double> max_length) {
  const Index m = map.n_states();
  if (itinerary.ndim() != 2 || points.rows() != itinerary.shape(0) || points.cols() != m ||
      lower.size() != m || upper.size() != m || n_directions < 0 || n_directions > m) {
    throw std::invalid_argument("a cycle and a box must have one entry per state of the map");
  }
  Itinerary packed(points.rows(), map.words_per_region());
  packed.bits = pack_itinerary(itinerary, map.n_units());
  ManifoldOptions options;
  options.kind = stable ? ManifoldKind::stable : ManifoldKind::unstable;
  options.n_directions = n_directions;
  options.depth = depth;
  options.max_pieces = max_pieces;
  options.lower = lower;
  options.upper = upper;
  options.n_threads = n_threads;
  if (max_length) options.max_length = *max_length;
  if (max_length && (stable ? m - n_directions : n_directions) != 1) {
    throw std::invalid_argument("only manifolds of one dimension have a length");
  }
  ManifoldTree begun = resume ? tree_from(map, *resume) : ManifoldTree{};
  ManifoldProgress progress;
  StopReason reason = StopReason::none;
  const auto observe = [&] {
    if (observer) (*observer)(progress.depth.load(), progress.n_pieces.load());
  };
  const ManifoldOutcome outcome = run_interruptible(time_limit, observe, [&](Control& control) {
    ManifoldOutcome found = manifold(map, packed, points.transpose(), error_bound, options, control,
                                     progress, std::move(begun));
    reason = control.reason();
    return found;
  });
  py::dict record = record_of(map, outcome);
  record["stopped_by"] = reason_name(reason);
  return record;
}

py::dict region_determinants_record(const CanonicalMap& map, std::size_t limit, int n_threads,
                                    std::optional<double> time_limit) {
  StopReason reason = StopReason::none;
  bool too_many = false;
  const RegionDeterminants found = run_interruptible(
      time_limit, [] {},
      [&](Control& control) -> RegionDeterminants {
        try {
          auto all = region_determinants(map, limit, n_threads, &control);
          too_many = !all;
          return all ? *std::move(all) : RegionDeterminants{};
        } catch (const Stopped&) {
          reason = control.reason();
          return {};
        }
      });
  const std::size_t words = map.words_per_region();
  const auto n = static_cast<py::ssize_t>(found.signs.size());
  BoolArray regions({n, map.n_units()});
  py::array_t<std::int8_t> signs(n);
  RowMatrix interiors(n, map.n_states());
  for (py::ssize_t i = 0; i < n; ++i) {
    const auto at = static_cast<std::size_t>(i);
    unpack_region(found.regions.data() + at * words, map.n_units(),
                  regions.mutable_data() + i * map.n_units());
    signs.mutable_data()[i] = found.signs[at];
    interiors.row(i) = found.interiors.col(i).transpose();
  }
  py::dict record;
  record["regions"] = regions;
  record["signs"] = signs;
  record["interiors"] = interiors;
  record["radii"] = found.radii;
  record["too_many_regions"] = too_many;
  record["stopped_by"] = reason_name(reason);
  return record;
}

}  // namespace

void register_manifolds(py::module_& module) {
  module.def("manifold", &manifold_record, py::arg("canonical_map"), py::arg("itinerary"),
             py::arg("points"), py::arg("error_bound"), py::arg("stable"), py::kw_only(),
             py::arg("n_directions"), py::arg("depth"), py::arg("max_pieces"), py::arg("lower"),
             py::arg("upper"), py::arg("n_threads") = 1, py::arg("time_limit") = std::nullopt,
             py::arg("observer") = std::nullopt, py::arg("resume") = std::nullopt,
             py::arg("max_length") = std::nullopt);
  module.def("region_determinants", &region_determinants_record, py::arg("canonical_map"),
             py::kw_only(), py::arg("limit"), py::arg("n_threads") = 1,
             py::arg("time_limit") = std::nullopt);
  module.def(
      "closest_point",
      [](const RowMatrix& equations, const Vector& values, const RowMatrix& inequalities,
         const Vector& bounds, const Vector& state) {
        const Index m = state.size();
        if (equations.cols() != m || inequalities.cols() != m ||
            equations.rows() != values.size() || inequalities.rows() != bounds.size()) {
          throw std::invalid_argument("rows must have one entry per state");
        }
        const ClosestPoint closest = closest_point(equations, values, inequalities, bounds, state);
        return py::make_tuple(closest.point, closest.distance, closest.violation);
      },
      py::arg("equations"), py::arg("values"), py::arg("inequalities"), py::arg("bounds"),
      py::arg("state"));
}

}  // namespace rnndyn::bindings

#include "rnndyn/regions.hpp"

#include <algorithm>
#include <cmath>

#include "rnndyn/linear_program.hpp"

namespace rnndyn {
namespace {

// Cells whose inscribed ball is smaller than this (in units of the cap below) have no volume as far
// as floating point can tell; what lies in them lies on the border of their neighbours.
constexpr double kThinnest = 1e-11;

struct Cell {
  std::vector<Word> region;
  Vector witness;  // a point well inside
};

std::vector<Index> relevant_list(const CanonicalMap& map) {
  std::vector<Index> units;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(map.relevant_units().data(), i)) units.push_back(i);
  }
  return units;
}

// Upper bound of the number of cells of h hyperplanes in m dimensions (Buck 1943).
double largest_cell_count(Index h, Index m) {
  double count = 0.0;
  double binomial = 1.0;
  for (Index i = 0; i <= std::min(h, m); ++i) {
    count += binomial;
    binomial *= static_cast<double>(h - i) / static_cast<double>(i + 1);
  }
  return count;
}

std::vector<Word> flatten(std::vector<std::vector<Word>> regions) {
  std::sort(regions.begin(), regions.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  });
  std::vector<Word> flat;
  for (const auto& region : regions) flat.insert(flat.end(), region.begin(), region.end());
  return flat;
}

}  // namespace

std::optional<std::vector<Word>> all_bit_patterns(const CanonicalMap& map, std::size_t limit) {
  const std::vector<Index> units = relevant_list(map);
  if (units.size() >= 63 || (std::size_t{1} << units.size()) > limit) return std::nullopt;
  // The order of the numbers is that of the regions, whose units are in ascending order, too.
  const std::size_t words = map.words_per_region();
  std::vector<Word> regions((std::size_t{1} << units.size()) * words, 0);
  for (std::size_t code = 0; code >> units.size() == 0; ++code) {
    for (std::size_t u = 0; u < units.size(); ++u) {
      set_bit(regions.data() + code * words, units[u], ((code >> u) & 1U) != 0);
    }
  }
  return regions;
}

std::optional<std::vector<Word>> nonempty_regions(const CanonicalMap& map, std::size_t limit,
                                                  Control* control) {
  Looks looks(control);
  const std::vector<Index> units = relevant_list(map);
  const Index m = map.n_states();
  if (map.w2_is_identity()) return all_bit_patterns(map, limit);
  if (largest_cell_count(static_cast<Index>(units.size()), m) > static_cast<double>(limit)) {
    return std::nullopt;
  }
  // Hyperplanes one after the other: each cell keeps the side its witness lies on, and gains the
  // other side if a linear program finds a ball there.
  std::vector<Cell> cells{{std::vector<Word>(map.words_per_region(), 0), Vector::Zero(m)}};
  std::vector<Index> planes;  // units whose pre-activation is not constant
  for (const Index unit : units) {
    const Eigen::RowVectorXd normal = map.w2().row(unit);
    const double length = normal.norm();
    if (length == 0.0) {
      for (Cell& cell : cells) set_bit(cell.region.data(), unit, map.h2()(unit) > 0.0);
      continue;
    }
    const std::size_t n_before = cells.size();
    const auto rows = static_cast<Index>(planes.size());
    for (std::size_t c = 0; c < n_before; ++c) {
      Matrix g(rows + 1, m);
      Vector b(rows + 1);
      for (Index r = 0; r < rows; ++r) {
        const Index plane = planes[static_cast<std::size_t>(r)];
        const double sign = get_bit(cells[c].region.data(), plane) ? 1.0 : -1.0;
        g.row(r) = -sign * map.w2().row(plane);
        b(r) = sign * map.h2()(plane);
      }
      const double scale = 1.0 + cells[c].witness.cwiseAbs().maxCoeff();
      const double side = (normal.dot(cells[c].witness) + map.h2()(unit)) / length;
      const bool witness_decides = std::abs(side) > 1e-6 * scale;
      bool kept = witness_decides;
      if (witness_decides) set_bit(cells[c].region.data(), unit, side > 0.0);
      for (const bool bit : {false, true}) {
        if (witness_decides && bit == (side > 0.0)) continue;
        const double sign = bit ? 1.0 : -1.0;
        g.row(rows) = -sign * normal;
        b(rows) = sign * map.h2()(unit);
        const LinearProgramResult ball = deepest_point(g, b, 1.0, control);
        looks.after(static_cast<double>((rows + m) * (rows + m)));
        if (!(ball.value > kThinnest * scale)) continue;
        if (!kept) {
          kept = true;
          set_bit(cells[c].region.data(), unit, bit);
          cells[c].witness = ball.point;
        } else {
          Cell fresh{cells[c].region, ball.point};
          set_bit(fresh.region.data(), unit, bit);
          cells.push_back(std::move(fresh));
        }
      }
      // A cell too thin to be split surely keeps one side: its closure is covered either way.
      if (!kept) set_bit(cells[c].region.data(), unit, side > 0.0);
    }
    planes.push_back(unit);
  }
  std::vector<std::vector<Word>> regions;
  regions.reserve(cells.size());
  for (Cell& cell : cells) regions.push_back(std::move(cell.region));
  return flatten(std::move(regions));
}

}  // namespace rnndyn

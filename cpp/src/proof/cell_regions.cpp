// The faces of cells, the regions in a box, and the map on each of them.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "linear_algebra/decompositions.hpp"
#include "proof/cell_certificate.hpp"
#include "proof/cell_cover.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double below(double x) { return std::nextafter(x, -kInfinity); }
double above(double x) { return std::nextafter(x, kInfinity); }

// Range of a linear functional over the box, rounded outward.
std::pair<double, double> range(const double* row, const Box& box) {
  const Index m = box.lower.size();
  double lower = 0.0;
  double upper = 0.0;
  double total = 0.0;
  for (Index l = 0; l < m; ++l) {
    const double a = row[l] * box.lower(l);
    const double b = row[l] * box.upper(l);
    lower += std::min(a, b);
    upper += std::max(a, b);
    total += std::max(std::abs(a), std::abs(b));
  }
  const double slop =
      gamma_of(static_cast<double>(m)) * total + underflow(2.0 * static_cast<double>(m) + 2.0);
  return {below(lower - slop), above(upper + slop)};
}

void order_regions(std::vector<std::vector<Word>>& regions) {
  std::sort(regions.begin(), regions.end(), [](const auto& a, const auto& b) {
    return std::lexicographical_compare(a.rbegin(), a.rend(), b.rbegin(), b.rend());
  });
}

class RegionSearch {
 public:
  RegionSearch(const CanonicalMap& map, const CellTemplate& faces, std::size_t limit,
               Control& control, ProofTree* record)
      : map_(map), faces_(faces), limit_(limit), control_(control), record_(record) {
    for (Index i = 0; i < map.n_units(); ++i) {
      const CellTemplate::Border& border = faces.borders[static_cast<std::size_t>(i)];
      if (border.row < 0) continue;
      (border.row < map.n_states() ? on_axis_ : oblique_).push_back(i);
    }
    for (Index f = 0; f < faces.size(); ++f) rows_.push_back(faces.rows.row(f).data());
  }

  bool run(const Box& box) {
    std::vector<Word> region(map_.words_per_region(), 0);
    for (Index i = 0; i < map_.n_units(); ++i) {
      if (faces_.borders[static_cast<std::size_t>(i)].always_on) set_bit(region.data(), i, true);
    }
    return split_axes(box, region, 0);
  }
  std::vector<std::vector<Word>> take() { return std::move(found_); }

 private:
  bool split_axes(const Box& box, std::vector<Word>& region, std::size_t next) {
    if (next == on_axis_.size()) {
      size_ = box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs());
      if (oblique_.empty()) return keep(region);
      CellProgram program;
      const Index m = map_.n_states();
      program.start(box.lower.data(), box.upper.data(), m, faces_.size());
      const std::vector<double> zeros(static_cast<std::size_t>(faces_.size()), 0.0);
      program.append(faces_.rows.row(m).data(), zeros.data(), faces_.size() - m, 0, m);
      return split(program, region, 0);
    }
    const Index unit = on_axis_[next];
    note(static_cast<std::int32_t>(unit));
    const CellTemplate::Border& border = faces_.borders[static_cast<std::size_t>(unit)];
    for (const bool on : {false, true}) {
      Box side = box;
      if (on == border.on_above) {
        side.lower(border.row) =
            std::max(side.lower(border.row), on ? border.on_bound : border.off_bound);
      } else {
        side.upper(border.row) =
            std::min(side.upper(border.row), on ? border.on_bound : border.off_bound);
      }
      if (side.lower(border.row) > side.upper(border.row)) {
        if (record_ != nullptr) append_refuted(CellMultipliers{}, *record_);
        continue;
      }
      set_bit(region.data(), unit, on);
      if (!split_axes(side, region, next + 1)) return false;
    }
    set_bit(region.data(), unit, false);
    return true;
  }

  bool split(const CellProgram& program, std::vector<Word>& region, std::size_t next) {
    if (next == oblique_.size()) return keep(region);
    const Index unit = oblique_[next];
    note(static_cast<std::int32_t>(unit));
    const CellTemplate::Border& border = faces_.borders[static_cast<std::size_t>(unit)];
    for (const bool on : {false, true}) {
      CellProgram side = program;
      bound_by_sign(side, border, on);
      const CellProgram::Outcome outcome = side.make_feasible(200);
      if (outcome == CellProgram::Outcome::infeasible && proved_empty(side)) {
        if (record_ != nullptr) append_refuted(stuck_multipliers(side), *record_);
        continue;
      }
      set_bit(region.data(), unit, on);
      if (!split(side, region, next + 1)) return false;
    }
    set_bit(region.data(), unit, false);
    return true;
  }

  static void bound_by_sign(CellProgram& program, const CellTemplate::Border& border, bool on) {
    if (on == border.on_above) {
      program.restrict(border.row, on ? border.on_bound : border.off_bound, kInfinity);
    } else {
      program.restrict(border.row, -kInfinity, on ? border.on_bound : border.off_bound);
    }
  }

  bool proved_empty(const CellProgram& program) const {
    const Index row = program.stuck_row();
    return program.stuck_below()
               ? certified_upper(program, row, 1.0, rows_.data(), size_.data()) < program.lower(row)
               : certified_upper(program, row, -1.0, rows_.data(), size_.data()) <
                     -program.upper(row);
  }

  bool keep(const std::vector<Word>& region) {
    if (found_.size() == limit_ || control_.stop_requested()) return false;
    found_.push_back(region);
    note(ProofTree::kDecided);
    return true;
  }

  void note(std::int32_t node) {
    if (record_ != nullptr) record_->nodes.push_back(node);
  }

  const CanonicalMap& map_;
  const CellTemplate& faces_;
  std::size_t limit_;
  Control& control_;
  ProofTree* record_;
  std::vector<Index> on_axis_, oblique_;
  std::vector<const double*> rows_;
  Vector size_;
  std::vector<std::vector<Word>> found_;
};

}  // namespace

CellTemplate make_cell_template(const CanonicalMap& map) {
  const Index m = map.n_states();
  CellTemplate faces;
  std::vector<Vector> rows;
  for (Index l = 0; l < m; ++l) rows.push_back(Vector::Unit(m, l));
  faces.borders.resize(static_cast<std::size_t>(map.n_units()));
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(map.relevant_units().data(), i)) continue;
    CellTemplate::Border& border = faces.borders[static_cast<std::size_t>(i)];
    const Vector row = map.w2().row(i).transpose();
    const double h = map.h2()(i);
    const Index n_entries = (row.array() != 0.0).count();
    if (n_entries == 0) {
      border.always_on = true;
    } else if (n_entries == 1) {
      Index l = 0;
      row.cwiseAbs().maxCoeff(&l);
      border.row = l;
      border.on_above = row(l) > 0.0;
      const double value = -h / row(l);
      const bool exact = h == 0.0 || std::abs(row(l)) == 1.0;
      const double low = exact ? value : below(value);
      const double high = exact ? value : above(value);
      border.on_bound = border.on_above ? low : high;
      border.off_bound = border.on_above ? high : low;
    } else {
      border.row = static_cast<Index>(rows.size());
      border.on_bound = border.off_bound = -h;
      rows.push_back(row);
    }
  }
  if (map.n_relevant_units() > 0 && m > 1) {
    const Eigen::JacobiSVD<Matrix> svd(map.w1(), Eigen::ComputeFullU);
    for (Index l = 0; l < std::min(m, map.n_units()); ++l) {
      if (svd.singularValues()(l) > 1e-12 * svd.singularValues()(0)) {
        rows.push_back(svd.matrixU().col(l));
      }
    }
  }
  faces.rows.resize(static_cast<Index>(rows.size()), m);
  for (Index f = 0; f < faces.rows.rows(); ++f) {
    faces.rows.row(f) = rows[static_cast<std::size_t>(f)].transpose();
  }
  return faces;
}

std::optional<std::vector<std::vector<Word>>> regions_in_box(const CanonicalMap& map,
                                                             const CellTemplate& faces,
                                                             const Box& box, std::size_t limit,
                                                             Control& control, ProofTree* record) {
  RegionSearch search(map, faces, limit, control, record);
  if (!search.run(box)) return std::nullopt;
  std::vector<std::vector<Word>> regions = search.take();
  order_regions(regions);
  return regions;
}

Cell make_cell(const CanonicalMap& map, const CellTemplate& faces, const Box& box,
               std::vector<Word> region) {
  const Index m = map.n_states();
  const Index n = faces.size();
  Cell cell;
  for (Index f = 0; f < n; ++f) {
    const auto [low, high] =
        f < m ? std::pair(box.lower(f), box.upper(f)) : range(faces.rows.row(f).data(), box);
    cell.lower.push_back(low);
    cell.upper.push_back(high);
  }
  for (Index i = 0; i < map.n_units(); ++i) {
    const CellTemplate::Border& border = faces.borders[static_cast<std::size_t>(i)];
    if (border.row < 0) continue;
    const bool on = get_bit(region.data(), i);
    const double bound = on ? border.on_bound : border.off_bound;
    double& side =
        (on == border.on_above ? cell.lower : cell.upper)[static_cast<std::size_t>(border.row)];
    side = on == border.on_above ? std::max(side, bound) : std::min(side, bound);
  }
  // |T F(z) - (image z + offset)| is at most a multiple of the roundoff times the same expression
  // with absolute values everywhere.
  Matrix slope = map.a().cwiseAbs();
  Vector constant = map.h1().cwiseAbs();
  double n_on = 0.0;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(region.data(), i)) continue;
    slope += map.w1().col(i).cwiseAbs() * map.w2().row(i).cwiseAbs();
    constant += map.w1().col(i).cwiseAbs() * std::abs(map.h2()(i));
    n_on += 1.0;
  }
  const Vector size = box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs());
  const Vector magnitude = faces.rows.cwiseAbs() * (slope * size + constant);
  // J and c are sums of n_on + 1 products; M products with T, and M with z.
  const auto n_states = static_cast<double>(m);
  const double unit = gamma_of(2.0 * n_states + n_on + 4.0);
  // What J, c and then their images lose to underflow is multiplied by T and z.
  const double reach = size.sum() + 1.0;
  const Vector lost = (faces.rows.cwiseAbs().rowwise().sum().array() * underflow(n_on + 4.0) +
                       underflow(2.0 * n_states + 4.0)) *
                      (reach * kOutward);
  cell.image = faces.rows * map.jacobian(region.data());
  const Vector offset = faces.rows * map.offset(region.data());
  cell.image_offset.assign(offset.begin(), offset.end());
  for (Index f = 0; f < n; ++f) {
    cell.image_error.push_back((unit * magnitude(f) + lost(f)) * kOutward);
  }
  cell.region = std::move(region);
  return cell;
}

}  // namespace rnndyn

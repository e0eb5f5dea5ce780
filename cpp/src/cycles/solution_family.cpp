#include "cycles/solution_family.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>
#include <vector>

#include "linear_algebra/balls.hpp"
#include "rnndyn/linear_program.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Pivots below this fraction of the largest belong to the equations that are left out.
constexpr double kSmallPivot = 1e-9;
constexpr Index kMostParameters = 4;

double up(double x) { return x + (2.0 * kUnitRoundoff * std::abs(x) + kUnderflow); }
double down(double x) { return -up(-x); }

// [J | c] of a region.
BallMatrix piece(const CanonicalMap& map, const Word* region) {
  const Index m = map.n_states();
  BallMatrix result = exactly(Matrix(m, m + 1));
  result.mid << map.a(), map.h1();
  const Matrix given = result.mid.cwiseAbs();
  double n_terms = 1.0;
  for (Index i = 0; i < map.n_units(); ++i) {
    if (!get_bit(region, i)) continue;
    ++n_terms;
    const auto w = map.w1().col(i);
    for (Index j = 0; j <= m; ++j) {
      const double factor = j == m ? map.h2()(i) : map.w2()(i, j);
      if (factor == 0.0) continue;
      result.mid.col(j) += factor * w;
      for (Index r = 0; r < m; ++r) {
        if (w(r) != 0.0) result.radius(r, j) += std::abs(factor * w(r)) + kLeastRadius;
      }
    }
  }
  const double unit = gamma(n_terms + 2.0) * kOutward;
  for (Index i = 0; i < result.radius.size(); ++i) {
    double& radius = result.radius.data()[i];
    if (radius != 0.0) radius = unit * (given.data()[i] + radius) + kLeastRadius;
  }
  return result;
}

// [J | c] of a step after [P | q].
BallMatrix after(const BallMatrix& step, const BallMatrix& before) {
  const Index m = step.rows();
  BallMatrix result = BallMatrix{step.mid.leftCols(m), step.radius.leftCols(m)} * before;
  const BallMatrix last{result.mid.col(m), result.radius.col(m)};
  const BallMatrix moved = last + BallMatrix{step.mid.col(m), step.radius.col(m)};
  result.mid.col(m) = moved.mid;
  result.radius.col(m) = moved.radius;
  return result;
}

// Forms (1, a) in the parameters a, one in a row, that are not negative.
class Forms {
 public:
  explicit Forms(Index n_parameters) : n_parameters_(n_parameters) {}

  void add(const BallMatrix& forms, Index row, double sign) {
    mid_.emplace_back(sign * forms.mid.row(row));
    radius_.emplace_back(forms.radius.row(row));
  }

  // Whether certainly no parameters make all of them nonnegative.
  bool exclude_all(Control* control) const {
    if (n_parameters_ == 1) return exclude_line();
    // Those that know nothing of one of the parameters may be enough, and are easier to tell.
    for (Index j = 1; j <= n_parameters_; ++j) {
      if (without(j).exclude_all(control)) return true;
    }
    return exclude_by_sum(control);
  }

 private:
  Forms without(Index parameter) const {
    Forms others(n_parameters_ - 1);
    std::vector<Index> rest(static_cast<std::size_t>(n_parameters_ + 1));
    std::iota(rest.begin(), rest.end(), Index{0});
    rest.erase(rest.begin() + parameter);
    for (std::size_t i = 0; i < mid_.size(); ++i) {
      if (mid_[i](parameter) != 0.0 || radius_[i](parameter) != 0.0) continue;
      others.mid_.emplace_back(mid_[i](rest));
      others.radius_.emplace_back(radius_[i](rest));
    }
    return others;
  }

  // Each of them leaves a half-line, or, where its slope may have either sign or none, what is far
  // from zero.
  bool exclude_line() const {
    double lowest = -kInfinity, highest = kInfinity, nearest = 0.0;
    for (std::size_t i = 0; i < mid_.size(); ++i) {
      const double constant = up(mid_[i](0) + radius_[i](0));  // at most
      const double slope = mid_[i](1), radius = radius_[i](1);
      const double steepest = up(std::abs(slope) + radius);
      const double flattest = down(std::abs(slope) - radius);
      if (flattest > 0.0) {
        // constant + slope a >= 0.
        const double reach = constant / (constant >= 0.0 ? flattest : steepest);
        if (slope > 0.0) {
          lowest = std::max(lowest, -up(reach));
        } else {
          highest = std::min(highest, up(reach));
        }
      } else if (constant < 0.0) {
        if (slope == 0.0 && radius == 0.0) return true;
        nearest = std::max(nearest, down(-constant / steepest));
      }
    }
    return lowest > highest || (lowest > -nearest && highest < nearest);
  }

  // A sum of forms with positive weights in which the parameters cancel and that is negative
  // (Farkas). Linear programming says which; the weights are the solution of a linear system, which
  // is enclosed.
  bool exclude_by_sum(Control* control) const {
    std::vector<std::size_t> sloping;
    for (std::size_t i = 0; i < mid_.size(); ++i) {
      const auto slopes = mid_[i].tail(n_parameters_).cwiseAbs();
      if ((slopes.array() > radius_[i].tail(n_parameters_).array()).any()) sloping.push_back(i);
    }
    const Index n = n_parameters_ + 1;
    if (static_cast<Index>(sloping.size()) < n) return false;
    const auto n_rows = static_cast<Index>(sloping.size());
    Matrix g(n_rows, n_parameters_);
    Vector b(n_rows);
    for (Index r = 0; r < n_rows; ++r) {
      g.row(r) = -mid_[sloping[static_cast<std::size_t>(r)]].tail(n_parameters_);
      b(r) = mid_[sloping[static_cast<std::size_t>(r)]](0);
    }
    const LinearProgramResult deepest = deepest_point(g, b, 1.0 + b.cwiseAbs().maxCoeff(), control);
    if (!(deepest.value < 0.0)) return false;
    const Vector lengths = g.rowwise().norm();
    const Vector slack =
        ((b - g * deepest.point - deepest.value * lengths).array() / lengths.array()).matrix();
    std::vector<Index> tight(static_cast<std::size_t>(n_rows));
    std::iota(tight.begin(), tight.end(), Index{0});
    std::partial_sort(tight.begin(), tight.begin() + n, tight.end(),
                      [&](Index i, Index j) { return slack(i) < slack(j); });
    BallMatrix equations = exactly(Matrix::Zero(n, n));
    BallMatrix constants = exactly(Matrix::Zero(1, n));
    for (Index c = 0; c < n; ++c) {
      const std::size_t form =
          sloping[static_cast<std::size_t>(tight[static_cast<std::size_t>(c)])];
      equations.mid.col(c) = mid_[form].transpose();
      equations.radius.col(c) = radius_[form].transpose();
      constants.mid(c) = mid_[form](0);
      constants.radius(c) = radius_[form](0);
      // In the place of its constant: the weights sum to one, each measured by its form's length.
      equations.mid(0, c) = lengths(tight[static_cast<std::size_t>(c)]);
      equations.radius(0, c) = 0.0;
    }
    const auto weights = solved(equations, exactly(Vector::Unit(n, 0)));
    if (!weights) return false;
    if (!((weights->mid - weights->radius).minCoeff() > 0.0)) return false;
    const BallMatrix sum = constants * *weights;
    return up(sum.mid(0) + sum.radius(0)) < 0.0;
  }

  Index n_parameters_;
  std::vector<Eigen::RowVectorXd> mid_, radius_;
};

// The solutions z_0 of all but some equations of a z_0 = right, as forms (1, a); and what the
// equations that were left out say: forms that vanish.
struct Family {
  BallMatrix start, left_out;
};

std::optional<Family> family_of(const BallMatrix& a, const BallMatrix& right) {
  const Index m = a.rows();
  if (!a.mid.allFinite() || !right.mid.allFinite()) return std::nullopt;
  const Eigen::FullPivLU<Matrix> lu(a.mid);
  const Vector pivots = lu.matrixLU().diagonal().cwiseAbs();
  Index n = m;
  while (n > 0 && (n == m || pivots(n - 1) <= kSmallPivot * pivots(0))) --n;
  if (m - n > kMostParameters) return std::nullopt;
  std::vector<Index> rows(static_cast<std::size_t>(m)), columns(rows.size());
  for (Index i = 0; i < m; ++i) {
    rows[static_cast<std::size_t>(lu.permutationP().indices()(i))] = i;
    columns[static_cast<std::size_t>(i)] = lu.permutationQ().indices()(i);
  }
  const std::vector<Index> kept(rows.begin(), rows.begin() + n);
  const std::vector<Index> dropped(rows.begin() + n, rows.end());
  const std::vector<Index> solved_for(columns.begin(), columns.begin() + n);
  const std::vector<Index> parameters(columns.begin() + n, columns.end());
  const Index d = m - n;

  // [right | - columns of the parameters] of some rows.
  const auto given = [&](const std::vector<Index>& some) {
    const BallMatrix constants = picked(right, some, {0});
    const BallMatrix slopes = picked(a, some, parameters);
    BallMatrix result = exactly(Matrix(constants.rows(), 1 + d));
    result.mid << constants.mid, -slopes.mid;
    result.radius.resize(constants.rows(), 1 + d);
    result.radius << constants.radius, slopes.radius;
    return result;
  };
  const auto inner = solved(picked(a, kept, solved_for), given(kept));
  if (!inner) return std::nullopt;
  Family family{exactly(Matrix::Zero(m, 1 + d)), {}};
  for (Index i = 0; i < n; ++i) {
    family.start.mid.row(solved_for[static_cast<std::size_t>(i)]) = inner->mid.row(i);
    family.start.radius.row(solved_for[static_cast<std::size_t>(i)]) = inner->radius.row(i);
  }
  for (Index j = 0; j < d; ++j) {
    family.start.mid(parameters[static_cast<std::size_t>(j)], 1 + j) = 1.0;
  }
  family.left_out = given(dropped) - picked(a, dropped, solved_for) * *inner;
  return family;
}

}  // namespace

bool refuted_as_family(const CanonicalMap& map, const Itinerary& itinerary, Control* control) {
  const Index m = map.n_states();
  Looks looks(control);
  const auto size = static_cast<double>(m);
  std::vector<BallMatrix> reached;  // [P | q] before each step
  BallMatrix now = exactly(Matrix::Identity(m, m + 1));
  for (Index t = 0; t < itinerary.order; ++t) {
    reached.push_back(now);
    now = t == 0 ? piece(map, itinerary.at(t)) : after(piece(map, itinerary.at(t)), now);
    looks.after(8.0 * size * size * (size + static_cast<double>(map.n_units())));
    if (!now.mid.allFinite() || !now.radius.allFinite()) return false;
  }
  const BallMatrix around{now.mid.leftCols(m), now.radius.leftCols(m)};
  const auto family =
      family_of(exactly(Matrix::Identity(m, m)) - around, {now.mid.col(m), now.radius.col(m)});
  if (!family) return false;

  const Index d = family->start.cols() - 1;
  Forms forms(d);
  for (Index r = 0; r < family->left_out.rows(); ++r) {
    forms.add(family->left_out, r, 1.0);
    forms.add(family->left_out, r, -1.0);
  }
  const BallMatrix w2 = exactly(map.w2());
  BallMatrix constants = exactly(Matrix::Zero(map.n_units(), 1 + d));
  constants.mid.col(0) = map.h2();
  for (Index t = 0; t < itinerary.order; ++t) {
    BallMatrix z = family->start;
    if (t > 0) {
      const BallMatrix& before = reached[static_cast<std::size_t>(t)];
      BallMatrix offset = exactly(Matrix::Zero(m, 1 + d));
      offset.mid.col(0) = before.mid.col(m);
      offset.radius.col(0) = before.radius.col(m);
      z = BallMatrix{before.mid.leftCols(m), before.radius.leftCols(m)} * z + offset;
    }
    const BallMatrix p = map.w2_is_identity() ? z : w2 * z + constants;
    for (Index i = 0; i < map.n_units(); ++i) {
      if (!get_bit(map.relevant_units().data(), i)) continue;
      forms.add(p, i, get_bit(itinerary.at(t), i) ? 1.0 : -1.0);
    }
  }
  return forms.exclude_all(control);
}

}  // namespace rnndyn

#include "manifolds/polytope.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/linear_program.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// A set whose inscribed ball is smaller than this, in units of the size of its points, cannot be
// told from none.
constexpr double kThinnest = 1e-11;
// An inequality that a point fulfils by less than this, in units of the size of the point, may just
// as well not hold.
constexpr double kRounding = 1e-14;
// Equations whose directions differ by less than this depend on each other, and an inequality of
// length 1 that changes by less than this within the equations is a constant there.
constexpr double kParallel = 1e-11;
// What an inequality must cut off, in units of the size of its value, not to be redundant.
constexpr double kCut = 1e-11;

// The inequalities in the coordinates of a frame, rows of length 1; `which` are their numbers.
struct Reduced {
  Matrix normals;
  Vector values;
  Vector lengths;
  std::vector<Index> which;
};

struct Deepest {
  double radius;
  Vector point;        // coordinates in the frame
  Vector multipliers;  // of the reduced rows
};

Deepest deepest_on_a_line(const Reduced& reduced, double cap) {
  double lowest = -std::numeric_limits<double>::infinity();
  double highest = std::numeric_limits<double>::infinity();
  Index low = -1;
  Index high = -1;
  for (Index i = 0; i < reduced.values.size(); ++i) {
    const double at = reduced.values(i) / reduced.normals(i, 0);
    if (reduced.normals(i, 0) > 0.0 && at < highest) {
      highest = at;
      high = i;
    } else if (reduced.normals(i, 0) < 0.0 && at > lowest) {
      lowest = at;
      low = i;
    }
  }
  Deepest deepest{cap, Vector::Zero(1), Vector::Zero(reduced.values.size())};
  if (low >= 0 && high >= 0) {
    deepest.radius = std::min(cap, 0.5 * (highest - lowest));
    deepest.point(0) = lowest + 0.5 * (highest - lowest);
    deepest.multipliers(low) = deepest.multipliers(high) = 0.5;
  } else if (low >= 0) {
    deepest.point(0) = lowest + cap;
  } else if (high >= 0) {
    deepest.point(0) = highest - cap;
  }
  return deepest;
}

Deepest deepest_of(const Reduced& reduced, Index dimension, double cap, Control* control) {
  if (dimension == 0 || reduced.values.size() == 0) {
    return {cap, Vector::Zero(dimension), Vector::Zero(reduced.values.size())};
  }
  if (dimension == 1) return deepest_on_a_line(reduced, cap);
  LinearProgramResult found = deepest_point(reduced.normals, reduced.values, cap, control);
  return {found.value, std::move(found.point), std::move(found.multipliers)};
}

// The first of the rows that a ray from 0 meets; -1 for none. All values are positive.
Index first_hit(const Matrix& normals, const Vector& values, const Vector& direction) {
  const Vector slopes = normals * direction;
  Index first = -1;
  double nearest = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < values.size(); ++i) {
    if (slopes(i) > 0.0 && values(i) / slopes(i) < nearest) {
      nearest = values(i) / slopes(i);
      first = i;
    }
  }
  return first;
}

// The rows that matter of { normals y <= values } with values > 0, ascending (Clarkson, FOCS 1994:
// each linear program has only rows known to matter, and brings one more or proves a row to be
// redundant).
std::vector<Index> irredundant(const Matrix& normals, const Vector& values, Control* control) {
  const Index n = values.size();
  std::vector<char> matters(static_cast<std::size_t>(n), 0);
  std::vector<Index> known;
  const auto keep = [&](Index i) {
    if (i < 0 || matters[static_cast<std::size_t>(i)] != 0) return false;
    matters[static_cast<std::size_t>(i)] = 1;
    known.push_back(i);
    return true;
  };
  for (Index i = 0; i < n; ++i) keep(first_hit(normals, values, normals.row(i).transpose()));
  // On a line these are all.
  for (Index i = 0; normals.cols() > 1 && i < n; ++i) {
    while (matters[static_cast<std::size_t>(i)] == 0) {
      const auto n_known = static_cast<Index>(known.size());
      Matrix g(n_known + 1, normals.cols());
      Vector b(n_known + 1);
      for (Index k = 0; k < n_known; ++k) {
        g.row(k) = normals.row(known[static_cast<std::size_t>(k)]);
        b(k) = values(known[static_cast<std::size_t>(k)]);
      }
      g.row(n_known) = normals.row(i);
      b(n_known) = values(i) + std::max(1.0, values(i));
      const LinearProgramResult most = maximize(normals.row(i).transpose(), g, b, control);
      if (most.bounded && most.value <= values(i) + kCut * (1.0 + values(i))) break;
      if (!keep(first_hit(normals, values, most.point))) keep(i);
    }
  }
  std::sort(known.begin(), known.end());
  return known;
}

Reduced reduced_to(const Frame& frame, const Rows& rows) {
  const Matrix normals = rows.normals * frame.basis;
  const Vector values = rows.values - rows.normals * frame.origin;
  Reduced reduced;
  for (Index i = 0; i < rows.size(); ++i) {
    if (normals.cols() > 0 && normals.row(i).norm() > kParallel) reduced.which.push_back(i);
  }
  const auto n = static_cast<Index>(reduced.which.size());
  reduced.normals.resize(n, normals.cols());
  reduced.values.resize(n);
  reduced.lengths.resize(n);
  for (Index k = 0; k < n; ++k) {
    const Index i = reduced.which[static_cast<std::size_t>(k)];
    reduced.lengths(k) = normals.row(i).norm();
    reduced.normals.row(k) = normals.row(i) / reduced.lengths(k);
    reduced.values(k) = values(i) / reduced.lengths(k);
  }
  return reduced;
}

// What the inequalities that are constant within the equations say.
Contents constants(const Polytope& polytope, const Frame& frame, const Reduced& reduced,
                   const Vector& reach) {
  const Rows& rows = polytope.inequalities;
  std::size_t next = 0;
  for (Index i = 0; i < rows.size(); ++i) {
    if (next < reduced.which.size() && reduced.which[next] == i) {
      ++next;
      continue;
    }
    const double left = rows.values(i) - rows.normals.row(i).dot(frame.origin);
    const double scale = 1.0 + frame.origin.cwiseAbs().maxCoeff();
    if (left > kThinnest * scale) continue;
    const bool empty = proves_empty(polytope, Vector::Unit(rows.size(), i), reach);
    return empty ? Contents::none : Contents::undecided;
  }
  return Contents::some;
}

}  // namespace

Frame frame_of(const Rows& equations) {
  const Index m = equations.normals.cols();
  const Index r = equations.size();
  if (r == 0) return {Vector::Zero(m), Matrix::Identity(m, m)};
  const Eigen::HouseholderQR<Matrix> qr(equations.normals.transpose());
  const Matrix q = qr.householderQ() * Matrix::Identity(m, m);
  return {equations.normals.transpose() * equations.values, q.rightCols(m - r)};
}

Contents orthonormalize(Rows& equations, const Vector& reach) {
  normalize(equations, reach);
  const Index r = equations.size();
  if (r == 0) return Contents::some;
  const dense::Svd svd =
      dense::svd(dense::product_transposed(equations.normals, equations.normals));
  const double smallest = svd.values(r - 1);
  if (!(smallest > kParallel)) {
    // The combination with the smallest normal: its value must be as small.
    const Rows last = combined(svd.u.col(r - 1).transpose(), equations, reach);
    const double possible = last.normals.row(0).cwiseAbs().dot(reach) + last.errors(0);
    return std::abs(last.values(0)) > kOutward * possible ? Contents::none : Contents::undecided;
  }
  if (r == 1) return Contents::some;
  const Matrix inverse_roots =
      svd.values.cwiseSqrt().cwiseInverse().asDiagonal() * svd.u.transpose();
  equations = combined(inverse_roots, equations, reach);
  return Contents::some;
}

bool proves_empty(const Polytope& polytope, const Vector& multipliers, const Vector& reach) {
  const Rows& g = polytope.inequalities;
  const Rows& e = polytope.equations;
  const Vector weights = multipliers.cwiseMax(0.0);
  const Vector sum = g.normals.transpose() * weights;
  const Vector fitted = -(e.normals * sum);
  const Vector rest = sum + e.normals.transpose() * fitted;
  const double gap = g.values.dot(weights) + e.values.dot(fitted);
  const Vector size = fitted.cwiseAbs();
  const double rows_error = weights.dot(g.errors) + size.dot(e.errors);
  const double terms = weights.dot(g.normals.cwiseAbs() * reach + g.values.cwiseAbs()) +
                       size.dot(e.normals.cwiseAbs() * reach + e.values.cwiseAbs());
  const double rounding = gamma(static_cast<double>(g.size() + e.size() + reach.size() + 8));
  return gap + kOutward * (rest.cwiseAbs().dot(reach) + rows_error + 2.0 * rounding * terms) < 0.0;
}

Contents settle(Polytope& polytope, const Vector& reach, Control* control) {
  const Frame frame = frame_of(polytope.equations);
  normalize(polytope.inequalities, reach);
  const Reduced reduced = reduced_to(frame, polytope.inequalities);
  const Contents constant = constants(polytope, frame, reduced, reach);
  if (constant != Contents::some) return constant;
  const double scale = 1.0 + frame.origin.cwiseAbs().maxCoeff();
  const Index dimension = frame.basis.cols();
  const Deepest deepest = deepest_of(reduced, dimension, scale, control);
  polytope.interior = frame.origin + frame.basis * deepest.point;
  polytope.radius = deepest.radius;
  const double size = 1.0 + polytope.interior.cwiseAbs().maxCoeff();
  // Inequalities that are nearly parallel to the equations make a little room look large.
  const Vector around = reduced.values - reduced.normals * deepest.point;
  const bool doubtful = (around.cwiseProduct(reduced.lengths).array() < kRounding * size).any();
  if (doubtful || !(deepest.radius > kThinnest * size)) {
    Vector multipliers = Vector::Zero(polytope.inequalities.size());
    for (std::size_t k = 0; k < reduced.which.size(); ++k) {
      const auto row = static_cast<Index>(k);
      multipliers(reduced.which[k]) = deepest.multipliers(row) / reduced.lengths(row);
    }
    const bool empty = proves_empty(polytope, multipliers, reach);
    return empty ? Contents::none : Contents::undecided;
  }
  std::vector<Index> kept;
  for (const Index k : irredundant(reduced.normals, around, control)) {
    kept.push_back(reduced.which[static_cast<std::size_t>(k)]);
  }
  polytope.inequalities = chosen(polytope.inequalities, kept);
  // Pulled back again and again, normals turn to the equations, in whose directions the map
  // expands, until rounding leaves nothing of where in the set they cut.
  project(polytope.inequalities, polytope.equations, reach);
  normalize(polytope.inequalities, reach);
  return Contents::some;
}

bool redundant_for(const Polytope& polytope, const Eigen::RowVectorXd& normal, double value,
                   Control* control) {
  const Frame frame = frame_of(polytope.equations);
  const Vector direction = frame.basis.transpose() * normal.transpose();
  const double room = value - normal.dot(polytope.interior);
  if (direction.size() == 0 || direction.norm() <= kParallel) return room > 0.0;
  const Matrix g = polytope.inequalities.normals * frame.basis;
  const Vector b =
      (polytope.inequalities.values - polytope.inequalities.normals * polytope.interior)
          .cwiseMax(0.0);
  const LinearProgramResult most = maximize(direction, g, b, control);
  return most.bounded && most.value <= room + kCut * (1.0 + std::abs(value));
}

}  // namespace rnndyn

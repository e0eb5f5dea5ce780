#include "manifolds/local_sets.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "linear_algebra/decompositions.hpp"
#include "manifolds/images.hpp"
#include "rnndyn/linear_program.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr int kMostRounds = 20'000;
// Change of a subspace from one round to the next that is nothing but rounding.
constexpr double kSettled = 4e-15;
// The error of a subspace is that of a round, M roundoffs, over 1 - ratio of the multipliers on the
// two sides of the unit circle. The number of rounds is about 35 / (1 - ratio).
constexpr double kErrorPerRound = 1e-15;

// For each point of the cycle an orthonormal basis, as columns.
struct Subspaces {
  std::vector<Matrix> at;
  double error = 0.0;  // of their entries, estimated
  bool settled = true;
};

Matrix orthonormal_columns(const Matrix& columns) {
  const Eigen::HouseholderQR<Matrix> qr(columns);
  return qr.householderQ() * Matrix::Identity(columns.rows(), columns.cols());
}

// An orthonormal basis of the vectors orthogonal to orthonormal columns.
Matrix complement(const Matrix& columns) {
  const Index m = columns.rows();
  if (columns.cols() == 0) return Matrix::Identity(m, m);
  const Eigen::HouseholderQR<Matrix> qr(columns);
  const Matrix q = qr.householderQ() * Matrix::Identity(m, m);
  return q.rightCols(m - columns.cols());
}

// The subspaces in which the map expands, around the cycle, by orthogonal iteration: no product of
// Jacobians is formed, so long cycles do not overflow. Transposed: the left invariant ones, whose
// orthogonal complements are those in which the map contracts.
Subspaces expanding(const std::vector<AffineStep>& around, Index n_directions, bool transposed,
                    Control* control) {
  const auto k = static_cast<Index>(around.size());
  const Index m = around.front().jacobian.rows();
  Subspaces found;
  found.at.assign(around.size(), Matrix::Identity(m, n_directions));
  if (n_directions == 0 || n_directions == m) return found;
  // A start that is orthogonal to no invariant subspace that anybody writes down.
  Matrix start(m, n_directions);
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < n_directions; ++j) {
      start(i, j) = (i == j ? 1.0 : 0.0) + 0.3 * std::sin(1.7 * static_cast<double>(i + 1) +
                                                          2.3 * static_cast<double>(j * m));
    }
  }
  found.at.assign(around.size(), orthonormal_columns(start));
  Looks looks(control);
  for (int round = 0; round < kMostRounds; ++round) {
    double change = 0.0;
    for (Index step = 0; step < k; ++step) {
      const Index t = transposed ? k - 1 - step : step;
      const auto from = static_cast<std::size_t>(transposed ? (t + 1) % k : t);
      const auto to = static_cast<std::size_t>(transposed ? t : (t + 1) % k);
      const Matrix& jacobian = around[static_cast<std::size_t>(t)].jacobian;
      const Matrix image = transposed ? Matrix(jacobian.transpose() * found.at[from])
                                      : Matrix(jacobian * found.at[from]);
      const Matrix next = orthonormal_columns(image);
      const Matrix& before = found.at[to];
      change = std::max(change, (next - before * (before.transpose() * next)).norm());
      found.at[to] = next;
      looks.after(4.0 * static_cast<double>(m * m * n_directions));
    }
    found.error = kErrorPerRound * (10.0 + static_cast<double>(round));
    if (change <= kSettled * std::sqrt(static_cast<double>(m * n_directions))) return found;
  }
  found.settled = false;
  return found;
}

Rows equations_at(const Matrix& normals, const Vector& point) {
  Rows rows(point.size(), normals.cols());
  rows.normals = normals.transpose();
  rows.values = rows.normals * point;
  return rows;
}

// How far a settled set reaches from a point of it, in every coordinate.
Vector extent(const Polytope& set, const Vector& point, const Vector& reach, Control* control) {
  const Frame frame = frame_of(set.equations);
  const Matrix g = set.inequalities.normals * frame.basis;
  const Vector room = (set.inequalities.values - set.inequalities.normals * point).cwiseMax(0.0);
  Vector furthest = Vector::Zero(point.size());
  for (Index i = 0; frame.basis.cols() > 0 && i < point.size(); ++i) {
    for (const double sign : {-1.0, 1.0}) {
      const Vector objective = sign * frame.basis.row(i).transpose();
      const LinearProgramResult most = maximize(objective, g, room, control);
      furthest(i) = std::max(furthest(i), most.bounded ? most.value : 2.0 * reach(i));
    }
  }
  return furthest;
}

// Whether the point is inside by more than its error.
bool is_inside(const Rows& border, const Vector& point, double error_bound) {
  const Vector room = border.values - border.normals * point;
  const Vector error = border.normals.cwiseAbs().rowwise().sum() * error_bound;
  return border.size() == 0 || (room - error).minCoeff() > 0.0;
}

// Adds the rows to the set that cut something off; false where there are none.
bool cut(Polytope& set, Rows rows, const Vector& reach, Control* control) {
  normalize(rows, reach);
  std::vector<Index> cutting;
  for (Index i = 0; i < rows.size(); ++i) {
    if (!redundant_for(set, rows.normals.row(i), rows.values(i), control)) cutting.push_back(i);
  }
  if (cutting.empty()) return false;
  set.inequalities = joined(set.inequalities, chosen(rows, cutting));
  settle(set, reach, control);
  return true;
}

// How many steps it takes at most until no vector in the contracting subspaces is longer than it
// was, whatever point of the cycle it begins at; a multiple of the order.
Index steps_to_contract(const std::vector<AffineStep>& around, const std::vector<Frame>& frames,
                        Control* control) {
  const std::size_t k = around.size();
  const Index d = frames.front().basis.cols();
  std::vector<Matrix> turns;
  for (std::size_t t = 0; t < k; ++t) {
    Matrix turn = Matrix::Identity(d, d);
    for (std::size_t step = 0; step < k; ++step) {
      const std::size_t from = (t + step) % k;
      turn = frames[(from + 1) % k].basis.transpose() * around[from].jacobian * frames[from].basis *
             turn;
    }
    turns.push_back(turn);
  }
  std::vector<Matrix> powers = turns;
  Looks looks(control);
  for (Index n = 1; n < kMostRounds; ++n) {
    looks.after(2.0 * static_cast<double>(d * d * d) * static_cast<double>(k));
    double longest = 0.0;
    for (const Matrix& power : powers) longest = std::max(longest, power.norm());
    if (longest <= 1.0) return n * static_cast<Index>(k);
    for (std::size_t t = 0; t < k; ++t) powers[t] = turns[t] * powers[t];
  }
  return 0;
}

// Adds to the sets what keeps orbits in the regions of the cycle for ever: conditions of more and
// more steps, until those of all later ones follow from the size of the sets, as the steps contract
// (a maximal output admissible set; Gilbert, Tan, IEEE TAC 36, 1991). False where they do not.
bool follow_for_ever(std::vector<Polytope>& sets, const std::vector<AffineStep>& around,
                     const Matrix& points, const Vector& reach, Control* control) {
  const std::size_t k = sets.size();
  std::vector<Frame> frames;
  std::vector<Rows> carried;
  std::vector<double> radii;
  for (std::size_t t = 0; t < k; ++t) {
    frames.push_back(frame_of(sets[t].equations));
    carried.push_back(around[t].border);
    radii.push_back(extent(sets[t], points.col(static_cast<Index>(t)), reach, control).norm());
  }
  if (frames.front().basis.cols() == 0) return true;
  const Index window = steps_to_contract(around, frames, control);
  if (window == 0) return false;
  for (Index step = 0, quiet = 0; quiet < window; ++step) {
    if (step > kMostRounds) return false;
    bool all_hold = true;
    std::vector<Rows> next(k);
    for (std::size_t t = 0; t < k; ++t) {
      const Vector point = points.col(static_cast<Index>(t));
      next[t] = pulled_back(carried[(t + 1) % k], around[t], reach);
      project(next[t], sets[t].equations, reach);
      const Vector room = next[t].values - next[t].normals * point;
      std::vector<Index> doubtful;
      for (Index i = 0; i < room.size(); ++i) {
        if (next[t].normals.row(i).norm() * radii[t] >= room(i)) doubtful.push_back(i);
      }
      if (doubtful.empty()) continue;
      all_hold = false;
      if (cut(sets[t], chosen(next[t], doubtful), reach, control)) {
        radii[t] = extent(sets[t], point, reach, control).norm();
      }
    }
    quiet = all_hold ? quiet + 1 : 0;
    carried = std::move(next);
  }
  return true;
}

}  // namespace

LocalSets local_sets(const std::vector<AffineStep>& around, const Matrix& points,
                     double error_bound, const ManifoldOptions& options, const Vector& reach,
                     Control* control) {
  const bool stable = options.kind == ManifoldKind::stable;
  const std::size_t k = around.size();
  LocalSets sets;
  const Subspaces subspaces = expanding(around, options.n_directions, stable, control);
  if (!subspaces.settled) {
    sets.refusal = ManifoldRefusal::no_gap;
    return sets;
  }
  const Rows box = box_rows(options.lower, options.upper);
  const double equation_error =
      subspaces.error * reach.sum() + error_bound * static_cast<double>(reach.size());
  for (std::size_t t = 0; t < k; ++t) {
    const Vector point = points.col(static_cast<Index>(t));
    if (!is_inside(around[t].border, point, error_bound)) {
      sets.refusal = ManifoldRefusal::on_border;
      return sets;
    }
    Polytope set;
    const Matrix normals = stable ? subspaces.at[t] : complement(subspaces.at[t]);
    set.equations = equations_at(normals, point);
    // What follows from them is as uncertain; at the end the errors are made finer.
    set.equations.errors.setConstant(equation_error);
    set.inequalities = joined(around[t].border, box);
    const bool inside = is_inside(box, point, error_bound);
    if (!inside || settle(set, reach, control) != Contents::some) {
      // A point that lies inside is proof that there is a set.
      sets.at.clear();
      sets.too_thin = inside;
      return sets;
    }
    sets.at.push_back(std::move(set));
  }
  if (stable) {
    if (!follow_for_ever(sets.at, around, points, reach, control)) {
      sets.refusal = ManifoldRefusal::no_gap;
      return sets;
    }
  }
  // Backwards in time the few directions of the unstable sets are stretched out of the regions, and
  // each set is what the one before it leaves.
  for (std::size_t unchanged = 0, step = 0; !stable && unchanged < k; ++step) {
    const std::size_t t = step % k;
    const std::size_t own = (t + 1) % k;
    Rows rows = pushed_forward(sets.at[t], around[t]).inequalities;
    unchanged = cut(sets.at[own], std::move(rows), reach, control) ? 0 : unchanged + 1;
  }
  // The states of the true set miss the equations by no more than the errors of the subspace, times
  // how far they are from the point, and of the point.
  for (std::size_t t = 0; t < k; ++t) {
    const Vector point = points.col(static_cast<Index>(t));
    Rows& rows = sets.at[t].equations;
    const double turned = subspaces.error * extent(sets.at[t], point, reach, control).sum();
    rows.errors = (rows.normals.cwiseAbs().rowwise().sum() * error_bound).array() + turned +
                  gamma(static_cast<double>(points.rows() + 2)) * point.cwiseAbs().sum();
  }
  return sets;
}

}  // namespace rnndyn

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "networks.hpp"
#include "proof/dictionary.hpp"
#include "rnndyn/linear_program.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

// lower <= (x, c + T x) <= upper: variables are numbered columns first.
struct System {
  Matrix t;
  Vector c, lower, upper;

  Index n_columns() const { return t.cols(); }
  Index n_rows() const { return t.rows(); }
  Index size() const { return n_columns() + n_rows(); }
  Vector variables(const Vector& x) const { return (Vector(size()) << x, c + t * x).finished(); }
  void fix(Index variable, double value) { lower(variable) = upper(variable) = value; }
};

System random_system(RandomStream& stream) {
  const Index n = 2 + static_cast<Index>(stream.below(5));
  const Index rows = 1 + static_cast<Index>(stream.below(9));
  System system{random_matrix(stream, rows, n), random_vector(stream, rows), {}, {}};
  const Vector middle = random_vector(stream, n + rows);
  const Vector width = random_vector(stream, n + rows).cwiseAbs();
  system.lower = middle - 1.5 * width;
  system.upper = middle + 1.5 * width;
  for (Index row = n; row < n + rows; ++row) {  // some have one bound only
    if (stream.below(3) == 0) system.upper(row) = kInfinite;
  }
  return system;
}

Dictionary dictionary_of(const System& system) {
  const Index n = system.n_columns();
  Dictionary dictionary(system.n_rows(), n, system.size());
  for (Index j = 0; j < n; ++j) {
    dictionary.set_column(j, static_cast<std::int32_t>(j), system.lower(j), system.upper(j));
  }
  for (Index i = 0; i < system.n_rows(); ++i) {
    dictionary.set_row(i, static_cast<std::int32_t>(n + i), system.lower(n + i),
                       system.upper(n + i), system.c(i));
    for (Index j = 0; j < n; ++j) dictionary.entry(i, j) = system.t(i, j);
  }
  return dictionary;
}

// How deep inside all bounds a point can be; negative where there is none.
double depth(const System& system) {
  Matrix all(system.size(), system.n_columns());
  all << Matrix::Identity(system.n_columns(), system.n_columns()), system.t;
  const Vector constant = system.variables(Vector::Zero(system.n_columns()));
  std::vector<Eigen::RowVectorXd> rows;
  std::vector<double> bounds;
  for (Index v = 0; v < system.size(); ++v) {
    if (std::isfinite(system.upper(v))) {
      rows.push_back(all.row(v));
      bounds.push_back(system.upper(v) - constant(v));
    }
    if (std::isfinite(system.lower(v))) {
      rows.push_back(-all.row(v));
      bounds.push_back(constant(v) - system.lower(v));
    }
  }
  Matrix g(static_cast<Index>(rows.size()), system.n_columns());
  for (Index r = 0; r < g.rows(); ++r) g.row(r) = rows[static_cast<std::size_t>(r)];
  return deepest_point(g, Eigen::Map<const Vector>(bounds.data(), g.rows()), 1.0).value;
}

// The values keep all bounds and equations.
void check_feasible(const System& system, const Dictionary& dictionary) {
  Vector x(system.n_columns());
  for (Index j = 0; j < x.size(); ++j) x(j) = dictionary.value(static_cast<std::int32_t>(j));
  const Vector all = system.variables(x);
  for (Index v = 0; v < all.size(); ++v) {
    CHECK(dictionary.value(static_cast<std::int32_t>(v)) ==
          doctest::Approx(all(v)).epsilon(1e-7).scale(1.0));
    CHECK(all(v) > system.lower(v) - 1e-6);
    CHECK(all(v) < system.upper(v) + 1e-6);
  }
}

// The row that is stuck is an equation between the variables in which its own cannot reach its
// bound, wherever the others are within theirs.
void check_infeasible(const System& system, const Dictionary& dictionary, RandomStream& stream) {
  const Index row = dictionary.infeasible_row();
  const double sign = dictionary.infeasible_above() ? -1.0 : 1.0;
  const auto rest = [&](const Vector& all) {
    double sum = all(dictionary.basic(row));
    for (Index c = 0; c < dictionary.n_columns(); ++c) {
      sum -= dictionary.entry(row, c) * all(dictionary.nonbasic(c));
    }
    return sum;
  };
  const double constant = rest(system.variables(Vector::Zero(system.n_columns())));
  CHECK(rest(system.variables(random_vector(stream, system.n_columns()))) ==
        doctest::Approx(constant).epsilon(1e-7).scale(1.0));
  double most = sign * constant;
  for (Index c = 0; c < dictionary.n_columns(); ++c) {
    const double factor = sign * dictionary.entry(row, c);
    const std::int32_t variable = dictionary.nonbasic(c);
    if (std::abs(factor) < 1e-12) continue;
    most += factor * (factor > 0.0 ? system.upper(variable) : system.lower(variable));
  }
  const std::int32_t stuck = dictionary.basic(row);
  CHECK(most < sign * (sign > 0.0 ? system.lower(stuck) : system.upper(stuck)));
}

struct Tally {
  int feasible = 0;
  int infeasible = 0;
};

// Compares what solve() says with the depth of the system; borderline cases say nothing.
void check_solved(const System& system, Dictionary& dictionary, RandomStream& stream,
                  Tally& tally) {
  const Dictionary::Kept kept(static_cast<std::size_t>(system.size()), 1);
  const Dictionary::Outcome outcome = dictionary.solve(kept);
  const double inside = depth(system);
  if (outcome == Dictionary::Outcome::feasible) {
    ++tally.feasible;
    CHECK(inside > -1e-6);
    check_feasible(system, dictionary);
  } else {
    REQUIRE(outcome == Dictionary::Outcome::infeasible);
    ++tally.infeasible;
    CHECK(inside < 1e-6);
    check_infeasible(system, dictionary, stream);
  }
}

}  // namespace

TEST_CASE("a dictionary is feasible where the linear program says so, else a row proves it") {
  Tally tally;
  for (std::uint64_t trial = 0; trial < 400; ++trial) {
    RandomStream stream(11, 0, trial);
    const System system = random_system(stream);
    Dictionary dictionary = dictionary_of(system);
    dictionary.start();
    check_solved(system, dictionary, stream, tally);
  }
  CHECK(tally.feasible > 50);
  CHECK(tally.infeasible > 50);
}

TEST_CASE("fixing variables one after the other") {
  Tally tally;
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    RandomStream stream(11, 1, trial);
    System system = random_system(stream);
    const Dictionary::Kept kept(static_cast<std::size_t>(system.size()), 1);
    Dictionary dictionary = dictionary_of(system);
    dictionary.start();
    for (int n = 0; n < 3 && dictionary.solve(kept) == Dictionary::Outcome::feasible; ++n) {
      const auto variable =
          static_cast<Index>(stream.below(static_cast<std::uint64_t>(system.size())));
      if (system.lower(variable) == system.upper(variable)) continue;
      const double upper = std::min(system.upper(variable), system.lower(variable) + 1.0);
      const double value =
          system.lower(variable) + stream.uniform() * (upper - system.lower(variable));
      system.fix(variable, value);
      dictionary.fix(static_cast<std::int32_t>(variable), value, kept);
      check_solved(system, dictionary, stream, tally);
    }
  }
  CHECK(tally.feasible > 50);
  CHECK(tally.infeasible > 50);
}

TEST_CASE("equations that are exchanged for columns before the start") {
  Tally tally;
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    RandomStream stream(11, 2, trial);
    System system = random_system(stream);
    const Index n = system.n_columns();
    system.fix(n, stream.normal());
    Dictionary dictionary = dictionary_of(system);
    dictionary.exchange(0, n - 1, system.lower(n));
    CHECK(dictionary.place(static_cast<std::int32_t>(n)) == -1 - (n - 1));
    CHECK(dictionary.place(static_cast<std::int32_t>(n - 1)) == 0);
    dictionary.start();
    check_solved(system, dictionary, stream, tally);
  }
  CHECK(tally.feasible > 20);
  CHECK(tally.infeasible > 20);
}

TEST_CASE("a row for the objective is feasible up to the optimum and not beyond") {
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    RandomStream stream(11, 3, trial);
    const Index n = 2 + static_cast<Index>(stream.below(3));
    const Index rows = 6;
    const Matrix g = random_matrix(stream, rows, n);
    const Vector b = random_vector(stream, rows).cwiseAbs();
    const Vector objective = random_vector(stream, n);
    // In the cube |x| <= 3, so that there is an optimum.
    Matrix bounded(rows + 2 * n, n);
    bounded << g, Matrix::Identity(n, n), -Matrix::Identity(n, n);
    const Vector most = (Vector(rows + 2 * n) << b, Vector::Constant(2 * n, 3.0)).finished();
    const double optimum = maximize(objective, bounded, most).value;
    for (const double beyond : {-1e-6, 1e-6}) {
      System system{Matrix(rows + 1, n), Vector::Zero(rows + 1), {}, {}};
      system.t << g, objective.transpose();
      system.lower = Vector::Constant(n + rows + 1, -kInfinite);
      system.lower.head(n).setConstant(-3.0);
      system.lower(n + rows) = optimum + beyond;
      system.upper = (Vector(n + rows + 1) << Vector::Constant(n, 3.0), b, kInfinite).finished();
      Dictionary dictionary = dictionary_of(system);
      dictionary.start();
      const Dictionary::Kept kept(static_cast<std::size_t>(system.size()), 0);
      CHECK(dictionary.solve(kept) ==
            (beyond < 0.0 ? Dictionary::Outcome::feasible : Dictionary::Outcome::infeasible));
    }
  }
}

TEST_CASE("a copy goes the same way") {
  for (std::uint64_t trial = 0; trial < 50; ++trial) {
    RandomStream stream(11, 4, trial);
    const System system = random_system(stream);
    const Dictionary::Kept kept(static_cast<std::size_t>(system.size()), 1);
    Dictionary dictionary = dictionary_of(system);
    dictionary.start();
    Dictionary copy(1, 1, 1);
    dictionary.copy_to(copy);
    CHECK(copy.solve(kept) == dictionary.solve(kept));
    CHECK(copy.n_pivots() == dictionary.n_pivots());
    for (std::int32_t v = 0; v < static_cast<std::int32_t>(system.size()); ++v) {
      CHECK(copy.value(v) == dictionary.value(v));
    }
  }
}

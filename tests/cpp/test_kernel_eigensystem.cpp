#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "linear_algebra/decompositions.hpp"
#include "networks.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

using dense::Eigensystem;
using dense::eigensystem;

// What is found is of `scale`, a power of two, times a.
void check_against_vectors(const Matrix& a, double scale, double tolerance) {
  Eigensystem found = eigensystem(scale * a);
  found.values /= scale;
  const Eigen::EigenSolver<Matrix> solver(a);
  const Eigen::MatrixXcd right = solver.eigenvectors();
  const Eigen::MatrixXcd left = right.inverse();
  std::vector<char> taken(static_cast<std::size_t>(a.rows()), 0);
  for (Index i = 0; i < a.rows(); ++i) {
    Index nearest = -1;
    for (Index j = 0; j < a.rows(); ++j) {
      if (taken[static_cast<std::size_t>(j)] != 0) continue;
      const auto distance = [&](Index k) {
        return std::abs(solver.eigenvalues()(k) - found.values(i));
      };
      if (nearest < 0 || distance(j) < distance(nearest)) nearest = j;
    }
    taken[static_cast<std::size_t>(nearest)] = 1;
    const double condition = right.col(nearest).norm() * left.row(nearest).norm();
    CHECK(std::abs(solver.eigenvalues()(nearest) - found.values(i)) <=
          tolerance * a.norm() * condition);
    CHECK(std::abs(found.conditions(i) / condition - 1.0) < 1e-6);
  }
}

}  // namespace

TEST_CASE("eigenvalues and their condition numbers are those of other solvers") {
  // Sizes around those of packs, of columns side by side, and of reflections together.
  for (const Index n : {1, 2, 3, 4, 7, 8, 9, 15, 17, 18, 31, 33, 50, 65, 90}) {
    for (std::uint64_t trial = 0; trial < 4; ++trial) {
      RandomStream stream(31, static_cast<std::uint64_t>(n), trial);
      Matrix a = random_matrix(stream, n, n);
      if (trial == 1) a = 0.5 * (a + a.transpose()).eval();  // real eigenvalues
      if (trial == 2) {                                      // as it is from the beginning
        a = a.triangularView<Eigen::Upper>().toDenseMatrix() / static_cast<double>(n);
        a.diagonal() = Vector::LinSpaced(n, 1.0, static_cast<double>(n));
      }
      const double scale = trial == 3 ? 0x1p-700 : 1.0;  // squares of it underflow
      check_against_vectors(a, scale, 1e-13);
    }
  }
}

TEST_CASE("eigenvalues that are not simple have large condition numbers and no wrong values") {
  Matrix shift = Matrix::Zero(12, 12);
  for (Index i = 0; i + 1 < 12; ++i) shift(i, i + 1) = 1.0;
  Eigensystem found = eigensystem(shift);
  CHECK(found.values.cwiseAbs().maxCoeff() < 1e-300);
  CHECK(found.conditions.minCoeff() > 1e15);
  found = eigensystem(Matrix::Zero(5, 5));
  CHECK(found.values.isZero(0.0));
  CHECK((found.conditions.array() == 1.0).all());
  found = eigensystem(2.0 * Matrix::Identity(9, 9));
  CHECK((found.values.array() == 2.0).all());
  CHECK((found.conditions.array() == 1.0).all());
  // A permutation: all moduli are 1, where plain shifts would not move.
  Matrix cycle = Matrix::Zero(30, 30);
  for (Index i = 0; i < 30; ++i) cycle((i + 1) % 30, i) = 1.0;
  found = eigensystem(cycle);
  CHECK((found.values.cwiseAbs().array() - 1.0).abs().maxCoeff() < 1e-13);
  CHECK((found.conditions.array() - 1.0).abs().maxCoeff() < 1e-12);
}

TEST_CASE("a trace is the sum of eigenvalues however far apart they are") {
  for (std::uint64_t trial = 0; trial < 60; ++trial) {
    RandomStream stream(32, 0, trial);
    const auto n = 2 + static_cast<Index>(stream.below(40));
    Matrix a = random_matrix(stream, n, n);
    if (trial % 3 == 1) {
      for (double& x : a.reshaped()) x = std::pow(10.0, 3.0 * x);
    } else if (trial % 3 == 2) {
      for (double& x : a.reshaped()) x = std::round(x);
    }
    const Eigensystem found = eigensystem(a);
    CHECK(std::abs(found.values.sum() - a.trace()) <= 1e-12 * a.norm());
    CHECK(found.conditions.minCoeff() >= 1.0 - 1e-12);
  }
}

TEST_CASE("columns whose squares underflow are reflected all the same") {
  for (const double tiny : {1e-150, 1e-155, 1e-158, 1e-160, 1e-165, 1e-300, 1e-310}) {
    Matrix a(3, 3);
    a << 2.0, 1.0, 3.0, 2.0 * tiny, 5.0, 1.0, 3.0 * tiny, 0.5, 7.0;
    const Eigensystem found = eigensystem(a);
    std::vector<double> values;
    for (Index i = 0; i < 3; ++i) {
      CHECK(std::isfinite(found.conditions(i)));
      CHECK(found.values(i).imag() == 0.0);
      values.push_back(found.values(i).real());
    }
    std::sort(values.begin(), values.end());
    // Of the first entry and of the block below, up to `tiny`.
    CHECK(values[0] == doctest::Approx(2.0).epsilon(1e-13));
    CHECK(values[1] == doctest::Approx(6.0 - std::sqrt(1.5)).epsilon(1e-13));
    CHECK(values[2] == doctest::Approx(6.0 + std::sqrt(1.5)).epsilon(1e-13));
  }
}

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <vector>

#include "cycles/eigenvalues.hpp"
#include "networks.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// How far the matrix is, relative to its size, from one that has this eigenvalue.
double backward_error(const Matrix& matrix, std::complex<double> eigenvalue) {
  Eigen::MatrixXcd shifted = matrix.cast<std::complex<double>>();
  shifted.diagonal().array() -= eigenvalue;
  const Eigen::JacobiSVD<Eigen::MatrixXcd> svd(shifted);
  return svd.singularValues().tail<1>()(0) / std::max(matrix.norm(), 1e-300);
}

std::vector<std::complex<double>> eigenvalues_of(Matrix matrix) { return eigenvalues(matrix); }

void check(const Matrix& matrix) {
  const auto found = eigenvalues_of(matrix);
  REQUIRE(found.size() == static_cast<std::size_t>(matrix.rows()));
  std::complex<double> sum = 0.0;
  for (const auto& mu : found) {
    CHECK(backward_error(matrix, mu) < 1e-14);
    // Complex ones come in pairs.
    CHECK(std::count(found.begin(), found.end(), mu) ==
          std::count(found.begin(), found.end(), std::conj(mu)));
    sum += mu;
  }
  CHECK(std::abs(sum - matrix.trace()) <= 1e-13 * matrix.norm());
}

}  // namespace

TEST_CASE("eigenvalues are those of a matrix nearby") {
  for (std::uint64_t trial = 0; trial < 600; ++trial) {
    RandomStream stream(21, 0, trial);
    const auto m = 1 + static_cast<Index>(stream.below(12));
    Matrix matrix = random_matrix(stream, m, m);
    switch (trial % 6) {
      case 1:  // many orders of size
        for (double& x : matrix.reshaped()) x = std::pow(10.0, 4.0 * x);
        break;
      case 2:  // singular, with multiple eigenvalues
        matrix.leftCols((m + 1) / 2).setZero();
        break;
      case 3:  // small integers: exact zeros and multiple eigenvalues
        for (double& x : matrix.reshaped()) x = std::round(x);
        break;
      case 4:  // large above the diagonal
        for (Index c = 0; c < m; ++c) matrix.col(c).head(c) *= 1e6;
        break;
      default:
        break;
    }
    check(matrix);
  }
}

TEST_CASE("eigenvalues of matrices on which shifts can get stuck") {
  for (Index m = 2; m <= 12; ++m) {
    // A cyclic permutation: all of modulus one, and ordinary shifts change nothing.
    Matrix cyclic = Matrix::Zero(m, m);
    for (Index i = 0; i < m; ++i) cyclic((i + 1) % m, i) = 1.0;
    check(cyclic);
    for (const auto& mu : eigenvalues_of(cyclic)) CHECK(std::abs(std::abs(mu) - 1.0) < 1e-13);
    // A Jordan block.
    Matrix jordan = Matrix::Identity(m, m);
    for (Index i = 0; i + 1 < m; ++i) jordan(i, i + 1) = 1.0;
    for (const auto& mu : eigenvalues_of(jordan)) CHECK(mu == 1.0);
    check(Matrix::Zero(m, m));
  }
}

TEST_CASE("eigenvalues of two rows are those of the formula") {
  const auto found = eigenvalues_of((Matrix(2, 2) << 1.0, 1e8, 1e-9, 1.0).finished());
  const double root = std::sqrt(0.1);
  CHECK(std::abs(std::max(found[0].real(), found[1].real()) - (1.0 + root)) < 1e-14);
  CHECK(std::abs(std::min(found[0].real(), found[1].real()) - (1.0 - root)) < 1e-14);
}

#include <doctest/doctest.h>

#include <cmath>

#include "cycles/block_cyclic.hpp"
#include "networks.hpp"
#include "rnndyn/cycles.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

TEST_CASE("block cyclic elimination equals the dense solution") {
  for (std::uint64_t trial = 0; trial < 100; ++trial) {
    RandomStream stream(11, 0, trial);
    const auto m = 1 + static_cast<Index>(stream.below(4));
    const auto n = 1 + static_cast<Index>(stream.below(5));
    std::vector<Matrix> blocks;
    Matrix dense = Matrix::Zero(n * m, n * m);
    for (Index s = 0; s < n; ++s) {
      blocks.push_back(random_matrix(stream, m, m));
      dense.block(s * m, s * m, m, m) -= blocks.back();
      dense.block(s * m, ((s + 1) % n) * m, m, m) += Matrix::Identity(m, m);
    }
    const Matrix f = random_matrix(stream, n * m, 2);
    const Matrix expected = dense.fullPivLu().solve(f);
    CHECK((BlockCyclic(blocks).solve(f) - expected).norm() < 1e-9 * (1.0 + expected.norm()));
  }
}

template <int M>
void check_known_size(RandomStream& stream, Index n) {
  using Block = Eigen::Matrix<double, M, M>;
  std::vector<Block> blocks;
  std::vector<Matrix> same;
  for (Index s = 0; s < n; ++s) {
    same.push_back(10.0 * random_matrix(stream, M, M));  // expanding
    blocks.emplace_back(same.back());
  }
  const Matrix f = random_matrix(stream, n * M, 3);
  const Matrix expected = BlockCyclic(same).solve(f);
  const Matrix found = BasicBlockCyclic<M>(blocks).solve(f);
  CHECK((found - expected).norm() < 1e-9 * expected.norm());
  for (Index s = 0; s < n; ++s) {
    const Index next = (s + 1) % n;
    const Matrix residual = found.middleRows(next * M, M) -
                            same[static_cast<std::size_t>(s)] * found.middleRows(s * M, M) -
                            f.middleRows(s * M, M);
    CHECK(residual.norm() < 1e-10 * (1.0 + found.norm()));
  }
}

TEST_CASE("blocks of a size known to the compiler give the same solution") {
  for (std::uint64_t trial = 0; trial < 50; ++trial) {
    RandomStream stream(12, 0, trial);
    const auto n = 1 + static_cast<Index>(stream.below(30));
    check_known_size<1>(stream, n);
    check_known_size<2>(stream, n);
    check_known_size<3>(stream, n);
  }
}

TEST_CASE("a singular closing system gives infinities, whether its size is known or not") {
  // The second direction comes back unchanged.
  Eigen::Matrix2d turn;
  turn << 3.0, 1.0, 0.0, 1.0;
  for (const int n : {1, 2, 7}) {
    const std::vector<Eigen::Matrix2d> blocks(static_cast<std::size_t>(n), turn);
    const BasicBlockCyclic<2> known(blocks);
    const BlockCyclic unknown({blocks.begin(), blocks.end()});
    const Matrix f = Matrix::Ones(2 * n, 1);
    CHECK(std::isinf(known.solve(f)(0, 0)) == std::isinf(unknown.solve(f)(0, 0)));
    const Matrix direction = known.null_space(1);
    CHECK((direction - unknown.null_space(1)).norm() < 1e-12 * direction.norm());
    CHECK((known.solve(f, 1) - unknown.solve(f, 1)).norm() < 1e-12 * known.solve(f, 1).norm());
  }
  const std::vector<Eigen::Matrix2d> identity{Eigen::Matrix2d::Identity()};
  CHECK(std::isinf(BasicBlockCyclic<2>(identity).solve(Matrix::Ones(2, 1))(0, 0)));
}

TEST_CASE("cycles of the tent map are where they must be") {
  const Candidate two = solve_cycle(tent_map(), itinerary({1, 0}));
  REQUIRE(two.kind == CandidateKind::cycle);
  CHECK(two.cycle->itinerary == itinerary({0, 1}));
  CHECK(two.cycle->points(0, 0) == doctest::Approx(-0.2));
  CHECK(two.cycle->points(0, 1) == doctest::Approx(0.6));
  CHECK(two.cycle->certified);
  CHECK(two.cycle->error_bound < 1e-15);
  CHECK(two.cycle->margin == doctest::Approx(0.2));
  CHECK(two.cycle->multipliers.values(0) == std::complex<double>(-4.0, 0.0));
  // Twice the same cycle is that cycle.
  CHECK(solve_cycle(tent_map(), itinerary({0, 1, 0, 1})).cycle->itinerary.order == 2);
}

TEST_CASE("a line of fixed points, clipped to its half line") {
  const CanonicalMap relu = plrnn(Matrix::Zero(1, 1), Matrix::Identity(1, 1), Vector::Zero(1));
  const Candidate line = solve_cycle(relu, itinerary({1}));
  REQUIRE(line.kind == CandidateKind::continuum);
  CHECK(line.continuum->points(0, 0) + line.continuum->extent(0, 0) == doctest::Approx(0.0));
  CHECK(std::isinf(line.continuum->extent(0, 1)));
  const Candidate origin = solve_cycle(relu, itinerary({0}));
  REQUIRE(origin.kind == CandidateKind::cycle);
  CHECK(origin.cycle->on_border);
  CHECK(contains(*line.continuum, origin.cycle->itinerary, origin.cycle->zeros));
  const CanonicalMap shifted = plrnn(Matrix::Identity(1, 1), Matrix::Zero(1, 1), Vector::Ones(1));
  CHECK(solve_cycle(shifted, itinerary({0})).kind == CandidateKind::none);
}

TEST_CASE("multipliers of a long product with known triangular factors") {
  // J_t = Q_{t+1} T_t Q_t^T with orthogonal Q and triangular T: the multipliers are the products
  // of the diagonals, here spread over hundreds of orders of magnitude.
  const Index m = 6;
  const int k = 300;
  RandomStream stream(5, 0, 0);
  const Matrix first = random_matrix(stream, m, m).householderQr().householderQ();
  Matrix frame = first;
  Vector expected = Vector::Zero(m);
  std::vector<Matrix> jacobians;
  for (int t = 0; t < k; ++t) {
    Matrix triangle =
        0.3 * random_matrix(stream, m, m).triangularView<Eigen::StrictlyUpper>().toDenseMatrix();
    for (Index i = 0; i < m; ++i) {
      triangle(i, i) = std::exp(1.5 - static_cast<double>(i) + 0.3 * stream.normal());
      expected(i) += std::log(triangle(i, i));
    }
    const Matrix next =
        t + 1 == k ? first : Matrix(random_matrix(stream, m, m).householderQr().householderQ());
    jacobians.push_back(next * triangle * frame.transpose());
    frame = next;
  }
  const Multipliers found = multipliers(jacobians);
  CHECK((found.log_moduli - expected).cwiseAbs().maxCoeff() < 1e-9);
  CHECK(found.stability == Stability::saddle);
  CHECK(std::isfinite(found.spectral_radius));
}

TEST_CASE("many multipliers 0 leave no doubt about the others") {
  // Units that are off have rows of zeros in the Jacobian of a ReLU RNN.
  RandomStream stream(7, 0, 0);
  Matrix jacobian = random_matrix(stream, 40, 40);
  jacobian *= 0.5 / jacobian.norm();
  jacobian(0, 0) += 0.9;
  jacobian.bottomRows(25).setZero();
  const Multipliers found = multipliers({jacobian});
  CHECK(found.stability == Stability::stable);
  const Matrix block = jacobian.topLeftCorner(15, 15);
  CHECK(std::abs(found.values(0)) ==
        doctest::Approx(block.eigenvalues().cwiseAbs().maxCoeff()).epsilon(1e-12));
  for (Index i = 15; i < 40; ++i) CHECK(found.values(i) == 0.0);
  // The same zeros without rows of zeros: only their error bars tell.
  const Matrix turn = random_matrix(stream, 40, 40).householderQr().householderQ();
  CHECK(multipliers({Matrix(turn * jacobian * turn.transpose())}).stability == Stability::stable);
}

TEST_CASE("a multiplier that rounding may have made is not known") {
  // The first matrix is singular up to its rounding, and the second stretches whatever is left.
  Matrix singular(2, 2);
  singular << 0.1, 0.1, -0.3, -0.1 * 3.0;
  Matrix stretch(2, 2);
  stretch << 1e40, 2e40, -2e40, -5e40;
  CHECK(multipliers({singular, stretch}).stability == Stability::undecided);
  CHECK(multipliers({singular, Matrix(1e-40 * stretch)}).stability == Stability::stable);
  // Three states, whose last multiplier is small next to the errors that the first leaves behind.
  const Matrix turn = (Matrix(3, 3) << 2, -1, 2, 2, 2, -1, -1, 2, 2).finished() / 3.0;
  const auto product_of = [&](double first, double second) {
    const Vector a = (Vector(3) << first, 7.0, 1.0).finished();
    const Vector b = (Vector(3) << 1.0, 7.0, second).finished();
    const Matrix one = turn * a.asDiagonal() * turn.transpose();
    const Matrix two = turn * b.asDiagonal() * turn.transpose();
    return multipliers({one, two, one, two}).stability;
  };
  CHECK(product_of(1e3, 1e-3) == Stability::saddle);
  CHECK(product_of(1e30, 1e-3) == Stability::undecided);
  CHECK(product_of(1e30, 1e30) == Stability::undecided);
  // A state that nothing reaches has a multiplier 0, whatever the others are.
  Matrix apart = Matrix::Zero(3, 3);
  apart.topLeftCorner(2, 2) = stretch;
  CHECK(multipliers({apart, apart}).stability == Stability::saddle);
}

TEST_CASE("stability is told apart, and left open on the unit circle") {
  const auto stability = [](std::initializer_list<double> diagonal) {
    Vector d(static_cast<Index>(diagonal.size()));
    std::copy(diagonal.begin(), diagonal.end(), d.begin());
    return multipliers({Matrix(d.asDiagonal())}).stability;
  };
  CHECK(stability({0.5, -0.9}) == Stability::stable);
  CHECK(stability({0.5, -1.1}) == Stability::saddle);
  CHECK(stability({1.5, -1.1}) == Stability::unstable);
  CHECK(stability({1.0, 0.1}) == Stability::nonhyperbolic);
  CHECK(stability({0.0, 0.0}) == Stability::stable);
  Matrix rotation(2, 2);
  rotation << 0.6, -0.8, 0.8, 0.6;
  CHECK(multipliers({rotation}).stability == Stability::nonhyperbolic);
}

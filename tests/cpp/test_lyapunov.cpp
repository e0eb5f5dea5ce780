#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "kernels/tangent/orthonormalize.hpp"
#include "kernels/tangent/product.hpp"
#include "rnndyn/lyapunov.hpp"
#include "rnndyn/random.hpp"

using namespace rnndyn;
using namespace rnndyn::lyapunov;

namespace {

constexpr double kNone = -std::numeric_limits<double>::infinity();

template <class Real>
void fill(View<Real> block, Index rows, RandomStream& random) {
  for (Index j = 0; j < block.columns; ++j) {
    for (Index i = 0; i < rows; ++i) block.column(j)[i] = static_cast<Real>(random.normal());
  }
}

Matrix normal_matrix(Index rows, Index columns, RandomStream& random) {
  Matrix matrix(rows, columns);
  for (Index j = 0; j < columns; ++j) {
    for (Index i = 0; i < rows; ++i) matrix(i, j) = random.normal();
  }
  return matrix;
}

// Largest deviation of Q^T Q from the identity, and of Q R from the block for the R that fits.
template <class Real>
double orthogonality_error(View<Real> q, Index rank) {
  if (rank == 0) return 0.0;
  const Matrix columns = q.left(rank).matrix().template cast<double>();
  return (columns.transpose() * columns - Matrix::Identity(rank, rank)).cwiseAbs().maxCoeff();
}

template <class Real>
void check_products(double tolerance) {
  RandomStream random(1, 0, sizeof(Real));
  for (const Index rows : {1, 2, 7, 8, 16, 23, 33, 50}) {
    for (const Index depth : {0, 1, 5, 32, 49}) {
      const Matrix matrix = normal_matrix(rows, depth, random);
      PackedMatrix<Real> packed(rows, depth);
      packed.pack(matrix);
      for (const Index columns : {1, 2, 3, 5, 8, 10, 13, 31}) {
        Block<Real> in(depth, columns), out(rows, columns), start(rows, columns);
        fill(in.view(), depth, random);
        fill(start.view(), rows, random);
        const Matrix expected = matrix * in.view().matrix().topRows(depth).template cast<double>();
        const Matrix before = start.view().matrix().topRows(rows).template cast<double>();
        for (const Update update : {Update::set, Update::add, Update::subtract}) {
          out.view().matrix() = start.view().matrix();
          multiply(packed, in.view(), out.view(), update);
          const double sign = update == Update::subtract ? -1.0 : 1.0;
          const Matrix target = update == Update::set ? expected : Matrix(before + sign * expected);
          const Matrix result = out.view().matrix().topRows(rows).template cast<double>();
          REQUIRE((result - target).cwiseAbs().maxCoeff() < tolerance);
          // Alone, a column is the same number for number.
          for (Index j = 0; j < columns; ++j) {
            Block<Real> one(rows, 1);
            one.view().matrix() = start.view().from(j, 1).matrix();
            multiply(packed, in.view().from(j, 1), one.view(), update);
            REQUIRE(one.view().matrix().col(0).head(rows) == out.view().matrix().col(j).head(rows));
          }
        }
        // And in two parts of the depth it is, too.
        if (depth < 2) continue;
        Block<Real> in_parts(rows, columns);
        multiply(packed, in.view(), out.view(), Update::set);
        for (const Panel& panel : packed.panels()) {
          const Index width = panel.height * packet_size<Real>;
          const Index half = depth / 2;
          multiply(packed.data(panel), panel, half, in.view(), in_parts.view(), Update::set);
          multiply(packed.data(panel) + half * width, panel, depth - half,
                   in.view().below(half, depth - half), in_parts.view(), Update::add);
        }
        REQUIRE(in_parts.view().matrix().topRows(rows) == out.view().matrix().topRows(rows));
      }
    }
  }
}

template <class Real>
void check_factorization(const Matrix& matrix, double tolerance, bool householder) {
  const Index n = matrix.rows(), m = matrix.cols();
  Block<Real> block(n, m), q(n, m);
  block.view().matrix().topRows(n) = matrix.cast<Real>();
  const auto orthonormalizer = make_orthonormalizer<Real>(n, m, &parallel_for);
  Vector log_diagonal(m);
  const auto outcome = orthonormalizer->run(block.view(), q.view(), log_diagonal.data(), false, 1);
  const HouseholderFactors exact = householder_factors(matrix, 1e-16);
  REQUIRE(outcome.finite);
  CHECK(outcome.householder == householder);
  CHECK(outcome.rank == exact.rank);
  CHECK(orthogonality_error(q.view(), outcome.rank) < tolerance);
  for (Index j = 0; j < m; ++j) {
    if (exact.log_diagonal(j) == kNone) {
      CHECK(log_diagonal(j) == kNone);
    } else {
      CHECK(std::abs(log_diagonal(j) - exact.log_diagonal(j)) < tolerance);
    }
  }
  // Shared work changes nothing.
  Block<Real> shared(n, m);
  Vector shared_diagonal(m);
  orthonormalizer->run(block.view(), shared.view(), shared_diagonal.data(), false, 4);
  CHECK(shared.view().matrix() == q.view().matrix());
  CHECK(shared_diagonal == log_diagonal);
}

// Columns as a frame has them after a few steps: of size e^(-gap i), and far from orthogonal.
Matrix graded(Index n, Index m, double gap, RandomStream& random) {
  const Matrix q = householder_factors(normal_matrix(n, m, random), 1e-16).q;
  Matrix r = normal_matrix(m, m, random);
  for (Index j = 0; j < m; ++j) {
    for (Index i = 0; i < m; ++i) r(i, j) *= i > j ? 0.0 : 0.5 / std::sqrt(static_cast<double>(m));
    r(j, j) = 1.0;
    r.row(j) *= std::exp(-gap * static_cast<double>(j) / static_cast<double>(m));
  }
  return q * r;
}

}  // namespace

TEST_CASE("products agree with Eigen, and columns do not depend on their neighbours") {
  check_products<double>(1e-12);
  check_products<float>(1e-4);
}

TEST_CASE("blocks are factorised as Householder's method does") {
  RandomStream random(2, 0, 0);
  for (const Index n : {1, 3, 8, 24, 25, 49, 60, 200}) {
    for (const Index m : {Index{1}, n / 2, n - 1, n}) {
      if (m < 1) continue;
      check_factorization<double>(graded(n, m, 10.0, random), 1e-7, false);
      check_factorization<float>(graded(n, m, 2.0, random), 1e-2, false);
    }
  }
}

TEST_CASE("what the fast way cannot factorise goes to Householder's method") {
  RandomStream random(3, 0, 0);
  check_factorization<double>(graded(30, 30, 25.0, random), 1e-3, true);
  // A triangle of ones has a harmless diagonal and the condition 2^n: half of its digits are lost
  // at n = 26, all of them at n = 60.
  for (const Index n : {10, 26, 40, 60}) {
    Matrix ones = Matrix::Identity(n, n);
    ones.triangularView<Eigen::StrictlyUpper>().setConstant(-1.0);
    const Matrix q = householder_factors(normal_matrix(n, n, random), 1e-16).q;
    Block<double> block(n, n), result(n, n);
    block.view().matrix().topRows(n) = q * ones;
    Vector log_diagonal(n);
    make_orthonormalizer<double>(n, n, &parallel_for)
        ->run(block.view(), result.view(), log_diagonal.data(), false, 1);
    CHECK(orthogonality_error(result.view(), n) < 1e-7);
  }
  // One column is a combination of two others, one is zero: both are taken out.
  Matrix dependent = normal_matrix(20, 9, random);
  dependent.col(4) = 2.0 * dependent.col(1) - dependent.col(3);
  dependent.col(7).setZero();
  check_factorization<double>(dependent, 1e-12, true);
  CHECK(householder_factors(dependent, 1e-16).rank == 7);
  check_factorization<double>(Matrix::Zero(5, 3), 1e-12, true);
}

TEST_CASE("small rows are not taken for zero, zero rows are") {
  RandomStream random(4, 0, 0);
  Matrix block = normal_matrix(6, 6, random);
  block.row(2) *= 1e-20;
  const HouseholderFactors small = householder_factors(block, 1e-16);
  CHECK(small.rank == 6);
  const double log_volume = std::log(std::abs(block.fullPivLu().determinant()));
  CHECK(small.log_diagonal.sum() == doctest::Approx(log_volume).epsilon(1e-12));
  block.row(2).setZero();
  const HouseholderFactors zero = householder_factors(block, 1e-16);
  CHECK(zero.rank == 5);
  CHECK(zero.log_diagonal(5) == kNone);
}

TEST_CASE("blocks with infinities are left alone and reported") {
  Block<double> block(4, 2), q(4, 2);
  block.view().matrix().setOnes();
  block.view().column(1)[2] = std::numeric_limits<double>::quiet_NaN();
  Vector log_diagonal = Vector::Zero(2);
  const auto orthonormalizer = make_orthonormalizer<double>(4, 2, &parallel_for);
  CHECK_FALSE(orthonormalizer->run(block.view(), q.view(), log_diagonal.data(), false, 1).finite);
  block.view().column(1)[2] = 1e300;  // its square overflows
  CHECK(orthonormalizer->run(block.view(), q.view(), log_diagonal.data(), false, 1).finite);
  CHECK(log_diagonal(0) == doctest::Approx(std::log(2.0)));
}

TEST_CASE("a run is the same for any number of threads") {
  RandomStream random(5, 0, 0);
  const Index n = 40;
  RecurrentLayer layer{normal_matrix(3 * n, 2, random), 0.3 * normal_matrix(3 * n, n, random),
                       Vector::Zero(3 * n), Vector::Zero(3 * n)};
  RecurrentLayer above{normal_matrix(3 * n, n, random), 0.3 * normal_matrix(3 * n, n, random),
                       Vector::Zero(3 * n), Vector::Zero(3 * n)};
  const System system(RecurrentNetwork{CellKind::gru, {layer, above}});
  for (const Index n_sequences : {1, 5}) {
    const InputSeries inputs{normal_matrix(2, 30 * n_sequences, random), 30};
    LyapunovOptions options;
    options.n_warmup = 20;
    options.n_steps = 50;
    options.n_exponents = n;
    options.window = 8;
    std::vector<Matrix> first;
    for (const int n_threads : {1, 2, 4, 7}) {
      options.n_threads = n_threads;
      Control control(std::numeric_limits<double>::infinity(), {});
      LyapunovProgress progress;
      const LyapunovRun run = lyapunov_spectrum(system, Matrix::Zero(2 * n, n_sequences), inputs,
                                                std::nullopt, options, control, progress);
      CHECK(run.n_steps_done == 50);
      CHECK(run.window_steps.size() == 7);
      if (first.empty()) first = run.log_growth;
      for (std::size_t b = 0; b < first.size(); ++b) CHECK(run.log_growth[b] == first[b]);
    }
  }
}

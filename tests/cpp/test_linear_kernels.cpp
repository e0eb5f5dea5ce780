#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/functions.hpp"
#include "kernels/gauss_jordan.hpp"
#include "kernels/lu.hpp"
#include "kernels/pack.hpp"
#include "networks.hpp"
#include "rnndyn/random.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;
using kernels::AlignedVector;
using kernels::padded;

namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

template <class Real>
using Dense = Eigen::Matrix<Real, Eigen::Dynamic, Eigen::Dynamic>;

template <class Real>
Dense<Real> random_dense(RandomStream& stream, Index rows, Index columns) {
  Dense<Real> matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = static_cast<Real>(stream.normal());
  return matrix;
}

std::vector<Index> random_picks(RandomStream& stream, Index n, Index below) {
  std::vector<Index> picks(static_cast<std::size_t>(n));
  for (Index& pick : picks)
    pick = static_cast<Index>(stream.below(static_cast<std::uint64_t>(below)));
  return picks;
}

template <class Real>
constexpr double kTolerance = 400.0 * static_cast<double>(std::numeric_limits<Real>::epsilon());

}  // namespace

TEST_CASE_TEMPLATE("sums of outer products of vectors that are picked", Real, double, float) {
  RandomStream stream(1, 0, 0);
  AlignedVector<Real> work;
  for (const Index rows : {16, 32, 48, 112, 144}) {
    for (const Index columns : {1, 3, 8, 21, 100}) {
      for (const Index n : {0, 1, 7, 200, 400}) {
        const Index table = std::max<Index>(n, 5);
        const Dense<Real> left = random_dense<Real>(stream, padded<Real>(columns), table);
        const Dense<Real> right = random_dense<Real>(stream, rows + 16, table);
        const Dense<Real> before = random_dense<Real>(stream, rows + 3, columns);
        const auto picks = random_picks(stream, n, table);
        for (const bool picked : {false, true}) {
          for (const Index n_removed : {Index{0}, n / 3, n}) {
            Dense<Real> c = before;
            kernels::linear<Real>().add_outer_products(
                rows, columns, n - n_removed, n_removed, picked ? picks.data() : nullptr,
                left.data(), left.rows(), right.data(), right.rows(), c.data(), c.rows(), work);
            Dense<Real> expected = before;
            for (Index l = 0; l < n; ++l) {
              const Index from = picked ? picks[static_cast<std::size_t>(l)] : l;
              const Real factor = l < n - n_removed ? Real{1} : Real{-1};
              expected.topRows(rows) +=
                  right.col(from).head(rows) * (factor * left.col(from).head(columns)).transpose();
            }
            CHECK(static_cast<double>((c - expected).cwiseAbs().maxCoeff()) <
                  kTolerance<Real> * (1.0 + 0.02 * static_cast<double>(n)));
          }
        }
      }
    }
  }
}

TEST_CASE_TEMPLATE("factors in registers solve equations", Real, double, float) {
  RandomStream stream(2, 0, 0);
  AlignedVector<Real> work;
  for (Index n = 1; n < 140; n += n < 40 ? 1 : 13) {
    const Index stride = kernels::lu_stride<Real>(n);
    const Dense<Real> a = random_dense<Real>(stream, n, n);
    const Dense<Real> x = random_dense<Real>(stream, n, 1);
    Dense<Real> factors = Dense<Real>::Zero(stride, n);
    factors.topRows(n) = a;
    std::vector<Index> swaps(static_cast<std::size_t>(n));
    const Real smallest =
        kernels::linear<Real>().factor(n, factors.data(), stride, swaps.data(), work);
    Dense<Real> solution = Dense<Real>::Zero(stride, 1);
    solution.topRows(n) = a * x;
    const Real size = solution.cwiseAbs().maxCoeff();
    kernels::linear<Real>().solve(n, factors.data(), stride, swaps.data(), solution.data());
    CHECK(smallest == factors.topRows(n).diagonal().cwiseAbs().minCoeff());
    CHECK(factors.bottomRows(stride - n).isZero(Real{}));
    // Row pivoting keeps the residual small, whatever the condition (Higham, sec. 9.3).
    const Dense<Real> residual = a * (solution.topRows(n) - x);
    CHECK(static_cast<double>(residual.cwiseAbs().maxCoeff()) <
          kTolerance<Real> * static_cast<double>(size) *
              (1.0 + static_cast<double>(solution.topRows(n).cwiseAbs().maxCoeff())));
    // No multiplier is larger than one: the largest entry was the pivot.
    for (Index j = 0; j < n; ++j) {
      for (Index i = j + 1; i < n; ++i) CHECK(std::abs(factors(i, j)) <= static_cast<Real>(1.0001));
    }
  }
}

TEST_CASE_TEMPLATE("a matrix without factors says so", Real, double, float) {
  AlignedVector<Real> work;
  for (const Index n : {2, 9, 20, 33}) {
    const Index stride = kernels::lu_stride<Real>(n);
    std::vector<Index> swaps(static_cast<std::size_t>(n));
    const auto factor = [&](const Dense<Real>& a) {
      Dense<Real> factors = Dense<Real>::Zero(stride, n);
      factors.topRows(n) = a;
      return kernels::linear<Real>().factor(n, factors.data(), stride, swaps.data(), work);
    };
    Dense<Real> a = Dense<Real>::Identity(n, n);
    CHECK(factor(a) == Real{1});
    a.col(n / 2).setZero();
    CHECK(factor(a) == Real{});
    a.setOnes();
    CHECK(factor(a) == Real{});
    a.setIdentity();
    a(n - 1, n - 1) = std::numeric_limits<Real>::quiet_NaN();
    CHECK(factor(a) == Real{});
    a.setConstant(std::numeric_limits<Real>::quiet_NaN());
    CHECK(factor(a) == Real{});
  }
}

TEST_CASE("bits that two regions do not share") {
  RandomStream stream(3, 0, 0);
  for (const std::size_t words : {1, 2, 5}) {
    std::vector<Word> a(words), b(words);
    for (Word& word : a) word = stream.next();
    for (Word& word : b) word = stream.next() & stream.next();
    a.back() |= Word{1} << 63U;
    b.back() &= ~(Word{1} << 63U);
    std::vector<Index> expected[2];
    for (Index i = 0; i < 64 * static_cast<Index>(words); ++i) {
      const bool in_a = get_bit(a.data(), i);
      if (in_a != get_bit(b.data(), i)) expected[in_a ? 0 : 1].push_back(i);
    }
    std::vector<Index> found(64 * words);
    Index n_removed = 0;
    const Index n =
        kernels::functions().list_differences(words, a.data(), b.data(), found.data(), n_removed);
    REQUIRE(n == static_cast<Index>(expected[0].size()));
    REQUIRE(n_removed == static_cast<Index>(expected[1].size()));
    CHECK(std::equal(expected[0].begin(), expected[0].end(), found.begin()));
    CHECK(std::equal(expected[1].begin(), expected[1].end(), found.begin() + n));
  }
}

TEST_CASE("picked columns and rows of a matrix times a vector") {
  RandomStream stream(4, 0, 0);
  for (const Index m : {1, 5, 8, 20, 33, 64, 101}) {
    for (const Index n : {1, 3, 4, 9, 70}) {
      const Index rows = padded<double>(m);
      Dense<double> a = random_dense<double>(stream, rows, n);
      a.bottomRows(rows - m).setZero();
      std::vector<Index> picks;
      for (Index l = 0; l < n; ++l) {
        if (stream.below(2) == 0) picks.push_back(l);
      }
      for (const bool picked : {false, true}) {
        const Index* which = picked ? picks.data() : nullptr;
        const auto count = picked ? static_cast<Index>(picks.size()) : n;
        const Vector x = random_dense<double>(stream, n, 1);
        const Vector before = random_dense<double>(stream, rows, 1);
        Vector expected = before;
        for (Index l = 0; l < count; ++l) {
          const Index column = picked ? picks[static_cast<std::size_t>(l)] : l;
          expected += x(column) * a.col(column);
        }
        Vector y = before;
        kernels::functions().add_columns(m, count, which, a.data(), rows, x.data(), y.data());
        CHECK((y - expected).cwiseAbs().maxCoeff() < 1e-12);

        const Vector z = random_dense<double>(stream, rows, 1);
        const Vector first = random_dense<double>(stream, n, 1);
        Vector dots = first;
        kernels::functions().add_dots(m, count, which, a.data(), rows, z.data(), dots.data());
        Vector sums = first;
        for (Index l = 0; l < count; ++l) {
          const Index column = picked ? picks[static_cast<std::size_t>(l)] : l;
          sums(column) += z.dot(a.col(column));
        }
        CHECK((dots - sums).cwiseAbs().maxCoeff() < 1e-12);
      }
    }
  }
}

#if defined(__GNUC__)
namespace {

// Solves N systems together, of which the first is singular where that is wanted.
template <int Width, int N>
void check_systems(RandomStream& stream, Index n, bool first_is_singular) {
  std::vector<kernels::GaussJordan<Width>> systems(N, kernels::GaussJordan<Width>(n));
  std::vector<Dense<double>> matrices;
  std::vector<Vector> right;
  for (int l = 0; l < N; ++l) {
    Dense<double> a = random_dense<double>(stream, n, n);
    for (Index i = 0; i < n; i += 3) a.row(i) *= 1e3;
    if (l % 2 == 1) a.col(0).head(n - 1).setZero();  // the first pivot is in the last row
    if (l == 0 && first_is_singular) a.col(n - 1) = a.col(0);
    const Vector b = random_dense<double>(stream, n, 1);
    for (Index j = 0; j < n; ++j) std::copy_n(a.col(j).data(), n, systems[at(l)].column(j));
    std::copy_n(b.data(), n, systems[at(l)].column(n));
    systems[at(l)].begin(1e-12 * a.cwiseAbs().maxCoeff());
    matrices.push_back(std::move(a));
    right.push_back(b);
  }
  kernels::GaussJordan<Width>::template eliminate<N>(systems.data());
  for (int l = 0; l < N; ++l) {
    const bool singular = l == 0 && first_is_singular;
    CHECK(systems[at(l)].is_singular() == singular);
    if (singular) continue;
    Vector x(n);
    systems[at(l)].solution(x.data());
    const Eigen::PartialPivLU<Dense<double>> lu(matrices[at(l)]);
    const double error = (x - lu.solve(right[at(l)])).cwiseAbs().maxCoeff();
    CHECK(error <= 1e-13 / lu.rcond() * x.cwiseAbs().maxCoeff());
  }
}

template <int Width>
void check_width(RandomStream& stream) {
  for (Index n = Width == 16 ? 1 : Width - 8; n < Width; ++n) {
    for (const bool singular : {false, n > 1}) {
      check_systems<Width, 1>(stream, n, singular);
      check_systems<Width, 2>(stream, n, singular);
      check_systems<Width, 4>(stream, n, singular);
    }
  }
}

}  // namespace

TEST_CASE("systems that are solved together") {
  RandomStream stream(7, 0, 0);
  for (int trial = 0; trial < drawn(3, 300); ++trial) {
    check_width<16>(stream);
    check_width<24>(stream);
    check_width<32>(stream);
    check_width<40>(stream);
  }
}
#endif

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/functions.hpp"
#include "networks.hpp"
#include "rnndyn/random.hpp"

using namespace rnndyn;

namespace {

const kernels::Functions& in_use() { return kernels::functions(); }

Matrix random_block(RandomStream& stream, Index rows, Index columns) {
  Matrix matrix(rows, columns);
  for (Index i = 0; i < matrix.size(); ++i) matrix.data()[i] = stream.normal();
  return matrix;
}

}  // namespace

TEST_CASE("products of parts of matrices, set and added, plain and transposed") {
  RandomStream stream(1, 0, 0);
  for (const Index m : {1, 3, 17, 64}) {
    for (const Index n : {1, 5, 33}) {
      for (const Index k : {0, 1, 8, 40}) {
        const Matrix a = random_block(stream, m + 2, k);  // the last two rows are not used
        const Matrix b = random_block(stream, k + 1, n);
        const Matrix bt = b.transpose();
        const Matrix at = a.transpose();  // k rows, m + 2 columns
        const Matrix before = random_block(stream, m + 3, n);
        const Matrix product = a.topRows(m) * b.topRows(k);
        using kernels::Transposed;
        for (const bool add : {false, true}) {
          for (const Transposed transposed :
               {Transposed::none, Transposed::left, Transposed::right}) {
            const bool left = transposed == Transposed::left;
            const bool right = transposed == Transposed::right;
            Matrix c = before;
            in_use().dense.multiply(m, n, k, transposed, -0.5, left ? at.data() : a.data(),
                                    left ? k : m + 2, right ? bt.data() : b.data(),
                                    right ? n : k + 1, c.data(), m + 3, add);
            Matrix expected = before;
            expected.topRows(m) =
                (add ? Matrix(before.topRows(m)) : Matrix(Matrix::Zero(m, n))) - 0.5 * product;
            CHECK((c - expected).cwiseAbs().maxCoeff() < 1e-12);
          }
        }
      }
    }
  }
}

TEST_CASE("factors of a matrix solve its equations") {
  RandomStream stream(2, 0, 0);
  for (const Index n : {1, 2, 17, 50, 129}) {
    const Matrix a = random_block(stream, n, n);
    const Vector x = random_block(stream, n, 1);
    Matrix factors = a;
    std::vector<Index> rows(static_cast<std::size_t>(n));
    in_use().dense.factor(n, factors.data(), rows.data());
    Vector solution = a * x;
    in_use().dense.solve(n, factors.data(), rows.data(), 1, solution.data(), n);
    CHECK((solution - x).cwiseAbs().maxCoeff() < 1e-9);
    const Matrix several = random_block(stream, n, 5);
    Matrix solutions = Matrix::Constant(n + 3, 5, 7.0);
    solutions.topRows(n) = a * several;
    in_use().dense.solve(n, factors.data(), rows.data(), 5, solutions.data(), n + 3);
    CHECK((solutions.topRows(n) - several).cwiseAbs().maxCoeff() < 1e-9);
    CHECK((solutions.bottomRows(3).array() == 7.0).all());  // not written to
  }
}

TEST_CASE("the largest modulus sees what is not finite") {
  Matrix a = Matrix::Constant(5, 3, -2.0);
  CHECK(in_use().dense.largest(4, 3, a.data(), 5) == 2.0);
  a(4, 1) = 9.0;  // not looked at
  CHECK(in_use().dense.largest(4, 3, a.data(), 5) == 2.0);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::infinity()}) {
    a(2, 1) = bad;
    CHECK(std::isinf(in_use().dense.largest(4, 3, a.data(), 5)));
  }
}

TEST_CASE("regions of more units than a word has bits") {
  RandomStream stream(3, 0, 0);
  for (const Index n_units : {0, 1, 7, 64, 65, 130}) {
    const std::size_t words = static_cast<std::size_t>(std::max<Index>(1, (n_units + 63) / 64));
    std::vector<double> p(words * 64, 5.0);
    std::vector<Word> now(words), relevant(words), out(words), expected(words, 0);
    for (std::size_t w = 0; w < words; ++w) {
      now[w] = stream.next();
      relevant[w] = stream.next();
    }
    Word difference = 0;
    for (Index i = 0; i < 64 * static_cast<Index>(words); ++i) {
      if (i >= n_units || !get_bit(relevant.data(), i)) set_bit(now.data(), i, false);
      if (i >= n_units) continue;
      p[static_cast<std::size_t>(i)] = stream.normal();
      const double x = p[static_cast<std::size_t>(i)];
      const bool bit = std::abs(x) <= 0.5 ? get_bit(now.data(), i) : x > 0.0;
      set_bit(expected.data(), i, bit && get_bit(relevant.data(), i));
    }
    for (std::size_t w = 0; w < words; ++w) difference |= expected[w] ^ now[w];
    CHECK(in_use().read_region(p.data(), n_units, 0.5, now.data(), relevant.data(), out.data()) ==
          difference);
    CHECK(out == expected);
  }
}

TEST_CASE("one row of a tableau substituted into the others") {
  RandomStream stream(4, 0, 0);
  for (const Index stride : {4, 8, 16, 24, 32, 40, 72}) {
    const Index n_rows = 9, skip = 3, column = stride / 2, width = stride - 1;
    Matrix rows = random_block(stream, stride, n_rows);  // a column each
    rows(column, 5) = 0.0;
    Vector constants = random_block(stream, n_rows, 1);
    const Vector fresh = random_block(stream, stride, 1);
    Matrix expected = rows;
    Vector expected_constants = constants;
    for (Index i = 0; i < n_rows; ++i) {
      if (i == skip) continue;
      const double factor = rows(column, i);
      expected(column, i) = 0.0;
      expected.col(i).head(width) += factor * fresh.head(width);
      expected_constants(i) += factor * 0.25;
    }
    Matrix added = rows;
    in_use().substitute_row(rows.data(), n_rows, stride, width, skip, column, fresh.data(),
                            constants.data(), 0.25);
    CHECK((rows - expected).cwiseAbs().maxCoeff() < 1e-14);
    CHECK((constants - expected_constants).cwiseAbs().maxCoeff() < 1e-14);

    Matrix all = added;
    for (Index i = 0; i < n_rows; ++i) {
      if (i != skip) all.col(i) += added(column, i) * fresh;
    }
    in_use().add_row_multiples(added.data(), n_rows, stride, skip, column, fresh.data());
    CHECK((added - all).cwiseAbs().maxCoeff() < 1e-14);
  }
}

TEST_CASE("which of the orbits are near a coordinate") {
  std::vector<double> row(kernels::kOrbits, 3.0);
  CHECK(in_use().near_center(row.data(), 0.0, 1.0) == 0);
  row[0] = 1.0;
  row[7] = -1.0;
  row[31] = 0.0;
  row[4] = std::numeric_limits<double>::quiet_NaN();
  CHECK(in_use().near_center(row.data(), 0.0, 1.0) == ((1U << 31) | (1U << 7) | 1U));
}

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/tangent/orthonormalize.hpp"

namespace rnndyn::lyapunov {
namespace {

// Remainders this far below the largest number of the block may be rounding errors and nothing
// else.
constexpr double kSuspicious = 1e-6;

// 1-norm of (R^-1 r, 1): how much rounding errors of earlier columns add to the remainder of the
// column with the coefficients r.
double amplification(const Eigen::MatrixXd& r, Index rank, const Eigen::VectorXd& coefficients) {
  const Eigen::VectorXd combination =
      r.topLeftCorner(rank, rank).triangularView<Eigen::Upper>().solve(coefficients.head(rank));
  const double norm = combination.lpNorm<1>();
  return std::isfinite(norm) ? 1.0 + norm : std::numeric_limits<double>::infinity();
}

}  // namespace

HouseholderFactors householder_factors(const Eigen::MatrixXd& block, double roundoff) {
  const Index rows = block.rows();
  const Index columns = block.cols();
  const Eigen::VectorXd row_sizes = block.cwiseAbs().rowwise().maxCoeff();
  std::vector<Index> order(static_cast<std::size_t>(rows));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](Index i, Index j) { return row_sizes(i) > row_sizes(j); });
  Eigen::MatrixXd work(rows, columns);
  Eigen::VectorXd scale(rows);  // largest number that ever stood in a row
  for (Index i = 0; i < rows; ++i) {
    work.row(i) = block.row(order[static_cast<std::size_t>(i)]);
    scale(i) = row_sizes(order[static_cast<std::size_t>(i)]);
  }

  const double largest = rows > 0 && columns > 0 ? scale(0) : 0.0;
  Eigen::MatrixXd reflectors = Eigen::MatrixXd::Zero(rows, columns);
  Eigen::MatrixXd r = Eigen::MatrixXd::Zero(columns, columns);
  HouseholderFactors factors;
  factors.q = Eigen::MatrixXd::Zero(rows, columns);
  factors.log_diagonal =
      Eigen::VectorXd::Constant(columns, -std::numeric_limits<double>::infinity());
  Eigen::VectorXd signs = Eigen::VectorXd::Ones(columns);
  Index rank = 0;
  for (Index j = 0; j < columns && rank < rows; ++j) {
    const Eigen::VectorXd remainder = work.col(j).tail(rows - rank);
    const double norm = remainder.stableNorm();
    if (norm <= kSuspicious * largest) {
      const double tolerance = 8.0 * roundoff * amplification(r, rank, work.col(j));
      if ((remainder.array().abs() <= tolerance * scale.tail(rows - rank).array()).all()) continue;
    }
    // Reflects the remainder onto its first row, with the sign that avoids cancellation.
    Eigen::VectorXd reflector = remainder / norm;
    signs(rank) = reflector(0) > 0.0 ? -1.0 : 1.0;
    reflector(0) -= signs(rank);
    reflector /= reflector.norm();
    if (j + 1 < columns) {
      auto rest = work.bottomRightCorner(rows - rank, columns - j - 1);
      rest -= (2.0 * reflector) * (reflector.transpose() * rest).eval();
      scale.tail(rows - rank) =
          scale.tail(rows - rank).cwiseMax(rest.cwiseAbs().rowwise().maxCoeff());
    }
    r.col(rank).head(rank) = work.col(j).head(rank);
    r(rank, rank) = signs(rank) * norm;
    reflectors.col(rank).tail(rows - rank) = reflector;
    factors.log_diagonal(rank) = std::log(norm);
    ++rank;
  }

  // Q = H_1 ... H_rank I, with the signs that make the diagonal of R positive.
  Eigen::MatrixXd q = Eigen::MatrixXd::Identity(rows, rank);
  for (Index j = rank; j-- > 0;) {
    const auto reflector = reflectors.col(j).tail(rows - j);
    auto below = q.bottomRightCorner(rows - j, rank - j);
    below -= (2.0 * reflector) * (reflector.transpose() * below).eval();
  }
  for (Index i = 0; i < rows; ++i) {
    factors.q.row(order[static_cast<std::size_t>(i)]).head(rank) =
        q.row(i).cwiseProduct(signs.head(rank).transpose());
  }
  factors.rank = rank;
  return factors;
}

}  // namespace rnndyn::lyapunov

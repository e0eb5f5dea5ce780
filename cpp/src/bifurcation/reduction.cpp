#include "bifurcation/reduction.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "linear_algebra/decompositions.hpp"

namespace rnndyn {
namespace {

// What is smaller than this, relative to the largest entry, is rounding of the sums that make up a
// Jacobian.
constexpr double kRankTolerance = 1e-13;
// Jacobians are quadratic in s, a(s) is linear: three places stand for all.
constexpr std::array<double, 3> kPlaces{0.0, 0.5, 1.0};

// Values that the diagonal of A has at both ends of the path more than once, the most frequent
// first.
std::vector<std::pair<double, double>> repeated_entries(const CanonicalPath& path) {
  std::vector<std::pair<double, double>> entries;
  for (Index i = 0; i < path.n_states(); ++i) {
    entries.emplace_back(path.start().a()(i, i), path.end().a()(i, i));
  }
  std::sort(entries.begin(), entries.end());
  std::vector<std::pair<std::ptrdiff_t, std::pair<double, double>>> counted;
  for (auto first = entries.begin(); first != entries.end();) {
    const auto last =
        std::find_if(first, entries.end(), [&](const auto& e) { return e != *first; });
    if (last - first > 1) counted.emplace_back(first - last, *first);
    first = last;
  }
  std::sort(counted.begin(), counted.end());
  std::vector<std::pair<double, double>> result;
  for (const auto& [count, entry] : counted) result.push_back(entry);
  return result;
}

// An orthonormal basis of what the columns of all blocks span, blocks of as many rows each.
Matrix range(const Matrix& blocks, double size) {
  Eigen::ColPivHouseholderQR<Matrix> qr(blocks);
  const auto diagonal = qr.matrixQR().diagonal().cwiseAbs();
  Index rank = 0;
  while (rank < diagonal.size() && diagonal(rank) > kRankTolerance * size) ++rank;
  return qr.householderQ() * Matrix::Identity(blocks.rows(), rank);
}

}  // namespace

ReducedSystem::ReducedSystem(PathSystem& system) : system_(system) {
  const std::vector<std::pair<double, double>> repeated = repeated_entries(system.path());
  if (repeated.empty()) return;
  std::vector<Matrix> jacobians;
  for (const double s : kPlaces) {
    for (Matrix& j : system.jacobians(s)) jacobians.push_back(std::move(j));
  }
  double size = 0.0;
  for (const Matrix& j : jacobians) {
    if (!j.allFinite()) return;
    size = std::max(size, j.cwiseAbs().maxCoeff());
  }
  const auto n = static_cast<Index>(jacobians.size());
  const Index order = system.order();
  basis_ = Matrix::Identity(system.path().n_states(), system.path().n_states());
  bool again = true;
  while (again) {
    again = false;
    for (const auto& [at_start, at_end] : repeated) {
      for (const bool rows : {true, false}) {
        const Index m = basis_.cols();
        if (m == 0) break;
        Matrix blocks(m, m * n);
        for (Index i = 0; i < n; ++i) {
          const double s = kPlaces[static_cast<std::size_t>(i / order)];
          Matrix block = jacobians[static_cast<std::size_t>(i)];
          block.diagonal().array() -= (1.0 - s) * at_start + s * at_end;
          blocks.middleCols(i * m, m) = rows ? Matrix(block.transpose()) : block;
        }
        const Matrix part = range(blocks, size);
        if (part.cols() == m) continue;
        basis_ = (basis_ * part).eval();
        for (Matrix& j : jacobians) j = (part.transpose() * j * part).eval();
        reduced_ = again = true;
      }
    }
  }
}

std::vector<Matrix> ReducedSystem::jacobians(double s) const {
  std::vector<Matrix> result = system_.jacobians(s);
  if (!reduced_) return result;
  for (Matrix& j : result) j = (basis_.transpose() * j * basis_).eval();
  return result;
}

}  // namespace rnndyn

#include "cycles/block_triangular.hpp"

#include <cmath>
#include <cstddef>

namespace rnndyn {

std::vector<std::vector<Index>> diagonal_blocks(const std::vector<Matrix>& matrices) {
  const Index n = matrices.front().rows();
  const auto words = static_cast<std::size_t>((n + 63) / 64);
  // Row i: which indices can be reached from i (S. Warshall, J. ACM 9, 11, 1962).
  std::vector<Word> reach(static_cast<std::size_t>(n) * words, 0);
  const auto row = [&](Index i) { return reach.data() + static_cast<std::size_t>(i) * words; };
  for (Index i = 0; i < n; ++i) set_bit(row(i), i, true);
  for (const Matrix& matrix : matrices) {
    for (Index j = 0; j < n; ++j) {
      for (Index i = 0; i < n; ++i) {
        if (matrix(i, j) != 0.0) set_bit(row(i), j, true);
      }
    }
  }
  for (Index via = 0; via < n; ++via) {
    for (Index i = 0; i < n; ++i) {
      if (i == via || !get_bit(row(i), via)) continue;
      for (std::size_t w = 0; w < words; ++w) row(i)[w] |= row(via)[w];
    }
  }
  std::vector<std::vector<Index>> blocks;
  std::vector<char> done(static_cast<std::size_t>(n), 0);
  for (Index i = 0; i < n; ++i) {
    if (done[static_cast<std::size_t>(i)] != 0) continue;
    std::vector<Index>& block = blocks.emplace_back();
    for (Index j = i; j < n; ++j) {
      if (!get_bit(row(i), j) || !get_bit(row(j), i)) continue;
      block.push_back(j);
      done[static_cast<std::size_t>(j)] = 1;
    }
  }
  return blocks;
}

void balance(std::vector<Matrix>& matrices) {
  const Index n = matrices.front().rows();
  Matrix size = Matrix::Zero(n, n);
  for (const Matrix& matrix : matrices) size += matrix.cwiseAbs();
  size.diagonal().setZero();
  // Each round halves the sum of rows and columns where it is worth it; few are ever needed.
  constexpr int kMaxRounds = 20;
  for (int round = 0; round < kMaxRounds; ++round) {
    bool changed = false;
    for (Index i = 0; i < n; ++i) {
      const double from = size.row(i).sum();
      const double to = size.col(i).sum();
      if (!(from > 0.0) || !(to > 0.0) || !std::isfinite(from) || !std::isfinite(to)) continue;
      // Rows are divided by f, columns multiplied: equal for f^2 = from / to.
      const int exponent = static_cast<int>(std::lround(0.5 * (std::log2(from) - std::log2(to))));
      if (exponent == 0) continue;
      const double down = std::ldexp(1.0, -exponent);
      const double up = std::ldexp(1.0, exponent);
      if (from * down + to * up > 0.95 * (from + to)) continue;
      changed = true;
      size.row(i) *= down;
      size.col(i) *= up;
      for (Matrix& matrix : matrices) {
        matrix.row(i) *= down;
        matrix.col(i) *= up;
      }
    }
    if (!changed) return;
  }
}

}  // namespace rnndyn

#include "cycles/block_triangular.hpp"

#include <cmath>
#include <cstddef>
#include <utility>

#include "linear_algebra/balancing.hpp"

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
  const std::vector<int> exponents = balancing_exponents(std::move(size));
  for (Index i = 0; i < n; ++i) {
    const int exponent = exponents[static_cast<std::size_t>(i)];
    if (exponent == 0) continue;
    for (Matrix& matrix : matrices) {
      matrix.row(i) *= std::ldexp(1.0, -exponent);
      matrix.col(i) *= std::ldexp(1.0, exponent);
    }
  }
}

}  // namespace rnndyn

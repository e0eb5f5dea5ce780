// Maps whose numbers try the limits of double arithmetic: zeros, far apart, subnormal, too large,
// and such that cancel.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "networks.hpp"

namespace rnndyn::testing {

enum class Numbers { ordinary, sparse, wide, subnormal, huge, cancelling, count };

inline double draw(RandomStream& stream, Numbers numbers) {
  const double x = stream.normal();
  const auto up_to = [&](int n) { return static_cast<int>(stream.below(2 * n + 1)) - n; };
  switch (numbers) {
    case Numbers::sparse:
      return stream.below(3) == 0 ? x : stream.below(2) == 0 ? 0.0 : -0.0;
    case Numbers::wide:
      return std::ldexp(x, up_to(500));  // 1e-150 to 1e150
    case Numbers::subnormal:
      return stream.below(4) == 0 ? x : std::ldexp(x, -1022 - static_cast<int>(stream.below(53)));
    case Numbers::huge:  // products and sums overflow
      return stream.below(4) == 0 ? x : std::ldexp(x, 480 + static_cast<int>(stream.below(40)));
    default:
      return x;
  }
}

inline Matrix drawn_matrix(RandomStream& stream, Index rows, Index columns, Numbers numbers) {
  Matrix matrix(rows, columns);
  for (double& x : matrix.reshaped()) x = draw(stream, numbers);
  return matrix;
}

inline CanonicalMap drawn_map(RandomStream& stream, Index m, Index n_units, Numbers numbers) {
  Matrix a = drawn_matrix(stream, m, m, numbers);
  Matrix w1 = drawn_matrix(stream, m, n_units, numbers);
  Matrix w2 = drawn_matrix(stream, n_units, m, numbers);
  Matrix h1 = drawn_matrix(stream, m, 1, numbers);
  Matrix h2 = drawn_matrix(stream, n_units, 1, numbers);
  if (numbers == Numbers::cancelling) {
    // Copies of units that take back nearly all of what the first have done.
    for (Index i = 1; i < n_units; i += 2) {
      w1.col(i) = -w1.col(i - 1);
      w2.row(i) = w2.row(i - 1);
      h2(i) = h2(i - 1);
      const double size = std::ldexp(1.0, static_cast<int>(stream.below(60)));
      w1.middleCols(i - 1, 2) *= size;
      w1(static_cast<Index>(stream.below(static_cast<std::uint64_t>(m))), i) *= 1.0 + 0x1p-50;
    }
  }
  return CanonicalMap(a, w1, w2, h1, h2);
}

inline std::vector<Word> drawn_region(RandomStream& stream, const CanonicalMap& map) {
  std::vector<Word> region(map.words_per_region(), 0);
  const auto kind = stream.below(8);  // none on, all on, or about half of them
  for (Index i = 0; i < map.n_units(); ++i) {
    set_bit(region.data(), i, kind == 1 || (kind > 1 && stream.below(2) == 1));
  }
  return region;
}

inline CanonicalMap map_of_trial(RandomStream& stream, std::uint64_t trial) {
  const auto numbers = static_cast<Numbers>(trial % static_cast<std::uint64_t>(Numbers::count));
  const auto m = static_cast<Index>(1 + trial / static_cast<std::uint64_t>(Numbers::count) % 40);
  if (stream.below(10) == 0) {
    return plrnn(drawn_matrix(stream, m, m, numbers), drawn_matrix(stream, m, m, numbers),
                 drawn_matrix(stream, m, 1, numbers));
  }
  return drawn_map(stream, m, static_cast<Index>(stream.below(stream.below(4) == 0 ? 140 : 20)),
                   numbers);
}

}  // namespace rnndyn::testing

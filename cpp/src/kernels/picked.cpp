#include "kernels/picked.hpp"

#include <algorithm>
#include <bit>

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "kernels/pack.hpp"

namespace rnndyn::kernels {
namespace {

using Reals = NativePack<double>;

Index* list_bits(std::size_t words, const Word* a, const Word* without, Index* to) {
  for (std::size_t w = 0; w < words; ++w) {
    Word bits = a[w] & ~without[w];
#if defined(__AVX512F__)
    // Nothing that the processor would have to guess.
    __m512i numbers = _mm512_add_epi64(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0),
                                       _mm512_set1_epi64(static_cast<long long>(64 * w)));
    for (; bits != 0; bits >>= 8) {
      const auto here = static_cast<__mmask8>(bits);
      const int n = std::popcount(static_cast<unsigned>(here));
      _mm512_mask_storeu_epi64(to, static_cast<__mmask8>((1U << n) - 1U),
                               _mm512_maskz_compress_epi64(here, numbers));
      to += n;
      numbers = _mm512_add_epi64(numbers, _mm512_set1_epi64(8));
    }
#else
    for (int left = std::popcount(bits); left > 0; --left, bits &= bits - 1) {
      *to++ = static_cast<Index>(64 * w) + std::countr_zero(bits);
    }
#endif
  }
  return to;
}

// Some packs of rows of y; several sums of each, so that additions overlap.
template <int Packs, int Ways>
void add_rows(Index n, const Index* picked, const double* a, Index stride, const double* x,
              double* y) {
  Reals sums[Ways][Packs] = {};
  Index l = 0;
  for (; l + Ways <= n; l += Ways) {
    RNNDYN_UNROLL
    for (int way = 0; way < Ways; ++way) {
      const Index column = picked ? picked[l + way] : l + way;
      const double* from = a + column * stride;
      const double factor = x[column];
      RNNDYN_UNROLL
      for (int p = 0; p < Packs; ++p) {
        sums[way][p] += factor * load_pack(from + p * kNativeLanes);
      }
    }
  }
  for (; l < n; ++l) {
    const Index column = picked ? picked[l] : l;
    const double* from = a + column * stride;
    RNNDYN_UNROLL
    for (int p = 0; p < Packs; ++p) {
      sums[0][p] += x[column] * load_pack(from + p * kNativeLanes);
    }
  }
  RNNDYN_UNROLL
  for (int p = 0; p < Packs; ++p) {
    Reals sum = load_pack(y + p * kNativeLanes);
    RNNDYN_UNROLL
    for (int way = 0; way < Ways; ++way) sum += sums[way][p];
    store_pack<double>(sum, y + p * kNativeLanes);
  }
}

}  // namespace

Index list_differences(std::size_t words, const Word* a, const Word* b, Index* to,
                       Index& n_removed) {
  Index* const middle = list_bits(words, a, b, to);
  Index* const end = list_bits(words, b, a, middle);
  n_removed = end - middle;
  return middle - to;
}

void add_columns(Index m, Index n, const Index* picked, const double* a, Index stride,
                 const double* x, double* y) {
  const Index rows = (m + kNativeLanes - 1) / kNativeLanes * kNativeLanes;
  Index row = 0;
  for (; row + 4 * kNativeLanes <= rows; row += 4 * kNativeLanes) {
    add_rows<4, 2>(n, picked, a + row, stride, x, y + row);
  }
  switch ((rows - row) / kNativeLanes) {
    case 3:
      return add_rows<3, 3>(n, picked, a + row, stride, x, y + row);
    case 2:
      return add_rows<2, 4>(n, picked, a + row, stride, x, y + row);
    case 1:
      return add_rows<1, 8>(n, picked, a + row, stride, x, y + row);
    default:
      return;
  }
}

void add_dots(Index m, Index n, const Index* picked, const double* a, Index stride, const double* x,
              double* y) {
  constexpr Index kTogether = 4;
  const auto vector = [&](Index l) { return a + stride * (picked ? picked[l] : l); };
  const auto add = [&](Index l, const Reals& sums) {
    double sum = 0.0;
    for (int lane = 0; lane < kNativeLanes; ++lane) sum += sums[lane];
    y[picked ? picked[l] : l] += sum;
  };
  Index l = 0;
  for (; l + kTogether <= n; l += kTogether) {
    Reals sums[kTogether] = {};
    const double* from[kTogether];
    for (Index i = 0; i < kTogether; ++i) from[i] = vector(l + i);
    for (Index j = 0; j < m; j += kNativeLanes) {
      const Reals factor = load_pack(x + j);
      RNNDYN_UNROLL
      for (Index i = 0; i < kTogether; ++i) sums[i] += factor * load_pack(from[i] + j);
    }
    for (Index i = 0; i < kTogether; ++i) add(l + i, sums[i]);
  }
  for (; l < n; ++l) {
    Reals sums = {};
    for (Index j = 0; j < m; j += kNativeLanes) sums += load_pack(x + j) * load_pack(vector(l) + j);
    add(l, sums);
  }
}

}  // namespace rnndyn::kernels

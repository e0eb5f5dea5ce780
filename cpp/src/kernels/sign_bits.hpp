// Packs the signs of an array into bits, eight at a time where the instruction set can.
#pragma once

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

// Bit i of the result is p[i] > threshold where that is clear, and the bit of `current` where
// |p[i]| <= threshold. `count` is at most 64; p is readable up to the next multiple of 8.
inline Word sign_bits(const double* p, Index count, double threshold, Word current) {
  Word above = 0;      // p > threshold
  Word not_below = 0;  // p >= -threshold
#if defined(__AVX512F__)
  const __m512d high = _mm512_set1_pd(threshold);
  const __m512d low = _mm512_set1_pd(-threshold);
  for (Index i = 0; i < count; i += 8) {
    const __m512d x = _mm512_loadu_pd(p + i);
    above |= static_cast<Word>(_mm512_cmp_pd_mask(x, high, _CMP_GT_OQ)) << i;
    not_below |= static_cast<Word>(_mm512_cmp_pd_mask(x, low, _CMP_GE_OQ)) << i;
  }
#elif defined(__AVX2__)
  const __m256d high = _mm256_set1_pd(threshold);
  const __m256d low = _mm256_set1_pd(-threshold);
  for (Index i = 0; i < count; i += 4) {
    const __m256d x = _mm256_loadu_pd(p + i);
    above |= static_cast<Word>(_mm256_movemask_pd(_mm256_cmp_pd(x, high, _CMP_GT_OQ))) << i;
    not_below |= static_cast<Word>(_mm256_movemask_pd(_mm256_cmp_pd(x, low, _CMP_GE_OQ))) << i;
  }
#else
  for (Index i = 0; i < count; ++i) {
    above |= static_cast<Word>(p[i] > threshold) << i;
    not_below |= static_cast<Word>(p[i] >= -threshold) << i;
  }
#endif
  const Word used = count == 64 ? ~Word{0} : (Word{1} << count) - 1;
  return (above | (not_below & current)) & used;
}

}  // namespace rnndyn::kernels

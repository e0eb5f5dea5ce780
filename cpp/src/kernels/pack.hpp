// Short vectors of numbers that the compiler keeps in registers, whatever the instruction set.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <vector>

#if defined(__GNUC__) && (defined(__AVX512F__) || defined(__AVX2__))
#include <immintrin.h>
#endif

#include "rnndyn/types.hpp"

#if defined(__clang__)
#define RNNDYN_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define RNNDYN_UNROLL _Pragma("GCC unroll 32")
#else
#define RNNDYN_UNROLL
#endif

namespace rnndyn::kernels {

// Doubles in one register. Wider packs would compile too, but GCC keeps them in memory.
#if defined(__AVX512F__)
inline constexpr int kNativeLanes = 8;
#elif defined(__AVX__)
inline constexpr int kNativeLanes = 4;
#else
inline constexpr int kNativeLanes = 2;
#endif

// Numbers of a kind in one register.
template <class Real>
inline constexpr int kLanesOf = kNativeLanes * static_cast<int>(sizeof(double) / sizeof(Real));

// N numbers: the vector extension of GCC and Clang, elsewhere plain loops.
#if defined(__GNUC__)
template <class Real, int N>
struct PackTraits {
  typedef Real Type __attribute__((vector_size(N * sizeof(Real))));
};
template <class Real, int N>
using PackOf = typename PackTraits<Real, N>::Type;
#else
template <class Real, int N>
struct PackOf {
  Real v[N];
  Real& operator[](int i) { return v[i]; }
  Real operator[](int i) const { return v[i]; }
  friend PackOf operator*(Real a, const PackOf& b) {
    PackOf r;
    for (int i = 0; i < N; ++i) r.v[i] = a * b.v[i];
    return r;
  }
  friend PackOf operator*(const PackOf& a, const PackOf& b) {
    PackOf r;
    for (int i = 0; i < N; ++i) r.v[i] = a.v[i] * b.v[i];
    return r;
  }
  PackOf& operator+=(const PackOf& b) {
    for (int i = 0; i < N; ++i) v[i] += b.v[i];
    return *this;
  }
  PackOf& operator-=(const PackOf& b) {
    for (int i = 0; i < N; ++i) v[i] -= b.v[i];
    return *this;
  }
  friend PackOf operator+(PackOf a, const PackOf& b) { return a += b; }
  friend PackOf operator-(PackOf a, const PackOf& b) { return a -= b; }
  friend PackOf operator-(const PackOf& a) {
    PackOf r;
    for (int i = 0; i < N; ++i) r.v[i] = -a.v[i];
    return r;
  }
};
#endif

template <int N>
using Pack = PackOf<double, N>;
// One register full.
template <class Real>
using NativePack = PackOf<Real, kLanesOf<Real>>;

template <int N>
inline void load(Pack<N>& pack, const double* from) {
  std::memcpy(&pack, from, sizeof(pack));
}
template <int N>
inline void store(const Pack<N>& pack, double* to) {
  std::memcpy(to, &pack, sizeof(pack));
}
template <class Real>
inline NativePack<Real> load_pack(const Real* from) {
  NativePack<Real> pack;
  std::memcpy(&pack, from, sizeof(pack));
  return pack;
}
template <class Real>
inline void store_pack(const NativePack<Real>& pack, Real* to) {
  std::memcpy(to, &pack, sizeof(pack));
}

// `later` in the lanes behind `lane`, `earlier` in the others.
template <class Real>
inline NativePack<Real> split_after(Index lane, const NativePack<Real>& earlier,
                                    const NativePack<Real>& later) {
#if defined(__GNUC__)
  static constexpr Real kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return load_pack<Real>(kNumbers) > static_cast<Real>(lane) ? later : earlier;
#else
  NativePack<Real> result = earlier;
  for (int l = static_cast<int>(lane) + 1; l < kLanesOf<Real>; ++l) result[l] = later[l];
  return result;
#endif
}

// Bit l is set where lane l of a is that of b.
template <class Real>
inline unsigned equal_lanes(const NativePack<Real>& a, const NativePack<Real>& b) {
#if defined(__GNUC__) && defined(__AVX512F__)
  if constexpr (sizeof(Real) == sizeof(double)) {
    return _mm512_cmp_pd_mask((__m512d)a, (__m512d)b, _CMP_EQ_OQ);
  } else {
    return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_EQ_OQ);
  }
#elif defined(__GNUC__) && defined(__AVX2__)
  if constexpr (sizeof(Real) == sizeof(double)) {
    return static_cast<unsigned>(
        _mm256_movemask_pd(_mm256_cmp_pd((__m256d)a, (__m256d)b, _CMP_EQ_OQ)));
  } else {
    return static_cast<unsigned>(
        _mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_EQ_OQ)));
  }
#else
  unsigned bits = 0;
  for (int l = 0; l < kLanesOf<Real>; ++l) bits |= static_cast<unsigned>(a[l] == b[l]) << l;
  return bits;
#endif
}

#if defined(__GNUC__)
#if defined(__AVX512F__)
inline constexpr __mmask8 kAllLanes = 0xff;
#endif

// The larger ones of a and b; b where one of them is not a number.
inline NativePack<double> larger(const NativePack<double>& a, const NativePack<double>& b) {
#if defined(__AVX512F__)
  // GCC 12 warns about its own headers where there is no mask.
  return (NativePack<double>)_mm512_maskz_max_pd(kAllLanes, (__m512d)a, (__m512d)b);
#elif defined(__AVX2__)
  return (NativePack<double>)_mm256_max_pd((__m256d)a, (__m256d)b);
#else
  return a > b ? a : b;
#endif
}

// The largest number of a pack that holds none that is not a number.
inline double largest_lane(const NativePack<double>& pack) {
#if defined(__AVX512F__)
  __m512d x = (__m512d)pack;
  x = _mm512_maskz_max_pd(kAllLanes, x, _mm512_maskz_shuffle_f64x2(kAllLanes, x, x, 0x4e));
  x = _mm512_maskz_max_pd(kAllLanes, x, _mm512_maskz_shuffle_f64x2(kAllLanes, x, x, 0xb1));
  x = _mm512_maskz_max_pd(kAllLanes, x, _mm512_maskz_permute_pd(kAllLanes, x, 0x55));
  return x[0];
#elif defined(__AVX2__)
  const auto x = (__m256d)pack;
  const __m128d half = _mm_max_pd(_mm256_castpd256_pd128(x), _mm256_extractf128_pd(x, 1));
  return _mm_cvtsd_f64(_mm_max_sd(half, _mm_unpackhi_pd(half, half)));
#else
  double result = pack[0];
  for (int l = 1; l < kNativeLanes; ++l) result = pack[l] > result ? pack[l] : result;
  return result;
#endif
}
#endif

// Numbers that are rounded up to, whatever the instruction set: a multiple of any pack.
template <class Real>
inline constexpr Index kPaddingOf = 64 / static_cast<Index>(sizeof(Real));

template <class Real>
constexpr Index padded(Index n) {
  return (n + kPaddingOf<Real> - 1) / kPaddingOf<Real> * kPaddingOf<Real>;
}

// Begins with a cache line, so that packs do not lie across two.
template <class Real>
struct AlignedAllocator {
  using value_type = Real;
  AlignedAllocator() = default;
  template <class Other>
  AlignedAllocator(const AlignedAllocator<Other>& /*other*/) {}
  Real* allocate(std::size_t n) {
    return static_cast<Real*>(::operator new(n * sizeof(Real), std::align_val_t{64}));
  }
  void deallocate(Real* p, std::size_t /*n*/) { ::operator delete(p, std::align_val_t{64}); }
  friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
};
template <class Real>
using AlignedVector = std::vector<Real, AlignedAllocator<Real>>;

}  // namespace rnndyn::kernels

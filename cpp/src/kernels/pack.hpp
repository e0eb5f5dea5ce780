// Short vectors of doubles that the compiler keeps in registers, whatever the instruction set.
#pragma once

#include <cstring>

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

// N doubles: the vector extension of GCC and Clang, elsewhere plain loops.
#if defined(__GNUC__)
template <int N>
struct PackOf {
  typedef double Type __attribute__((vector_size(N * sizeof(double))));
};
template <int N>
using Pack = typename PackOf<N>::Type;
#else
template <int N>
struct Pack {
  double v[N];
  double& operator[](int i) { return v[i]; }
  double operator[](int i) const { return v[i]; }
  friend Pack operator*(double a, const Pack& b) {
    Pack r;
    for (int i = 0; i < N; ++i) r.v[i] = a * b.v[i];
    return r;
  }
  friend Pack operator*(const Pack& a, const Pack& b) {
    Pack r;
    for (int i = 0; i < N; ++i) r.v[i] = a.v[i] * b.v[i];
    return r;
  }
  Pack& operator+=(const Pack& b) {
    for (int i = 0; i < N; ++i) v[i] += b.v[i];
    return *this;
  }
  Pack& operator-=(const Pack& b) {
    for (int i = 0; i < N; ++i) v[i] -= b.v[i];
    return *this;
  }
};
#endif

template <int N>
inline void load(Pack<N>& pack, const double* from) {
  std::memcpy(&pack, from, sizeof(pack));
}
template <int N>
inline void store(const Pack<N>& pack, double* to) {
  std::memcpy(to, &pack, sizeof(pack));
}

}  // namespace rnndyn::kernels

// Steps of the map from the points of a few orbits at once: what is read of the network serves all.
#pragma once

#include <algorithm>
#include <cstring>
#include <vector>

#include "kernels/lockstep/loops.hpp"
#include "kernels/newton.hpp"
#include "kernels/sign_bits.hpp"

namespace rnndyn::kernels::lockstep {

#if defined(__GNUC__)

// Sums of products of a matrix and a vector, so that additions overlap: of one orbit as of several,
// or what an orbit comes to would depend on the others.
inline constexpr int kWays = 2;
// Sums that are kept in registers.
inline constexpr int kSums = static_cast<int>(kTilePacks * kTileColumns);

struct Point {
  AlignedVector<double> z, p;
  std::vector<Word> region;
};

// What of p belongs to bits that are set.
inline void keep_active(const Word* region, Index n_units, double* p) {
  typedef Word Words __attribute__((vector_size(kNativeLanes * sizeof(Word))));
  static constexpr Word kBits[8] = {1, 2, 4, 8, 16, 32, 64, 128};
  Words bits;
  std::memcpy(&bits, kBits, sizeof(bits));
  for (Index u = 0; u < n_units; u += kNativeLanes) {
    const Words on = bits & (region[u / 64] >> (u % 64));
    store_pack<double>(on != 0 ? load_pack(p + u) : Reals{}, p + u);
  }
}

template <int Width>
class Orbits {
 public:
  explicit Orbits(const NewtonTables& tables)
      : tables_(tables),
        m_(tables.n_states),
        n_units_(tables.n_units),
        words_(static_cast<Index>(tables.words)) {}

  Point make_point() const {
    return {AlignedVector<double>(at(Width), 0.0), AlignedVector<double>(at(tables_.units), 0.0),
            std::vector<Word>(tables_.words)};
  }

  // p = W2 z + h2.
  template <int N>
  void preactivate(Point* const* points) const {
    const double* z[N];
    double* p[N];
    for (int l = 0; l < N; ++l) {
      z[l] = points[l]->z.data();
      p[l] = points[l]->p.data();
      if (tables_.w2_is_identity) std::copy_n(z[l], m_, p[l]);
    }
    if (tables_.w2_is_identity) return;
    const Index stride = tables_.units;
    in_parts<std::min(8, kSums / N)>(stride / kNativeLanes, [&](Index pack, auto packs) {
      constexpr int kCount = packs.value;
      const double* column = tables_.w2.data() + pack * kNativeLanes;
      Reals sums[N][kCount];
      RNNDYN_UNROLL
      for (int i = 0; i < kCount; ++i) {
        const Reals h2 = load_pack(tables_.h2.data() + (pack + i) * kNativeLanes);
        RNNDYN_UNROLL
        for (int l = 0; l < N; ++l) sums[l][i] = h2;
      }
      for (Index j = 0; j < m_; ++j, column += stride) {
        Reals x[kCount];
        RNNDYN_UNROLL
        for (int i = 0; i < kCount; ++i) x[i] = load_pack(column + i * kNativeLanes);
        RNNDYN_UNROLL
        for (int l = 0; l < N; ++l) {
          RNNDYN_UNROLL
          for (int i = 0; i < kCount; ++i) sums[l][i] += z[l][j] * x[i];
        }
      }
      RNNDYN_UNROLL
      for (int l = 0; l < N; ++l) {
        RNNDYN_UNROLL
        for (int i = 0; i < kCount; ++i) {
          store_pack<double>(sums[l][i], p[l] + (pack + i) * kNativeLanes);
        }
      }
    });
  }

  // Returns what differs from `now`.
  Word read_region(Point& point, double threshold, const Word* now) const {
    Word difference = 0;
    for (Index w = 0; w < words_; ++w) {
      const Index count = std::min<Index>(64, n_units_ - 64 * w);
      point.region[at(w)] =
          sign_bits(point.p.data() + 64 * w, count, threshold, now[w]) & tables_.relevant[at(w)];
      difference |= point.region[at(w)] ^ now[w];
    }
    return difference;
  }

  // z = A z + W1 p + h1, where units that are off in the last region have no p.
  template <int N>
  void advance(Point* const* points) const {
    double* z[N];
    double* p[N];
    for (int l = 0; l < N; ++l) {
      Point& point = *points[l];
      z[l] = point.z.data();
      p[l] = point.p.data();
      keep_active(point.region.data(), n_units_, p[l]);
    }
    alignas(64) double fresh[N][Width];
    in_parts_of_row<Width, std::min(kPacks, std::max(1, kSums / (kWays * N)))>(
        [&](Index pack, auto packs) {
          constexpr int kCount = packs.value;
          const Index first = pack * kNativeLanes;
          Reals sums[N][kCount];
          RNNDYN_UNROLL
          for (int l = 0; l < N; ++l) {
            RNNDYN_UNROLL
            for (int i = 0; i < kCount; ++i) {
              const Index row = first + i * kNativeLanes;
              sums[l][i] = load_pack(tables_.h1.data() + row);
              if (tables_.diagonal_a) {
                sums[l][i] += load_pack(tables_.diagonal.data() + row) * load_pack(z[l] + row);
              }
            }
          }
          if (!tables_.diagonal_a) {
            add_vectors<N, kCount>(m_, tables_.a.data() + first, Width, z, sums);
          }
          add_vectors<N, kCount>(n_units_, tables_.rank1.data() + first, 2 * Width, p, sums);
          RNNDYN_UNROLL
          for (int l = 0; l < N; ++l) {
            RNNDYN_UNROLL
            for (int i = 0; i < kCount; ++i) {
              store_pack<double>(sums[l][i], fresh[l] + first + i * kNativeLanes);
            }
          }
        });
    for (int l = 0; l < N; ++l) std::copy_n(fresh[l], Width, z[l]);
  }

 private:
  static constexpr int kPacks = Width / kNativeLanes;

  // sums[l] += sum over j < n of x[l][j] * (vector j).
  template <int N, int Count>
  static void add_vectors(Index n, const double* vectors, Index stride, double* const (&x)[N],
                          Reals (&sums)[N][Count]) {
    Reals more[kWays][N][Count] = {};
    const auto add = [&](Index j, Reals(&to)[N][Count]) {
      RNNDYN_UNROLL
      for (int i = 0; i < Count; ++i) {
        const Reals part = load_pack(vectors + j * stride + i * kNativeLanes);
        RNNDYN_UNROLL
        for (int l = 0; l < N; ++l) to[l][i] += x[l][j] * part;
      }
    };
    Index j = 0;
    for (; j + kWays <= n; j += kWays) {
      RNNDYN_UNROLL
      for (int way = 0; way < kWays; ++way) add(j + way, more[way]);
    }
    if (j < n) add(j, more[0]);
    RNNDYN_UNROLL
    for (int way = 0; way < kWays; ++way) {
      RNNDYN_UNROLL
      for (int l = 0; l < N; ++l) {
        RNNDYN_UNROLL
        for (int i = 0; i < Count; ++i) sums[l][i] += more[way][l][i];
      }
    }
  }

  const NewtonTables& tables_;
  Index m_, n_units_, words_;
};

#endif

}  // namespace rnndyn::kernels::lockstep

// Linear systems of up to some forty rows, several together: the pivots of one system wait for each
// other, those of different systems do not.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "kernels/pack.hpp"
#include "rnndyn/types.hpp"

namespace rnndyn::kernels {

#if defined(__GNUC__)

// A system a x = b of n rows as [a | b], column by column, Width numbers each and zero from number
// n on. Gauss-Jordan elimination with row pivoting, where rows stay where they are: every column is
// whole packs then, and nothing is left to be substituted back. Its solution has an error like that
// of Gaussian elimination (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., theorem
// 14.5). What a system comes to does not depend on those that are solved with it.
template <int Width>
class GaussJordan {
  static constexpr int kPacks = Width / kNativeLanes;
  static_assert(Width % kNativeLanes == 0 && Width <= 64);
  using Reals = NativePack<double>;
  typedef std::uint64_t Bits __attribute__((vector_size(kNativeLanes * sizeof(std::uint64_t))));

 public:
  // At most Width - 1 rows.
  explicit GaussJordan(Index n) : n_(n) {}

  double* column(Index j) { return columns_ + j * Width; }
  // Pivots are to be larger than this one.
  void begin(double smallest_pivot) {
    smallest_ = std::max(smallest_pivot, std::numeric_limits<double>::min());
    for (int i = 0; i < Width; ++i) sizes_[i] = i < n_ ? kSize : 0;
    singular_ = false;
  }
  // N systems of as many rows, one behind the other in memory.
  template <int N>
  static void eliminate(GaussJordan* systems) {
    const Index n = systems[0].n_;
    const Pair* taken[N] = {};
    find_pivots<N, false>(systems, 0, taken);
    for (Index first = 0; first < n; first += 2) {
      for (int l = 0; l < N; ++l) taken[l] = &systems[l].pair(first);
      // On the next pivots nothing else here waits.
      const Index next = std::min(first + 2, n);
      if (next < n) find_pivots<N, true>(systems, next, taken);
      for (int l = 0; l < N; ++l) {
        const Factors factors(*taken[l]);
        double* const end = systems[l].column(n + 1);
        for (double* to = systems[l].column(std::min(next + 2, n)); to < end; to += Width) {
          factors.take(to);
        }
      }
    }
  }

  // Whether a pivot was too small. Else the solution:
  bool is_singular() const { return singular_; }
  void solution(double* x) const {
    const double* right = columns_ + n_ * Width;
    for (Index p = 0; p < n_; ++p) x[p] = right[rows_[p]] * inverses_[p];
  }

 private:
  // Bits of a number that tell its size. The others hold its row, so that the largest of some
  // numbers is known together with where it is; sizes that differ in them alone are as good.
  static constexpr std::uint64_t kSize = 0x7fff'ffff'ffff'ffc0;

  // Multiples of the rows of a pair of pivots that are taken from the others.
  struct Pair {
    alignas(64) double factors[2][Width];
    int rows[2];
  };
  struct Factors {
    explicit Factors(const Pair& pair) {
      RNNDYN_UNROLL
      for (int i = 0; i < kPacks; ++i) {
        first[i] = load_pack(pair.factors[0] + i * kNativeLanes);
        second[i] = load_pack(pair.factors[1] + i * kNativeLanes);
      }
      row = pair.rows[0];
      second_row = pair.rows[1];
      between = pair.factors[0][second_row];
    }
    void take(double* column) const {
      const double factor = column[row];
      const double second_factor = column[second_row] - between * factor;
      RNNDYN_UNROLL
      for (int i = 0; i < kPacks; ++i) {
        const Reals x = load_pack(column + i * kNativeLanes) - factor * first[i];
        store_pack<double>(x - second_factor * second[i], column + i * kNativeLanes);
      }
    }
    Reals first[kPacks], second[kPacks];
    double between;
    int row, second_row;
  };

  // The pivots of columns p and p + 1, after the pair before is taken from them.
  template <int N, bool Later>
  static void find_pivots(GaussJordan* systems, Index p, const Pair* const (&before)[N]) {
    const Index n = systems[0].n_;
    for (int l = 0; l < N && Later; ++l) Factors(*before[l]).take(systems[l].column(p));
    find_pivot<N, 0>(systems, p);
    for (int l = 0; l < N; ++l) {
      Pair& pair = systems[l].pair(p);
      if (p + 1 == n) {
        std::fill_n(pair.factors[1], Width, 0.0);
        pair.rows[1] = 0;
        continue;
      }
      double* next = systems[l].column(p + 1);
      if (Later) Factors(*before[l]).take(next);
      const double factor = next[pair.rows[0]];
      RNNDYN_UNROLL
      for (int i = 0; i < kPacks; ++i) {
        const Reals x = load_pack(pair.factors[0] + i * kNativeLanes);
        store_pack<double>(load_pack(next + i * kNativeLanes) - factor * x,
                           next + i * kNativeLanes);
      }
    }
    if (p + 1 < n) find_pivot<N, 1>(systems, p + 1);
  }

  // The largest entry of column p in a row that has been no pivot. What waits for each other of one
  // system is kept apart by what does not of the others.
  template <int N, int Which>
  static void find_pivot(GaussJordan* systems, Index p) {
    Reals tops[N] = {};
    RNNDYN_UNROLL
    for (int l = 0; l < N; ++l) {
      const double* pivots = systems[l].column(p);
      RNNDYN_UNROLL
      for (int i = 0; i < kPacks; ++i) {
        const Bits x = (Bits)load_pack(pivots + i * kNativeLanes);
        const Reals size = (Reals)((x & systems[l].load_sizes(i)) | numbers(i));
        tops[l] = larger(size, tops[l]);
      }
    }
    double sizes[N];
    RNNDYN_UNROLL
    for (int l = 0; l < N; ++l) sizes[l] = largest_lane(tops[l]);
    double inverses[N];
    int rows[N];
    RNNDYN_UNROLL
    for (int l = 0; l < N; ++l) {
      GaussJordan& system = systems[l];
      const auto row = static_cast<int>(std::bit_cast<std::uint64_t>(sizes[l]) & ~kSize);
      rows[l] = std::min(row, Width - 1);  // it may be anything where a number is none
      inverses[l] = 1.0 / system.column(p)[rows[l]];
      system.singular_ |= !(sizes[l] > system.smallest_);
      system.rows_[p] = system.pair(p).rows[Which] = rows[l];
      system.inverses_[p] = inverses[l];
    }
    RNNDYN_UNROLL
    for (int l = 0; l < N; ++l) {
      GaussJordan& system = systems[l];
      const double* pivots = system.column(p);
      double* factors = system.pair(p).factors[Which];
      RNNDYN_UNROLL
      for (int i = 0; i < kPacks; ++i) {
        const auto other = numbers(i) != static_cast<std::uint64_t>(rows[l]);
        const Reals x = inverses[l] * load_pack(pivots + i * kNativeLanes);
        store_pack<double>(other ? x : Reals{}, factors + i * kNativeLanes);
        const Bits left = system.load_sizes(i) & (Bits)other;
        std::memcpy(system.sizes_ + i * kNativeLanes, &left, sizeof(left));
      }
    }
  }

  Pair& pair(Index p) { return pairs_[p / 2 % 2]; }
  Bits load_sizes(int pack) const {
    Bits bits;
    std::memcpy(&bits, sizes_ + pack * kNativeLanes, sizeof(bits));
    return bits;
  }
  // Of the rows in a pack.
  static Bits numbers(int pack) {
    static constexpr std::uint64_t kFirst[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    Bits bits;
    std::memcpy(&bits, kFirst, sizeof(bits));
    return bits + static_cast<std::uint64_t>(pack * kNativeLanes);
  }

  alignas(64) double columns_[Width * Width] = {};
  alignas(64) std::uint64_t sizes_[Width] = {};  // kSize where a row has been no pivot
  Pair pairs_[2] = {};                           // the last one, and the one before
  double inverses_[Width] = {};
  int rows_[Width] = {};
  Index n_;
  double smallest_ = 0.0;
  bool singular_ = false;
};

#endif

}  // namespace rnndyn::kernels

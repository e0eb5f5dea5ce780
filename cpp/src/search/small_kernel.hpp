// The kernel for up to kMaxSmallStates states: sizes known to the compiler, rows padded to whole
// vector registers, nothing allocated per call.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>
#include <vector>

#include "newton_kernel.hpp"
#include "sign_bits.hpp"

namespace rnndyn {

inline constexpr Index kMaxSmallStates = 16;

// Parameters laid out for SmallKernel. An affine map z -> J z + c is M rows [J | c] of `width`
// doubles, zero beyond column M.
class KernelTables {
 public:
  explicit KernelTables(const CanonicalMap& map);

  PreactivationReach reach;
  Index width;                // of an affine row: M + 1, padded
  Index units;                // H padded to a multiple of 8
  std::vector<double> base;   // [A | h1], M x width
  std::vector<double> rank1;  // per unit: W1 column (width), then [W2 row | h2] (width)
  std::vector<double> w2;     // W2 column by column, each padded to `units`
  std::vector<double> h2;     // padded to `units`
  // [J | c] of every region, indexed by the region's word, where H is small; else empty.
  std::vector<double> regions;
};

template <int M>
class SmallKernel final : public NewtonKernel {
 public:
  // Columns of an affine row: M + 1 rounded up to half, one, two or three AVX-512 registers.
  static constexpr int kWidth = M + 1 <= 4 ? 4 : (M + 8) / 8 * 8;

  SmallKernel(const CanonicalMap& map, const KernelTables& tables, Index order)
      : map_(map),
        tables_(tables),
        order_(order),
        words_(static_cast<Index>(map.words_per_region())),
        preactivation_(static_cast<std::size_t>(tables.units), 0.0),
        region_(map.words_per_region(), 0) {}

  double flops() const override {
    const double k = static_cast<double>(order_);
    const double hidden = static_cast<double>(map_.n_units());
    return k * (2.0 * M * M * (M + 1) + 4.0 * M * hidden) + 2.0 / 3.0 * M * M * M;
  }

  NewtonStatus iterate(const Word* itinerary, Word* next) override {
    const double growth = compose(itinerary);
    if (!(growth <= kProductLimit)) return iterate_stably(map_, itinerary, order_, next);
    double z[kWidth] = {};
    if (!solve(z)) return NewtonStatus::singular;
    return follow(z, growth, itinerary, next);
  }

  bool read_itinerary(Vector& state, Index transient, Word* out) override {
    double* z = state.data();
    for (Index t = -transient; t < order_; ++t) {
      preactivate(z);
      
      for (Index w = 0; w < words_; ++w) {
        const Index count = std::min<Index>(64, map_.n_units() - 64 * w);
        region_[static_cast<std::size_t>(w)] = sign_bits(preactivation_.data() + 64 * w, count, 0.0, 0) &
                    map_.relevant_units()[static_cast<std::size_t>(w)];
        if (t >= 0) out[t * words_ + w] = region_[static_cast<std::size_t>(w)];
      }
      advance(z, region_.data());
    }
    return state.allFinite() && state.cwiseAbs().maxCoeff() < 1e100;
  }

 private:
  using Row = double[kWidth];

  // [J | c] of a region: from the table, or built into scratch_.
  const double* affine(const Word* region) {
    if (!tables_.regions.empty()) {
      return tables_.regions.data() + static_cast<std::size_t>(region[0]) * (M * kWidth);
    }
    std::copy_n(tables_.base.data(), M * kWidth, scratch_);
    for (Index w = 0; w < words_; ++w) {
      for (Word bits = region[w]; bits != 0; bits &= bits - 1) {
        const Index unit = 64 * w + std::countr_zero(bits);
        const double* column = tables_.rank1.data() + unit * 2 * kWidth;
        const double* row = column + kWidth;
        for (int i = 0; i < M; ++i) {
          const double f = column[i];
          double* target = scratch_ + i * kWidth;
          for (int j = 0; j < kWidth; ++j) target[j] += f * row[j];
        }
      }
    }
    return scratch_;
  }

  // product_ = the affine map around the itinerary; returns the largest entry met on the way.
  double compose(const Word* itinerary) {
    std::memcpy(product_, affine(itinerary), sizeof(product_));
    Row largest = {};
    for (Index t = 1; t < order_; ++t) {
      const double* step = affine(itinerary + t * words_);
      double fresh[M][kWidth];
      for (int i = 0; i < M; ++i) {
        Row sum = {};
        for (int j = 0; j < M; ++j) {
          const double f = step[i * kWidth + j];
          for (int c = 0; c < kWidth; ++c) sum[c] += f * product_[j][c];
        }
        sum[M] += step[i * kWidth + M];
        for (int c = 0; c < kWidth; ++c) fresh[i][c] = sum[c];
      }
      for (int i = 0; i < M; ++i) {
        for (int c = 0; c < kWidth; ++c) {
          product_[i][c] = fresh[i][c];
          largest[c] = std::max(largest[c], std::abs(fresh[i][c]));
        }
      }
    }
    double result = 0.0;
    for (int c = 0; c < M; ++c) result = std::max(result, largest[c]);
    return result;
  }

  // (I - J) z = c by Gaussian elimination with row pivoting on product_.
  bool solve(double* z) {
    double a[M][kWidth];
    double size = 0.0;
    for (int i = 0; i < M; ++i) {
      for (int c = 0; c < kWidth; ++c) a[i][c] = -product_[i][c];
      a[i][i] += 1.0;
      a[i][M] = product_[i][M];
      for (int c = 0; c < M; ++c) size = std::max(size, std::abs(a[i][c]));
    }
    const double smallest_pivot = 1e-13 * size;
    for (int p = 0; p < M; ++p) {
      int best = p;
      for (int i = p + 1; i < M; ++i) {
        if (std::abs(a[i][p]) > std::abs(a[best][p])) best = i;
      }
      if (!(std::abs(a[best][p]) > smallest_pivot)) return false;
      if (best != p) {
        for (int c = 0; c < kWidth; ++c) std::swap(a[p][c], a[best][c]);
      }
      const double inverse = 1.0 / a[p][p];
      for (int i = p + 1; i < M; ++i) {
        const double f = a[i][p] * inverse;
        for (int c = 0; c < kWidth; ++c) a[i][c] -= f * a[p][c];
      }
    }
    for (int p = M - 1; p >= 0; --p) {
      double sum = a[p][M];
      for (int c = p + 1; c < M; ++c) sum -= a[p][c] * z[c];
      z[p] = sum / a[p][p];
    }
    return true;
  }

  // Follows the true map from z and writes the regions it visits.
  NewtonStatus follow(double* z, double growth, const Word* itinerary, Word* next) {
    double largest = 0.0;
    for (int i = 0; i < M; ++i) largest = std::max(largest, std::abs(z[i]));
    if (!(largest < 1e150)) return NewtonStatus::diverged;
    const double threshold = tables_.reach.negligible(largest, growth);
    Word difference = 0;
    for (Index t = 0; t < order_; ++t) {
      const Word* now = itinerary + t * words_;
      Word* out = next + t * words_;
      preactivate(z);
      for (Index w = 0; w < words_; ++w) {
        const Index count = std::min<Index>(64, map_.n_units() - 64 * w);
        out[w] = sign_bits(preactivation_.data() + 64 * w, count, threshold, now[w]) &
                 map_.relevant_units()[static_cast<std::size_t>(w)];
        difference |= out[w] ^ now[w];
      }
      advance(z, out);
    }
    double sum = 0.0;
    for (int i = 0; i < M; ++i) sum += z[i];
    if (!std::isfinite(sum)) return NewtonStatus::diverged;
    return difference == 0 ? NewtonStatus::settled : NewtonStatus::moved;
  }

  void preactivate(const double* z) {
    double* p = preactivation_.data();
    const Index n = tables_.units;
    for (Index h = 0; h < n; h += 8) {
      double sum[8];
      for (int l = 0; l < 8; ++l) sum[l] = tables_.h2[static_cast<std::size_t>(h + l)];
      for (int j = 0; j < M; ++j) {
        const double* column = tables_.w2.data() + j * n + h;
        for (int l = 0; l < 8; ++l) sum[l] += column[l] * z[j];
      }
      for (int l = 0; l < 8; ++l) p[h + l] = sum[l];
    }
  }

  void advance(double* z, const Word* region) {
    double fresh[kWidth];
    if (!tables_.regions.empty()) {
      const double* map =
          tables_.regions.data() + static_cast<std::size_t>(region[0]) * (M * kWidth);
      for (int i = 0; i < M; ++i) {
        double sum = map[i * kWidth + M];
        for (int j = 0; j < M; ++j) sum += map[i * kWidth + j] * z[j];
        fresh[i] = sum;
      }
    } else {
      for (int i = 0; i < M; ++i) {
        double sum = tables_.base[static_cast<std::size_t>(i * kWidth + M)];
        for (int j = 0; j < M; ++j) sum += tables_.base[static_cast<std::size_t>(i * kWidth + j)] * z[j];
        fresh[i] = sum;
      }
      for (Index w = 0; w < words_; ++w) {
        for (Word bits = region[w]; bits != 0; bits &= bits - 1) {
          const Index unit = 64 * w + std::countr_zero(bits);
          const double p = preactivation_[static_cast<std::size_t>(unit)];
          const double* column = tables_.rank1.data() + unit * 2 * kWidth;
          for (int i = 0; i < M; ++i) fresh[i] += column[i] * p;
        }
      }
    }
    for (int i = 0; i < M; ++i) z[i] = fresh[i];
  }

  const CanonicalMap& map_;
  const KernelTables& tables_;
  Index order_;
  Index words_;
  std::vector<double> preactivation_;
  std::vector<Word> region_;
  alignas(64) double product_[M][kWidth];
  alignas(64) double scratch_[M * kWidth];
};

}  // namespace rnndyn

// The kernel for up to kMaxSmallStates states: sizes known to the compiler, rows padded to whole
// vector registers, nothing allocated per call.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>
#include <vector>

#include "kernels/newton.hpp"
#include "kernels/pack.hpp"
#include "kernels/sign_bits.hpp"

namespace rnndyn::kernels {

template <int M>
class SmallNewton final : public Newton {
 public:
  SmallNewton(const NewtonTables& tables, Index order, Refutation refutation)
      : tables_(tables),
        order_(order),
        bounded_(refutation == Refutation::bounded),
        error_(tables.reach, M, order),
        words_(static_cast<Index>(tables.words)),
        preactivation_(static_cast<std::size_t>(tables.units), 0.0),
        region_(tables.words, 0),
        nothing_(tables.words, 0) {}

  double flops() const override {
    const double k = static_cast<double>(order_);
    const double hidden = static_cast<double>(tables_.n_units);
    return k * (2.0 * M * M * (M + 1) + 4.0 * M * hidden) + 2.0 / 3.0 * M * M * M;
  }

  unsigned iterate(const Word* itinerary, Word* next, unsigned /*active*/,
                   NewtonStatus* status) override {
    const double growth = compose(itinerary);
    *status = NewtonStatus::moved;
    if (!(growth <= kProductLimit)) return 1;
    alignas(64) double z[kWidth] = {};
    double inverse_norm = 0.0;
    if (!solve(z, inverse_norm)) {
      *status = NewtonStatus::singular;
      return 1;
    }
    *status = follow(z, growth, inverse_norm, itinerary, next);
    return 0;
  }

  bool read_itinerary(double* state, Index transient, Word* out) override {
    alignas(64) double z[kWidth] = {};
    std::copy_n(state, M, z);
    for (Index t = -transient; t < order_; ++t) {
      read_region(z, 0.0, nothing_.data(), region_.data());
      if (t >= 0) std::copy_n(region_.data(), words_, out + t * words_);
      advance(z, region_.data());
    }
    std::copy_n(z, M, state);
    bool inside = true;
    for (int i = 0; i < M; ++i) inside = inside && std::abs(z[i]) < kFarAway;
    return inside;
  }

 private:
  static constexpr int kWidth = static_cast<int>(affine_width(M));
  static constexpr int kLane = std::min(kNativeLanes, kWidth);
  static constexpr int kPacks = kWidth / kLane;
  static constexpr int kLast = M / kLane;  // pack of the constant term
  // Rows of the product that are built together, so that each loaded row of the old product serves
  // several; their sums have to fit into 16 registers, next to a few others.
  static constexpr int kRows = std::max(1, std::min(M, 12 / kPacks));
  // Passing over inactive units pays from here on; with fewer states the loop over bits, which the
  // processor cannot predict, costs more than the products it spares.
  static constexpr bool kWorthSkipping = M >= 6;
  using Lane = Pack<kLane>;

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
        Lane row[kPacks];
        for (int c = 0; c < kPacks; ++c) load<kLane>(row[c], column + kWidth + c * kLane);
        for (int i = 0; i < M; ++i) {
          for (int c = 0; c < kPacks; ++c) {
            Lane target;
            load<kLane>(target, scratch_ + i * kWidth + c * kLane);
            target += column[i] * row[c];
            store<kLane>(target, scratch_ + i * kWidth + c * kLane);
          }
        }
      }
    }
    return scratch_;
  }

  // One row block of fresh = (J | c) o old, for a dense J. The loops over rows and packs have to be
  // unrolled for the sums to stay in registers.
  template <int First>
  void multiply_rows(const double* step, const double* old, double* fresh) const {
    constexpr int n = std::min(kRows, M - First);
    Lane sum[n][kPacks] = {};
    Lane last;
    load_last_column(last);
    RNNDYN_UNROLL
    for (int r = 0; r < n; ++r) sum[r][kLast] += step[(First + r) * kWidth + M] * last;
    for (int j = 0; j < M; ++j) {
      Lane row[kPacks];
      RNNDYN_UNROLL
      for (int c = 0; c < kPacks; ++c) load<kLane>(row[c], old + j * kWidth + c * kLane);
      RNNDYN_UNROLL
      for (int r = 0; r < n; ++r) {
        const double f = step[(First + r) * kWidth + j];
        RNNDYN_UNROLL
        for (int c = 0; c < kPacks; ++c) sum[r][c] += f * row[c];
      }
    }
    write_rows<First, n>(sum, fresh);
    if constexpr (First + kRows < M) multiply_rows<First + kRows>(step, old, fresh);
  }

  // The same for W2 = I and diagonal A, where only the columns of active units count:
  // fresh = A old + W1 (active rows of old) + h1.
  template <int First>
  void multiply_active_rows(Word region, const double* old, double* fresh) const {
    constexpr int n = std::min(kRows, M - First);
    Lane sum[n][kPacks];
    Lane last;
    load_last_column(last);
    RNNDYN_UNROLL
    for (int r = 0; r < n; ++r) {
      const auto at = static_cast<std::size_t>(First + r);
      RNNDYN_UNROLL
      for (int c = 0; c < kPacks; ++c) {
        Lane row;
        load<kLane>(row, old + (First + r) * kWidth + c * kLane);
        sum[r][c] = tables_.diagonal[at] * row;
      }
      sum[r][kLast] += tables_.h1[at] * last;
    }
    for (Word bits = region; bits != 0; bits &= bits - 1) {
      const int j = std::countr_zero(bits);
      const double* column = tables_.rank1.data() + j * 2 * kWidth + First;
      Lane row[kPacks];
      RNNDYN_UNROLL
      for (int c = 0; c < kPacks; ++c) load<kLane>(row[c], old + j * kWidth + c * kLane);
      RNNDYN_UNROLL
      for (int r = 0; r < n; ++r) {
        RNNDYN_UNROLL
        for (int c = 0; c < kPacks; ++c) sum[r][c] += column[r] * row[c];
      }
    }
    write_rows<First, n>(sum, fresh);
    if constexpr (First + kRows < M) multiply_active_rows<First + kRows>(region, old, fresh);
  }

  // 1 in the column of the constant term, within its pack.
  static void load_last_column(Lane& lane) {
    alignas(64) double values[kLane] = {};
    values[M % kLane] = 1.0;
    load<kLane>(lane, values);
  }

  template <int First, int n>
  static void write_rows(const Lane (&sum)[n][kPacks], double* fresh) {
    RNNDYN_UNROLL
    for (int r = 0; r < n; ++r) {
      RNNDYN_UNROLL
      for (int c = 0; c < kPacks; ++c) {
        store<kLane>(sum[r][c], fresh + (First + r) * kWidth + c * kLane);
      }
    }
  }

  // product_ = the affine map around the itinerary; returns the largest entry met on the way, where
  // every fourth product and the last are looked at: that tells growth well enough.
  double compose(const Word* itinerary) {
    std::copy_n(affine(itinerary), M * kWidth, buffers_[0]);
    int current = 0;
    const bool skip =
        kWorthSkipping && tables_.regions.empty() && tables_.diagonal_a && tables_.w2_is_identity;
    double largest[kWidth] = {};
    for (Index t = 1; t < order_; ++t) {
      const double* old = buffers_[current];
      double* fresh = buffers_[1 - current];
      if (skip) {
        multiply_active_rows<0>(itinerary[t], old, fresh);
      } else {
        multiply_rows<0>(affine(itinerary + t * words_), old, fresh);
      }
      current = 1 - current;
      if (t % 4 != 0 && t + 1 != order_) continue;
      for (int i = 0; i < M; ++i) {
        for (int c = 0; c < kWidth; ++c) {
          largest[c] = std::max(largest[c], std::abs(fresh[i * kWidth + c]));
        }
      }
    }
    product_ = buffers_[current];
    double result = 0.0;
    for (int c = 0; c < M; ++c) result = std::max(result, largest[c]);
    return result;
  }

  // (I - J) z = c by Gaussian elimination with row pivoting. `inverse_norm`, where refutations are
  // bounded, becomes a bound of |(I - J)^-1| as in newton_lanes.cpp, but with M in place of
  // 2^(M-1), and once more for taking the sums of columns, which the elimination can do on the way.
  bool solve(double* z, double& inverse_norm) {
    alignas(64) double a[M][kWidth];
    double size = 0.0;
    for (int i = 0; i < M; ++i) {
      for (int c = 0; c < kWidth; ++c) a[i][c] = -product_[i * kWidth + c];
      a[i][i] += 1.0;
      a[i][M] = product_[i * kWidth + M];
      for (int c = 0; c < M; ++c) size = std::max(size, std::abs(a[i][c]));
    }
    const double smallest_pivot = kSingularPivot * size;
    double inverse[M];
    alignas(64) double sums[kWidth];  // of the columns of the comparison matrix's inverse
    std::fill_n(sums, kWidth, 1.0);
    for (int p = 0; p < M; ++p) {
      int best = p;
      for (int i = p + 1; i < M; ++i) {
        if (std::abs(a[i][p]) > std::abs(a[best][p])) best = i;
      }
      if (!(std::abs(a[best][p]) > smallest_pivot)) return false;
      if (best != p) {
        for (int c = 0; c < kWidth; ++c) std::swap(a[p][c], a[best][c]);
      }
      inverse[p] = 1.0 / a[p][p];
      if (bounded_) {
        const double sum = sums[p] * std::abs(inverse[p]);
        inverse_norm = std::max(inverse_norm, sum);
        for (int c = 0; c < kWidth; ++c) sums[c] += std::abs(a[p][c]) * sum;
      }
      for (int i = p + 1; i < M; ++i) {
        const double f = a[i][p] * inverse[p];
        for (int c = 0; c < kWidth; ++c) a[i][c] -= f * a[p][c];
      }
    }
    for (int p = M - 1; p >= 0; --p) {
      z[p] = a[p][M] * inverse[p];
      for (int i = 0; i < p; ++i) a[i][M] -= a[i][p] * z[p];
    }
    inverse_norm *= static_cast<double>(M * M);
    return true;
  }

  // Follows the true map from z and writes the regions it visits.
  NewtonStatus follow(double* z, double growth, double inverse_norm, const Word* itinerary,
                      Word* next) {
    double largest = 0.0;
    for (int i = 0; i < M; ++i) largest = std::max(largest, std::abs(z[i]));
    if (!(largest < 1e150)) return NewtonStatus::diverged;
    double threshold = tables_.reach.negligible(largest, growth);
    if (bounded_) {
      threshold = std::max(threshold, error_(largest, growth, inverse_norm));
      if (!(threshold < std::numeric_limits<double>::infinity())) return NewtonStatus::singular;
    }
    Word difference = 0;
    for (Index t = 0; t < order_; ++t) {
      const Word* now = itinerary + t * words_;
      Word* out = next + t * words_;
      difference |= read_region(z, threshold, now, out);
      advance(z, out);
    }
    double sum = 0.0;
    for (int i = 0; i < M; ++i) sum += z[i];
    if (!std::isfinite(sum)) return NewtonStatus::diverged;
    return difference == 0 ? NewtonStatus::settled : NewtonStatus::moved;
  }

  // Region of z, where negligible pre-activations keep the bit of `now`; returns what differs.
  Word read_region(const double* z, double threshold, const Word* now, Word* out) {
    if (tables_.w2_is_identity && M <= 8) {
      // Bit by bit: the few states were just written one by one, and reading them back as one
      // vector would wait for those writes.
      Word bits = 0;
      for (int i = 0; i < M; ++i) {
        const Word above = z[i] > threshold ? 1U : 0U;
        const Word not_below = z[i] >= -threshold ? 1U : 0U;
        bits |= (above | (not_below & (now[0] >> i))) << i;
      }
      out[0] = bits & tables_.relevant[0];
      if (tables_.regions.empty()) std::copy_n(z, M, preactivation_.data());
      return out[0] ^ now[0];
    }
    preactivate(z);
    Word difference = 0;
    for (Index w = 0; w < words_; ++w) {
      const Index count = std::min<Index>(64, tables_.n_units - 64 * w);
      out[w] = sign_bits(preactivation_.data() + 64 * w, count, threshold, now[w]) &
               tables_.relevant[static_cast<std::size_t>(w)];
      difference |= out[w] ^ now[w];
    }
    return difference;
  }

  void preactivate(const double* z) {
    double* p = preactivation_.data();
    if (tables_.w2_is_identity) {
      std::copy_n(z, M, p);
      return;
    }
    const Index n = tables_.units;
    for (Index h = 0; h < n; h += kNativeLanes) {
      Pack<kNativeLanes> sum;
      load<kNativeLanes>(sum, tables_.h2.data() + h);
      for (int j = 0; j < M; ++j) {
        Pack<kNativeLanes> column;
        load<kNativeLanes>(column, tables_.w2.data() + j * n + h);
        sum += z[j] * column;
      }
      store<kNativeLanes>(sum, p + h);
    }
  }

  void advance(double* z, const Word* region) {
    if (!tables_.regions.empty()) {
      const double* map =
          tables_.regions.data() + static_cast<std::size_t>(region[0]) * (M * kWidth);
      double fresh[M];
      for (int i = 0; i < M; ++i) {
        double sum = map[i * kWidth + M];
        for (int j = 0; j < M; ++j) sum += map[i * kWidth + j] * z[j];
        fresh[i] = sum;
      }
      std::copy_n(fresh, M, z);
      return;
    }
    // Column by column: z = h1 + A z + W1 relu(p). Two sums, so that additions overlap.
    Lane even[kPacks];
    Lane odd[kPacks] = {};
    for (int c = 0; c < kPacks; ++c) load<kLane>(even[c], tables_.h1.data() + c * kLane);
    if (tables_.diagonal_a) {
      for (int c = 0; c < kPacks; ++c) {
        Lane diagonal, state;
        load<kLane>(diagonal, tables_.diagonal.data() + c * kLane);
        load<kLane>(state, z + c * kLane);
        odd[c] = diagonal * state;
      }
    } else {
      for (int j = 0; j < M; ++j) {
        for (int c = 0; c < kPacks; ++c) {
          Lane column;
          load<kLane>(column, tables_.a.data() + j * kWidth + c * kLane);
          odd[c] += z[j] * column;
        }
      }
    }
    if (tables_.w2_is_identity) {
      // All columns, active or not: a loop of known length is never mispredicted.
      for (int j = 0; j < M; ++j) {
        const double p = std::max(preactivation_[static_cast<std::size_t>(j)], 0.0);
        const double* column = tables_.rank1.data() + j * 2 * kWidth;
        for (int c = 0; c < kPacks; ++c) {
          Lane w1;
          load<kLane>(w1, column + c * kLane);
          (j % 2 == 0 ? even : odd)[c] += p * w1;
        }
      }
    }
    for (Index w = 0; w < words_ && !tables_.w2_is_identity; ++w) {
      for (Word bits = region[w]; bits != 0; bits &= bits - 1) {
        const Index unit = 64 * w + std::countr_zero(bits);
        const double p = preactivation_[static_cast<std::size_t>(unit)];
        const double* column = tables_.rank1.data() + unit * 2 * kWidth;
        for (int c = 0; c < kPacks; ++c) {
          Lane w1;
          load<kLane>(w1, column + c * kLane);
          even[c] += p * w1;
        }
      }
    }
    for (int c = 0; c < kPacks; ++c) {
      even[c] += odd[c];
      store<kLane>(even[c], z + c * kLane);
    }
  }

  const NewtonTables& tables_;
  Index order_;
  bool bounded_;
  PreactivationError error_;
  Index words_;
  std::vector<double> preactivation_;
  std::vector<Word> region_, nothing_;
  alignas(64) double buffers_[2][M * kWidth];
  alignas(64) double scratch_[M * kWidth];
  const double* product_ = buffers_[0];
};

}  // namespace rnndyn::kernels

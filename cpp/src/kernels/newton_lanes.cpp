// The kernel for few states and units: several itineraries at once, one in each lane of a vector
// register.
#include <cmath>
#include <vector>

#include "kernels/newton_factories.hpp"
#include "kernels/newton_small.hpp"

namespace rnndyn::kernels {

#if defined(__GNUC__)
// Vectors are passed between functions of this file only, all compiled with the same flags.
#pragma GCC diagnostic ignored "-Wpsabi"
namespace {

constexpr int kLanes = kNativeLanes;
using Reals = Pack<kLanes>;
typedef std::int64_t Masks __attribute__((vector_size(kLanes * sizeof(std::int64_t))));
typedef Word Words __attribute__((vector_size(kLanes * sizeof(Word))));

inline Reals magnitude(const Reals& a) { return larger(a, -a); }
inline Words load_words(const Word* from) {
  Words words;
  std::memcpy(&words, from, sizeof(words));
  return words;
}

template <int M>
class LaneNewton final : public Newton {
 public:
  LaneNewton(const NewtonTables& tables, Index order, Refutation refutation)
      : order_(order),
        bounded_(refutation == Refutation::bounded),
        error_(tables.reach, M, order),
        n_units_(static_cast<int>(tables.n_units)),
        relevant_(tables.relevant[0]),
        reach_(tables.reach),
        single_(tables, order, refutation),
        own_(static_cast<std::size_t>(order)),
        result_(own_.size()) {
    for (int i = 0; i < M; ++i) std::copy_n(tables.base.data() + i * tables.width, M + 1, base_[i]);
    for (int h = 0; h < n_units_; ++h) {
      const double* w1 = tables.rank1.data() + h * 2 * tables.width;
      const double* w2 = w1 + tables.width;
      std::copy_n(w1, M, w1_[h]);
      std::copy_n(w2, M + 1, w2_[h]);
      for (int i = 0; i < M; ++i) {
        for (int j = 0; j <= M; ++j) rank1_[h][i][j] = w1[i] * w2[j];
      }
    }
  }

  int lanes() const override { return kLanes; }
  double flops() const override {
    const double hidden = static_cast<double>(n_units_);
    return static_cast<double>(order_) * (2.0 * M * M * (M + 1) + 2.0 * hidden * M * (M + 3));
  }
  bool read_itinerary(double* state, Index transient, Word* out) override {
    return single_.read_itinerary(state, transient, out);
  }

  unsigned iterate(const Word* itineraries, Word* next, unsigned active,
                   NewtonStatus* status) override {
    Reals affine[M][M + 1] = {};
    const Reals growth = compose(itineraries, affine);
    Reals z[M] = {};
    Reals inverse = {};
    const Masks regular = solve(affine, z, bounded_ ? &inverse : nullptr);
    Reals largest = {};
    for (int i = 0; i < M; ++i) largest = larger(largest, magnitude(z[i]));
    const Reals fraction = larger(Reals{} + kNegligible, kRoundingSafety * growth);
    Reals threshold = fraction * (reach_.scale * largest + reach_.shift);
    if (bounded_) threshold = larger(error_(largest, growth, inverse), threshold);
    const Words difference = follow(z, threshold, itineraries, next);
    unsigned unfinished = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
      if (((active >> lane) & 1U) == 0) continue;
      if (!(growth[lane] <= kProductLimit) || regular[lane] == 0) {
        unfinished |= one_by_one(lane, itineraries, next, status[lane]) << lane;
        continue;
      }
      double sum = 0.0;
      for (int i = 0; i < M; ++i) sum += z[i][lane];
      const bool finite = largest[lane] < 1e150 && std::isfinite(sum);
      status[lane] = !finite                           ? NewtonStatus::diverged
                     : !std::isfinite(threshold[lane]) ? NewtonStatus::singular
                     : difference[lane] == 0           ? NewtonStatus::settled
                                                       : NewtonStatus::moved;
    }
    return unfinished;
  }

 private:
  // affine = the composed map [J | c] of each lane's itinerary; returns the largest entry met.
  Reals compose(const Word* itineraries, Reals (&affine)[M][M + 1]) const {
    Reals growth = {};
    for (Index t = 0; t < order_; ++t) {
      const Words region = load_words(itineraries + t * kLanes);
      Reals step[M][M + 1];
      for (int i = 0; i < M; ++i) {
        for (int j = 0; j <= M; ++j) step[i][j] = base_[i][j] - Reals{};
      }
      for (int h = 0; h < n_units_; ++h) {
        const Reals on = ((region >> h) & 1U) != 0 ? Reals{} + 1.0 : Reals{};
        for (int i = 0; i < M; ++i) {
          for (int j = 0; j <= M; ++j) step[i][j] += on * rank1_[h][i][j];
        }
      }
      if (t == 0) {
        for (int i = 0; i < M; ++i) {
          for (int j = 0; j <= M; ++j) affine[i][j] = step[i][j];
        }
        continue;
      }
      Reals fresh[M][M + 1];
      for (int i = 0; i < M; ++i) {
        for (int c = 0; c <= M; ++c) {
          Reals sum = step[i][0] * affine[0][c];
          for (int j = 1; j < M; ++j) sum += step[i][j] * affine[j][c];
          fresh[i][c] = c == M ? sum + step[i][M] : sum;
          if (c < M) growth = larger(growth, magnitude(fresh[i][c]));
        }
      }
      for (int i = 0; i < M; ++i) {
        for (int c = 0; c <= M; ++c) affine[i][c] = fresh[i][c];
      }
    }
    // An overflow may have passed as NaN, which no comparison keeps.
    for (int i = 0; i < M; ++i) {
      for (int c = 0; c < M; ++c) growth += affine[i][c] - affine[i][c];
    }
    return growth;
  }

  // (I - J) z = c by elimination with row pivoting in every lane on its own; the mask says where
  // no pivot was negligible. `inverse`, where it is wanted, becomes a bound of |(I - J)^-1| for
  // what the elimination made of it (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
  // ed., sec. 8.3: the inverse of a triangular matrix is bounded by that of its comparison matrix;
  // that of the other factor by 2^(M-1)).
  static Masks solve(const Reals (&affine)[M][M + 1], Reals (&z)[M], Reals* inverse) {
    Reals a[M][M + 1];
    Reals size = {};
    for (int i = 0; i < M; ++i) {
      for (int j = 0; j < M; ++j) {
        a[i][j] = (i == j ? 1.0 : 0.0) - affine[i][j];
        size = larger(size, magnitude(a[i][j]));
      }
      a[i][M] = affine[i][M];
    }
    const Reals smallest = kSingularPivot * size;
    Masks regular = ~Masks{};
    for (int p = 0; p < M; ++p) {
      for (int i = p + 1; i < M; ++i) {
        const Masks swap = magnitude(a[i][p]) > magnitude(a[p][p]);
        for (int c = p; c <= M; ++c) {
          const Reals upper = swap ? a[i][c] : a[p][c];
          a[i][c] = swap ? a[p][c] : a[i][c];
          a[p][c] = upper;
        }
      }
      regular &= magnitude(a[p][p]) > smallest;
      const Reals reciprocal = 1.0 / a[p][p];
      for (int i = p + 1; i < M; ++i) {
        const Reals f = a[i][p] * reciprocal;
        for (int c = p + 1; c <= M; ++c) a[i][c] -= f * a[p][c];
      }
      a[p][p] = reciprocal;
    }
    for (int p = M - 1; p >= 0; --p) {
      Reals sum = a[p][M];
      for (int c = p + 1; c < M; ++c) sum -= a[p][c] * z[c];
      z[p] = sum * a[p][p];
    }
    if (inverse == nullptr) return regular;
    Reals bound[M] = {};
    for (int p = M - 1; p >= 0; --p) {
      Reals sum = Reals{} + 1.0;
      for (int c = p + 1; c < M; ++c) sum += magnitude(a[p][c]) * bound[c];
      bound[p] = sum * magnitude(a[p][p]);
      *inverse = larger(*inverse, bound[p]);
    }
    *inverse *= static_cast<double>(1 << (M - 1));
    return regular;
  }

  // Follows the true map from z, writes the regions met, returns what differs from the itineraries.
  Words follow(Reals (&z)[M], const Reals& threshold, const Word* itineraries, Word* next) const {
    Words difference = {};
    for (Index t = 0; t < order_; ++t) {
      const Words now = load_words(itineraries + t * kLanes);
      Words out = {};
      Reals fresh[M];
      for (int i = 0; i < M; ++i) {
        fresh[i] = base_[i][M] + base_[i][0] * z[0];
        for (int j = 1; j < M; ++j) fresh[i] += base_[i][j] * z[j];
      }
      for (int h = 0; h < n_units_; ++h) {
        Reals p = w2_[h][M] + w2_[h][0] * z[0];
        for (int j = 1; j < M; ++j) p += w2_[h][j] * z[j];
        const Words bit = Words{} + (Word{1} << h);
        const Words keep = p >= -threshold ? now & bit : Words{};
        out |= p > threshold ? bit : keep;
        const Reals active = larger(p, Reals{});
        for (int i = 0; i < M; ++i) fresh[i] += w1_[h][i] * active;
      }
      out &= relevant_;
      std::memcpy(next + t * kLanes, &out, sizeof(out));
      difference |= out ^ now;
      for (int i = 0; i < M; ++i) z[i] = fresh[i];
    }
    return difference;
  }

  // Lanes that are in doubt, where the pivots are chosen and growth is measured as for one.
  unsigned one_by_one(int lane, const Word* itineraries, Word* next, NewtonStatus& status) {
    for (Index t = 0; t < order_; ++t) {
      own_[static_cast<std::size_t>(t)] = itineraries[t * kLanes + lane];
    }
    const unsigned unfinished = single_.iterate(own_.data(), result_.data(), 1, &status);
    for (Index t = 0; t < order_; ++t) {
      next[t * kLanes + lane] = result_[static_cast<std::size_t>(t)];
    }
    return unfinished;
  }

  Index order_;
  bool bounded_;
  PreactivationError error_;
  int n_units_;
  Word relevant_;
  PreactivationReach reach_;
  SmallNewton<M> single_;
  std::vector<Word> own_, result_;
  double base_[M][M + 1] = {};                  // [A | h1]
  double rank1_[kMaxLaneUnits][M][M + 1] = {};  // what a unit that is on adds to [J | c]
  double w1_[kMaxLaneUnits][M] = {};            // columns of W1
  double w2_[kMaxLaneUnits][M + 1] = {};        // rows of [W2 | h2]
};

}  // namespace

std::unique_ptr<Newton> make_lane_newton(const NewtonTables& tables, Index order,
                                         Refutation refutation) {
  switch (tables.n_states) {
    case 1:
      return std::make_unique<LaneNewton<1>>(tables, order, refutation);
    case 2:
      return std::make_unique<LaneNewton<2>>(tables, order, refutation);
    case 3:
      return std::make_unique<LaneNewton<3>>(tables, order, refutation);
    case 4:
      return std::make_unique<LaneNewton<4>>(tables, order, refutation);
    default:
      return nullptr;
  }
}

#else

// Only GCC and Clang have vector types; elsewhere one itinerary at a time is as fast.
std::unique_ptr<Newton> make_lane_newton(const NewtonTables& /*tables*/, Index /*order*/,
                                         Refutation /*refutation*/) {
  return nullptr;
}

#endif

}  // namespace rnndyn::kernels

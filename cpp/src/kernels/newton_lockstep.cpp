// The kernel for some twenty to forty states: a few itineraries in lockstep, so that the pivots of
// one system are looked for while those of another are used, and what is read of the network serves
// all of them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>
#include <vector>

#include "kernels/gauss_jordan.hpp"
#include "kernels/newton_factories.hpp"
#include "kernels/outer_tile.hpp"
#include "kernels/pack.hpp"
#include "kernels/picked.hpp"
#include "kernels/sign_bits.hpp"

namespace rnndyn::kernels {

#if defined(__GNUC__)
// Vectors are passed between functions of this file only, all compiled with the same flags.
#pragma GCC diagnostic ignored "-Wpsabi"
namespace {

constexpr int kTogether = 4;
// Sums of products of a matrix and a vector, so that additions overlap: of one lane as of several,
// or what a lane comes to would depend on the others.
constexpr int kWays = 2;
// Sums that are kept in registers.
constexpr int kSums = static_cast<int>(kTilePacks * kTileColumns);
// What is kept of all steps may take as much.
constexpr double kMostBytes = 32e6;
// Rounding errors of as many changes of a step are not worth forming it anew.
constexpr Index kMostChanges = 32;

using Reals = NativePack<double>;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// f(n) with a constant in the place of n, which is from 1 to Most.
template <int Most, class F>
void with_constant(Index n, const F& f) {
  if constexpr (Most == 1) {
    f(std::integral_constant<int, 1>{});
  } else {
    if (n == Most) return f(std::integral_constant<int, Most>{});
    with_constant<Most - 1>(n, f);
  }
}

// f(begin, n) for parts of [0, count) of at most Most, all about as long; n is a constant.
template <int Most, class F>
void in_parts(Index count, const F& f) {
  for (Index begin = 0, left = (count + Most - 1) / Most; left > 0; --left) {
    const Index n = (count - begin + left - 1) / left;
    with_constant<Most>(n, [&](auto constant) { f(begin, constant); });
    begin += n;
  }
}

// The packs of a row of Width numbers in the same way.
template <int Width, int Most, class F>
void in_parts_of_row(const F& f) {
  in_parts<Most>(Width / kNativeLanes, f);
}

// What of p belongs to bits that are set.
void keep_active(const Word* region, Index n_units, double* p) {
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
class LockstepNewton final : public Newton {
 public:
  LockstepNewton(const NewtonTables& tables, Index order)
      : tables_(tables),
        order_(order),
        m_(tables.n_states),
        n_units_(tables.n_units),
        words_(static_cast<Index>(tables.words)),
        by_picks_(tables.w2_is_identity && tables.diagonal_a),
        keeps_steps_(!tables.w2_is_identity && tables.n_units > tables.n_states),
        picked_(64 * tables.words),
        nothing_(tables.words, 0),
        lanes_(kTogether, Lane(*this)),
        systems_(kTogether, GaussJordan<Width>(m_)) {
    for (AlignedVector<double>& product : products_) {
      product.assign(at((m_ + 1) * Width), 0.0);
      product[at(m_ * Width + m_)] = 1.0;
    }
  }

  int lanes() const override { return kTogether; }
  double flops() const override {
    return large_newton_flops(m_, n_units_, order_, tables_.diagonal_a);
  }
  void begin(int lane) override {
    for (Step& step : lanes_[at(lane)].steps) step.known = false;
  }

  unsigned iterate(const Word* itineraries, Word* next, unsigned active,
                   NewtonStatus* status) override {
    int which[kTogether];  // of the lanes; which of the systems a lane has depends on the others
    int n = 0;
    const unsigned composed = for_lanes(active, [&](int l) {
      Lane& lane = lanes_[at(l)];
      for (std::size_t i = 0; i < lane.itinerary.size(); ++i) {
        lane.itinerary[i] = itineraries[i * kTogether + at(l)];
      }
      status[l] = NewtonStatus::moved;
      which[n] = l;
      const bool done = compose(lane, systems_[at(n)]);
      n += done ? 1 : 0;
      return done;
    });
    together(n, [&](auto count, int first) {
      GaussJordan<Width>::template eliminate<count.value>(systems_.data() + first);
    });
    unsigned singular = 0;
    int n_finite = 0;
    for (int i = 0; i < n; ++i) {
      const int l = which[i];
      status[l] = NewtonStatus::diverged;
      if (systems_[at(i)].is_singular()) {
        status[l] = NewtonStatus::singular;
        singular |= 1U << l;
      } else if (read_candidate(systems_[at(i)], lanes_[at(l)])) {
        which[n_finite++] = l;
      }
    }
    follow(which, n_finite, next);
    for (int i = 0; i < n_finite; ++i) {
      const Lane& lane = lanes_[at(which[i])];
      if (!is_finite(lane)) continue;
      status[which[i]] = lane.difference != 0 ? NewtonStatus::moved : NewtonStatus::settled;
    }
    return (active & ~composed) | singular;
  }

  bool read_itinerary(double* state, Index transient, Word* out) override {
    Lane& lane = lanes_.front();
    std::copy_n(state, m_, lane.z.data());
    const int first = 0;
    for (Index t = -transient; t < order_; ++t) {
      preactivate<1>(&first);
      read_region(lane, 0.0, nothing_.data());
      if (t >= 0) std::copy_n(lane.region.data(), words_, out + t * words_);
      advance<1>(&first);
    }
    std::copy_n(lane.z.data(), m_, state);
    bool inside = true;
    for (Index i = 0; i < m_; ++i) inside = inside && std::abs(state[i]) < kFarAway;
    return inside;
  }

 private:
  static constexpr int kPacks = Width / kNativeLanes;

  struct Step {
    AlignedVector<double> affine;  // M + 1 vectors of Width numbers
    std::vector<Word> region;
    Index n_changes = 0;  // since it was formed
    bool known = false;
  };
  struct Lane {
    explicit Lane(const LockstepNewton& newton)
        : itinerary(at(newton.order_ * newton.words_)),
          region(newton.tables_.words),
          z(at(Width), 0.0),
          p(at(newton.tables_.units), 0.0) {
      const Index most = static_cast<Index>(kMostBytes) / (kTogether * (newton.m_ + 1) * Width * 8);
      steps.resize(newton.keeps_steps_ && newton.order_ <= most ? at(newton.order_) : 1);
    }
    std::vector<Word> itinerary;
    std::vector<Word> region;  // of the last point
    std::vector<Step> steps;   // one for all where there are too many to keep
    double growth = 1.0, threshold = 0.0;
    AlignedVector<double> z, p;
    Word difference = 0;
  };

  // f for each of the lanes that are active; those for which it is true.
  template <class F>
  static unsigned for_lanes(unsigned active, const F& f) {
    unsigned result = 0;
    for (; active != 0; active &= active - 1) {
      const int lane = std::countr_zero(active);
      result |= static_cast<unsigned>(f(lane)) << lane;
    }
    return result;
  }

  const double* w1() const { return tables_.rank1.data(); }
  const double* w2() const { return tables_.rank1.data() + Width; }

  // c, vector by vector, gets the sum over l < n of left_l(i) * right_l in vector i < columns, less
  // that of the next n_removed.
  template <bool Picked, bool Written>
  static void sum_products(Index columns, Index n, const Vectors<double>& left,
                           const Vectors<double>& right, double* c, Index n_removed = 0) {
    in_parts_of_row<Width, static_cast<int>(kTilePacks)>([&](Index pack, auto packs) {
      Vectors<double> rows = right;
      rows.first += pack * kNativeLanes;
      in_parts<static_cast<int>(kTileColumns)>(columns, [&](Index i, auto width) {
        Vectors<double> factors = left;
        factors.first += i;
        add_tile<double, width.value, packs.value, Picked, Written>(
            n, factors, rows, c + i * Width + pack * kNativeLanes, Width, n_removed);
      });
    });
  }

  // [J | c] of a region; row by row with a last one (0 | 1), or column by column.
  const double* form(Lane& lane, Index t, bool by_rows) {
    const Word* region = lane.itinerary.data() + t * words_;
    Step& step = lane.steps.size() == 1 ? lane.steps.front() : lane.steps[at(t)];
    int n_active = 0;
    int n_changed = 0;
    if (step.known) {
      for (Index w = 0; w < words_; ++w) {
        n_active += std::popcount(region[w]);
        n_changed += std::popcount(region[w] ^ step.region[at(w)]);
      }
    }
    const bool kept = keeps_steps_ && at(order_) == lane.steps.size();
    if (!kept || !step.known || n_changed >= n_active || step.n_changes >= kMostChanges) {
      form_anew(step, region, by_rows);
    } else {
      change(step, region, by_rows);
    }
    step.region.assign(region, region + words_);
    step.known = true;
    return step.affine.data();
  }

  void form_anew(Step& step, const Word* region, bool by_rows) {
    step.affine = by_rows ? tables_.base : tables_.a;
    step.n_changes = 0;
    Index none = 0;
    const Index n = list_differences(tables_.words, region, nothing_.data(), picked_.data(), none);
    if (!tables_.w2_is_identity) return add_units(step, n, 0, by_rows);
    for (Index l = 0; l < n; ++l) {
      const Index unit = picked_[at(l)];
      const double* from = w1() + unit * 2 * Width;
      double* to = step.affine.data();
      if (by_rows) {
        for (Index i = 0; i < m_; ++i) to[i * Width + unit] += from[i];
        continue;
      }
      to += unit * Width;
      for (Index i = 0; i < Width; i += kNativeLanes) {
        store_pack<double>(load_pack(to + i) + load_pack(from + i), to + i);
      }
    }
  }

  void change(Step& step, const Word* region, bool by_rows) {
    Index n_removed = 0;
    const Index n_added =
        list_differences(tables_.words, region, step.region.data(), picked_.data(), n_removed);
    ++step.n_changes;
    add_units(step, n_added, n_removed, by_rows);
  }

  // Of those that are picked.
  void add_units(Step& step, Index n, Index n_removed, bool by_rows) const {
    const Vectors<double> left{by_rows ? w1() : w2(), 2 * Width, picked_.data()};
    const Vectors<double> right{by_rows ? w2() : w1(), 2 * Width, picked_.data()};
    sum_products<true, false>(by_rows ? m_ : m_ + 1, n, left, right, step.affine.data(), n_removed);
  }

  // The system of the itinerary; false where the product of Jacobians grew too large.
  bool compose(Lane& lane, GaussJordan<Width>& system) {
    lane.growth = 1.0;
    if (order_ == 1) {
      system.begin(kSingularPivot * write_system(form(lane, 0, false), system));
      return true;
    }
    const double* product = form(lane, 0, true);
    if (lane.steps.size() == 1) {  // which the next step is written to
      std::copy_n(product, m_ * Width, products_[0].data());
      product = products_[0].data();
    }
    for (Index t = 1; t + 1 < order_; ++t) {
      double* fresh = products_[at(t % 2)].data();
      if (by_picks_) {
        multiply_picks(lane.itinerary.data() + t * words_, product, fresh);
      } else {
        sum_products<false, true>(m_, m_ + 1, {form(lane, t, false), Width}, {product, Width},
                                  fresh);
      }
      lane.growth = std::max(lane.growth, largest(fresh));
      if (!(lane.growth <= kProductLimit)) return false;
      product = fresh;
    }
    double* around = products_[at((order_ - 1) % 2)].data();
    sum_products<false, true>(m_ + 1, m_ + 1, {product, Width},
                              {form(lane, order_ - 1, false), Width}, around);
    const double size = write_system(around, system);
    // Not what J is but what I - J is, whose errors are those of J.
    lane.growth = std::max(lane.growth, size);
    system.begin(kSingularPivot * size);
    std::fill_n(around + m_ * Width, Width, 0.0);
    around[m_ * Width + m_] = 1.0;
    return lane.growth <= kProductLimit;
  }

  // fresh = A product + W1 (active rows of product) + h1, row by row.
  void multiply_picks(const Word* region, const double* product, double* fresh) {
    const double* last = product + m_ * Width;
    for (Index i = 0; i < m_; ++i) {
      const double a = tables_.diagonal[at(i)];
      const double h1 = tables_.h1[at(i)];
      for (Index j = i * Width; j < (i + 1) * Width; j += kNativeLanes) {
        store_pack<double>(a * load_pack(product + j) + h1 * load_pack(last + j - i * Width),
                           fresh + j);
      }
    }
    Index none = 0;
    const Index n = list_differences(tables_.words, region, nothing_.data(), picked_.data(), none);
    sum_products<true, false>(m_, n, {w1(), 2 * Width, picked_.data()},
                              {product, Width, picked_.data()}, fresh);
  }

  // [I - J | c] from [J | c], column by column; returns the largest entry of I - J.
  double write_system(const double* affine, GaussJordan<Width>& system) const {
    Reals tops[kPacks] = {}, bad = {};
    for (Index j = 0; j < m_; ++j) {
      const double* from = affine + j * Width;
      double* to = system.column(j);
      RNNDYN_UNROLL
      for (int i = 0; i < kPacks; ++i) {
        const Reals x = pack_of_unit(j, i) - load_pack(from + i * kNativeLanes);
        store_pack<double>(x, to + i * kNativeLanes);
        look(x, tops[i], bad);
      }
    }
    std::copy_n(affine + m_ * Width, Width, system.column(m_));
    return largest_of(tops, bad);
  }

  // Of J in [J | c], row by row.
  double largest(const double* affine) const {
    Reals tops[kPacks] = {}, bad = {};
    for (Index i = 0; i < m_; ++i) {
      RNNDYN_UNROLL
      for (int p = 0; p < kPacks; ++p) {
        look(load_pack(affine + i * Width + p * kNativeLanes), tops[p], bad);
      }
    }
    // The last column is no part of it.
    tops[m_ / kNativeLanes] = pack_of_unit(m_, static_cast<int>(m_ / kNativeLanes)) > 0.0
                                  ? Reals{}
                                  : tops[m_ / kNativeLanes];
    return largest_of(tops, bad);
  }

  static void look(const Reals& x, Reals& top, Reals& bad) {
    top = larger(larger(x, -x), top);
    bad += x - x;  // not zero where x is not finite, which a comparison would pass over
  }
  static double sum_of(const Reals& x) {
    double sum = 0.0;
    for (int l = 0; l < kNativeLanes; ++l) sum += x[l];
    return sum;
  }
  static double largest_of(const Reals (&tops)[kPacks], const Reals& bad) {
    Reals top = tops[0];
    for (int i = 1; i < kPacks; ++i) top = larger(tops[i], top);
    return sum_of(bad) == 0.0 ? largest_lane(top) : std::numeric_limits<double>::infinity();
  }
  // A pack of the unit vector j.
  static Reals pack_of_unit(Index j, int pack) {
    static constexpr double kFirst[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    return load_pack(kFirst) == static_cast<double>(j - pack * kNativeLanes) ? Reals{} + 1.0
                                                                             : Reals{};
  }

  bool read_candidate(const GaussJordan<Width>& system, Lane& lane) const {
    system.solution(lane.z.data());
    double largest_state = 0.0;
    double bad = 0.0;
    for (Index i = 0; i < m_; ++i) {
      largest_state = std::max(largest_state, std::abs(lane.z[at(i)]));
      bad += lane.z[at(i)] - lane.z[at(i)];
    }
    lane.threshold = tables_.reach.negligible(largest_state, lane.growth);
    lane.difference = 0;
    return bad == 0.0 && largest_state < 1e150;
  }

  bool is_finite(const Lane& lane) const {
    Reals bad = {};
    const auto add = [&](const AlignedVector<double>& numbers) {
      for (std::size_t i = 0; i < numbers.size(); i += kNativeLanes) {
        const Reals x = load_pack(numbers.data() + i);
        bad += x - x;
      }
    };
    add(lane.z);
    add(lane.p);
    return sum_of(bad) == 0.0;
  }

  // The regions of the true orbits of the candidates of n lanes.
  void follow(const int* which, int n, Word* next) {
    for (Index t = 0; t < order_; ++t) {
      together(n, [&](auto count, int first) { preactivate<count.value>(which + first); });
      for (int i = 0; i < n; ++i) {
        Lane& lane = lanes_[at(which[i])];
        const Word* now = lane.itinerary.data() + t * words_;
        lane.difference |= read_region(lane, lane.threshold, now);
        for (Index w = 0; w < words_; ++w) {
          next[(t * words_ + w) * kTogether + which[i]] = lane.region[at(w)];
        }
      }
      if (t + 1 == order_) break;  // nothing depends on where the last step leads
      together(n, [&](auto count, int first) { advance<count.value>(which + first); });
    }
  }

  // f(4, 2 or 1, first) for all of n at most kTogether.
  template <class F>
  static void together(int n, const F& f) {
    if (n == 4) return f(std::integral_constant<int, 4>{}, 0);
    if (n >= 2) f(std::integral_constant<int, 2>{}, 0);
    if (n % 2 == 1) f(std::integral_constant<int, 1>{}, n - 1);
  }

  // p = W2 z + h2.
  template <int N>
  void preactivate(const int* which) {
    const double* z[N];
    double* p[N];
    for (int l = 0; l < N; ++l) {
      z[l] = lanes_[at(which[l])].z.data();
      p[l] = lanes_[at(which[l])].p.data();
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
  Word read_region(Lane& lane, double threshold, const Word* now) const {
    Word difference = 0;
    for (Index w = 0; w < words_; ++w) {
      const Index count = std::min<Index>(64, n_units_ - 64 * w);
      lane.region[at(w)] =
          sign_bits(lane.p.data() + 64 * w, count, threshold, now[w]) & tables_.relevant[at(w)];
      difference |= lane.region[at(w)] ^ now[w];
    }
    return difference;
  }

  // z = A z + W1 p + h1, where units that are off in the last region have no p.
  template <int N>
  void advance(const int* which) {
    double* z[N];
    double* p[N];
    for (int l = 0; l < N; ++l) {
      Lane& lane = lanes_[at(which[l])];
      z[l] = lane.z.data();
      p[l] = lane.p.data();
      keep_active(lane.region.data(), n_units_, p[l]);
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
          add_vectors<N, kCount>(n_units_, w1() + first, 2 * Width, p, sums);
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
  Index order_, m_, n_units_, words_;
  bool by_picks_;     // J is not worth forming
  bool keeps_steps_;  // it takes less to change J than to form it
  std::vector<Index> picked_;
  std::vector<Word> nothing_;
  std::vector<Lane> lanes_;
  std::vector<GaussJordan<Width>> systems_;
  AlignedVector<double> products_[2];  // row by row with a last one (0 | 1)
};

template <int Width>
std::unique_ptr<Newton> make(const NewtonTables& tables, Index order) {
  return std::make_unique<LockstepNewton<Width>>(tables, order);
}

}  // namespace

std::unique_ptr<Newton> make_lockstep_newton(const NewtonTables& tables, Index order) {
  switch (tables.width) {
    case 16:
      return make<16>(tables, order);
    case 24:
      return make<24>(tables, order);
    case 32:
      return make<32>(tables, order);
    case 40:
      return make<40>(tables, order);
    default:
      return nullptr;
  }
}

#else

// Only GCC and Clang have vector types.
std::unique_ptr<Newton> make_lockstep_newton(const NewtonTables& /*tables*/, Index /*order*/) {
  return nullptr;
}

#endif

}  // namespace rnndyn::kernels

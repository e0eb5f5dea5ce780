// The kernel for some twenty to forty states: a few itineraries in lockstep, so that the pivots of
// one system are looked for while those of another are used, and what is read of the network serves
// all of them.
#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <vector>

#include "kernels/gauss_jordan.hpp"
#include "kernels/lockstep/orbits.hpp"
#include "kernels/lockstep/system_of_itinerary.hpp"
#include "kernels/newton_factories.hpp"

namespace rnndyn::kernels {

#if defined(__GNUC__)
// Vectors are passed between functions of this file only, all compiled with the same flags.
#pragma GCC diagnostic ignored "-Wpsabi"
namespace {

using lockstep::at;
using lockstep::kTogether;
using lockstep::Reals;

template <int Width>
class LockstepNewton final : public Newton {
 public:
  LockstepNewton(const NewtonTables& tables, Index order)
      : tables_(tables),
        order_(order),
        m_(tables.n_states),
        words_(static_cast<Index>(tables.words)),
        nothing_(tables.words, 0),
        system_of_(tables, order),
        orbits_(tables),
        lanes_(kTogether, Lane{std::vector<Word>(at(order * words_)), system_of_.make_steps(),
                               orbits_.make_point()}),
        systems_(kTogether, GaussJordan<Width>(m_)) {}

  int lanes() const override { return kTogether; }
  double flops() const override {
    return large_newton_flops(m_, tables_.n_units, order_, tables_.diagonal_a);
  }
  void begin(int lane) override {
    for (lockstep::Step& step : lanes_[at(lane)].steps) step.known = false;
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
      const bool done =
          system_of_.compose(lane.itinerary.data(), lane.steps, lane.growth, systems_[at(n)]);
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
    lockstep::Point* const point = &lanes_.front().point;
    std::copy_n(state, m_, point->z.data());
    for (Index t = -transient; t < order_; ++t) {
      orbits_.template preactivate<1>(&point);
      orbits_.read_region(*point, 0.0, nothing_.data());
      if (t >= 0) std::copy_n(point->region.data(), words_, out + t * words_);
      orbits_.template advance<1>(&point);
    }
    std::copy_n(point->z.data(), m_, state);
    bool inside = true;
    for (Index i = 0; i < m_; ++i) inside = inside && std::abs(state[i]) < kFarAway;
    return inside;
  }

 private:
  struct Lane {
    std::vector<Word> itinerary;
    lockstep::Steps steps;
    lockstep::Point point;  // of the orbit of the candidate
    double growth = 1.0, threshold = 0.0;
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

  bool read_candidate(const GaussJordan<Width>& system, Lane& lane) const {
    system.solution(lane.point.z.data());
    double largest_state = 0.0;
    double bad = 0.0;
    for (Index i = 0; i < m_; ++i) {
      largest_state = std::max(largest_state, std::abs(lane.point.z[at(i)]));
      bad += lane.point.z[at(i)] - lane.point.z[at(i)];
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
    add(lane.point.z);
    add(lane.point.p);
    return lockstep::sum_of(bad) == 0.0;
  }

  // The regions of the true orbits of the candidates of n lanes.
  void follow(const int* which, int n, Word* next) {
    lockstep::Point* points[kTogether] = {};
    for (int i = 0; i < n; ++i) points[i] = &lanes_[at(which[i])].point;
    for (Index t = 0; t < order_; ++t) {
      together(n, [&](auto count, int first) {
        orbits_.template preactivate<count.value>(points + first);
      });
      for (int i = 0; i < n; ++i) {
        Lane& lane = lanes_[at(which[i])];
        const Word* now = lane.itinerary.data() + t * words_;
        lane.difference |= orbits_.read_region(lane.point, lane.threshold, now);
        for (Index w = 0; w < words_; ++w) {
          next[(t * words_ + w) * kTogether + which[i]] = lane.point.region[at(w)];
        }
      }
      if (t + 1 == order_) break;  // nothing depends on where the last step leads
      together(
          n, [&](auto count, int first) { orbits_.template advance<count.value>(points + first); });
    }
  }

  // f(4, 2 or 1, first) for all of n at most kTogether.
  template <class F>
  static void together(int n, const F& f) {
    if (n == 4) return f(std::integral_constant<int, 4>{}, 0);
    if (n >= 2) f(std::integral_constant<int, 2>{}, 0);
    if (n % 2 == 1) f(std::integral_constant<int, 1>{}, n - 1);
  }

  const NewtonTables& tables_;
  Index order_, m_, words_;
  std::vector<Word> nothing_;
  lockstep::SystemOfItinerary<Width> system_of_;
  lockstep::Orbits<Width> orbits_;
  std::vector<Lane> lanes_;
  std::vector<GaussJordan<Width>> systems_;
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

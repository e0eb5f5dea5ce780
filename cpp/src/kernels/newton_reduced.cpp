#include "kernels/newton_reduced.hpp"

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/lu.hpp"
#include "kernels/pack.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn::kernels {
namespace {

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// y += a x.
void add_multiple(double a, const double* x, Index n, double* y) {
  Index i = 0;
#if defined(__GNUC__)
  using Reals = Pack<kNativeLanes>;
  for (; i + kNativeLanes <= n; i += kNativeLanes) {
    Reals from, to;
    load<kNativeLanes>(from, x + i);
    load<kNativeLanes>(to, y + i);
    to += a * from;
    store<kNativeLanes>(to, y + i);
  }
#endif
  for (; i < n; ++i) y[i] += a * x[i];
}

class ReducedNewton final : public Newton {
 public:
  explicit ReducedNewton(const ReducedTables& tables)
      : tables_(tables),
        n_units_(static_cast<Index>(tables.units.size())),
        length_(n_units_ * tables.order),
        preactivations_(at(length_)),
        activities_(at(length_)) {}

  unsigned iterate(const Word* itinerary, Word* next, unsigned /*active*/,
                   NewtonStatus* status) override {
    gather(itinerary);
    if (!solve()) {
      *status = NewtonStatus::singular;
      return 1;
    }
    *status = follow(itinerary, next);
    return 0;
  }

  bool read_itinerary(double* /*state*/, Index /*transient*/, Word* /*out*/) override {
    return false;
  }

  double flops() const override {  // for half of the bits
    return reduced_newton_flops(n_units_, tables_.order, 0.5 * static_cast<double>(length_));
  }

 private:
  Word bit_of(const Word* itinerary, Index t, Index unit) const {
    return itinerary[at(t) * tables_.words + at(unit / 64)] >> (unit % 64) & 1U;
  }

  // Where the active pre-activations are, and what each of them does to the cycle.
  void gather(const Word* itinerary) {
    const Index stride = (2 * tables_.order - 1) * n_units_;
    places_.clear();
    columns_.clear();
    for (Index t = 0; t < tables_.order; ++t) {
      const double* first = tables_.responses.data() + (tables_.order - 1 - t) * n_units_;
      for (Index u = 0; u < n_units_; ++u) {
        if (bit_of(itinerary, t, tables_.units[at(u)]) == 0) continue;
        places_.push_back(t * n_units_ + u);
        columns_.push_back(first + u * stride);
      }
    }
  }

  // All pre-activations of the linear orbit, or false where the system is singular.
  bool solve() {
    const auto n = static_cast<Index>(places_.size());
    lu_.resize(n);
    solution_.resize(at(n));
    for (Index j = 0; j < n; ++j) {
      double* column = lu_.column(j);
      const double* response = columns_[at(j)];
      for (Index i = 0; i < n; ++i) column[i] = -response[places_[at(i)]];
      column[j] += 1.0;
      solution_[at(j)] = tables_.constant[at(places_[at(j)])];
    }
    if (!(lu_.factor() > kSingularPivot * (1.0 + tables_.largest_response))) return false;
    lu_.solve(solution_.data());
    preactivations_ = tables_.constant;
    for (Index j = 0; j < n; ++j) {
      add_multiple(solution_[at(j)], columns_[at(j)], length_, preactivations_.data());
    }
    return true;
  }

  // What is left of the itinerary where every unit does what it does.
  NewtonStatus follow(const Word* itinerary, Word* next) {
    double sum = 0.0;
    for (const double activity : solution_) sum += std::abs(activity);
    if (!(sum < 1e150)) return NewtonStatus::diverged;
    const double threshold = std::max(kNegligible, kUnitRoundoff * tables_.growth) *
                             (tables_.largest_constant + tables_.largest_response * sum);
    activities_.assign(at(length_), 0.0);
    for (const Index place : places_) activities_[at(place)] = preactivations_[at(place)];
    std::memset(next, 0, at(tables_.order) * tables_.words * sizeof(Word));
    bool same = true;
    double total = 0.0;  // not finite where any of them is not
    for (Index t = 0; t < tables_.order; ++t) {
      const Index rest = (tables_.order - 1 - t) * n_units_;
      double* p = preactivations_.data() + t * n_units_;
      for (Index u = 0; u < n_units_; ++u) {
        const Index unit = tables_.units[at(u)];
        const Word now = bit_of(itinerary, t, unit);
        const Word bit = std::abs(p[u]) <= threshold ? now : (p[u] > 0.0 ? 1U : 0U);
        next[at(t) * tables_.words + at(unit / 64)] |= bit << (unit % 64);
        same = same && bit == now;
        total += p[u];
        const double otherwise = std::max(p[u], 0.0) - activities_[at(t * n_units_ + u)];
        if (otherwise == 0.0 || rest == 0) continue;
        add_multiple(otherwise, tables_.later.data() + u * (tables_.order - 1) * n_units_, rest,
                     p + n_units_);
      }
    }
    if (!std::isfinite(total)) return NewtonStatus::diverged;
    return same ? NewtonStatus::settled : NewtonStatus::moved;
  }

  const ReducedTables& tables_;
  Index n_units_, length_;
  std::vector<double> preactivations_, activities_, solution_;
  std::vector<Index> places_;           // of the active ones among all of the cycle
  std::vector<const double*> columns_;  // of the responses to them
  LuFactors lu_;
};

}  // namespace

std::unique_ptr<Newton> make_reduced_newton(const ReducedTables& tables) {
  return std::make_unique<ReducedNewton>(tables);
}

double reduced_newton_flops(Index n_units, Index order, double n) {
  const double length = static_cast<double>(n_units) * static_cast<double>(order);
  return 2.0 / 3.0 * n * n * n + 4.0 * n * n + 3.0 * n * length + 20.0 * length;
}

}  // namespace rnndyn::kernels

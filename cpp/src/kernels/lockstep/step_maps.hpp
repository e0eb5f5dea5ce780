// The affine maps of the steps of an itinerary, which are changed where a few units are, and formed
// anew elsewhere.
#pragma once

#include <algorithm>
#include <bit>
#include <vector>

#include "kernels/lockstep/loops.hpp"
#include "kernels/newton.hpp"
#include "kernels/picked.hpp"

namespace rnndyn::kernels::lockstep {

#if defined(__GNUC__)

// Itineraries that are treated together.
inline constexpr int kTogether = 4;
// What is kept of all steps may take as much.
inline constexpr double kMostBytes = 32e6;
// Rounding errors of as many changes of a step are not worth forming it anew.
inline constexpr Index kMostChanges = 32;

// A map as [J | c], row by row with a last one (0 | 1), or column by column.
struct Step {
  AlignedVector<double> affine;  // M + 1 vectors of Width numbers
  std::vector<Word> region;
  Index n_changes = 0;  // since it was formed
  bool known = false;
};
// Those of an itinerary, or one for all where there are too many to keep.
using Steps = std::vector<Step>;

template <int Width>
class StepMaps {
 public:
  StepMaps(const NewtonTables& tables, Index order)
      : tables_(tables),
        order_(order),
        m_(tables.n_states),
        words_(static_cast<Index>(tables.words)),
        keeps_steps_(!tables.w2_is_identity && tables.n_units > tables.n_states),
        picked_(64 * tables.words),
        nothing_(tables.words, 0) {}

  Steps make_steps() const {
    const Index most = static_cast<Index>(kMostBytes) / (kTogether * (m_ + 1) * Width * 8);
    return Steps(keeps_steps_ && order_ <= most ? at(order_) : 1);
  }

  // [J | c] of step t. Where there is one for all, it takes the place of the last that was formed.
  const double* form(Steps& steps, const Word* itinerary, Index t, bool by_rows) {
    const Word* region = itinerary + t * words_;
    Step& step = steps.size() == 1 ? steps.front() : steps[at(t)];
    int n_active = 0;
    int n_changed = 0;
    if (step.known) {
      for (Index w = 0; w < words_; ++w) {
        n_active += std::popcount(region[w]);
        n_changed += std::popcount(region[w] ^ step.region[at(w)]);
      }
    }
    const bool kept = keeps_steps_ && at(order_) == steps.size();
    if (!kept || !step.known || n_changed >= n_active || step.n_changes >= kMostChanges) {
      form_anew(step, region, by_rows);
    } else {
      change(step, region, by_rows);
    }
    step.region.assign(region, region + words_);
    step.known = true;
    return step.affine.data();
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
    sum_products<Width, true, false>(m_, n, {w1(), 2 * Width, picked_.data()},
                                     {product, Width, picked_.data()}, fresh);
  }

 private:
  const double* w1() const { return tables_.rank1.data(); }
  const double* w2() const { return tables_.rank1.data() + Width; }

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
    sum_products<Width, true, false>(by_rows ? m_ : m_ + 1, n, left, right, step.affine.data(),
                                     n_removed);
  }

  const NewtonTables& tables_;
  Index order_, m_, words_;
  bool keeps_steps_;  // it takes less to change J than to form it
  std::vector<Index> picked_;
  std::vector<Word> nothing_;
};

#endif

}  // namespace rnndyn::kernels::lockstep

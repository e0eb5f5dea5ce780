// The linear system of an itinerary, from the product of the maps of its steps.
#pragma once

#include <algorithm>
#include <limits>

#include "kernels/gauss_jordan.hpp"
#include "kernels/lockstep/step_maps.hpp"

namespace rnndyn::kernels::lockstep {

#if defined(__GNUC__)

template <int Width>
class SystemOfItinerary {
 public:
  SystemOfItinerary(const NewtonTables& tables, Index order)
      : order_(order),
        m_(tables.n_states),
        words_(static_cast<Index>(tables.words)),
        by_picks_(tables.w2_is_identity && tables.diagonal_a),
        maps_(tables, order) {
    for (AlignedVector<double>& product : products_) {
      product.assign(at((m_ + 1) * Width), 0.0);
      product[at(m_ * Width + m_)] = 1.0;
    }
  }

  Steps make_steps() const { return maps_.make_steps(); }

  // The system, and the largest entry met on the way; false where that grew too large.
  bool compose(const Word* itinerary, Steps& steps, double& growth, GaussJordan<Width>& system) {
    growth = 1.0;
    if (order_ == 1) {
      system.begin(kSingularPivot * write_system(maps_.form(steps, itinerary, 0, false), system));
      return true;
    }
    const double* product = maps_.form(steps, itinerary, 0, true);
    if (steps.size() == 1) {  // which the next step is written to
      std::copy_n(product, m_ * Width, products_[0].data());
      product = products_[0].data();
    }
    for (Index t = 1; t + 1 < order_; ++t) {
      double* fresh = products_[at(t % 2)].data();
      if (by_picks_) {
        maps_.multiply_picks(itinerary + t * words_, product, fresh);
      } else {
        sum_products<Width, false, true>(
            m_, m_ + 1, {maps_.form(steps, itinerary, t, false), Width}, {product, Width}, fresh);
      }
      growth = std::max(growth, largest(fresh));
      if (!(growth <= kProductLimit)) return false;
      product = fresh;
    }
    double* around = products_[at((order_ - 1) % 2)].data();
    sum_products<Width, false, true>(m_ + 1, m_ + 1, {product, Width},
                                     {maps_.form(steps, itinerary, order_ - 1, false), Width},
                                     around);
    const double size = write_system(around, system);
    // Not what J is but what I - J is, whose errors are those of J.
    growth = std::max(growth, size);
    system.begin(kSingularPivot * size);
    std::fill_n(around + m_ * Width, Width, 0.0);
    around[m_ * Width + m_] = 1.0;
    return growth <= kProductLimit;
  }

 private:
  static constexpr int kPacks = Width / kNativeLanes;

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

  Index order_, m_, words_;
  bool by_picks_;  // J is not worth forming
  StepMaps<Width> maps_;
  AlignedVector<double> products_[2];  // row by row with a last one (0 | 1)
};

#endif

}  // namespace rnndyn::kernels::lockstep

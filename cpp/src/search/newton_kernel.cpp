#include "search/newton_kernel.hpp"

#include <algorithm>
#include <bit>

#include "kernels/functions.hpp"
#include "search/newton_large.hpp"
#include "search/reduced_tables.hpp"

namespace rnndyn {
namespace {

// All regions' affine maps are tabulated up to this many doubles (1 MiB: stays in the L2 cache).
constexpr Index kTableLimit = Index{1} << 17;

// One system of many rows reaches a smaller share of the machine's peak than products of matrices,
// and these are made in single precision where there are many states.
double reduced_share(Index n_states) { return n_states < LargeNewton::kFastStates ? 0.7 : 0.35; }
// As many operations take several itineraries together while one system waits for a pivot, times
// the square of the numbers in a register: with short ones they are not much faster.
constexpr double kPivotFlops = 94.0;
// Tables are made where they serve itineraries of which half of the bits are set, or where they
// serve those with so many set and take no longer to make than so many candidates.
constexpr double kFewActive = 0.25;
constexpr double kTableCandidates = 2.0;

// Some itineraries in lockstep do not look at the clock; with so many operations for each of them
// they take milliseconds.
constexpr double kMostLockstepFlops = 1e8;

// With fewer units that matter than one of so many states, products of Jacobians that touch only
// what these change take less than dense ones in lockstep (measured for 25 to 39 states).
constexpr Index kMostStatesPerUnit = 4;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Where products of Jacobians are not made without forming them. For few states there are kernels
// that are written for their number, whose products are as fast, and in short registers those of
// one itinerary are.
bool lockstep_serves(const CanonicalMap& map, Index order) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  const bool diagonal_a = map.a().isDiagonal(0.0);
  if (m < kernels::kMinLockstepStates || m > kernels::kMaxLockstepStates || h == 0) return false;
  if (kernels::large_newton_flops(m, h, order, diagonal_a) > kMostLockstepFlops) return false;
  if (order == 1 || h > m) return true;
  return m > kernels::kMaxSmallStates && kernels::functions().native_lanes > 2 &&
         map.n_relevant_units() * kMostStatesPerUnit >= m && (map.w2_is_identity() || !diagonal_a);
}

// Whether it takes less to solve for n_active pre-activations than `flops` in so many lanes.
bool reduced_is_faster(const CanonicalMap& map, Index n_units, Index order, double n_active,
                       double flops, int lanes) {
  const double reduced = kernels::reduced_newton_flops(n_units, order, n_active);
  const auto numbers = static_cast<double>(kernels::functions().native_lanes);
  if (lanes > 1) return reduced + kPivotFlops * numbers * numbers * n_active <= flops;
  return reduced <= reduced_share(map.n_states()) * flops;
}

void fill_parameters(const CanonicalMap& map, kernels::NewtonTables& tables) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  const Index width = tables.width;
  tables.base.assign(at((m + 1) * width), 0.0);
  tables.a.assign(at((m + 1) * width), 0.0);
  for (Index i = 0; i < m; ++i) {
    for (Index j = 0; j < m; ++j) tables.base[at(i * width + j)] = map.a()(i, j);
    tables.base[at(i * width + m)] = map.h1()(i);
    tables.a[at(m * width + i)] = map.h1()(i);
  }
  tables.base[at(m * width + m)] = 1.0;
  tables.diagonal.assign(at(width), 0.0);
  tables.h1.assign(at(width), 0.0);
  for (Index j = 0; j < m; ++j) {
    for (Index i = 0; i < m; ++i) tables.a[at(j * width + i)] = map.a()(i, j);
    tables.diagonal[at(j)] = map.a()(j, j);
    tables.h1[at(j)] = map.h1()(j);
  }
  tables.rank1.assign(at(h * 2 * width), 0.0);
  tables.w2.assign(at(m * tables.units), 0.0);
  tables.h2.assign(at(tables.units), 0.0);
  for (Index u = 0; u < h; ++u) {
    for (Index i = 0; i < m; ++i) {
      tables.rank1[at(u * 2 * width + i)] = map.w1()(i, u);
      tables.rank1[at(u * 2 * width + width + i)] = map.w2()(u, i);
      tables.w2[at(i * tables.units + u)] = map.w2()(u, i);
    }
    tables.rank1[at(u * 2 * width + width + m)] = map.h2()(u);
    tables.h2[at(u)] = map.h2()(u);
  }
}

void fill_regions(const CanonicalMap& map, kernels::NewtonTables& tables) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  const Index entry = m * tables.width;
  // Filling the table would take longer than most searches that use the lanes.
  const bool lanes = m <= kernels::kMaxLaneStates && h <= kernels::kMaxLaneUnits;
  if (h > 16 || (entry << h) > kTableLimit || lanes) return;

  tables.regions.resize(at(entry << h));
  for (Index code = 0; code < (Index{1} << h); ++code) {
    const auto region = static_cast<Word>(code);
    const Matrix j = map.jacobian(&region);
    const Vector c = map.offset(&region);
    for (Index i = 0; i < m; ++i) {
      double* row = tables.regions.data() + code * entry + i * tables.width;
      for (Index col = 0; col < m; ++col) row[col] = j(i, col);
      row[m] = c(i);
    }
  }
}

}  // namespace

std::shared_ptr<const kernels::NewtonTables> make_newton_tables(const CanonicalMap& map) {
  auto tables = std::make_shared<kernels::NewtonTables>();
  tables->n_states = map.n_states();
  tables->n_units = map.n_units();
  tables->words = map.words_per_region();
  tables->w2_is_identity = map.w2_is_identity();
  tables->diagonal_a = map.a().isDiagonal(0.0);
  tables->relevant = map.relevant_units();
  tables->reach = reach_of(map);
  tables->width = kernels::affine_width(map.n_states());
  tables->units = std::max<Index>(8, (map.n_units() + 7) / 8 * 8);
  if (map.n_states() <= kernels::kMaxLockstepStates) fill_parameters(map, *tables);
  if (map.n_states() <= kernels::kMaxSmallStates) fill_regions(map, *tables);
  return tables;
}

std::shared_ptr<const kernels::ReducedTables> reduced_where_faster(
    const CanonicalMap& map, const kernels::NewtonTables& tables, Index order) {
  // The kernels for few states are written for their number.
  if (map.n_states() <= kernels::kMaxSmallStates) return nullptr;
  const Index n_units = map.n_relevant_units();
  const NewtonKernel kernel(map, tables, order);
  const double flops = kernel.flops();
  const auto serves = [&](double share) {
    const double n_active = share * static_cast<double>(n_units * order);
    return reduced_is_faster(map, n_units, order, n_active, flops, kernel.lanes());
  };
  if (!serves(0.5)) {
    const auto m = static_cast<double>(map.n_states());
    const auto h = static_cast<double>(n_units);
    const double making = static_cast<double>(order) * 2.0 * m * h * (m + 2.0 * h);
    if (!serves(kFewActive) || making > kTableCandidates * flops) return nullptr;
  }
  return make_reduced_tables(map, order);
}

NewtonKernel::NewtonKernel(const CanonicalMap& map, const kernels::NewtonTables& tables,
                           Index order, Control* control, Refutation refutation,
                           std::shared_ptr<const kernels::ReducedTables> reduced)
    : map_(map),
      order_(order),
      control_(control),
      refutation_(refutation),
      reduced_(std::move(reduced)) {
  // Where the maps of all regions are in a table it is for the kernels for few states.
  if (refutation == Refutation::likely && tables.regions.empty() && lockstep_serves(map, order)) {
    kernel_ = kernels::functions().make_lockstep_newton(tables, order);
  }
  if (!kernel_ && map.n_states() <= kernels::kMaxSmallStates) {
    kernel_ = kernels::functions().make_newton(tables, order, refutation);
  }
  if (!kernel_) {
    kernel_ = std::make_unique<LargeNewton>(map, tables.reach, order, control, refutation);
  }
  if (reduced_) reduced_kernel_ = kernels::functions().make_reduced_newton(*reduced_);
}

void NewtonKernel::iterate(const Word* itineraries, Word* next, unsigned active,
                           NewtonStatus* status) {
  const unsigned unfinished = iterate_shortly(itineraries, next, active, status);
  for (unsigned left = unfinished; left != 0; left &= left - 1) {
    const int lane = std::countr_zero(left);
    if (refutation_ == Refutation::bounded) {  // nothing short of solve_cycle() would refute it
      status[lane] = NewtonStatus::singular;
      continue;
    }
    status[lane] = iterate_lane(lane, itineraries, next, status[lane] != NewtonStatus::singular);
  }
}

unsigned NewtonKernel::iterate_shortly(const Word* itineraries, Word* next, unsigned active,
                                       NewtonStatus* status) {
  if (!reduced_kernel_) return kernel_->iterate(itineraries, next, active, status);
  if (lanes() == 1) {
    kernels::Newton& kernel = reduced_serves(itineraries) ? *reduced_kernel_ : *kernel_;
    return kernel.iterate(itineraries, next, active, status);
  }
  unsigned unfinished = 0;
  unsigned others = 0;
  for (unsigned left = active; left != 0; left &= left - 1) {
    const int lane = std::countr_zero(left);
    take(lane, itineraries);
    if (!reduced_serves(own_.data())) {
      others |= 1U << lane;
      continue;
    }
    unfinished |= reduced_kernel_->iterate(own_.data(), result_.data(), 1, status + lane) << lane;
    put(lane, next);
  }
  if (others != 0) unfinished |= kernel_->iterate(itineraries, next, others, status);
  return unfinished;
}

bool NewtonKernel::reduced_serves(const Word* itinerary) const {
  if (!reduced_kernel_) return false;
  const auto n_words = static_cast<std::size_t>(order_) * map_.words_per_region();
  int n_active = 0;
  for (std::size_t i = 0; i < n_words; ++i) n_active += std::popcount(itinerary[i]);
  return reduced_is_faster(map_, static_cast<Index>(reduced_->units.size()), order_, n_active,
                           kernel_->flops(), lanes());
}

NewtonStatus NewtonKernel::iterate_lane(int lane, const Word* itineraries, Word* next, bool grown) {
  take(lane, itineraries);
  const NewtonStatus status =
      grown ? iterate_stably(map_, own_.data(), order_, result_.data(), control_)
            : iterate_singular(map_, own_.data(), order_, result_.data(), control_);
  put(lane, next);
  return status;
}

void NewtonKernel::take(int lane, const Word* itineraries) {
  const auto n_lanes = static_cast<std::size_t>(lanes());
  own_.resize(static_cast<std::size_t>(order_) * map_.words_per_region());
  result_.assign(own_.size(), 0);
  for (std::size_t i = 0; i < own_.size(); ++i) {
    own_[i] = itineraries[i * n_lanes + static_cast<std::size_t>(lane)];
  }
}

void NewtonKernel::put(int lane, Word* next) const {
  const auto n_lanes = static_cast<std::size_t>(lanes());
  for (std::size_t i = 0; i < result_.size(); ++i) {
    next[i * n_lanes + static_cast<std::size_t>(lane)] = result_[i];
  }
}

}  // namespace rnndyn

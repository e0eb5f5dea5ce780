#include "search/affine_steps.hpp"

#include <algorithm>
#include <bit>

#include "kernels/functions.hpp"
#include "kernels/rank_ones.hpp"

namespace rnndyn {
namespace {

// What all steps of a workspace may take together.
constexpr double kMostBytes = 32e6;
// With more states a product of matrices is faster, gathering included.
constexpr Index kFewStates = 64;

}  // namespace

AffineSteps::AffineSteps(const CanonicalMap& map, Index order)
    : map_(map),
      words_(map.words_per_region()),
      padded_((map.n_states() + kernels::kPackPadding) / kernels::kPackPadding *
              kernels::kPackPadding),
      right_(static_cast<std::size_t>(padded_ * map.n_units()), 0.0),
      base_(Matrix::Zero(padded_, map.n_states())) {
  const Index m = map.n_states();
  base_.topRows(m) = map.a().transpose();
  base_.row(m) = map.h1().transpose();
  for (Index u = 0; u < map.n_units(); ++u) {
    double* to = right_.data() + u * padded_;
    for (Index j = 0; j < m; ++j) to[j] = map.w2()(u, j);
    to[m] = map.h2()(u);
  }
  const double bytes = 8.0 * static_cast<double>(padded_ * m) * static_cast<double>(order);
  steps_.resize(bytes <= kMostBytes ? static_cast<std::size_t>(order) : 1);
}

void AffineSteps::forget() {
  for (Step& step : steps_) step.known = false;
}

const Matrix& AffineSteps::at(Index number, const Word* region) {
  Step& step = steps_.size() == 1 ? steps_.front() : steps_[static_cast<std::size_t>(number)];
  pick(step, region);
  add_picked(step.affine);
  step.region.assign(region, region + words_);
  step.known = true;
  return step.affine;
}

void AffineSteps::pick(Step& step, const Word* region) {
  int n_active = 0;
  int n_changed = 0;
  for (std::size_t w = 0; w < words_; ++w) {
    n_active += std::popcount(region[w]);
    if (step.known) n_changed += std::popcount(region[w] ^ step.region[w]);
  }
  const bool anew = !step.known || n_changed >= n_active;
  if (anew) step.affine = base_;
  picked_.clear();
  factors_.clear();
  for (std::size_t w = 0; w < words_; ++w) {
    const Word changed = anew ? region[w] : region[w] ^ step.region[w];
    for (Word bits = changed; bits != 0; bits &= bits - 1) {
      const int bit = std::countr_zero(bits);
      picked_.push_back(static_cast<Index>(64 * w) + bit);
      factors_.push_back((region[w] >> bit & 1U) != 0 ? 1.0 : -1.0);
    }
  }
}

void AffineSteps::add_picked(Matrix& affine) {
  const auto& functions = kernels::functions();
  const Index m = map_.n_states();
  const auto n = static_cast<Index>(picked_.size());
  if (m <= kFewStates) {
    functions.add_rank_ones(m, padded_, picked_.data(), factors_.data(), n, map_.w1().data(),
                            right_.data(), affine.data());
    return;
  }
  if (picked_left_.cols() < n) {
    picked_left_.resize(m, n);
    picked_right_.resize(padded_, n);
  }
  for (Index l = 0; l < n; ++l) {
    const Index unit = picked_[static_cast<std::size_t>(l)];
    picked_left_.col(l) = factors_[static_cast<std::size_t>(l)] * map_.w1().col(unit);
    std::copy_n(right_.data() + unit * padded_, padded_, picked_right_.col(l).data());
  }
  functions.dense.multiply(padded_, m, n, kernels::Transposed::right, 1.0, picked_right_.data(),
                           padded_, picked_left_.data(), m, affine.data(), padded_, true);
}

}  // namespace rnndyn

#include "lyapunov/covariant.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "rnndyn/random.hpp"

namespace rnndyn::lyapunov {
namespace {

// The last part of the record is only used to let the backward vectors settle.
constexpr double kBackwardTransient = 0.2;
constexpr std::uint64_t kTopic = std::uint64_t{1} << 62;

// Columns of upper triangular coefficients, scaled to length 1.
void normalize_columns(Matrix& coefficients) {
  for (Index j = 0; j < coefficients.cols(); ++j) coefficients.col(j).stableNormalize();
}

}  // namespace

template <class Real>
CovariantPass<Real>::CovariantPass(const Setting<Real>& setting, Index n_sequences, Index n_windows)
    : setting_(setting),
      n_windows_(n_windows),
      wanted_(setting.options.n_covariant > 0),
      checkpoints_(static_cast<std::size_t>(n_sequences)) {
  if (!wanted_) return;
  const auto usable = std::max<Index>(
      1,
      static_cast<Index>(std::floor(static_cast<double>(n_windows) * (1.0 - kBackwardTransient))));
  const Index n = std::min(setting.options.n_covariant, usable);
  // Spread evenly over the usable windows.
  for (Index i = 0; i < n; ++i) samples_.push_back((2 * i + 1) * usable / (2 * n));
}

template <class Real>
void CovariantPass<Real>::save(SequenceGroup<Real>& group, Index first_sequence) {
  if (!wanted_) return;
  for (Index b = 0; b < group.n_sequences(); ++b) {
    checkpoints_[static_cast<std::size_t>(first_sequence + b)].push_back(group.checkpoint(b));
  }
}

template <class Real>
void CovariantPass<Real>::run(LyapunovRun& result, Control& control, int n_threads) {
  const std::size_t n_sequences = checkpoints_.size();
  result.covariant_vectors.assign(n_sequences, std::vector<Matrix>(samples_.size()));
  parallel_for(n_sequences, setting_.system.single_threaded() ? 1 : n_threads,
               [&](std::size_t sequence, int) { run_sequence(sequence, result, control); });
  if (control.reason() != StopReason::none) {
    result.covariant_vectors.clear();
    return;
  }
  for (const Index window : samples_) {
    result.covariant_steps.push_back(
        std::min((window + 1) * setting_.options.window, setting_.options.n_steps));
  }
}

template <class Real>
void CovariantPass<Real>::run_sequence(std::size_t sequence, LyapunovRun& result,
                                       Control& control) {
  auto& checkpoints = checkpoints_[sequence];
  SequenceGroup<Real> group(setting_, static_cast<Index>(sequence), checkpoints.front().state, {},
                            1);
  const Index n_vectors = setting_.frames.front().n_vectors;
  Matrix coefficients = Matrix::Zero(n_vectors, n_vectors);
  RandomStream random(setting_.options.seed, kTopic, sequence);
  for (Index j = 0; j < n_vectors; ++j) {
    for (Index i = 0; i <= j; ++i) coefficients(i, j) = random.normal();
  }
  normalize_columns(coefficients);
  std::vector<Matrix> factors;
  for (Index window = n_windows_; window-- > 0;) {
    if (control.stop_requested()) return;
    const auto w = static_cast<std::size_t>(window);
    group.restore(0, checkpoints[w]);
    factors.clear();
    group.collect_factors(&factors);
    const Index n_steps = std::min(setting_.options.window,
                                   setting_.options.n_steps - window * setting_.options.window);
    if (!group.advance(n_steps, control)) return;
    const auto sample = std::find(samples_.begin(), samples_.end(), window);
    if (sample != samples_.end()) {
      Matrix vectors = group.frame(0, 0) * coefficients;
      normalize_columns(vectors);
      result.covariant_vectors[sequence][static_cast<std::size_t>(sample - samples_.begin())] =
          vectors;
    }
    for (std::size_t k = factors.size(); k-- > 0;) {
      if (factors[k].cols() < n_vectors || !(factors[k].diagonal().minCoeff() > 0.0)) {
        throw std::domain_error(
            "covariant vectors cannot be followed through a step that annihilates a direction");
      }
      factors[k].template triangularView<Eigen::Upper>().solveInPlace(coefficients);
      normalize_columns(coefficients);
    }
    checkpoints.resize(w);  // no longer needed
  }
}

template class CovariantPass<double>;
template class CovariantPass<float>;

}  // namespace rnndyn::lyapunov

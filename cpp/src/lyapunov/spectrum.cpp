// A run from settling to the last window, and what it returns.
#include <algorithm>
#include <cmath>

#include "lyapunov/covariant.hpp"
#include "lyapunov/sequence_group.hpp"

namespace rnndyn {
namespace lyapunov {
namespace {

template <class Real>
class Run {
 public:
  Run(const System& system, const Matrix& states, const InputSeries& inputs,
      const std::optional<Frames>& frames, const LyapunovOptions& options, Control& control,
      LyapunovProgress& progress)
      : setting_(make_setting<Real>(system, inputs, options)),
        options_(options),
        control_(control),
        progress_(progress),
        n_sequences_(states.cols()) {
    // Sequences need no word with each other, so every thread takes its share of them; where there
    // are fewer sequences than threads, the threads share the products of each step.
    const int n_threads = system.single_threaded() ? 1 : std::max(1, options.n_threads);
    const bool enough = n_sequences_ >= n_threads;
    const Index n_groups = enough ? n_threads : worth_sharing() ? 1 : n_sequences_;
    outer_threads_ = static_cast<int>(n_groups);
    for (Index g = 0; g < n_groups; ++g) {
      const Index first = g * n_sequences_ / n_groups;
      const Index n = (g + 1) * n_sequences_ / n_groups - first;
      groups_.push_back(std::make_unique<SequenceGroup<Real>>(
          setting_, first, states.middleCols(first, n), frames.value_or(Frames{}),
          n_groups == 1 ? n_threads : 1));
      first_sequence_.push_back(first);
    }
    result_.log_growth.resize(static_cast<std::size_t>(n_sequences_));
  }

  LyapunovRun operator()() {
    if (warm_up()) record();
    finish();
    return std::move(result_);
  }

 private:
  // Starting a team takes microseconds: a step must take much longer than that.
  bool worth_sharing() const {
    double work = 0.0;
    for (const auto& frame : setting_.frames) {
      work += static_cast<double>(frame.n_states) * static_cast<double>(frame.n_states) *
              static_cast<double>(frame.n_vectors);
    }
    return work * static_cast<double>(n_sequences_) > 1e6;
  }

  template <class Task>
  void for_each_group(const Task& task) {
    parallel_for(groups_.size(), outer_threads_,
                 [&](std::size_t item, int) { task(*groups_[item]); });
  }

  bool advance(Index n_steps) {
    std::atomic<bool> whole{true};
    for_each_group([&](SequenceGroup<Real>& group) {
      if (!group.advance(n_steps, control_)) whole = false;
    });
    if (whole) progress_.n_steps += n_steps;
    return whole;
  }

  bool warm_up() {
    for (Index done = 0; done < options_.n_settle;) {
      const Index n = std::min<Index>(options_.n_settle - done, 1000);
      for_each_group([&](SequenceGroup<Real>& group) { group.settle(n, control_); });
      if (control_.stop_requested()) return false;
      progress_.n_steps += n;
      done += n;
    }
    // Directions can be annihilated on the way to the attractor that live on it, so the frames are
    // made whole again.
    const Index half = options_.n_warmup / 2;
    for (const auto& [first, last] : {std::pair{Index{0}, half}, {half, options_.n_warmup}}) {
      for (Index done = first; done < last;) {
        const Index n = std::min(options_.window, last - done);
        if (!advance(n)) return false;
        done += n;
      }
      for_each_group([](SequenceGroup<Real>& group) { group.complete_frames(); });
    }
    for_each_group([](SequenceGroup<Real>& group) { group.forget_growth(); });
    return true;
  }

  void record() {
    const Index n_windows = (options_.n_steps + options_.window - 1) / options_.window;
    for (Matrix& growth : result_.log_growth) growth.resize(n_exponents(), n_windows);
    CovariantPass<Real> covariant(setting_, n_sequences_, n_windows);
    double sum_of_largest = 0.0;
    Index w = 0;
    for (; w < n_windows; ++w) {
      const Index n = std::min(options_.window, options_.n_steps - w * options_.window);
      covariant.save(groups_, first_sequence_);
      if (!advance(n)) break;
      for_each_sequence([&](SequenceGroup<Real>& group, Index b, std::size_t sequence) {
        // A diverged sequence has no growth to speak of.
        result_.log_growth[sequence].col(w) = group.growth(b);
        if (group.diverged_at(b) >= 0) result_.log_growth[sequence].col(w).setZero();
        const double largest = result_.log_growth[sequence].col(w).maxCoeff();
        if (std::isfinite(largest)) sum_of_largest += largest;
      });
      for_each_group([](SequenceGroup<Real>& group) { group.forget_growth(); });
      result_.window_steps.push_back(n);
      result_.n_steps_done += n;
      progress_.largest = sum_of_largest / (static_cast<double>(result_.n_steps_done) *
                                            static_cast<double>(n_sequences_));
    }
    for (Matrix& growth : result_.log_growth) growth.conservativeResize(Eigen::NoChange, w);
    if (options_.n_covariant > 0 && w == n_windows) {
      covariant.run(result_, control_, std::max(1, options_.n_threads));
    }
  }

  Index n_exponents() const {
    Index n = 0;
    for (const auto& frame : setting_.frames) n += frame.n_vectors;
    return n;
  }

  template <class Task>
  void for_each_sequence(const Task& task) {
    for (std::size_t g = 0; g < groups_.size(); ++g) {
      for (Index b = 0; b < groups_[g]->n_sequences(); ++b) {
        task(*groups_[g], b, static_cast<std::size_t>(first_sequence_[g] + b));
      }
    }
  }

  void finish() {
    for (Matrix& growth : result_.log_growth) {
      if (growth.rows() == 0) growth.resize(n_exponents(), 0);
    }
    for (std::size_t f = 0; f < setting_.frames.size(); ++f) {
      const auto n = static_cast<std::size_t>(setting_.frames[f].n_vectors);
      result_.layer_of.insert(result_.layer_of.end(), n, static_cast<Index>(f));
      result_.frames.emplace_back();
    }
    result_.states.resize(setting_.system.n_states(), n_sequences_);
    for_each_sequence([&](SequenceGroup<Real>& group, Index b, std::size_t sequence) {
      result_.states.col(static_cast<Index>(sequence)) = group.state(b);
      for (std::size_t f = 0; f < setting_.frames.size(); ++f) {
        result_.frames[f].push_back(group.frame(f, b));
      }
      result_.diverged_at.push_back(group.diverged_at(b));
      result_.qr_interval.push_back(group.interval(b));
    });
    for (const auto& group : groups_) {
      result_.n_orthonormalizations += group->n_orthonormalizations();
      result_.n_householder += group->n_householder();
    }
    result_.stopped_by = control_.reason();
  }

  Setting<Real> setting_;
  const LyapunovOptions& options_;
  Control& control_;
  LyapunovProgress& progress_;
  Index n_sequences_;
  int outer_threads_ = 1;
  std::vector<std::unique_ptr<SequenceGroup<Real>>> groups_;
  std::vector<Index> first_sequence_;
  LyapunovRun result_;
};

}  // namespace
}  // namespace lyapunov

LyapunovRun lyapunov_spectrum(const System& system, const Matrix& states, const InputSeries& inputs,
                              const std::optional<Frames>& frames, const LyapunovOptions& options,
                              Control& control, LyapunovProgress& progress) {
  if (options.single_precision) {
    return lyapunov::Run<float>(system, states, inputs, frames, options, control, progress)();
  }
  return lyapunov::Run<double>(system, states, inputs, frames, options, control, progress)();
}

}  // namespace rnndyn

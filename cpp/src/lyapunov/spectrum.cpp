// A run from settling to the last window, and what it returns.
#include <algorithm>
#include <cmath>

#include "lyapunov/covariant.hpp"
#include "lyapunov/sequence_group.hpp"

namespace rnndyn {
namespace lyapunov {
namespace {

constexpr double kSecondsBetweenMeetings = 0.05;

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
    // are fewer sequences than threads, the threads share the products of each step. That pays for
    // large products only: else a sequence belongs to one thread, and little work in all to the
    // caller.
    const int n_threads =
        system.single_threaded() ? 1 : threads_worth(n_operations(), options.n_threads);
    const bool shared = n_sequences_ < n_threads && worth_sharing(n_threads);
    const Index n_groups = shared ? 1 : std::min<Index>(n_threads, n_sequences_);
    outer_threads_ = static_cast<int>(n_groups);
    for (Index g = 0; g < n_groups; ++g) {
      const Index first = g * n_sequences_ / n_groups;
      const Index n = (g + 1) * n_sequences_ / n_groups - first;
      groups_.push_back(
          std::make_unique<SequenceGroup<Real>>(setting_, first, states.middleCols(first, n),
                                                frames.value_or(Frames{}), shared ? n_threads : 1));
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
  // Of one step of all sequences, roughly.
  double operations_per_step() const {
    double work = 0.0;
    for (const auto& frame : setting_.frames) {
      work += static_cast<double>(frame.n_states) * static_cast<double>(frame.n_states) *
              static_cast<double>(frame.n_vectors);
    }
    return work * static_cast<double>(n_sequences_);
  }

  double n_operations() const {
    // What a step takes for a network of any size.
    constexpr double kLeast = 1000.0;
    const Index n_steps = options_.n_settle + options_.n_warmup + options_.n_steps;
    return (operations_per_step() + kLeast * static_cast<double>(n_sequences_)) *
           static_cast<double>(n_steps);
  }

  bool worth_sharing(int n_threads) const {
    return threads_worth(operations_per_step(), n_threads) > 1;
  }

  template <class Task>
  void for_each_group(const Task& task) {
    parallel_for(groups_.size(), outer_threads_, [&](std::size_t item, int) { task(item); });
  }

  // The first group speaks for all of them.
  void report(std::size_t group, Index n_steps) {
    if (group == 0) progress_.n_steps += n_steps;
  }

  bool warm_up() {
    std::atomic<bool> whole{true};
    for_each_group([&](std::size_t g) {
      SequenceGroup<Real>& group = *groups_[g];
      for (Index done = 0; done < options_.n_settle && whole;) {
        const Index n = std::min<Index>(options_.n_settle - done, 100);
        group.settle(n, control_);
        report(g, n);
        done += n;
      }
      // Directions can be annihilated on the way to the attractor that live on it, so the frames
      // are made whole again.
      const Index half = options_.n_warmup / 2;
      for (const auto& [first, last] : {std::pair{Index{0}, half}, {half, options_.n_warmup}}) {
        for (Index done = first; done < last;) {
          const Index n = std::min(options_.window, last - done);
          if (!group.advance(n, control_)) {
            whole = false;
            return;
          }
          report(g, n);
          done += n;
        }
        group.complete_frames();
      }
      group.forget_growth();
    });
    return whole && !control_.stop_requested();
  }

  void record() {
    const Index n_windows = (options_.n_steps + options_.window - 1) / options_.window;
    for (Matrix& growth : result_.log_growth) growth.resize(n_exponents(), n_windows);
    result_.largest_states.setZero(n_sequences_, n_windows);
    CovariantPass<Real> covariant(setting_, n_sequences_, n_windows);
    std::vector<Index> done(groups_.size(), 0);
    // Groups wait for each other only now and then: on a busy machine every wait is long.
    Index n_at_once = 1;
    for (Index first = 0; first < n_windows;) {
      const Index last = std::min(n_windows, first + n_at_once);
      const double start = control_.seconds();
      for_each_group([&](std::size_t g) {
        for (Index w = first; w < last && record_window(g, w, covariant); ++w) done[g] = w + 1;
      });
      n_at_once = control_.seconds() - start < kSecondsBetweenMeetings ? 2 * n_at_once : n_at_once;
      const Index n_done = *std::min_element(done.begin(), done.end());
      progress_.largest = mean_largest(n_done);
      if (n_done < last) break;
      first = last;
    }
    const Index n_done = *std::min_element(done.begin(), done.end());
    for (Matrix& growth : result_.log_growth) growth.conservativeResize(Eigen::NoChange, n_done);
    result_.largest_states.conservativeResize(Eigen::NoChange, n_done);
    for (Index w = 0; w < n_done; ++w) {
      result_.window_steps.push_back(steps_of(w));
      result_.n_steps_done += steps_of(w);
    }
    if (options_.n_covariant > 0 && n_done == n_windows) {
      covariant.run(result_, control_, std::max(1, options_.n_threads));
    }
  }

  Index steps_of(Index window) const {
    return std::min(options_.window, options_.n_steps - window * options_.window);
  }

  bool record_window(std::size_t g, Index window, CovariantPass<Real>& covariant) {
    SequenceGroup<Real>& group = *groups_[g];
    covariant.save(group, first_sequence_[g]);
    if (!group.advance(steps_of(window), control_)) return false;
    report(g, steps_of(window));
    for (Index b = 0; b < group.n_sequences(); ++b) {
      auto growth =
          result_.log_growth[static_cast<std::size_t>(first_sequence_[g] + b)].col(window);
      growth = group.growth(b);
      // A diverged sequence has no growth to speak of.
      if (group.diverged_at(b) >= 0) growth.setZero();
      result_.largest_states(first_sequence_[g] + b, window) = group.largest_state(b);
    }
    group.forget_growth();
    return true;
  }

  double mean_largest(Index n_windows) const {
    Index n_steps = 0;
    for (Index w = 0; w < n_windows; ++w) n_steps += steps_of(w);
    double sum = 0.0;
    for (const Matrix& growth : result_.log_growth) {
      if (growth.size() > 0) sum += growth.leftCols(n_windows).rowwise().sum().maxCoeff();
    }
    const double mean = sum / static_cast<double>(std::max<Index>(1, n_steps * n_sequences_));
    return std::isfinite(mean) ? mean : 0.0;
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
    if (result_.largest_states.rows() == 0) result_.largest_states.resize(n_sequences_, 0);
    result_.natural_size = natural_size(setting_.system, setting_.inputs);
    result_.derivative_terms = CancellationGuard<Real>(setting_.system).largest_terms();
    for_each_group([&](std::size_t g) { groups_[g]->finish(); });
    for_each_sequence([&](SequenceGroup<Real>& group, Index b, std::size_t sequence) {
      result_.states.col(static_cast<Index>(sequence)) = group.unscaled_state(b);
      result_.periods.push_back(group.period(b));
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

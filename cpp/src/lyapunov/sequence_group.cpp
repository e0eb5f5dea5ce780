#include "lyapunov/sequence_group.hpp"

#include <algorithm>
#include <cmath>

#include "kernels/functions.hpp"
#include "rnndyn/random.hpp"

namespace rnndyn::lyapunov {
namespace {

// Growth that is not yet divided out must neither overflow nor underflow.
template <class Real>
constexpr double kLargestLogGrowth = sizeof(Real) == 8 ? 200.0 : 25.0;
constexpr Index kLongestInterval = 1000;
// ln of the condition that a block had at least when its digits were lost.
template <class Real>
constexpr double kLost = sizeof(Real) == 8 ? 30.0 : 12.0;
// An estimate of the loss fades, so that one bad step does not shorten the interval for ever.
constexpr double kFading = 0.95;

}  // namespace

template <class Real>
Setting<Real> make_setting(const System& system, const InputSeries& inputs,
                           const LyapunovOptions& options) {
  Setting<Real> setting{system, inputs, options, make_layers<Real>(system), {}};
  const auto add = [&](std::size_t first, std::size_t n) {
    Index rows = 0, n_states = 0;
    for (std::size_t l = first; l < first + n; ++l) {
      rows += setting.layers[l]->rows();
      n_states += setting.layers[l]->n_states();
    }
    setting.frames.push_back({first, n, rows, n_states, std::min(options.n_exponents, n_states)});
  };
  if (options.joint) {
    add(0, setting.layers.size());
  } else {
    for (std::size_t l = 0; l < setting.layers.size(); ++l) add(l, 1);
  }
  return setting;
}

template <class Real>
SequenceGroup<Real>::SequenceGroup(const Setting<Real>& setting, Index first, const Matrix& states,
                                   const std::vector<std::vector<Matrix>>& frames, int n_threads)
    : setting_(setting),
      first_(first),
      n_sequences_(states.cols()),
      n_threads_(n_threads),
      inputs_(setting.system.n_inputs(), n_sequences_),
      rhythms_(static_cast<std::size_t>(n_sequences_)),
      diverged_at_(static_cast<std::size_t>(n_sequences_), -1),
      n_draws_(setting.frames.size() * static_cast<std::size_t>(n_sequences_), 0) {
  Index row = 0;
  for (const auto& layer : setting.layers) {
    states_.emplace_back(layer->rows(), n_sequences_);
    next_states_.emplace_back(layer->rows(), n_sequences_);
    last_states_.emplace_back(layer->rows(), n_sequences_);
    spread(*layer, states.middleRows(row, layer->n_states()), states_.back().view());
    row += layer->n_states();
    work_.push_back(layer->make_work(n_sequences_, n_threads));
  }
  orthonormalizers_.resize(static_cast<std::size_t>(n_threads));
  for (std::size_t f = 0; f < setting.frames.size(); ++f) {
    const auto& shape = setting.frames[f];
    for (auto& of_thread : orthonormalizers_) {
      of_thread.push_back(kernels::tangent<Real>().make_orthonormalizer(shape.rows, shape.n_vectors,
                                                                        &parallel_for));
    }
    frames_.emplace_back();
    for (Index b = 0; b < n_sequences_; ++b) {
      frames_.back().push_back({Block<Real>(shape.rows, shape.n_vectors),
                                Block<Real>(shape.rows, shape.n_vectors),
                                {},
                                0,
                                0,
                                Eigen::VectorXd::Zero(shape.n_vectors),
                                {}});
      if (!frames.empty()) set_frame(f, b, at(frames[f], first + b));
    }
  }
  complete_frames();
}

template <class Real>
void SequenceGroup<Real>::settle(Index n_steps, Control& control) {
  for (Index i = 0; i < n_steps && !control.stop_requested(); ++i) step(false);
}

template <class Real>
bool SequenceGroup<Real>::advance(Index n_steps, Control& control) {
  for (Index b = 0; b < n_sequences_; ++b) plan(b, n_steps);
  std::vector<Index> due;
  for (Index i = 1; i <= n_steps; ++i) {
    if (control.stop_requested()) return false;
    step(true);
    due.clear();
    for (Index b = 0; b < n_sequences_; ++b) {
      Rhythm& rhythm = rhythms_[static_cast<std::size_t>(b)];
      if (at(diverged_at_, b) < 0 && ++rhythm.pending >= rhythm.next) due.push_back(b);
    }
    const bool many = due.size() > 1;
    parallel_for(due.size(), n_threads_, [&](std::size_t item, int thread) {
      // The end of the steps is where the growth is read off.
      orthonormalize(due[item], i == n_steps, thread, many ? 1 : n_threads_);
      plan(due[item], n_steps - i);
    });
  }
  return true;
}

template <class Real>
void SequenceGroup<Real>::step(bool with_frames) {
  load_inputs();
  std::size_t frame = 0;
  Index row = 0, row_below = -1;
  for (std::size_t l = 0; l < setting_.layers.size(); ++l) {
    const Layer<Real>& layer = *setting_.layers[l];
    if (l == setting_.frames[frame].first_layer + setting_.frames[frame].n_layers) {
      ++frame;
      row = 0, row_below = -1;
    }
    const View<Real> from_below = l == 0 ? inputs_.view() : next_states_[l - 1].view();
    layer.advance(from_below, states_[l].view(), next_states_[l].view(), *work_[l]);
    if (with_frames) propagate(l, frame, row, row_below);
    row_below = row;
    row += layer.rows();
  }
  std::swap(states_, next_states_);
  if (with_frames) {
    for (auto& of_frame : frames_) {
      for (Frame& f : of_frame) std::swap(f.now, f.other);
    }
  }
  ++time_;
  watch_states();
}

template <class Real>
void SequenceGroup<Real>::load_inputs() {
  const InputSeries& series = setting_.inputs;
  if (series.values.rows() == 0) return;
  for (Index b = 0; b < n_sequences_; ++b) {
    inputs_.view().matrix().col(b).head(series.values.rows()) =
        series.values.col((first_ + b) * series.n_times + time_ % series.n_times)
            .template cast<Real>();
  }
}

template <class Real>
void SequenceGroup<Real>::propagate(std::size_t layer, std::size_t frame, Index first_row,
                                    Index row_below) {
  const Index rows = setting_.layers[layer]->rows();
  std::vector<View<Real>> now, below, next;
  for (Frame& f : frames_[frame]) {
    now.push_back(f.now.view().left(f.rank).below(first_row, rows));
    next.push_back(f.other.view().left(f.rank).below(first_row, rows));
    if (row_below >= 0) {
      below.push_back(
          f.other.view().left(f.rank).below(row_below, setting_.layers[layer - 1]->part_rows()));
    }
  }
  setting_.layers[layer]->propagate(*work_[layer], now, below, next, n_threads_);
}

template <class Real>
void SequenceGroup<Real>::watch_states() {
  for (Index b = 0; b < n_sequences_; ++b) {
    if (at(diverged_at_, b) >= 0) continue;
    for (Block<Real>& block : states_) {
      if (!block.view().matrix().col(b).allFinite()) mark_diverged(b);
    }
  }
}

// The sequence goes on from zero with nothing to propagate, so that its infinities do not spread.
template <class Real>
void SequenceGroup<Real>::mark_diverged(Index sequence) {
  if (at(diverged_at_, sequence) < 0) diverged_at_[static_cast<std::size_t>(sequence)] = time_;
  for (Block<Real>& block : states_) block.view().matrix().col(sequence).setZero();
  for (auto& of_frame : frames_) of_frame[static_cast<std::size_t>(sequence)].rank = 0;
}

template <class Real>
void SequenceGroup<Real>::orthonormalize(Index sequence, bool precise, int thread, int n_threads) {
  Rhythm& rhythm = rhythms_[static_cast<std::size_t>(sequence)];
  double loss = 0.0, largest_growth = 0.0;
  for (std::size_t f = 0; f < frames_.size(); ++f) {
    Frame& frame = frame_of(f, sequence);
    Eigen::VectorXd log_diagonal = Eigen::VectorXd::Zero(frame.growth.size());
    const View<Real> block = frame.now.view().left(frame.rank);
    const View<Real> q = frame.other.view().left(frame.rank);
    const auto outcome = orthonormalizers_[static_cast<std::size_t>(thread)][f]->run(
        block, q, log_diagonal.data(), precise, n_threads);
    if ((!outcome.finite || outcome.householder) && rhythm.pending > 1) {
      repeat(sequence);
      adapt(rhythm, kLost<Real>, 0.0);
      return;
    }
    if (!outcome.finite) {
      mark_diverged(sequence);
      return;
    }
    ++n_orthonormalizations_;
    n_householder_ += outcome.householder ? 1 : 0;
    if (factors_ != nullptr && f == 0 && sequence == 0) {
      Matrix r =
          q.matrix().transpose().template cast<double>() * block.matrix().template cast<double>();
      r.template triangularView<Eigen::StrictlyLower>().setZero();
      factors_->push_back(std::move(r));
    }
    // What was annihilated stays so.
    log_diagonal.tail(log_diagonal.size() - outcome.rank)
        .setConstant(-std::numeric_limits<double>::infinity());
    frame.rank = outcome.rank;
    loss = std::max(loss, outcome.log_condition);
    if (frame.rank > 0) {
      largest_growth =
          std::max(largest_growth, log_diagonal.head(frame.rank).cwiseAbs().maxCoeff());
    }
    frame.step_growth = std::move(log_diagonal);
  }
  for (auto& of_frame : frames_) {
    Frame& frame = of_frame[static_cast<std::size_t>(sequence)];
    frame.growth += frame.step_growth;
    std::swap(frame.now, frame.other);
  }
  adapt(rhythm, loss, largest_growth);
}

// Too much was lost in the steps since the last factorisation, or a number overflowed: with one
// factorisation for each of them, only what a single step loses is lost.
template <class Real>
void SequenceGroup<Real>::repeat(Index sequence) {
  Rhythm& rhythm = rhythms_[static_cast<std::size_t>(sequence)];
  Matrix state(setting_.system.n_states(), 1);
  Checkpoint start{time_ - rhythm.pending, state, {}, {}};
  Index row = 0;
  for (std::size_t l = 0; l < setting_.layers.size(); ++l) {
    const Index n = setting_.layers[l]->n_states();
    start.state.middleRows(row, n) =
        gathered(*setting_.layers[l], last_states_[l].view().from(sequence, 1));
    row += n;
  }
  for (std::size_t f = 0; f < frames_.size(); ++f) {
    Frame& frame = frame_of(f, sequence);
    std::swap(frame.now, frame.last);
    frame.rank = frame.last_rank;
    start.frames.push_back(this->frame(f, sequence).leftCols(frame.rank));
  }
  SequenceGroup<Real> alone(setting_, first_ + sequence, start.state, {}, 1);
  alone.factorize_every_step();
  alone.restore(0, start);
  if (sequence == 0) alone.collect_factors(factors_);
  Control control(std::numeric_limits<double>::infinity(), {});
  alone.advance(rhythm.pending, control);
  for (std::size_t f = 0; f < frames_.size(); ++f) {
    Frame& frame = frame_of(f, sequence);
    Frame& other = alone.frame_of(f, 0);
    frame.now.view().matrix() = other.now.view().matrix();
    frame.rank = other.rank;
    frame.growth += other.growth;
  }
  n_orthonormalizations_ += alone.n_orthonormalizations();
  n_householder_ += alone.n_householder();
  if (alone.diverged_at(0) >= 0) {
    mark_diverged(sequence);
    diverged_at_[static_cast<std::size_t>(sequence)] = alone.diverged_at(0);
  }
}

template <class Real>
void SequenceGroup<Real>::adapt(Rhythm& rhythm, double loss, double largest_growth) const {
  const auto steps = static_cast<double>(rhythm.pending);
  rhythm.pending = 0;
  if (setting_.options.qr_interval > 0) return;
  // Rounding errors grow relative to the smallest direction like eps exp(steps * gap).
  const double scale = Tolerance<Real>::aimed_log_condition / kLargestLogGrowth<Real>;
  const double seen = std::max(loss, scale * largest_growth) / steps;
  rhythm.loss_per_step = std::max(seen, kFading * rhythm.loss_per_step);
  const double affordable =
      Tolerance<Real>::aimed_log_condition / std::max(rhythm.loss_per_step, 1e-9);
  const Index longest = std::min(2 * rhythm.interval, kLongestInterval);
  rhythm.interval = affordable >= static_cast<double>(longest)
                        ? longest
                        : std::max<Index>(1, static_cast<Index>(affordable));
}

// Spreads the factorisations evenly over what is left of a window.
template <class Real>
void SequenceGroup<Real>::plan(Index sequence, Index steps_left) {
  Rhythm& rhythm = rhythms_[static_cast<std::size_t>(sequence)];
  if (setting_.options.qr_interval > 0) rhythm.interval = setting_.options.qr_interval;
  if (steps_left == 0) return;
  if (every_step_) {
    rhythm.next = 1;
  } else if (setting_.options.qr_interval > 0) {
    rhythm.next = std::min(rhythm.interval, steps_left);
  } else {
    const Index n = (steps_left + rhythm.interval - 1) / rhythm.interval;
    rhythm.next = (steps_left + n - 1) / n;
  }
  if (rhythm.next > 1) keep_start(sequence);
}

template <class Real>
void SequenceGroup<Real>::keep_start(Index sequence) {
  for (std::size_t l = 0; l < states_.size(); ++l) {
    last_states_[l].view().matrix().col(sequence) = states_[l].view().matrix().col(sequence);
  }
  for (auto& of_frame : frames_) {
    Frame& frame = of_frame[static_cast<std::size_t>(sequence)];
    if (frame.last.view().columns == 0) {
      frame.last = Block<Real>(frame.now.view().rows, frame.now.view().columns);
    }
    frame.last.view().left(frame.rank).matrix() = frame.now.view().left(frame.rank).matrix();
    frame.last_rank = frame.rank;
  }
}

template <class Real>
void SequenceGroup<Real>::finish() {
  for (Index b = 0; b < n_sequences_; ++b) {
    if (at(rhythms_, b).pending > 0 && at(diverged_at_, b) < 0) {
      orthonormalize(b, true, 0, n_threads_);
    }
  }
}

template <class Real>
void SequenceGroup<Real>::complete_frames() {
  for (std::size_t f = 0; f < frames_.size(); ++f) {
    for (Index b = 0; b < n_sequences_; ++b) {
      Frame& frame = frame_of(f, b);
      const Index n_vectors = frame.growth.size();
      if (frame.rank == n_vectors || at(diverged_at_, b) >= 0) continue;
      Matrix vectors(setting_.frames[f].n_states, n_vectors);
      vectors.leftCols(frame.rank) = this->frame(f, b).leftCols(frame.rank);
      vectors.rightCols(n_vectors - frame.rank) = random_vectors(f, b, n_vectors - frame.rank);
      set_frame(f, b, vectors);
    }
  }
}

template <class Real>
void SequenceGroup<Real>::forget_growth() {
  for (auto& of_frame : frames_) {
    for (Frame& frame : of_frame) frame.growth.setZero();
  }
}

template <class Real>
Eigen::VectorXd SequenceGroup<Real>::growth(Index sequence) const {
  Index size = 0;
  for (const auto& of_frame : frames_) size += at(of_frame, sequence).growth.size();
  Eigen::VectorXd all(size);
  Index position = 0;
  for (const auto& of_frame : frames_) {
    const Eigen::VectorXd& growth = at(of_frame, sequence).growth;
    all.segment(position, growth.size()) = growth;
    position += growth.size();
  }
  return all;
}

template <class Real>
Matrix SequenceGroup<Real>::state(Index sequence) {
  Matrix all(setting_.system.n_states(), 1);
  Index row = 0;
  for (std::size_t l = 0; l < setting_.layers.size(); ++l) {
    const Index n = setting_.layers[l]->n_states();
    all.middleRows(row, n) = gathered(*setting_.layers[l], states_[l].view().from(sequence, 1));
    row += n;
  }
  return all;
}

template <class Real>
Matrix SequenceGroup<Real>::frame(std::size_t number, Index sequence) {
  const auto& shape = setting_.frames[number];
  Frame& frame = frame_of(number, sequence);
  Matrix vectors = Matrix::Zero(shape.n_states, shape.n_vectors);
  Index row = 0, block_row = 0;
  for (std::size_t l = shape.first_layer; l < shape.first_layer + shape.n_layers; ++l) {
    const Layer<Real>& layer = *setting_.layers[l];
    vectors.middleRows(row, layer.n_states()).leftCols(frame.rank) =
        gathered(layer, frame.now.view().left(frame.rank).below(block_row, layer.rows()));
    row += layer.n_states();
    block_row += layer.rows();
  }
  return vectors;
}

// Orthonormal vectors of the same spans; those that depend on the ones before are left out.
template <class Real>
void SequenceGroup<Real>::set_frame(std::size_t number, Index sequence, const Matrix& vectors) {
  const auto& shape = setting_.frames[number];
  Frame& frame = frame_of(number, sequence);
  const View<Real> block = frame.other.view().left(vectors.cols());
  Index row = 0, block_row = 0;
  for (std::size_t l = shape.first_layer; l < shape.first_layer + shape.n_layers; ++l) {
    const Layer<Real>& layer = *setting_.layers[l];
    spread(layer, vectors.middleRows(row, layer.n_states()), block.below(block_row, layer.rows()));
    row += layer.n_states();
    block_row += layer.rows();
  }
  Eigen::VectorXd log_diagonal(vectors.cols());
  frame.rank = orthonormalizers_.front()[number]
                   ->run(block, frame.now.view().left(vectors.cols()), log_diagonal.data(), true, 1)
                   .rank;
}

template <class Real>
Matrix SequenceGroup<Real>::random_vectors(std::size_t number, Index sequence, Index n_vectors) {
  const auto& shape = setting_.frames[number];
  // A stream for every sequence of the run, frame and time that vectors were drawn for it.
  auto& n_draws = n_draws_[number * static_cast<std::size_t>(n_sequences_) +
                           static_cast<std::size_t>(sequence)];
  RandomStream random(setting_.options.seed, static_cast<std::uint64_t>(first_ + sequence),
                      (static_cast<std::uint64_t>(number) << 32) | n_draws);
  ++n_draws;
  Matrix vectors(shape.n_states, n_vectors);
  for (Index j = 0; j < n_vectors; ++j) {
    for (Index i = 0; i < shape.n_states; ++i) vectors(i, j) = random.normal();
  }
  return vectors;
}

template <class Real>
Checkpoint SequenceGroup<Real>::checkpoint(Index sequence) {
  Checkpoint saved{time_, state(sequence), {}, at(rhythms_, sequence)};
  for (std::size_t f = 0; f < frames_.size(); ++f) saved.frames.push_back(frame(f, sequence));
  return saved;
}

template <class Real>
void SequenceGroup<Real>::restore(Index sequence, const Checkpoint& checkpoint) {
  Index row = 0;
  for (std::size_t l = 0; l < setting_.layers.size(); ++l) {
    const Layer<Real>& layer = *setting_.layers[l];
    spread(layer, checkpoint.state.middleRows(row, layer.n_states()),
           states_[l].view().from(sequence, 1));
    row += layer.n_states();
  }
  for (std::size_t f = 0; f < frames_.size(); ++f) set_frame(f, sequence, checkpoint.frames[f]);
  rhythms_[static_cast<std::size_t>(sequence)] = checkpoint.rhythm;
  time_ = checkpoint.time;
}

template Setting<double> make_setting(const System&, const InputSeries&, const LyapunovOptions&);
template Setting<float> make_setting(const System&, const InputSeries&, const LyapunovOptions&);
template class SequenceGroup<double>;
template class SequenceGroup<float>;

}  // namespace rnndyn::lyapunov

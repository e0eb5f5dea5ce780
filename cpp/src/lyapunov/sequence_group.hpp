// A few sequences that move together: their states and their frames of tangent vectors.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "kernels/tangent/orthonormalize.hpp"
#include "lyapunov/layers.hpp"
#include "rnndyn/lyapunov.hpp"

namespace rnndyn::lyapunov {

// Everything that is fixed during a run.
template <class Real>
struct Setting {
  const System& system;
  const InputSeries& inputs;
  const LyapunovOptions& options;
  std::vector<std::unique_ptr<Layer<Real>>> layers;

  // A frame spans one layer, or all of them where the run is joint.
  struct FrameShape {
    std::size_t first_layer, n_layers;
    Index rows, n_states, n_vectors;
  };
  std::vector<FrameShape> frames;
};

template <class Real>
Setting<Real> make_setting(const System& system, const InputSeries& inputs,
                           const LyapunovOptions& options);

// How the frames of one sequence are kept orthonormal.
struct Rhythm {
  Index interval = 1;          // steps from one factorisation to the next
  double loss_per_step = 0.0;  // ln of the condition that a step adds
  Index pending = 0;           // steps since the last factorisation
  Index next = 1;              // steps until the next one, counted from the last
};

// One sequence between two windows, to come back to.
struct Checkpoint {
  Index time;
  Matrix state;
  std::vector<Matrix> frames;
  Rhythm rhythm;
};

template <class Real>
class SequenceGroup {
 public:
  // Sequences first ... first + states.cols() - 1 of the run.
  SequenceGroup(const Setting<Real>& setting, Index first, const Matrix& states,
                const std::vector<std::vector<Matrix>>& frames, int n_threads);

  // Steps of the states alone.
  void settle(Index n_steps, Control& control);
  // Steps with the frames, which are orthonormal at the end. False where the run is to stop.
  bool advance(Index n_steps, Control& control);
  // Orthonormal frames where `advance` was stopped on the way.
  void finish();
  // Fresh vectors for those that were annihilated.
  void complete_frames();
  void forget_growth();

  Index n_sequences() const { return n_sequences_; }
  Index steps() const { return time_; }
  // Sums of ln R_ii since they were last forgotten.
  Eigen::VectorXd growth(Index sequence) const;
  Index diverged_at(Index sequence) const { return at(diverged_at_, sequence); }
  Index interval(Index sequence) const { return at(rhythms_, sequence).interval; }
  std::int64_t n_orthonormalizations() const { return n_orthonormalizations_; }
  std::int64_t n_householder() const { return n_householder_; }
  Matrix state(Index sequence);
  Matrix frame(std::size_t number, Index sequence);

  Checkpoint checkpoint(Index sequence);
  void restore(Index sequence, const Checkpoint& checkpoint);
  // Factorise after every step, whatever the options say.
  void factorize_every_step() { every_step_ = true; }
  // The factors R of frame 0 of sequence 0 from now on are appended here; null for no more.
  void collect_factors(std::vector<Matrix>* factors) { factors_ = factors; }

 private:
  struct Frame {
    Block<Real> now, other;
    Block<Real> last;  // after the last factorisation, where more than one step follows
    Index rank = 0, last_rank = 0;
    Eigen::VectorXd growth, step_growth;
  };

  template <class T>
  static const T& at(const std::vector<T>& values, Index i) {
    return values[static_cast<std::size_t>(i)];
  }
  Frame& frame_of(std::size_t number, Index b) {
    return frames_[number][static_cast<std::size_t>(b)];
  }
  void step(bool with_frames);
  void load_inputs();
  void propagate(std::size_t layer, std::size_t frame, Index first_row, Index row_below);
  void watch_states();
  void orthonormalize(Index sequence, bool precise, int thread, int n_threads);
  // Goes back to the last factorisation and comes again step by step.
  void repeat(Index sequence);
  void keep_start(Index sequence);
  void adapt(Rhythm& rhythm, double loss, double largest_growth) const;
  void plan(Index sequence, Index steps_left);
  void set_frame(std::size_t number, Index sequence, const Matrix& vectors);
  Matrix random_vectors(std::size_t number, Index sequence, Index n_vectors);
  void mark_diverged(Index sequence);

  const Setting<Real>& setting_;
  Index first_, n_sequences_, time_ = 0;
  int n_threads_;
  Block<Real> inputs_;
  std::vector<Block<Real>> states_, next_states_, last_states_;
  std::vector<std::unique_ptr<LayerWork>> work_;
  std::vector<std::vector<Frame>> frames_;  // [frame][sequence]
  // [thread][frame]
  std::vector<std::vector<std::unique_ptr<Orthonormalizer<Real>>>> orthonormalizers_;
  std::vector<Rhythm> rhythms_;
  std::vector<Index> diverged_at_;
  std::vector<std::uint64_t> n_draws_;
  std::atomic<std::int64_t> n_orthonormalizations_{0}, n_householder_{0};
  std::vector<Matrix>* factors_ = nullptr;
  bool every_step_ = false;
};

}  // namespace rnndyn::lyapunov

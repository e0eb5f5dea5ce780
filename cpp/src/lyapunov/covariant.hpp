// Covariant Lyapunov vectors (F. Ginelli et al., "Characterizing dynamics with covariant Lyapunov
// vectors", Phys. Rev. Lett. 99, 130601, 2007): vectors in the frames, moved backward by R^-1.
#pragma once

#include <memory>
#include <vector>

#include "lyapunov/sequence_group.hpp"

namespace rnndyn::lyapunov {

// Keeps a checkpoint at the start of every window, and afterwards repeats window after window from
// the last to the first: only the factors of one window are ever held at the same time.
template <class Real>
class CovariantPass {
 public:
  CovariantPass(const Setting<Real>& setting, Index n_sequences, Index n_windows);

  // Called at the start of every window of every group, in any order of the groups.
  void save(SequenceGroup<Real>& group, Index first_sequence);
  // Throws std::domain_error where a direction was annihilated: nothing can be followed backward
  // through a matrix without inverse.
  void run(LyapunovRun& result, Control& control, int n_threads);

 private:
  void run_sequence(std::size_t sequence, LyapunovRun& result, Control& control);

  const Setting<Real>& setting_;
  Index n_windows_;
  bool wanted_;
  std::vector<Index> samples_;                        // windows at whose end vectors are kept
  std::vector<std::vector<Checkpoint>> checkpoints_;  // [sequence][window]
};

}  // namespace rnndyn::lyapunov

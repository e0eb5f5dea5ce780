// What the states of an orbit tell beside the growth along it: whether it has settled on a cycle,
// how large it is, and, for homogeneous maps, its direction once its size is beyond all numbers.
#pragma once

#include <vector>

#include "kernels/tangent/block.hpp"
#include "rnndyn/lyapunov.hpp"

namespace rnndyn::lyapunov {

// F(c z) = c F(z) for every c > 0: no offsets, no inputs, nothing that saturates. Then the
// derivative depends on the direction of the state alone.
bool is_homogeneous(const System& system, const InputSeries& inputs);

// Size of states up to which the offsets of a piecewise linear map decide which units are on: an
// orbit that has grown far beyond it does not meet anything new. Infinite for networks whose states
// are bounded whatever they do, 1 where nothing is known of the map.
double natural_size(const System& system, const InputSeries& inputs);

template <class Real>
class OrbitWatch {
 public:
  OrbitWatch(const System& system, const InputSeries& inputs, Index n_sequences);

  // The states of a sequence after another step; of a homogeneous map they may be rescaled.
  void see(Index sequence, Index time, std::vector<Block<Real>>& states);
  // To be forgotten when the states are set anew.
  void forget(Index sequence);

  // Largest entry of a state since `begin_window`.
  double largest(Index sequence) const { return of(sequence).largest; }
  void begin_window();
  // Of the cycle that the orbit has been on since it last came round, 0 for none.
  Index period(Index sequence, Index time) const;
  // The state is what it was said to be times 2^-scale; where that underflows, as small a multiple
  // as keeps its direction.
  Matrix unscaled(Index sequence, const Matrix& state) const;

 private:
  struct Seen {
    double largest = 0.0, largest_ever = 0.0;
    int scale = 0;  // the state is kept times 2^scale
    Eigen::VectorXd reference;
    Index reference_time = -1, patience = 1, period = 0;
  };
  const Seen& of(Index sequence) const { return seen_[static_cast<std::size_t>(sequence)]; }
  void keep_in_range(Seen& seen, Index sequence, double size, std::vector<Block<Real>>& states);
  void look_for_return(Seen& seen, Index sequence, Index time, std::vector<Block<Real>>& states);

  bool homogeneous_, autonomous_;
  Index n_rows_ = 0;
  std::vector<Seen> seen_;
};

}  // namespace rnndyn::lyapunov

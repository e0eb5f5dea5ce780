// Where the first steps of all orbits that begin in a small box of states lead.
#pragma once

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "rnndyn/map.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// z_t = m + L x + rest, for all z_0 = c + x with |x| <= width, and |rest| <= r: an affine function
// of the first state, and what is not affine in it as a box. A unit whose pre-activation p may have
// either sign in [l, h] contributes  relu(p) = s p + [0, d]  with the chord's slope s = h / (h -
// l); all others are affine themselves. So the rest is of second order in the width, but for units
// whose borders pass through the box, and none at all once the box is within one region at each
// step. Bounds hold with all rounding errors.
class OrbitEnclosure {
 public:
  // More states would take more boxes than anybody can wait for.
  static constexpr Index kMostStates = 6;
  using States = std::array<double, static_cast<std::size_t>(kMostStates)>;

  explicit OrbitEnclosure(const CanonicalMap& map);

  void start(const Box& box);
  // From z_t to z_{t+1}; false when the bounds are no numbers any more.
  bool step();

  Index time() const { return t_; }
  // Bounds of a coordinate of z_t, and of its difference to that of z_0.
  std::pair<double, double> state(Index j) const;
  std::pair<double, double> change(Index j) const;
  // A direction d with  d (z_t - z_0) > 0  for all of them, with room for a checker that rounds in
  // other places; false where none is found.
  bool separates(States& direction) const;

  // The regions at steps 0 ... t-1, bits of undecided units zero, and these units, as numbers
  // step * units + unit.
  const std::vector<Word>& regions() const { return regions_; }
  const std::vector<std::int32_t>& undecided() const { return undecided_; }

  // The coordinate along which to cut the box in two: where it decides most.
  Index widest() const;

 private:
  using Square = std::array<double, static_cast<std::size_t>(kMostStates* kMostStates)>;
  // slope z + constant + [-extra, extra]
  struct Linear {
    Square slope;
    States constant, extra;
  };
  bool linearise(const States& size, double lost, Linear& map);

  static std::size_t at(Index i) { return static_cast<std::size_t>(i); }
  double l(Index i, Index j) const { return l_[at(i * m_ + j)]; }
  // Bound of |z_t|.
  double reach(Index i) const;
  bool is_separated(const States& direction) const;
  void precondition(std::array<States, kMostStates>& directions) const;

  Index m_, n_units_;
  std::size_t words_;
  std::vector<Index> units_;              // relevant ones
  std::vector<double> a_, w1_, w2_, h2_;  // w1_: by unit
  std::vector<double> h1_;
  std::vector<double> weight_;  // |W1| of a unit, summed over states
  std::vector<double> gain_;    // |A| + |W1| |W2|
  std::vector<double> offset_;  // |h1| + |W1| |h2|
  double unit_, lost_;          // rounding of sums in a step, and what underflow takes
  std::vector<Word> affine_region_;

  Index t_ = 0;
  Box box_;
  States center_{}, width_{}, m_t_{}, r_{}, score_{};
  Square l_{};
  std::vector<Word> regions_;
  std::vector<std::int32_t> undecided_;
};

}  // namespace rnndyn

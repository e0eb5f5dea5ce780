// The cyclic affine system of one itinerary, condensed into segments, with rigorous error bounds.
#pragma once

#include <algorithm>
#include <optional>
#include <vector>

#include "cycles/block_cyclic.hpp"
#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

// How the entries of Jacobians are summed over units.
enum class Summation {
  plain,
  // As by jacobians_of(), where there are more than a few states: for what the plain sums and
  // bounds of their rounding errors take, there are Jacobians whose multipliers can be taken.
  accurate
};

// z_{t+1} = J_t z_t + c_t, t = 0 ... k-1, z_k = z_0. Consecutive steps are multiplied together only
// while the entries of |J_t| ... |J_s| stay small, so that neither digits nor the tightness of an
// interval product is lost; the segments are then solved by BasicBlockCyclic, which also says what
// M is.
template <int M>
class BasicCyclicSystem {
 public:
  using Block = Eigen::Matrix<double, M, M>;
  using Column = Eigen::Matrix<double, M, 1>;
  using Points = Eigen::Matrix<double, M, Eigen::Dynamic>;  // one column per step

  // Segments end before an entry of the product of absolute values passes this: eps * 1e3 leaves
  // 1e-13 of relative error inside a segment, which one refinement step removes.
  static constexpr double kSegmentGrowth = 1e3;

  // This and what follows throw Stopped when the control says stop.
  BasicCyclicSystem(const CanonicalMap& map, const Itinerary& itinerary, Control* control = nullptr,
                    Summation summation = Summation::plain);

  Control* control() const { return looks_.control(); }

  Index order() const { return static_cast<Index>(jacobians_.size()); }
  const std::vector<Block>& jacobians() const { return jacobians_; }
  bool accurate() const { return accurate_; }  // whether these are those of jacobians_of()
  bool starts_segment(Index t) const {
    return std::binary_search(starts_.begin(), starts_.end(), t);
  }
  // Singular values of the closing system at or below this count as zero.
  double singular_threshold() const { return singular_threshold_; }
  Index nullity() const {
    return (condensed_->closing_svd().values.array() <= singular_threshold_).count();
  }

  // One column per step. For f = offsets() this is the cycle, for f = residual a correction.
  const Points& offsets() const { return offsets_; }
  Points solve(const Points& f, Index nullity = 0) const {
    return expand(condensed_->solve(condense(f), nullity), f);
  }
  // d homogeneous solutions (singular systems): for each step an M x d matrix.
  std::vector<Matrix> null_space(Index d) const;
  double inconsistency(Index d) const { return condensed_->inconsistency(condense(offsets_), d); }

  // Bounds |z*_t - z_t| for the exact cycle z* by M x k numbers, given the exact residual
  // r_t = J_t z_t + c_t - z_{t+1} as value and error. Krawczyk's argument on the condensed system
  // K e = r with approximate inverse X: |I - K X| < 1 proves K regular and e = X y with
  // |y - r| <= |I - K X| |y| (Krawczyk, Computing 4, 187, 1969; Rump, Acta Numerica 2010, sec. 10).
  // Returns false, and leaves `bounds` infinite, when that norm is not below 1.
  bool enclose(const Points& residual, const Points& residual_error, Points& bounds) const;

 private:
  void add_step(Index t);
  Block accurate_radius(Index t) const;
  Matrix condense(const Points& f) const;
  Points expand(const Matrix& starts, const Points& f) const;
  Index segment_end(std::size_t s) const {
    return s + 1 < starts_.size() ? starts_[s + 1] : order();
  }

  // What each entry of jacobians() can be off the exact J_t of the map's parameters.
  std::vector<Block> jacobian_radii() const;
  // The same of the products from each segment's start.
  std::vector<Block> partial_radii(const std::vector<Block>& radii) const;
  // Parts of enclose(). Columns of the approximate inverse of the condensed system ...
  Matrix inverse_columns(Index first, Index count) const;
  // ... whose defect adds to the row sums of |I - K X|.
  void add_defect(const Matrix& x, const Matrix& abs_x, Index first,
                  const std::vector<Block>& spreads, Vector& sums) const;
  Vector condensed_bound(const Points& residual, const Points& residual_error,
                         const std::vector<Block>& radii, Points& built_up) const;

  const CanonicalMap& map_;
  Itinerary itinerary_;
  Index m_;
  bool accurate_;
  std::vector<Block> jacobians_;
  Points offsets_;
  std::vector<Index> starts_;   // first step of each segment
  std::vector<Block> partial_;  // product from the segment's start through t
  std::optional<BasicBlockCyclic<M>> condensed_;
  double singular_threshold_;
  mutable Looks looks_;
};

using CyclicSystem = BasicCyclicSystem<Eigen::Dynamic>;

// Residual J_t z_t + c_t - z_{t+1} of the map itself on the itinerary's regions, evaluated in
// double-double arithmetic, with a bound of what that evaluation can be wrong by.
// All three are whole matrices of n_states x order.
void accurate_residual(const CanonicalMap& map, const Itinerary& itinerary,
                       const Eigen::Ref<const Matrix>& points, Eigen::Ref<Matrix> residual,
                       Eigen::Ref<Matrix> error);

}  // namespace rnndyn

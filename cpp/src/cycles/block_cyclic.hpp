// Stable solution of z_{s+1} - P_s z_s = f_s around a cycle of S blocks (z_S = z_0).
#pragma once

#include <optional>
#include <vector>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// Orthogonal factorisation of two blocks on top of each other, and that of the closing block with
// column pivoting. So small, they are loops over column-major numbers.
template <int M>
struct PairFactor {
  static constexpr int kRows = 2 * M;
  double r[M * M];
  double q_adjoint[kRows * kRows];  // so small that multiplying by it is cheapest

  void compute(const double* upper, const double* lower);
};
template <int M>
struct ClosingFactor {
  double r[M * M];
  double q_adjoint[M * M];
  int order[M];  // of the columns
  bool full_rank;

  void compute(const Eigen::Matrix<double, M, M>& block);
  void solve(const double* right, double* out) const;
};
template <>
struct PairFactor<Eigen::Dynamic> {
  Eigen::HouseholderQR<Matrix> qr;
  Matrix r;
};
template <>
struct ClosingFactor<Eigen::Dynamic> {
  // Elimination, a tenth of the time for hundreds of states, where its pivots say that the block is
  // far from singular; else the orthogonal factorisation.
  Matrix lu;
  std::vector<Index> rows;
  bool by_elimination;
  Eigen::ColPivHouseholderQR<Matrix> qr;
  bool full_rank;

  void compute(const Matrix& block);
  Matrix solve(const Matrix& right) const;
};

// Structured orthogonal factorisation of the cyclic block system (Wright, SIAM J. Sci. Stat.
// Comput. 13, 742, 1992): each step eliminates one z_s by a Householder QR of two block rows, so
// no product of the P_s is ever formed and expanding blocks lose nothing. M is the number of states
// where that is known to the compiler, which makes small systems many times faster, else
// Eigen::Dynamic.
template <int M>
class BasicBlockCyclic {
 public:
  using Block = Eigen::Matrix<double, M, M>;

  // This and what follows throw Stopped when the control says stop.
  explicit BasicBlockCyclic(std::vector<Block> blocks, Control* control = nullptr);

  // f has one block row of M rows per block and any number of columns; so has the answer, which
  // holds z_0, z_1, ... The `nullity` smallest singular values of the closing system count as zero:
  // of all solutions the one that is smallest at z_0. A singular system with nullity 0 gives
  // infinities.
  Matrix solve(const Matrix& f, Index nullity = 0) const;

  // Of the M x M system left for z_0, which is singular exactly when the whole system is. Computed
  // when first asked for, as only singular systems do; one object serves one thread.
  const dense::Svd& closing_svd() const;
  // Solutions of the homogeneous system for the smallest `d` singular values: one column each,
  // stacked as in solve(). At z_0 the columns are orthonormal.
  Matrix null_space(Index d) const;
  // What of f the closing system cannot reach when its `d` smallest singular values count as zero.
  double inconsistency(const Matrix& f, Index d) const;

 private:
  struct Step {
    PairFactor<M> factor;  // of [E; -P_s], 2M x M
    Block x, y;            // top M rows: R z_s + x z_0 + y z_{s+1} = g
  };
  // Runs the right side through the elimination: block row s - 1 becomes that of step s, the last
  // one what is left for z_0.
  void eliminate(Matrix& f) const;
  Matrix solve_columns(const Matrix& f, Index nullity) const;
  void back_substitute(const Matrix& eliminated, Matrix& z) const;
  void add_step(const Block& block, Step& step, Block& g, Block& e);

  Index m_;
  std::vector<Step> steps_;
  Block closing_;  // of the system left for z_0
  ClosingFactor<M> closing_factor_;
  mutable std::optional<dense::Svd> closing_svd_;
  std::size_t n_blocks_;
  mutable Looks looks_;
};

using BlockCyclic = BasicBlockCyclic<Eigen::Dynamic>;

}  // namespace rnndyn

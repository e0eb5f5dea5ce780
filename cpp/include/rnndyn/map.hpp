// The canonical map F(z) = A z + W1 relu(W2 z + h2) + h1 and its linear regions.
#pragma once

#include <Eigen/Dense>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "rnndyn/types.hpp"

namespace rnndyn {

static_assert(std::is_same_v<Index, Eigen::Index>);
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using ConstVectorRef = Eigen::Ref<const Vector>;

class CanonicalMap {
 public:
  // Throws std::invalid_argument when shapes disagree or a value is not finite.
  CanonicalMap(Matrix a, Matrix w1, Matrix w2, Vector h1, Vector h2);

  Index n_states() const { return a_.rows(); }
  Index n_units() const { return w1_.cols(); }
  std::size_t words_per_region() const { return words_; }

  const Matrix& a() const { return a_; }
  const Matrix& w1() const { return w1_; }
  const Matrix& w2() const { return w2_; }
  const Vector& h1() const { return h1_; }
  const Vector& h2() const { return h2_; }

  // W2 = I, as in the PLRNN: pre-activation and state are the same numbers.
  bool w2_is_identity() const { return w2_is_identity_; }

  // Units that can change the map: their column of W1 is not zero, and they are not constantly off.
  // The borders of the other units are no borders of F, so no cycle is ever judged by them.
  const std::vector<Word>& relevant_units() const { return relevant_; }
  Index n_relevant_units() const { return n_relevant_; }

  // Of all parameters, in modulus.
  double largest_entry() const { return largest_; }

  Vector preactivation(const ConstVectorRef& z) const;
  Vector step(const ConstVectorRef& z) const;
  // Column t is the state after t steps, t = 0 ... n_steps.
  Matrix orbit(const ConstVectorRef& z0, Index n_steps) const;
  void region(const ConstVectorRef& z, Word* out) const;

  // J = A + W1 diag(region) W2 and c = W1 diag(region) h2 + h1.
  Matrix jacobian(const Word* region) const;
  Vector offset(const Word* region) const;

 private:
  Matrix a_, w1_, w2_;
  Vector h1_, h2_;
  std::size_t words_;
  bool w2_is_identity_;
  std::vector<Word> relevant_;
  Index n_relevant_;
  double largest_ = 0.0;
};

}  // namespace rnndyn

// Matrices of exact numbers, and elimination without fractions.
#pragma once

#include <optional>
#include <vector>

#include "exact/dyadic.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

class ExactMatrix {
 public:
  ExactMatrix() = default;
  ExactMatrix(Index rows, Index cols)
      : rows_(rows), cols_(cols), entries_(static_cast<std::size_t>(rows * cols)) {}
  explicit ExactMatrix(const Eigen::Ref<const Matrix>& values);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Dyadic& operator()(Index r, Index c) { return entries_[static_cast<std::size_t>(r * cols_ + c)]; }
  const Dyadic& operator()(Index r, Index c) const {
    return entries_[static_cast<std::size_t>(r * cols_ + c)];
  }
  friend bool operator==(const ExactMatrix& a, const ExactMatrix& b) = default;

 private:
  Index rows_ = 0;
  Index cols_ = 0;
  std::vector<Dyadic> entries_;  // row by row
};

// Stops with whatever it has when the effort is exhausted.
ExactMatrix product(const ExactMatrix& a, const ExactMatrix& b, ExactEffort& effort);

// Sign of the determinant of a square matrix; 0 when the effort is exhausted, as where it is 0.
int determinant_sign(ExactMatrix matrix, ExactEffort& effort);

// All x with matrix x = right: x = (columns of `solutions`: one solution, then a basis of the null
// space) / denominator. The null space has one column for each free coordinate, where it holds the
// denominator. nullopt where there is none; the effort says whether that is the answer.
struct AffineSolutions {
  ExactMatrix solutions;  // n x (1 + dimension)
  Dyadic denominator;     // > 0
};
std::optional<AffineSolutions> solve_exactly(const ExactMatrix& matrix,
                                             const std::vector<Dyadic>& right, ExactEffort& effort);

}  // namespace rnndyn

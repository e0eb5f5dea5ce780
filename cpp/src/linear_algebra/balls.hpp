// Matrices of numbers that are known up to a radius each.
#pragma once

#include <optional>
#include <vector>

#include "rnndyn/map.hpp"

namespace rnndyn {

// No radius is smaller but zero, which is kept: where nothing reaches, nothing is added.
inline constexpr double kLeastRadius = 0x1p-500;

// Holds every matrix whose entries are within `radius` of those of `mid`.
struct BallMatrix {
  Matrix mid, radius;

  Index rows() const { return mid.rows(); }
  Index cols() const { return mid.cols(); }
};

BallMatrix exactly(const Matrix& mid);

BallMatrix operator+(const BallMatrix& a, const BallMatrix& b);
BallMatrix operator-(const BallMatrix& a, const BallMatrix& b);
BallMatrix operator*(const BallMatrix& a, const BallMatrix& b);

// The rows and columns with these numbers, in this order.
BallMatrix picked(const BallMatrix& a, const std::vector<Index>& rows,
                  const std::vector<Index>& columns);

// Holds all x with a x = right. Nothing where some matrix in `a` may be singular.
std::optional<BallMatrix> solved(const BallMatrix& a, const BallMatrix& right);

}  // namespace rnndyn

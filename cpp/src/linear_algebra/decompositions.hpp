// Products and decompositions of matrices whose sizes are known at run time only, compiled once:
// each of them takes the compiler up to ten seconds wherever Eigen's templates are instantiated.
#pragma once

#include <optional>

#include "rnndyn/map.hpp"

extern template class Eigen::JacobiSVD<rnndyn::Matrix>;
extern template class Eigen::BDCSVD<rnndyn::Matrix>;
extern template class Eigen::HouseholderQR<rnndyn::Matrix>;
extern template class Eigen::ColPivHouseholderQR<rnndyn::Matrix>;

namespace rnndyn::dense {

using ConstMatrixRef = Eigen::Ref<const Matrix>;
using MatrixRef = Eigen::Ref<Matrix>;

// out = a b and out -= a b, where out overlaps neither factor.
void multiply(const ConstMatrixRef& a, const ConstMatrixRef& b, MatrixRef out);
void subtract_product(const ConstMatrixRef& a, const ConstMatrixRef& b, MatrixRef out);

Matrix product(const ConstMatrixRef& a, const ConstMatrixRef& b);             // a b
Matrix transposed_product(const ConstMatrixRef& a, const ConstMatrixRef& b);  // a^T b
Matrix product_transposed(const ConstMatrixRef& a, const ConstMatrixRef& b);  // a b^T
Vector apply(const ConstMatrixRef& a, const ConstVectorRef& x);               // a x
Vector apply_transposed(const ConstMatrixRef& a, const ConstVectorRef& x);    // a^T x

// The triangle of a square matrix as the matrix; what is in the other triangle is not looked at.
enum class Triangle { lower, unit_lower, upper };
void solve_triangle(const ConstMatrixRef& triangle, Triangle which, MatrixRef right);

// The lower triangular L with L L^T = the symmetric matrix of which the lower triangle is given;
// zero above the diagonal. Nothing where a pivot is not positive or not finite.
std::optional<Matrix> cholesky(const ConstMatrixRef& symmetric);

// By elimination with partial pivoting; infinities or what is not a number where it is singular.
Matrix solve(const ConstMatrixRef& a, const ConstMatrixRef& right);
Matrix inverse(const ConstMatrixRef& a);
// The same in steps, for what takes too long to be done at once.
Eigen::PartialPivLU<Matrix> factored(const ConstMatrixRef& a);
Matrix solve(const Eigen::PartialPivLU<Matrix>& factored, const ConstMatrixRef& right);
Matrix solve(const Eigen::ColPivHouseholderQR<Matrix>& factored, const ConstMatrixRef& right);

// rows = Q^T rows.
void apply_adjoint(const Eigen::HouseholderQR<Matrix>& factored, MatrixRef rows);
// The square matrix a = q r with orthogonal q and upper triangular r.
void orthogonal_factors(const ConstMatrixRef& a, Matrix& q, Matrix& r);

// A square matrix as u diag(values) v^T, by decreasing values.
struct Svd {
  Matrix u, v;
  Vector values;
};
Svd svd(const Matrix& a);

// Eigenvalues, and for each the condition number |y| |x| / |y^H x| with its left and right
// eigenvectors y and x.
struct Eigensystem {
  Eigen::VectorXcd values;
  Vector conditions;
};
Eigensystem eigensystem(const Matrix& a);

}  // namespace rnndyn::dense

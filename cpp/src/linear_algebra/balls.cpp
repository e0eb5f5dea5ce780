#include "linear_algebra/balls.hpp"

#include <cmath>
#include <utility>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// Inflates a bound that was itself summed in floating point, and covers underflow. What is zero
// stays so, where nothing has vanished in it.
void push_outward(Index n, Matrix& bound, bool vanished = false) {
  const double factor = 1.0 + 8.0 * static_cast<double>(n + 8) * kUnitRoundoff;
  const double least = vanished ? kLeastRadius : 0.0;
  bound = bound.unaryExpr([=](double x) { return x == 0.0 ? least : x * factor + kLeastRadius; });
}

// Whether a product with a number of such a matrix may underflow, radii being no smaller than
// kLeastRadius.
bool may_vanish(const Matrix& a) { return (a.array().abs() < 0x1p-400 && a.array() != 0.0).any(); }

Matrix magnitude(const BallMatrix& a) { return a.mid.cwiseAbs() + a.radius; }

BallMatrix sum(const BallMatrix& a, Matrix mid, const BallMatrix& b) {
  BallMatrix result{std::move(mid), a.radius + b.radius};
  result.radius += gamma(1.0) * result.mid.cwiseAbs() * kOutward;
  push_outward(1, result.radius);
  return result;
}

}  // namespace

BallMatrix exactly(const Matrix& mid) { return {mid, Matrix::Zero(mid.rows(), mid.cols())}; }

BallMatrix operator+(const BallMatrix& a, const BallMatrix& b) { return sum(a, a.mid + b.mid, b); }

BallMatrix operator-(const BallMatrix& a, const BallMatrix& b) { return sum(a, a.mid - b.mid, b); }

// |a b - fl(a b)| is below gamma |a| |b| for the middles, and what the radii add to it.
BallMatrix operator*(const BallMatrix& a, const BallMatrix& b) {
  const Index n = a.cols();
  BallMatrix result{dense::product(a.mid, b.mid), {}};
  const double unit = gamma(static_cast<double>(n) + 2.0);
  result.radius = dense::product(a.mid.cwiseAbs(), b.radius + unit * b.mid.cwiseAbs());
  if (!a.radius.isZero(0.0)) result.radius += dense::product(a.radius, magnitude(b));
  push_outward(n, result.radius, may_vanish(a.mid) || may_vanish(b.mid));
  return result;
}

BallMatrix picked(const BallMatrix& a, const std::vector<Index>& rows,
                  const std::vector<Index>& columns) {
  return {a.mid(rows, columns), a.radius(rows, columns)};
}

// With x = X v for an approximate inverse X of a, a x = y is v = y + (I - a X) v, so that the
// norm e of I - a X bounds |v| by |y| / (1 - e), and |v - y| by the row sums of |I - a X| times
// that (Krawczyk, Computing 4, 187, 1969; Rump, Acta Numerica 2010, sec. 10).
std::optional<BallMatrix> solved(const BallMatrix& a, const BallMatrix& right) {
  const Index n = a.rows();
  if (n == 0) return exactly(right.mid);
  const Matrix inverse = dense::inverse(a.mid);
  if (!inverse.allFinite()) return std::nullopt;
  const BallMatrix defect = exactly(Matrix::Identity(n, n)) - a * exactly(inverse);
  Matrix sums = magnitude(defect).rowwise().sum();
  push_outward(n, sums, true);
  const double norm = sums.maxCoeff();
  if (!(norm < 0.5)) return std::nullopt;

  BallMatrix result{dense::product(inverse, right.mid), {}};
  Matrix bound = magnitude(right - a * exactly(result.mid));
  for (Index c = 0; c < bound.cols(); ++c) {
    bound.col(c) += sums * (bound.col(c).maxCoeff() / (1.0 - norm) * kOutward);
  }
  push_outward(2, bound);
  result.radius = dense::product(inverse.cwiseAbs(), bound);
  push_outward(n, result.radius, may_vanish(inverse));
  if (!result.radius.allFinite()) return std::nullopt;
  return result;
}

}  // namespace rnndyn

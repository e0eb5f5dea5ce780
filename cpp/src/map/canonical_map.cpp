#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

#include "rnndyn/map.hpp"

namespace rnndyn {
namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument(message);
}

std::string shape(const Matrix& m) {
  std::ostringstream text;
  text << '(' << m.rows() << ", " << m.cols() << ')';
  return text.str();
}

}  // namespace

CanonicalMap::CanonicalMap(Matrix a, Matrix w1, Matrix w2, Vector h1, Vector h2)
    : a_(std::move(a)),
      w1_(std::move(w1)),
      w2_(std::move(w2)),
      h1_(std::move(h1)),
      h2_(std::move(h2)),
      words_(static_cast<std::size_t>(std::max<Index>(1, (w1_.cols() + 63) / 64))),
      w2_is_identity_(false),
      relevant_(words_, 0),
      n_relevant_(0) {
  const Index m = a_.rows();
  const Index h = w1_.cols();
  require(m >= 1 && a_.cols() == m, "A must be a square matrix, got shape " + shape(a_));
  require(w1_.rows() == m, "W1 must have as many rows as A, got shape " + shape(w1_));
  require(w2_.rows() == h && w2_.cols() == m,
          "W2 must have the shape of W1 transposed, got shape " + shape(w2_));
  require(h1_.size() == m, "h1 must have one entry per state");
  require(h2_.size() == h, "h2 must have one entry per hidden unit");
  require(
      a_.allFinite() && w1_.allFinite() && w2_.allFinite() && h1_.allFinite() && h2_.allFinite(),
      "all parameters must be finite");
  const auto look = [this](const auto& values) {
    if (values.size() > 0) largest_ = std::max(largest_, values.cwiseAbs().maxCoeff());
  };
  look(a_), look(w1_), look(w2_), look(h1_), look(h2_);
  w2_is_identity_ = h == m && w2_ == Matrix::Identity(m, m) && (h2_.array() == 0.0).all();
  for (Index i = 0; i < h; ++i) {
    const bool constant = (w2_.row(i).array() == 0.0).all();
    const bool matters = (w1_.col(i).array() != 0.0).any() && !(constant && h2_(i) <= 0.0);
    set_bit(relevant_.data(), i, matters);
    n_relevant_ += matters ? 1 : 0;
  }
}

Vector CanonicalMap::preactivation(const ConstVectorRef& z) const { return w2_ * z + h2_; }

Vector CanonicalMap::step(const ConstVectorRef& z) const {
  return a_ * z + w1_ * preactivation(z).cwiseMax(0.0) + h1_;
}

Matrix CanonicalMap::orbit(const ConstVectorRef& z0, Index n_steps) const {
  Matrix points(n_states(), n_steps + 1);
  points.col(0) = z0;
  for (Index t = 0; t < n_steps; ++t) points.col(t + 1) = step(points.col(t));
  return points;
}

void CanonicalMap::region(const ConstVectorRef& z, Word* out) const {
  std::fill(out, out + words_, Word{0});
  const Vector p = preactivation(z);
  for (Index i = 0; i < n_units(); ++i) set_bit(out, i, p(i) > 0.0);
}

Matrix CanonicalMap::jacobian(const Word* region) const {
  Matrix j = a_;
  for (Index i = 0; i < n_units(); ++i) {
    if (get_bit(region, i)) {
      if (w2_is_identity_) {
        j.col(i) += w1_.col(i);
      } else {
        j.noalias() += w1_.col(i) * w2_.row(i);
      }
    }
  }
  return j;
}

Vector CanonicalMap::offset(const Word* region) const {
  Vector c = h1_;
  for (Index i = 0; i < n_units(); ++i) {
    if (get_bit(region, i)) c += w1_.col(i) * h2_(i);
  }
  return c;
}

}  // namespace rnndyn

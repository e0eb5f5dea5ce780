// Activation functions with derivatives that keep their digits where the units saturate:
// 1 - tanh(x)^2 is 0 in double precision from x = 19 on, and a direction that only shrinks would be
// taken for one that is annihilated.
#pragma once

#include <Eigen/Dense>

namespace rnndyn::lyapunov {

// value = tanh(x), slope = 1 / cosh(x)^2.
template <class X, class Value, class Slope>
void tanh_and_slope(const X& x, Value&& value, Slope&& slope) {
  using Real = typename X::Scalar;
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    const auto u = x.col(j).array();
    auto v = value.col(j).array();
    auto s = slope.col(j).array();
    // e = exp(-2 |x|); tanh |x| = (1 - e) / (1 + e).
    s = (u.abs() * Real(-2)).exp();
    v = (u.abs() < Real(0.02))
            .select(u - u * u.square() *
                            (Real(1.0 / 3) -
                             u.square() * (Real(2.0 / 15) - u.square() * Real(17.0 / 315))),
                    u.sign() * (Real(1) - s) / (Real(1) + s));
    s = Real(4) * s / (Real(1) + s).square();
  }
}

// value = 1 / (1 + exp(-x)), slope = value (1 - value).
template <class X, class Value, class Slope>
void sigmoid_and_slope(const X& x, Value&& value, Slope&& slope) {
  using Real = typename X::Scalar;
  for (Eigen::Index j = 0; j < x.cols(); ++j) {
    const auto u = x.col(j).array();
    auto v = value.col(j).array();
    auto s = slope.col(j).array();
    s = (-u.abs()).exp();
    v = (u < Real(0)).select(s, Real(1)) / (Real(1) + s);
    s = s / (Real(1) + s).square();
  }
}

}  // namespace rnndyn::lyapunov

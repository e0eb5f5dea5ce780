#include "lyapunov/cancellation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rnndyn::lyapunov {
namespace {

// Sums of n rounded products are right to n units in the last place of their terms; a row this
// small may have few right digits, which is rare enough to look closer.
template <class Real>
constexpr double kDoubtful = sizeof(Real) == 8 ? 0x1p-40 : 0x1p-14;

// A sum in twice the precision: T. J. Dekker, "A floating-point technique for extending the
// available precision", Numer. Math. 18 (1971) 224-242. After n terms it is off by at most n 2^-102
// of the sum of their moduli.
struct DoubleSum {
  double high = 0.0, low = 0.0, moduli = 0.0;
  int n_terms = 0;

  void add_product(double a, double b) {
    const double product = a * b;
    const double rest = std::fma(a, b, -product);
    const double sum = high + product;
    const double part = sum - high;
    const double error = (high - (sum - part)) + (product - part) + (low + rest);
    high = sum + error;
    low = error - (high - sum);
    moduli += std::abs(product);
    ++n_terms;
  }
  // What cannot be told from zero is zero.
  double value() const {
    const double bound = (n_terms + 1) * 0x1p-102 * moduli;
    return std::abs(high + low) <= bound ? 0.0 : high + low;
  }
};

}  // namespace

template <class Real>
CancellationGuard<Real>::CancellationGuard(const System& system)
    : map_(std::get_if<DrivenMap>(&system.kind())) {
  if (map_ == nullptr) return;
  const CanonicalMap& map = map_->map;
  const Vector units = map.w2().cwiseAbs().rowwise().sum();
  terms_ = map.a().cwiseAbs().rowwise().sum() + map.w1().cwiseAbs() * units;
  const double largest = largest_terms();
  log_doubtful_ = largest > 0.0 ? std::log(kDoubtful<Real> * largest)
                                : -std::numeric_limits<double>::infinity();
}

template <class Real>
std::vector<Index> CancellationGuard<Real>::doubtful_rows(View<Real> next) const {
  std::vector<Index> rows;
  for (Index i = 0; i < terms_.size(); ++i) {
    const double bound = kDoubtful<Real> * terms_(i);
    Index j = 0;
    double size = 0.0;
    while (j < next.columns && size <= bound) {
      size = std::max(size, std::abs(static_cast<double>(next.column(j++)[i])));
    }
    if (size > 0.0 && size <= bound) rows.push_back(i);
  }
  return rows;
}

template <class Real>
void CancellationGuard<Real>::repair(const std::vector<Index>& rows, const Eigen::VectorXd& state,
                                     const Eigen::VectorXd& input, View<Real> frame,
                                     View<Real> next) const {
  const CanonicalMap& map = map_->map;
  Eigen::VectorXd preactivations = map.w2() * state + map.h2();
  if (input.size() > 0) preactivations += map_->input_h2 * input;
  std::vector<Index> on;
  for (Index u = 0; u < preactivations.size(); ++u) {
    if (preactivations(u) > 0.0) on.push_back(u);
  }
  const Matrix vectors = frame.matrix().topRows(terms_.size()).template cast<double>();
  for (const Index i : rows) {
    next.matrix().row(i) = (exact_row(i, on) * vectors).template cast<Real>();
  }
}

template <class Real>
Eigen::RowVectorXd CancellationGuard<Real>::exact_row(Index row,
                                                      const std::vector<Index>& on) const {
  const CanonicalMap& map = map_->map;
  Eigen::RowVectorXd result(map.n_states());
  for (Index j = 0; j < map.n_states(); ++j) {
    DoubleSum sum;
    sum.add_product(map.a()(row, j), 1.0);
    for (const Index u : on) sum.add_product(map.w1()(row, u), map.w2()(u, j));
    result(j) = sum.value();
  }
  return result;
}

template class CancellationGuard<double>;
template class CancellationGuard<float>;

}  // namespace rnndyn::lyapunov

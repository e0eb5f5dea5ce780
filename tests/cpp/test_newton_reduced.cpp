#include <doctest/doctest.h>

#include <cmath>

#include "kernels/lu.hpp"
#include "linear_algebra/decompositions.hpp"
#include "networks.hpp"
#include "rnndyn/cycles.hpp"
#include "search/newton_kernel.hpp"
#include "search/reduced_tables.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

// Few units and many states, and the other way round; contracting and expanding between the units.
CanonicalMap random_wide_map(RandomStream& stream) {
  const auto m = 1 + static_cast<Index>(stream.below(40));
  const auto h = 1 + static_cast<Index>(stream.below(9));
  const double gain = std::exp(2.0 * stream.uniform() - 1.5);
  Matrix a = gain / std::sqrt(static_cast<double>(m)) * random_matrix(stream, m, m);
  if (stream.below(3) == 0) a = Matrix(a.diagonal().asDiagonal());
  Matrix w1 = random_matrix(stream, m, h);
  Matrix w2 = random_matrix(stream, h, m);
  if (stream.below(4) == 0) w1.col(0).setZero();  // a unit that does nothing
  return CanonicalMap(std::move(a), std::move(w1), std::move(w2),
                      random_matrix(stream, m, 1).col(0), random_matrix(stream, h, 1).col(0));
}

Itinerary random_itinerary(RandomStream& stream, const CanonicalMap& map, Index order) {
  Itinerary itinerary(order, map.words_per_region());
  for (Index t = 0; t < order; ++t) {
    for (Index u = 0; u < map.n_units(); ++u) {
      if (get_bit(map.relevant_units().data(), u))
        set_bit(itinerary.at(t), u, stream.below(2) == 1);
    }
  }
  return itinerary;
}

// The pre-activations of the candidate from the tables, by a dense system in all of them.
Vector by_tables(const kernels::ReducedTables& tables, const Itinerary& itinerary) {
  const auto h = static_cast<Index>(tables.units.size());
  const Index length = h * tables.order;
  Matrix system = Matrix::Identity(length, length);
  for (Index s = 0; s < tables.order; ++s) {
    for (Index v = 0; v < h; ++v) {
      if (!get_bit(itinerary.at(s), tables.units[static_cast<std::size_t>(v)])) continue;
      const double* column =
          tables.responses.data() + v * (2 * tables.order - 1) * h + (tables.order - 1 - s) * h;
      system.col(s * h + v) -= Eigen::Map<const Vector>(column, length);
    }
  }
  return system.fullPivLu().solve(Eigen::Map<const Vector>(tables.constant.data(), length));
}

// The points of the candidate.
Matrix candidate_points(const CanonicalMap& map, const Itinerary& itinerary) {
  const Index m = map.n_states();
  const Index k = itinerary.order;
  Matrix system = Matrix::Identity(m * k, m * k);
  Vector right(m * k);
  for (Index t = 0; t < k; ++t) {
    const Index next = (t + 1) % k;
    system.block(next * m, t * m, m, m) -= map.jacobian(itinerary.at(t));
    right.segment(next * m, m) = map.offset(itinerary.at(t));
  }
  return Matrix(system.fullPivLu().solve(right).reshaped(m, k));
}

// The pre-activations of the units in the tables, from the points.
Vector by_states(const CanonicalMap& map, const kernels::ReducedTables& tables,
                 const Matrix& points) {
  const auto h = static_cast<Index>(tables.units.size());
  Vector result(h * points.cols());
  for (Index t = 0; t < points.cols(); ++t) {
    const Vector p = map.preactivation(points.col(t));
    for (Index u = 0; u < h; ++u) result(t * h + u) = p(tables.units[static_cast<std::size_t>(u)]);
  }
  return result;
}

// Whether an itinerary says what the true orbit says, wherever that is far from a border.
bool agrees_with_orbit(const CanonicalMap& map, Vector z, double size, const Itinerary& itinerary) {
  for (Index t = 0; t < itinerary.order; ++t) {
    const Vector p = map.preactivation(z);
    for (Index u = 0; u < map.n_units(); ++u) {
      if (!get_bit(map.relevant_units().data(), u) || std::abs(p(u)) < 1e-5 * (1.0 + size))
        continue;
      if (get_bit(itinerary.at(t), u) != (p(u) > 0.0)) return false;
    }
    z = map.step(z);
  }
  return true;
}

}  // namespace

TEST_CASE("LU factors solve what they were made of") {
  for (std::uint64_t trial = 0; trial < 200; ++trial) {
    RandomStream stream(61, 0, trial);
    const auto n = static_cast<Index>(stream.below(70));
    const Matrix a = random_matrix(stream, n, n);
    const Vector solution = random_matrix(stream, n, 1).col(0);
    kernels::LuFactors factors;
    factors.resize(n);
    for (Index j = 0; j < n; ++j) std::copy_n(a.col(j).data(), n, factors.column(j));
    const double pivot = factors.factor();
    Vector x = a * solution;
    factors.solve(x.data());
    CHECK(pivot > 0.0);
    if (n > 0)
      CHECK((a * x - a * solution).norm() < 1e-11 * (1.0 + x.norm()) * static_cast<double>(n));
  }
  kernels::LuFactors singular;
  singular.resize(2);
  std::fill_n(singular.column(0), 2, 1.0);
  std::fill_n(singular.column(1), 2, 1.0);
  CHECK(singular.factor() == 0.0);
}

TEST_CASE("candidates from the pre-activations alone are those from the states") {
  int n_used = 0;
  int n_moved = 0;
  int n_same = 0;
  for (std::uint64_t trial = 0; trial < 400; ++trial) {
    RandomStream stream(62, 0, trial);
    const CanonicalMap map = random_wide_map(stream);
    const auto order = 1 + static_cast<Index>(stream.below(6));
    const auto reduced = make_reduced_tables(map, order);
    if (!reduced) continue;
    ++n_used;
    const auto tables = make_newton_tables(map);
    NewtonKernel by_states_alone(map, *tables, order);
    NewtonKernel by_units_alone(map, *tables, order, nullptr, Refutation::likely, reduced);
    for (int i = 0; i < 8; ++i) {
      Itinerary itinerary = random_itinerary(stream, map, order);
      const Matrix points = candidate_points(map, itinerary);
      const Vector expected = by_states(map, *reduced, points);
      const Vector found = by_tables(*reduced, itinerary);
      const double size = expected.cwiseAbs().maxCoeff();
      if (!(size < 1e4)) continue;  // nearly singular
      CHECK((found - expected).cwiseAbs().maxCoeff() < 1e-9 * (1.0 + size));
      if (by_states_alone.lanes() != 1) continue;
      Itinerary next(order, map.words_per_region()), other = next;
      NewtonStatus status{}, other_status{};
      by_states_alone.iterate(itinerary.bits.data(), next.bits.data(), 1, &status);
      by_units_alone.iterate(itinerary.bits.data(), other.bits.data(), 1, &other_status);
      CHECK(status == other_status);
      if (status != NewtonStatus::moved) continue;
      const double reach = std::max(size, points.cwiseAbs().maxCoeff());
      CHECK(agrees_with_orbit(map, points.col(0), reach, other));
      // Where the product of Jacobians is large the other kernel follows several pieces of the
      // orbit.
      ++n_moved;
      n_same += next == other ? 1 : 0;
    }
  }
  CHECK(n_used > 200);
  CHECK(n_moved > 400);
  CHECK(n_same > 0.99 * n_moved);
}

TEST_CASE("where the states cannot be eliminated, they are not") {
  // One round of the cycle is a root of the identity.
  Matrix turn(2, 2);
  turn << 0.0, -1.0, 1.0, 0.0;
  const CanonicalMap map(turn, Matrix::Ones(2, 1), Matrix::Ones(1, 2), Vector::Ones(2),
                         Vector::Zero(1));
  CHECK(make_reduced_tables(map, 4) == nullptr);
  CHECK(make_reduced_tables(map, 3) != nullptr);
}

#include <doctest/doctest.h>

#include <cmath>

#include "networks.hpp"
#include "search/newton_kernel.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

enum class Family { plrnn, alrnn, shallow, wide, large, large_shallow, count };

Matrix scaled(RandomStream& stream, Index rows, Index cols, double size) {
  return size / std::sqrt(static_cast<double>(cols)) * random_matrix(stream, rows, cols);
}

// Networks that people train: few units and many states, many units and few states, and as many.
CanonicalMap random_network(RandomStream& stream, Family family) {
  const double gain = 0.3 + 1.2 * stream.uniform();
  const auto between = [&](std::uint64_t lower, std::uint64_t upper) {
    return static_cast<Index>(lower + stream.below(upper - lower + 1));
  };
  const auto diagonal = [&](Index m) {
    Vector a(m);
    for (double& x : a) x = 1.8 * stream.uniform() - 0.9;
    return Matrix(a.asDiagonal());
  };
  switch (family) {
    case Family::plrnn: {
      const Index m = between(17, 40);
      return plrnn(diagonal(m), scaled(stream, m, m, gain), random_vector(stream, m));
    }
    case Family::alrnn: {
      const Index m = between(17, 60);
      const Index n_relus = between(1, 8);
      const Matrix w = scaled(stream, m, m, 0.6 * gain);
      Matrix picks = Matrix::Zero(n_relus, m);
      picks.rightCols(n_relus).setIdentity();
      Matrix a = diagonal(m);
      a.leftCols(m - n_relus) += w.leftCols(m - n_relus);
      return CanonicalMap(a, w.rightCols(n_relus), picks, random_vector(stream, m),
                          Vector::Zero(n_relus));
    }
    case Family::shallow: {
      const Index m = between(3, 24);
      const Index h = between(static_cast<std::uint64_t>(m) + 1, 150);
      return CanonicalMap(diagonal(m), scaled(stream, m, h, gain),
                          scaled(stream, h, m, std::sqrt(static_cast<double>(m) / 4.0)),
                          random_vector(stream, m), random_vector(stream, h));
    }
    // So many states that the system is made in single precision first.
    case Family::large: {
      const Index m = between(40, 90);
      return plrnn(diagonal(m), scaled(stream, m, m, gain), random_vector(stream, m));
    }
    case Family::large_shallow: {
      const Index m = between(40, 64);
      const Index h = between(10, 200);  // fewer than states, and more
      const bool full = stream.below(4) == 0;
      return CanonicalMap(full ? scaled(stream, m, m, 0.8) : diagonal(m),
                          scaled(stream, m, h, gain), scaled(stream, h, m, 1.0),
                          random_vector(stream, m), random_vector(stream, h));
    }
    default: {  // thresholds anywhere, and a unit that changes nothing
      const Index m = between(17, 40);
      const Index h = between(2, 12);
      Matrix w1 = scaled(stream, m, h, gain);
      w1.col(0).setZero();
      return CanonicalMap(scaled(stream, m, m, 0.8), w1, scaled(stream, h, m, 1.0),
                          random_vector(stream, m), random_vector(stream, h));
    }
  }
}

Itinerary random_itinerary(RandomStream& stream, const CanonicalMap& map, Index order) {
  Itinerary itinerary(order, map.words_per_region());
  for (Index t = 0; t < order; ++t) {
    for (Index u = 0; u < map.n_units(); ++u) {
      const bool on = stream.below(2) == 1;
      if (get_bit(map.relevant_units().data(), u)) set_bit(itinerary.at(t), u, on);
    }
  }
  return itinerary;
}

// The candidate by dense matrices, or nothing of it where fewer than some digits are left.
Vector dense_candidate(const CanonicalMap& map, const Itinerary& itinerary) {
  const Index m = map.n_states();
  Matrix around = map.jacobian(itinerary.at(0));
  Vector offset = map.offset(itinerary.at(0));
  for (Index t = 1; t < itinerary.order; ++t) {
    const Matrix j = map.jacobian(itinerary.at(t));
    around = Matrix(j * around);
    offset = Vector(j * offset + map.offset(itinerary.at(t)));
  }
  const Matrix system = Matrix::Identity(m, m) - around;
  const Eigen::PartialPivLU<Matrix> lu(system);
  if (!(lu.rcond() > 1e-5)) return {};
  return lu.solve(offset);
}

CanonicalMap with_offsets_times(const CanonicalMap& map, double factor) {
  return CanonicalMap(map.a(), map.w1(), map.w2(), factor * map.h1(), factor * map.h2());
}

// Whether an itinerary is that of the orbit of a state, to a relative error of 1e-9 of what the
// pre-activations are along it. Where it is not known so well, either sign will do.
bool agrees(const CanonicalMap& map, Vector z, const Itinerary& itinerary) {
  double largest = std::max(map.h1().cwiseAbs().maxCoeff(), map.h2().cwiseAbs().maxCoeff());
  if (largest == 0.0) largest = 1.0;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Vector p = map.preactivation(z);
    largest = std::max({largest, p.cwiseAbs().maxCoeff(), z.cwiseAbs().maxCoeff()});
    for (Index u = 0; u < map.n_units(); ++u) {
      if (!get_bit(map.relevant_units().data(), u) || std::abs(p(u)) < 1e-9 * largest) continue;
      if (get_bit(itinerary.at(t), u) != (p(u) > 0.0)) return false;
    }
    z = map.step(z);
  }
  return true;
}

}  // namespace

TEST_CASE("the kernels of a search find the candidates that dense matrices find") {
  Index n_compared = 0;
  Index n_reduced = 0;
  const auto n_networks = static_cast<std::uint64_t>(drawn(300, 20000));
  for (std::uint64_t trial = 0; trial < n_networks; ++trial) {
    RandomStream stream(trial, 10, 0);
    const auto family = static_cast<Family>(trial % static_cast<std::uint64_t>(Family::count));
    CanonicalMap map = random_network(stream, family);
    // States in another unit, beyond the range of single precision.
    if (trial % 8 >= 6) map = with_offsets_times(map, trial % 8 == 6 ? 0x1p-300 : 0x1p300);
    // Long ones as well, whose products grow beyond what single precision and the product can do.
    const auto order = 1 + static_cast<Index>(stream.below(trial % 16 == 5 ? 30 : 4));
    const auto tables = make_newton_tables(map);
    const auto reduced = reduced_where_faster(map, *tables, order);
    n_reduced += reduced ? 1 : 0;
    NewtonKernel kernel(map, *tables, order, nullptr, Refutation::likely, reduced);
    if (kernel.lanes() != 1) continue;
    // A restart, in which a kernel may keep something from one itinerary to the next.
    kernel.begin();
    Itinerary itinerary = random_itinerary(stream, map, order);
    for (int i = 0; i < 4; ++i) {
      Itinerary next(order, map.words_per_region());
      NewtonStatus status{};
      kernel.iterate(itinerary.bits.data(), next.bits.data(), 1, &status);
      const Vector expected = dense_candidate(map, itinerary);
      if (status == NewtonStatus::diverged || status == NewtonStatus::singular) break;
      if (expected.size() > 0) {
        ++n_compared;
        CAPTURE(trial);
        CHECK(agrees(map, expected, status == NewtonStatus::settled ? itinerary : next));
      }
      if (status == NewtonStatus::settled) break;
      itinerary = next;
    }
  }
  CHECK(n_compared > 2 * static_cast<Index>(n_networks));
  CHECK(10 * n_reduced > static_cast<Index>(n_networks));
}

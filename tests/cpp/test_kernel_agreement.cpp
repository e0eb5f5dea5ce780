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
// pre-activations are along it or, where states and units have units of their own, of what they can
// be for states of this size. Where it is not known so well, either sign will do.
bool agrees(const CanonicalMap& map, Vector z, const Itinerary& itinerary, bool scaled) {
  const kernels::PreactivationReach reach = reach_of(map);
  double largest = std::max(map.h1().cwiseAbs().maxCoeff(), map.h2().cwiseAbs().maxCoeff());
  if (largest == 0.0) largest = 1.0;
  for (Index t = 0; t < itinerary.order; ++t) {
    const Vector p = map.preactivation(z);
    const double size = z.cwiseAbs().maxCoeff();
    largest = std::max({largest, p.cwiseAbs().maxCoeff(), size});
    if (scaled) largest = std::max(largest, reach.scale * size + reach.shift);
    for (Index u = 0; u < map.n_units(); ++u) {
      if (!get_bit(map.relevant_units().data(), u) || std::abs(p(u)) < 1e-9 * largest) continue;
      if (get_bit(itinerary.at(t), u) != (p(u) > 0.0)) return false;
    }
    z = map.step(z);
  }
  return true;
}

// Itineraries in the lanes of a kernel.
struct Lanes {
  Lanes(const CanonicalMap& map, Index order, NewtonKernel& newton)
      : kernel(newton),
        n(static_cast<std::size_t>(newton.lanes())),
        status(n),
        current(static_cast<std::size_t>(order) * map.words_per_region() * n, 0),
        next(current) {}

  void put(std::size_t lane, const Itinerary& itinerary) {
    for (std::size_t i = 0; i < itinerary.bits.size(); ++i) {
      current[i * n + lane] = itinerary.bits[i];
    }
  }
  Itinerary next_of(std::size_t lane, Itinerary itinerary) const {
    for (std::size_t i = 0; i < itinerary.bits.size(); ++i) {
      itinerary.bits[i] = next[i * n + lane];
    }
    return itinerary;
  }
  void iterate(unsigned active) {
    kernel.iterate(current.data(), next.data(), active, status.data());
  }

  NewtonKernel& kernel;
  std::size_t n;
  std::vector<NewtonStatus> status;
  std::vector<Word> current, next;
};

// Some units are copies of others, and others their mirror images.
CanonicalMap with_copies(RandomStream& stream, const CanonicalMap& map) {
  Matrix w1 = map.w1();
  Matrix w2 = map.w2();
  Vector h2 = map.h2();
  for (Index u = 1; u < map.n_units(); u += 3) {
    const auto of = static_cast<Index>(stream.below(static_cast<std::uint64_t>(u)));
    const double sign = stream.below(2) == 0 ? 1.0 : -1.0;
    w2.row(u) = sign * map.w2().row(of);
    h2(u) = sign * map.h2()(of);
    if (stream.below(2) == 0) w1.col(u) = -map.w1().col(of);
  }
  return CanonicalMap(map.a(), w1, w2, map.h1(), h2);
}

// The same map with units of other sizes, and states.
CanonicalMap with_scales(RandomStream& stream, const CanonicalMap& map, int most) {
  const auto draw = [&] {
    return std::ldexp(1.0, static_cast<int>(stream.below(2U * static_cast<unsigned>(most))) - most);
  };
  Matrix a = map.a();
  Matrix w1 = map.w1();
  Matrix w2 = map.w2();
  Vector h1 = map.h1();
  Vector h2 = map.h2();
  for (Index u = 0; u < map.n_units(); ++u) {
    const double s = draw();
    w2.row(u) *= s;
    h2(u) *= s;
    w1.col(u) /= s;
  }
  for (Index i = 0; i < map.n_states(); ++i) {
    const double s = draw();
    a.row(i) *= s;
    a.col(i) /= s;
    w1.row(i) *= s;
    w2.col(i) /= s;
    h1(i) *= s;
  }
  return CanonicalMap(a, w1, w2, h1, h2);
}

// Restarts side by side, in which a kernel may keep something from one itinerary to the next: the
// candidates are those of dense matrices, and each lane's those that it has alone, wherever it is.
// Returns how many were compared.
Index compare_lanes(RandomStream& stream, const CanonicalMap& map, Index order,
                    NewtonKernel& kernel, NewtonKernel& other, bool scaled) {
  Lanes together(map, order, kernel);
  Lanes alone(map, order, other);
  std::vector<Itinerary> itineraries;
  unsigned active = 0;
  for (std::size_t lane = 0; lane < together.n; ++lane) {
    itineraries.push_back(random_itinerary(stream, map, order));
    kernel.begin(static_cast<int>(lane));
    other.begin(static_cast<int>(lane));
    active |= 1U << lane;
  }
  Index n_compared = 0;
  for (int i = 0; i < 4 && active != 0; ++i) {
    for (std::size_t lane = 0; lane < together.n; ++lane) together.put(lane, itineraries[lane]);
    together.iterate(active);
    for (std::size_t lane = 0; lane < together.n; ++lane) {
      if (((active >> lane) & 1U) == 0) continue;
      Itinerary& itinerary = itineraries[lane];
      const NewtonStatus status = together.status[lane];
      const Itinerary next = together.next_of(lane, itinerary);
      const std::size_t elsewhere = together.n - 1 - lane;
      alone.put(elsewhere, itinerary);
      alone.iterate(1U << elsewhere);
      CHECK(alone.status[elsewhere] == status);
      const bool goes_on = status == NewtonStatus::moved;
      if (goes_on) CHECK(alone.next_of(elsewhere, itinerary) == next);
      if (goes_on || status == NewtonStatus::settled) {
        const Vector expected = dense_candidate(map, itinerary);
        if (expected.size() > 0) {
          ++n_compared;
          CHECK(agrees(map, expected, goes_on ? next : itinerary, scaled));
        }
      }
      if (!goes_on) active &= ~(1U << lane);
      itinerary = next;
    }
  }
  return n_compared;
}

}  // namespace

TEST_CASE("the kernels of a search find the candidates that dense matrices find") {
  Index n_compared = 0;
  Index n_reduced = 0;
  Index n_lanes = 0;
  const auto n_networks = static_cast<std::uint64_t>(drawn(300, 20000));
  for (std::uint64_t trial = 0; trial < n_networks; ++trial) {
    RandomStream stream(trial, 10, 0);
    const auto family = static_cast<Family>(trial % static_cast<std::uint64_t>(Family::count));
    CanonicalMap map = random_network(stream, family);
    if (trial % 5 == 3) map = with_copies(stream, map);
    // States in another unit, beyond the range of single precision.
    if (trial % 8 >= 6) map = with_offsets_times(map, trial % 8 == 6 ? 0x1p-300 : 0x1p300);
    // Long ones as well, whose products grow beyond what single precision and the product can do.
    const auto order = 1 + static_cast<Index>(stream.below(trial % 16 == 5 ? 30 : 4));
    const bool scaled = trial % 5 == 4;
    // Errors of states count for what the next step makes of them, which scales multiply.
    if (scaled) map = with_scales(stream, map, order == 1 ? 20 : 4);
    const auto tables = make_newton_tables(map);
    const auto reduced = reduced_where_faster(map, *tables, order);
    n_reduced += reduced ? 1 : 0;
    NewtonKernel kernel(map, *tables, order, nullptr, Refutation::likely, reduced);
    NewtonKernel other(map, *tables, order, nullptr, Refutation::likely, reduced);
    n_lanes += kernel.lanes();
    CAPTURE(trial);
    n_compared += compare_lanes(stream, map, order, kernel, other, scaled);
  }
  CHECK(n_compared > 2 * static_cast<Index>(n_networks));
  CHECK(10 * n_reduced > static_cast<Index>(n_networks));
  CHECK(2 * n_lanes > 3 * static_cast<Index>(n_networks));
}

TEST_CASE("bits of units on whose border a candidate lies keep their values") {
  Index n_compared = 0;
  for (std::uint64_t trial = 0; trial < static_cast<std::uint64_t>(drawn(100, 5000)); ++trial) {
    RandomStream stream(trial, 11, 0);
    const CanonicalMap free =
        random_network(stream, trial % 2 == 0 ? Family::shallow : Family::large_shallow);
    const Itinerary itinerary = random_itinerary(stream, free, 1);
    const Vector z = dense_candidate(free, itinerary);
    if (z.size() == 0) continue;
    // What a unit does where its pre-activation is zero is nothing: its border may be put there if
    // it is off before.
    Vector h2 = free.h2();
    std::vector<Index> hit;
    for (Index u = 0; u < free.n_units() && hit.size() < 3; ++u) {
      if (get_bit(itinerary.at(0), u)) continue;
      h2(u) = -free.w2().row(u).dot(z);
      hit.push_back(u);
    }
    const CanonicalMap map(free.a(), free.w1(), free.w2(), free.h1(), h2);
    const auto tables = make_newton_tables(map);
    NewtonKernel kernel(map, *tables, 1);
    Lanes lanes(map, 1, kernel);
    for (const bool on : {false, true}) {
      Itinerary current = itinerary;
      for (const Index u : hit) set_bit(current.at(0), u, on);
      if (dense_candidate(map, current).size() == 0) continue;
      for (std::size_t lane = 0; lane < lanes.n; ++lane) {
        kernel.begin(static_cast<int>(lane));
        lanes.put(lane, current);
      }
      lanes.iterate((1U << lanes.n) - 1U);
      CAPTURE(trial);
      for (std::size_t lane = 0; lane < lanes.n; ++lane) {
        if (lanes.status[lane] != NewtonStatus::moved) continue;
        const Itinerary next = lanes.next_of(lane, current);
        for (const Index u : hit) {
          ++n_compared;
          CHECK(get_bit(next.at(0), u) == on);
        }
      }
    }
  }
  CHECK(n_compared > 500);
}

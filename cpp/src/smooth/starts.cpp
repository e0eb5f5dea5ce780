#include "smooth/starts.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace rnndyn::smooth {
namespace {

constexpr std::uint64_t kLongestRun = 100;
// A run for a cycle of order k is searched for the place where it closes best.
constexpr Index kWindow = 64;
// Of the share of a source that what it has brought does not decide.
constexpr double kFloor = 0.05;
// A ball smaller than this tells of a fold close by.
constexpr double kNearFold = 1e-3;
// Coordinates are at most 1 but for the cells of LSTMs.
constexpr double kWide = 2.0;

// Cells that forget little rest either as far out as their gates let them, at a scale of 1 / (1 -
// f), or, where g = 0 stops them, at any size: saddles have some cells of each kind. So each is
// drawn for itself, small or at any scale up to its bound; the h follow by a step.
Vector cells_of_all_sizes(Newton& newton, RandomStream& stream) {
  const IntervalVector& box = newton.box();
  Vector state(box.size());
  const double share = stream.uniform();
  for (Index i = 0; i < box.size(); ++i) {
    const double bound = std::max(-box.lower(i), box.upper(i));
    const double side = 2.0 * stream.uniform() - 1.0;
    const bool is_far = bound > kWide && stream.uniform() < share;
    state(i) = is_far ? std::copysign(kWide * std::pow(bound / kWide, stream.uniform()), side)
                      : std::min(bound, kWide) * side;
  }
  return newton.orbit(state, 2).col(1);
}

// A bound of the cells of an LSTM is what they would reach if every gate stayed at its most open,
// which may be thousands of times what they do reach: of states in such a box most are drawn at all
// smaller scales, half of these with a scale for each cell.
Vector random_state(Newton& newton, RandomStream& stream) {
  const IntervalVector& box = newton.box();
  Vector state(box.size());
  double widest = 0.0;
  for (Index i = 0; i < box.size(); ++i) {
    state(i) = box.lower(i) + (box.upper(i) - box.lower(i)) * stream.uniform();
    widest = std::max(widest, std::max(-box.lower(i), box.upper(i)));
  }
  if (widest <= kWide) return state;
  if (stream.uniform() < 0.5) return cells_of_all_sizes(newton, stream);
  const double scale = std::pow(widest / kWide, -1.25 * stream.uniform() + 0.25);
  for (Index i = 0; i < box.size(); ++i) {
    const double bound = std::max(-box.lower(i), box.upper(i));
    if (bound > kWide) state(i) *= std::clamp(scale, kWide / bound, 1.0);
  }
  return state;
}

Matrix free_run(Newton& newton, Index order, RandomStream& stream) {
  const Vector start = random_state(newton, stream);
  const auto settle = static_cast<Index>(1 + stream.below(kLongestRun));
  if (order == 1) return newton.orbit(start, settle + 1).rightCols(1);
  const Matrix run = newton.orbit(start, settle + kWindow + order);
  Index best = settle;
  double closest = std::numeric_limits<double>::infinity();
  for (Index t = settle; t + order < run.cols(); ++t) {
    const double gap = (run.col(t + order) - run.col(t)).norm();
    if (gap < closest) closest = gap, best = t;
  }
  return run.middleCols(best, order);
}

// A member's points for `order` steps from a random one on: its own cycle where its period divides
// the order, else the orbit from there.
Matrix random_turn(const Member& member, Index order, Newton& newton, RandomStream& stream) {
  const Index period = member.order();
  const auto first = static_cast<Index>(stream.below(static_cast<std::uint64_t>(period)));
  if (order % period != 0) return newton.orbit(member.points.col(first), order);
  Matrix points(member.points.rows(), order);
  for (Index t = 0; t < order; ++t) points.col(t) = member.points.col((first + t) % period);
  return points;
}

const Member& random_member(const Collection& collection, RandomStream& stream) {
  return collection.members()[stream.below(collection.members().size())];
}

// Another member, rather one that comes near: its rank by distance is geometrically distributed.
// The distance is that of one random point to the state `from`.
const Member& near_member(const Vector& from, const Collection& collection, RandomStream& stream) {
  std::vector<std::pair<double, const Member*>> others;
  for (const Member& member : collection.members()) {
    const auto t = static_cast<Index>(stream.below(static_cast<std::uint64_t>(member.order())));
    others.emplace_back((member.points.col(t) - from).squaredNorm(), &member);
  }
  std::ranges::stable_sort(others, {}, [](const auto& other) { return other.first; });
  // A fixed point is the nearest to itself.
  std::size_t rank = others.front().second->order() == 1 && others.size() > 1 ? 1 : 0;
  while (rank + 1 < others.size() && stream.uniform() < 0.8) ++rank;
  return *others[rank].second;
}

// All points of a cycle between those of others: cycles that are saddles lie there, and the orbit
// of a mixture of single points would soon leave them.
Matrix mixture(int n_members, Index order, const Collection& collection, Newton& newton,
               RandomStream& stream) {
  Matrix sum = random_turn(random_member(collection, stream), order, newton, stream);
  const Vector first = sum.col(0);
  Matrix lowest = sum, highest = sum;
  double total = 1.0;
  // Half of them in the middle, where symmetry puts what lies between.
  const bool even = stream.uniform() < 0.5;
  for (int i = 1; i < n_members; ++i) {
    const double weight = even ? 1.0 : 2.0 * stream.uniform();
    const Matrix turn = random_turn(near_member(first, collection, stream), order, newton, stream);
    sum += weight * turn;
    total += weight;
    lowest = lowest.cwiseMin(turn);
    highest = highest.cwiseMax(turn);
  }
  sum /= total;
  // A cell that is far out on either side changes over where it is small.
  for (Index t = 0; t < order; ++t) {
    for (Index i = 0; i < sum.rows(); ++i) {
      const bool changes = lowest(i, t) < -kWide && highest(i, t) > kWide;
      if (changes) sum(i, t) = kWide * (2.0 * stream.uniform() - 1.0);
    }
  }
  return sum;
}

Vector along_unstable(const Collection& collection, RandomStream& stream) {
  const Member& member = random_member(collection, stream);
  Vector direction(member.points.rows());
  for (double& x : direction) x = stream.normal();
  // A few turns of the power method leave the directions that grow.
  const auto turns = static_cast<int>(1 + stream.below(6));
  for (int turn = 0; turn < turns; ++turn) {
    for (const Matrix& j : member.jacobians) direction = (j * direction).eval();
    const double size = direction.norm();
    if (!(size > 0.0)) break;
    direction /= size;
  }
  const double size = std::sqrt(static_cast<double>(direction.size())) * 0.5;
  return member.points.col(0) + size * std::exp(-4.0 * stream.uniform()) * direction;
}

}  // namespace

void SourceChoice::record(StartSource source, std::int64_t n_solves, bool hit, bool fresh) {
  Tally& tally = tallies_[static_cast<std::size_t>(source)];
  tally.solves += static_cast<double>(n_solves);
  tally.hits += hit ? 1.0 : 0.0;
  tally.fresh += fresh ? 1.0 : 0.0;
}

void SourceChoice::update(std::size_t n_known) {
  std::array<double, kSources> weights{};
  double total = 0.0;
  const auto usable = [&](std::size_t s) {
    switch (static_cast<StartSource>(s)) {
      case StartSource::given:
        return has_states_;
      case StartSource::pair:
        return n_known >= 2;
      case StartSource::triple:
        return n_known >= 3;
      case StartSource::direction:
        return n_known >= 1;
      case StartSource::attached:
        return false;  // these are handed out by themselves
      default:
        return true;
    }
  };
  for (std::size_t s = 0; s < kSources; ++s) {
    if (!usable(s)) continue;
    const Tally& tally = tallies_[s];
    weights[s] = (1.0 + tally.fresh + 0.05 * tally.hits) / (40.0 + tally.solves);
    total += weights[s];
  }
  double sum = 0.0;
  for (std::size_t s = 0; s < kSources; ++s) {
    if (weights[s] > 0.0) sum += kFloor + weights[s] / total;
    cumulative_[s] = sum;
  }
  for (double& bound : cumulative_) bound /= sum;
}

StartSource SourceChoice::draw(RandomStream& stream) const {
  const double u = stream.uniform();
  std::size_t s = 0;
  while (u >= cumulative_[s]) ++s;
  return static_cast<StartSource>(s);
}

Matrix draw_start(StartSource source, Index order, const Matrix& states,
                  const Collection& collection, Newton& newton, RandomStream& stream) {
  switch (source) {
    case StartSource::given: {
      const auto column = stream.below(static_cast<std::uint64_t>(states.cols()));
      return newton.orbit(states.col(static_cast<Index>(column)), order);
    }
    case StartSource::free_run:
      return free_run(newton, order, stream);
    case StartSource::pair:
      return mixture(2, order, collection, newton, stream);
    case StartSource::triple:
      return mixture(3, order, collection, newton, stream);
    case StartSource::direction:
      return newton.orbit(along_unstable(collection, stream), order);
    case StartSource::box:
    case StartSource::attached:
      break;
  }
  return newton.orbit(random_state(newton, stream), order);
}

std::vector<Matrix> partners_of(const Member& member, Newton& newton) {
  if (!member.verified.certified || member.verified.ball > kNearFold) return {};
  // Inverse iteration with I - P: the direction in which the point is nearly a continuum.
  const Index n = member.points.rows();
  ShootingSystem system;
  system.factor(member.jacobians);
  Vector x = Vector::Zero(n * member.order());
  x.head(n).setOnes();
  for (int turn = 0; turn < 4; ++turn) {
    system.solve(x);
    const double size = x.norm();
    if (!std::isfinite(size) || !(size > 0.0)) return {};
    x /= size;
  }
  const Vector direction = x.head(n).normalized();
  std::vector<Matrix> starts;
  for (double reach = 2.0 * member.verified.ball; reach < 0.5; reach *= 4.0) {
    for (const double side : {-1.0, 1.0}) {
      starts.push_back(
          newton.orbit(member.points.col(0) + side * reach * direction, member.order()));
    }
  }
  return starts;
}

}  // namespace rnndyn::smooth

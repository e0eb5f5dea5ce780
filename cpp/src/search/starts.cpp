#include "search/starts.hpp"

#include <algorithm>
#include <cmath>

namespace rnndyn {
namespace {

// Flips per known cycle, concatenations and stretched copies per order. They are starting points
// among others, not the search itself, so a bound costs completeness nothing that was promised.
constexpr std::size_t kMaxFlips = 512;
constexpr std::size_t kMaxFlipsBesidePaths = 32;
constexpr std::size_t kPathsFromCycle = 8;
constexpr std::size_t kMaxConcatenations = 128;
constexpr std::size_t kMaxStretched = 128;

// What is known of a source before it has been tried: its restarts are worth as many.
constexpr double kPriorRestarts = 4.0;
constexpr double kTrustInPaths = 5.0;  // to fixed points

constexpr Index kProbeOrbits = 8;
constexpr Index kProbeSteps = 60;
constexpr double kProbeLimit = 1e6;

Itinerary concatenated(const Itinerary& a, const Itinerary& b) {
  Itinerary result(a.order + b.order, a.words);
  std::copy(a.bits.begin(), a.bits.end(), result.bits.begin());
  std::copy(b.bits.begin(), b.bits.end(),
            result.bits.begin() + static_cast<std::ptrdiff_t>(a.bits.size()));
  return result;
}

}  // namespace

StateSampler::StateSampler(const CanonicalMap& map, const std::optional<Box>& box,
                           std::uint64_t seed)
    : widen_(!box) {
  const Index m = map.n_states();
  if (box) {
    centre_ = 0.5 * (box->lower + box->upper);
    reach_ = 0.5 * (box->upper - box->lower);
    return;
  }
  const bool diagonal_a = map.a().isDiagonal(0.0);
  // The range of a few orbits that stay bounded, and of unit states.
  Vector lower = Vector::Constant(m, -1.0);
  Vector upper = Vector::Constant(m, 1.0);
  Vector z(m), fresh(m), p(map.n_units());  // this runs at every search: nothing allocated per step
  for (Index i = 0; i < kProbeOrbits; ++i) {
    RandomStream stream(seed, kSamplerTopic, static_cast<std::uint64_t>(i));
    for (Index j = 0; j < m; ++j) z(j) = (i % 2 == 0 ? 1.0 : 10.0) * stream.normal();
    Vector low = Vector::Constant(m, std::numeric_limits<double>::infinity());
    Vector high = -low;
    for (Index t = 0; t < kProbeSteps && z.cwiseAbs().maxCoeff() < kProbeLimit; ++t) {
      if (map.w2_is_identity()) {
        p = z;
      } else {
        p.noalias() = map.w2() * z;
        p += map.h2();
      }
      if (diagonal_a) {
        fresh = map.a().diagonal().cwiseProduct(z);
      } else {
        fresh.noalias() = map.a() * z;
      }
      fresh.noalias() += map.w1() * p.cwiseMax(0.0);
      z = fresh + map.h1();
      if (2 * t < kProbeSteps) continue;
      low = low.cwiseMin(z);
      high = high.cwiseMax(z);
    }
    if (!(z.cwiseAbs().maxCoeff() < kProbeLimit)) continue;
    lower = lower.cwiseMin(low);
    upper = upper.cwiseMax(high);
  }
  centre_ = 0.5 * (lower + upper);
  reach_ = 0.5 * (upper - lower);
}

void StateSampler::draw(RandomStream& stream, Vector& state) const {
  // Four sizes, from half to four times the range: unstable cycles often lie outside attractors.
  const double size = widen_ ? std::ldexp(1.0, static_cast<int>(stream.below(4)) - 1) : 1.0;
  state.resize(centre_.size());
  for (Index j = 0; j < state.size(); ++j) {
    state(j) = centre_(j) + size * reach_(j) * (2.0 * stream.uniform() - 1.0);
  }
}

void draw_start(StartSource source, const CanonicalMap& map, const StateSampler& sampler,
                NewtonKernel& kernel, Index longest_transient, RandomStream& stream,
                Itinerary& itinerary) {
  Vector state;
  // Kernels read pre-activations faster, and where there are many the step after them costs little.
  const bool one_state = source == StartSource::random_states && itinerary.order == 1 &&
                         map.n_units() > map.n_states();
  if (source == StartSource::orbit || source == StartSource::warm_orbit || one_state) {
    sampler.draw(stream, state);
    const Index transient =
        source != StartSource::warm_orbit
            ? 0
            : 1 + static_cast<Index>(stream.below(static_cast<std::uint64_t>(longest_transient)));
    if (kernel.read_itinerary(state, transient, itinerary.bits.data())) return;
  }
  if (source == StartSource::random_states) {
    for (Index t = 0; t < itinerary.order; ++t) {
      sampler.draw(stream, state);
      map.region(state, itinerary.at(t));
    }
  } else {
    // One draw of 64 bits serves as many regions as fit into it.
    const auto units = static_cast<unsigned>(map.n_units());
    const unsigned per_draw = units == 0 || units > 32 ? 1 : 64 / units;
    unsigned left = 0;
    std::uint64_t drawn = 0;
    for (Word& word : itinerary.bits) {
      if (left == 0) {
        drawn = stream.next();
        left = per_draw;
      }
      word = drawn;
      drawn >>= per_draw > 1 ? units : 0U;
      --left;
    }
  }
  for (Index t = 0; t < itinerary.order; ++t) {
    for (std::size_t w = 0; w < itinerary.words; ++w) {
      itinerary.at(t)[w] &= map.relevant_units()[w];
    }
  }
}

void Neighbours::add_from_shorter(const Collection& collection) {
  std::size_t n_concatenated = 0;
  std::size_t n_stretched = 0;
  const auto& members = collection.members();
  for (const Collection::Member& member : members) {
    if (order_ % member.order() == 0 && member.order() < order_) {
      add(resized(member.itinerary(), order_));  // finds continua of longer period
      add_flips(member, -1);
    }
  }
  for (const Collection::Member& member : members) {
    if (member.order() + 1 != order_) continue;
    for (Index t = 0; t < member.order() && n_stretched < kMaxStretched; ++t, ++n_stretched) {
      const Itinerary turned = rotated(member.itinerary(), t);
      add(resized(turned, order_));  // visits its first region twice
    }
  }
  for (const Collection::Member& first : members) {
    for (const Collection::Member& second : members) {
      if (first.order() + second.order() != order_ || second.itinerary() < first.itinerary())
        continue;
      if (n_concatenated++ >= kMaxConcatenations) return;
      add(concatenated(first.itinerary(), second.itinerary()));
    }
  }
}

void Neighbours::add_flips(const Collection::Member& member, std::int32_t root) {
  struct Flip {
    double distance;
    Index time, unit;
  };
  std::vector<Flip> flips;
  for (Index t = 0; t < member.order(); ++t) {
    const Vector p = map_.preactivation(member.points().col(t));
    for (Index i = 0; i < map_.n_units(); ++i) {
      if (!get_bit(map_.relevant_units().data(), i)) continue;
      const double length = map_.w2().row(i).norm();
      flips.push_back({length > 0.0 ? std::abs(p(i)) / length : std::abs(p(i)), t, i});
    }
  }
  std::stable_sort(flips.begin(), flips.end(),
                   [](const Flip& a, const Flip& b) { return a.distance < b.distance; });
  const std::size_t most = paths_ ? kMaxFlipsBesidePaths : kMaxFlips;
  if (flips.size() > most) flips.resize(most);
  if (flips.empty()) return;
  Group group{resized(member.itinerary(), order_), {}, 0, root, {}};
  if (paths_ && member.order() == order_) {
    group.point = member.points().col(0);
    group.paths = kPathsFromCycle;
  }
  group.flips.reserve(flips.size());
  for (const Flip& flip : flips) {
    group.flips.push_back(
        {static_cast<std::int32_t>(flip.time), static_cast<std::int32_t>(flip.unit)});
  }
  queue_.push_back(std::move(group));
}

Neighbours::Start Neighbours::pop() {
  Group& group = queue_.front();
  Start start{group.base, group.root, std::nullopt};
  const bool flips_left = group.next < group.flips.size();
  if (!held_ && group.paths > 0 && (!flips_left || kPathsFromCycle - group.paths <= group.next)) {
    --group.paths;
    start.point = group.point;
  } else if (flips_left) {
    const Bit bit = group.flips[group.next++];
    Word* region = start.itinerary.at(bit.time);
    set_bit(region, bit.unit, !get_bit(region, bit.unit));
  }
  if (group.next == group.flips.size() && (held_ || group.paths == 0)) {
    if (group.paths > 0) waiting_.push_back(std::move(group));
    queue_.pop_front();
  }
  return start;
}

void Neighbours::allow_paths(std::optional<std::size_t> most) {
  held_ = false;
  for (Group& group : waiting_) queue_.push_back(std::move(group));
  waiting_.clear();
  if (!most) return;
  for (Group& group : queue_) group.paths = std::min(group.paths, *most);
  std::erase_if(queue_, [](const Group& group) {
    return group.paths == 0 && group.next == group.flips.size() && !group.flips.empty();
  });
}

SourceChoice::SourceChoice(std::optional<double> path_solves, Index order)
    : trust_in_paths_(order == 1 ? kTrustInPaths : 1.0),
      n_sources_(path_solves ? kIndependentSources : kIndependentSources - 1) {
  for (Tally& tally : tallies_) tally.expected = kTypicalSolves;
  if (path_solves) tallies_[static_cast<std::size_t>(StartSource::path)].expected = *path_solves;
  update();
}

void SourceChoice::record(StartSource source, double n_solves, bool hit, bool fresh) {
  Tally& tally = tallies_[static_cast<std::size_t>(source)];
  tally.solves += n_solves;
  ++tally.restarts;
  tally.hits += hit ? 1.0 : 0.0;
  tally.fresh += fresh ? 1.0 : 0.0;
}

void SourceChoice::update() {
  // New cycles count most, any cycle a little; a prior keeps an untried source attractive, and no
  // source's share of the solves falls below a tenth: what finds nothing now may be the only way to
  // what is left.
  std::array<double, kIndependentSources> weights{};
  double total = 0.0;
  for (std::size_t s = 0; s < n_sources_; ++s) {
    const Tally& tally = tallies_[s];
    const double trust = s == static_cast<std::size_t>(StartSource::path) ? trust_in_paths_ : 1.0;
    weights[s] = (trust + tally.fresh + 0.05 * tally.hits) / (20.0 + tally.solves);
    total += weights[s];
  }
  const bool paths = n_sources_ == kIndependentSources;
  double sum = 0.0;
  for (std::size_t s = 0; s < n_sources_; ++s) {
    const Tally& tally = tallies_[s];
    const double share = 0.1 + (1.0 - 0.1 * static_cast<double>(n_sources_)) * weights[s] / total;
    // The others' restarts take about as many solves as each other.
    const double solves =
        paths ? (kPriorRestarts * tally.expected + tally.solves) / (kPriorRestarts + tally.restarts)
              : 1.0;
    sum += share / solves;
    cumulative_[s] = sum;
  }
  if (paths) {
    for (double& bound : cumulative_) bound /= sum;
  }
}

StartSource SourceChoice::draw(RandomStream& stream) const {
  const double u = stream.uniform();
  std::size_t s = 0;
  while (s + 1 < n_sources_ && u >= cumulative_[s]) ++s;
  return static_cast<StartSource>(s);
}

}  // namespace rnndyn

#include "bifurcation/branch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bifurcation/refine.hpp"
#include "bifurcation/stability.hpp"

namespace rnndyn {
namespace {

// Roots closer than this count as one place. Nothing is lost by it: what lies between two borders
// met so shortly one after the other is joined by the same combinations of flipped bits.
constexpr double kSamePlace = 1e-10;
// Roots this close to an end of the path are at the end.
constexpr double kAtEnd = 1e-12;
// A "root" this wide is a stretch on which the function cannot be told from zero.
constexpr double kWide = 1e-5;

EventKind kind_of(const PathSystem& system, std::size_t function) {
  const auto n = static_cast<std::size_t>(system.order() * system.n_relevant());
  if (function < n) return EventKind::border_collision;
  return function == n ? EventKind::degenerate_transcritical : EventKind::degenerate_flip;
}

double nearest_multiplier_distance(PathSystem& system, double s, double target) {
  const Multipliers found = multipliers(system.jacobians(s));
  double distance = std::numeric_limits<double>::infinity();
  for (const auto& mu : found.values) distance = std::min(distance, std::abs(mu - target));
  return distance;
}

// Whether the pre-activations have the signs of the itinerary; those listed in `ignored` (as
// function numbers) may have any. One that vanishes everywhere counts as off.
bool has_signs(const PathSystem& system, const PathSample& sample,
               const std::vector<char>& vanishes, const std::vector<std::size_t>* ignored) {
  const std::vector<Index>& units = system.path().relevant_units();
  for (Index t = 0; t < system.order(); ++t) {
    for (Index j = 0; j < system.n_relevant(); ++j) {
      const auto f = static_cast<std::size_t>(t * system.n_relevant() + j);
      const bool bit = get_bit(system.itinerary().at(t), units[static_cast<std::size_t>(j)]);
      if (vanishes[f] != 0) {
        if (bit) return false;
      } else if ((sample.preactivations[f] > 0.0) != bit) {
        if (ignored == nullptr || std::find(ignored->begin(), ignored->end(), f) == ignored->end())
          return false;
      }
    }
  }
  return true;
}

double largest_point(const PathSample& sample) {
  double largest = 0.0;
  for (const double z : sample.points) largest = std::max(largest, std::abs(z));
  return largest;
}

// A cycle that goes to infinity grows as the inverse distance; one that stays finite does not.
bool diverges(PathSystem& system, double s) {
  constexpr double kFar = 1e-5;
  constexpr double kRatio = 100.0;
  PathSample sample;
  double growth = 0.0;
  for (const double side : {-1.0, 1.0}) {
    system.sample(s + side * kFar, sample);
    const double far = largest_point(sample);
    system.sample(s + side * kFar / kRatio, sample);
    growth = std::max(growth, largest_point(sample) / far);
  }
  return growth > 0.1 * kRatio;
}

struct Place {
  double lower, upper;
  std::vector<RootInterval> roots;
};

std::vector<Place> places_of(const RootSolution& solution, std::size_t n_functions) {
  std::vector<RootInterval> roots;
  for (const RootInterval& r : solution.roots) {
    if (r.function < n_functions && r.error() < kWide) roots.push_back(r);
  }
  std::sort(roots.begin(), roots.end(),
            [](const RootInterval& a, const RootInterval& b) { return a.lower < b.lower; });
  std::vector<Place> places;
  for (const RootInterval& r : roots) {
    if (!places.empty() && r.lower <= places.back().upper + kSamePlace) {
      places.back().upper = std::max(places.back().upper, r.upper);
      places.back().roots.push_back(r);
    } else {
      places.push_back({r.lower, r.upper, {r}});
    }
  }
  return places;
}

class Analysis {
 public:
  Analysis(const CanonicalPath& path, const Itinerary& itinerary) : system_(path, itinerary) {
    branch_.itinerary = itinerary;
  }

  Branch run() {
    const auto n_border = static_cast<std::size_t>(system_.order() * system_.n_relevant());
    roots_ = system_roots(system_, true);
    branch_.unresolved = roots_.unresolved;
    if (roots_.vanishes[n_border] != 0) {
      // Where only the determinant vanishes the system has no solution; where all N_{t,i} vanish
      // with it there may be a continuum for every s.
      branch_.singular_everywhere = std::all_of(roots_.vanishes.begin(), roots_.vanishes.end() - 1,
                                                [](char v) { return v != 0; });
      return std::move(branch_);
    }
    if (roots_.skipped.size() == roots_.joints.size() + 1) return std::move(branch_);
    for (const RootInterval& r : roots_.roots) {
      if (r.function <= n_border && r.error() >= kWide) branch_.unresolved.push_back(r.middle());
    }
    places_ = places_of(roots_, n_border + 1);
    find_stretches(n_border);
    if (!branch_.stretches.empty()) analyse_stability(system_, roots_, branch_);
    return std::move(branch_);
  }

 private:
  struct Piece {
    double begin, end;
    int begin_cut, end_cut;
    int sign = 0;
    bool real = false;
  };

  int cut_of(const Place& place, std::size_t n_border) {
    Cut cut;
    cut.lower = place.lower;
    cut.upper = place.upper;
    cut.s = 0.5 * (place.lower + place.upper);
    if (std::abs(cut.s) <= kAtEnd + place.upper - place.lower) cut.s = 0.0;
    if (std::abs(cut.s - 1.0) <= kAtEnd + place.upper - place.lower) cut.s = 1.0;
    for (const RootInterval& r : place.roots) {
      if (r.function == n_border) {
        cut.singular = true;
      } else {
        const auto f = static_cast<Index>(r.function);
        const auto j = static_cast<std::size_t>(f % system_.n_relevant());
        cut.vanishing.push_back({f / system_.n_relevant(), system_.path().relevant_units()[j]});
      }
    }
    branch_.cuts.push_back(std::move(cut));
    return static_cast<int>(branch_.cuts.size()) - 1;
  }

  void find_stretches(std::size_t n_border) {
    std::vector<Piece> pieces;
    double at = 0.0;
    int cut = -1;
    std::size_t joint = 0;
    const auto close = [&](double end, int end_cut) {
      while (joint < roots_.joints.size() && roots_.joints[joint] < end) {
        const double s = roots_.joints[joint++];
        if (s <= at) continue;
        pieces.push_back({at, s, cut, -1});
        at = s;
        cut = -1;
      }
      if (end > at) pieces.push_back({at, end, cut, end_cut});
      at = end;
      cut = end_cut;
    };
    for (const Place& place : places_) {
      const int next = cut_of(place, n_border);
      const double s = branch_.cuts.back().s;
      if (s <= 0.0) {
        cut = next;
      } else {
        close(std::min(s, 1.0), next);
      }
    }
    if (at < 1.0) close(1.0, -1);
    PathSample sample;
    for (Piece& piece : pieces) {
      system_.sample(0.5 * (piece.begin + piece.end), sample);
      piece.sign = sample.determinant.sign();
      piece.real = has_signs(system_, sample, roots_.vanishes, nullptr);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const Piece& piece = pieces[i];
      if (!piece.real) continue;
      const bool joined = i > 0 && pieces[i - 1].real && !parts(piece.begin_cut, n_border);
      if (joined) {
        Stretch& last = branch_.stretches.back();
        if (piece.begin_cut >= 0) touched(piece.begin_cut, pieces[i - 1], piece);
        last.end = piece.end;
        last.end_cut = piece.end_cut;
        last.end_sign = piece.sign;
      } else {
        branch_.stretches.push_back(
            {piece.begin, piece.end, piece.begin_cut, piece.end_cut, piece.sign, piece.sign});
      }
    }
    for (Stretch& stretch : branch_.stretches) {
      refine(stretch.begin_cut, n_border);
      refine(stretch.end_cut, n_border);
      if (stretch.begin_cut >= 0) stretch.begin = cut_at(stretch.begin_cut).s;
      if (stretch.end_cut >= 0) stretch.end = cut_at(stretch.end_cut).s;
    }
    if (!pieces.empty()) {
      contact(0, pieces.front().begin_cut, pieces.front(), n_border);
      contact(1, pieces.back().end_cut, pieces.back(), n_border);
    }
  }

  Cut& cut_at(int cut) { return branch_.cuts[static_cast<std::size_t>(cut)]; }

  // Whether a cut with the cycle real on both sides still parts it in two.
  bool parts(int cut, std::size_t n_border) {
    if (cut < 0 || !cut_at(cut).singular) return false;
    refine(cut, n_border);
    return cut_at(cut).diverges;
  }

  // The cycle is real on both sides of a border or of a singular place that it passes.
  void touched(int index, const Piece& before, const Piece& after) {
    const Place& place = places_[static_cast<std::size_t>(index)];
    for (const RootInterval& r : place.roots) {
      const PathRoot root = refined_root(system_, r);
      // N = p d changes its sign where d does, whatever p does.
      if (root.kind == EventKind::border_collision && before.sign != after.sign) continue;
      branch_.inner.push_back({root, -1, -1});
    }
  }

  void refine(int index, std::size_t n_border) {
    if (index < 0 || cut_at(index).refined) return;
    Cut& cut = cut_at(index);
    cut.refined = true;
    const Place& place = places_[static_cast<std::size_t>(index)];
    // Of several the best known one stands for all.
    const RootInterval* best = nullptr;
    for (const RootInterval& r : place.roots) {
      const bool singular = r.function == n_border;
      if (singular && !cut.vanishing.empty()) continue;
      if (best == nullptr || r.error() < best->error()) best = &r;
    }
    const PathRoot root = refined_root(system_, *best);
    if (cut.s != 0.0 && cut.s != 1.0) cut.s = std::clamp(root.s, 0.0, 1.0);
    cut.lower = std::min(root.lower, cut.s);
    cut.upper = std::max(root.upper, cut.s);
    cut.residual = root.residual;
    cut.converged = root.converged;
    if (cut.singular) cut.diverges = diverges(system_, cut.s);
  }

  // A cycle on a border exactly at an end of the path, real there but not next to it.
  void contact(int end, int index, const Piece& piece, std::size_t n_border) {
    if (index < 0 || piece.real) return;
    const Cut& cut = cut_at(index);
    const double s = end == 0 ? 0.0 : 1.0;
    if (cut.s != s || cut.singular) return;
    std::vector<std::size_t> ignored;
    for (const RootInterval& r : places_[static_cast<std::size_t>(index)].roots) {
      ignored.push_back(r.function);
    }
    PathSample sample;
    system_.sample(s, sample);
    if (!has_signs(system_, sample, roots_.vanishes, &ignored)) return;
    refine(index, n_border);
    branch_.contact_cut[end] = index;
    branch_.contact_n_unstable[end] = multipliers_at(system_, s).n_outside();
    branch_.contact_sign[end] = piece.sign;
  }

  PathSystem system_;
  Branch branch_;
  RootSolution roots_;
  std::vector<Place> places_;
};

}  // namespace

RootSolution system_roots(PathSystem& system, bool only_real) {
  const auto n_border = static_cast<std::size_t>(system.order() * system.n_relevant());
  std::vector<char> bits(n_border);
  for (std::size_t f = 0; f < n_border; ++f) {
    const auto t = static_cast<Index>(f) / system.n_relevant();
    const auto j = f % static_cast<std::size_t>(system.n_relevant());
    bits[f] = get_bit(system.itinerary().at(t), system.path().relevant_units()[j]) ? 1 : 0;
  }
  RootProblem problem;
  problem.n_functions = n_border + 2;
  problem.n_first_group = n_border + 1;
  problem.degree_bound = system.degree_bound();
  PathSample sample;
  problem.evaluate = [&](double s, FunctionValues& out) {
    system.sample(s, sample);
    out.values.resize(n_border + 2);
    out.noise.resize(n_border + 2);
    const double d = sample.determinant.mantissa;
    for (std::size_t f = 0; f < n_border; ++f) {
      out.values[f] = sample.preactivations[f] * d;
      out.noise[f] = sample.noise[f];
    }
    out.values[n_border] = d;
    out.noise[n_border] = sample.determinant_noise;
    out.values[n_border + 1] = sample.flip_determinant.mantissa;
    out.noise[n_border + 1] = sample.flip_noise;
    out.exponents[0] = sample.determinant.exponent;
    out.exponents[1] = sample.flip_determinant.exponent;
  };
  if (only_real) {
    // A pre-activation that has the wrong sign all along leaves no room for a real cycle.
    problem.skip = [&bits, n_border](const std::vector<int>& signs) {
      const int d = signs[n_border];
      if (d == 0) return false;
      for (std::size_t f = 0; f < n_border; ++f) {
        if (signs[f] != 0 && (signs[f] == d) != (bits[f] != 0)) return true;
      }
      return false;
    };
  }
  return find_roots(problem, 0.0, 1.0);
}

PathRoot refined_root(PathSystem& system, const RootInterval& interval) {
  const auto n_border = static_cast<std::size_t>(system.order() * system.n_relevant());
  PathRoot root;
  root.kind = kind_of(system, interval.function);
  PathSample sample;
  const RefinedRoot found = refine_root(
      [&](double s) {
        system.sample(s, sample);
        if (interval.function == n_border) return sample.determinant;
        if (interval.function == n_border + 1) return sample.flip_determinant;
        ScaledValue value = sample.determinant;
        value.multiply(sample.preactivations[interval.function]);
        return value;
      },
      interval.lower, interval.upper);
  root.s = std::clamp(found.s, 0.0, 1.0);
  root.lower = found.lower;
  root.upper = found.upper;
  root.converged = found.converged;
  if (root.kind == EventKind::border_collision) {
    const auto f = static_cast<Index>(interval.function);
    root.time_index = f / system.n_relevant();
    root.unit = system.path().relevant_units()[static_cast<std::size_t>(f % system.n_relevant())];
    system.sample(root.s, sample);
    root.residual = std::abs(sample.preactivations[interval.function]);
  } else {
    const double target = root.kind == EventKind::degenerate_transcritical ? 1.0 : -1.0;
    root.residual = nearest_multiplier_distance(system, root.s, target);
  }
  return root;
}

Branch analyse_branch(const CanonicalPath& path, const Itinerary& itinerary) {
  return Analysis(path, itinerary).run();
}

std::vector<PathRoot> events_on_path(const CanonicalPath& path, const Itinerary& itinerary) {
  PathSystem system(path, itinerary);
  std::vector<PathRoot> events;
  for (const RootInterval& interval : system_roots(system, false).roots) {
    if (interval.error() < kWide) events.push_back(refined_root(system, interval));
  }
  std::stable_sort(events.begin(), events.end(),
                   [](const PathRoot& a, const PathRoot& b) { return a.s < b.s; });
  return events;
}

}  // namespace rnndyn

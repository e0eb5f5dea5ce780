#include "bifurcation/branch.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "bifurcation/continuum.hpp"
#include "bifurcation/identities.hpp"
#include "bifurcation/stability.hpp"

namespace rnndyn {
namespace {

// Roots closer than this count as one place. Nothing is lost by it: what lies between two borders
// met so shortly one after the other is joined by the same combinations of flipped bits.
constexpr double kSamePlace = 1e-10;
// Brackets of zeros that are polished show them apart from here on.
constexpr double kRounding = 1e-14;
// Points of a cycle closer than this, relative to their size, are one.
constexpr double kSamePoint = 1e-8;

// What RootSolution::vanishes says of a function: it is zero, or only not to be told from zero.
constexpr char kZero = 1;
constexpr char kHidden = 2;

// Whether the pre-activations have the signs of the itinerary, and whether rounding errors leave
// that open.
struct Fit {
  bool real = false;
  bool doubt = false;
  bool on_border = false;  // it would be real if what vanishes everywhere counted as on
};

// Those listed in `ignored` (as function numbers) may have any sign. One that is zero everywhere
// counts as off.
Fit fit(const PathSystem& system, const PathSample& sample, const std::vector<char>& vanishes,
        const std::vector<RootInterval>* ignored) {
  const std::vector<Index>& units = system.path().relevant_units();
  const double size = std::abs(sample.determinant.mantissa);
  bool real = true;
  bool uncertain = false;
  bool on_border = false;
  // With the sign of the determinant as computed, and with the other one where that may be.
  bool possible = true;
  bool possible_turned = sample.singular;
  for (Index t = 0; t < system.order(); ++t) {
    for (Index j = 0; j < system.n_relevant(); ++j) {
      const auto f = static_cast<std::size_t>(t * system.n_relevant() + j);
      const bool bit = get_bit(system.itinerary().at(t), units[static_cast<std::size_t>(j)]);
      if (vanishes[f] == kZero) {
        on_border = on_border || bit;
        continue;
      }
      const double p = sample.preactivations[f];
      const bool fits = (p > 0.0) == bit;
      const bool certain = vanishes[f] != kHidden && std::abs(p) * size > sample.noise[f];
      if (fits && certain && !possible_turned) continue;
      if (ignored != nullptr &&
          std::any_of(ignored->begin(), ignored->end(),
                      [&](const RootInterval& r) { return r.function == f; })) {
        continue;
      }
      real = real && fits;
      if (certain) {
        (fits ? possible_turned : possible) = false;
        if (!possible && !possible_turned) return {};
      } else {
        uncertain = true;
      }
    }
  }
  if (on_border) return {false, false, real};
  return {real, uncertain || possible_turned, false};
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
  Analysis(const CanonicalPath& path, const Itinerary& itinerary, Control* control)
      : system_(path, itinerary, control) {
    branch_.itinerary = itinerary;
  }

  Branch run() {
    const auto n_border = static_cast<std::size_t>(system_.order() * system_.n_relevant());
    roots_ = system_roots(system_, true);
    branch_.unresolved = roots_.unresolved;
    const bool skipped = roots_.skipped.size() == roots_.joints.size() + 1;
    if (keep_identities(n_border)) {
      // Where only the determinant vanishes the system has no solution; where all N_{t,i} vanish
      // with it there may be a continuum for every s.
      branch_.singular_everywhere = std::all_of(roots_.vanishes.begin(), roots_.vanishes.end() - 1,
                                                [](char v) { return v != 0; });
      if (!branch_.singular_everywhere) {
        for (const Place& place : places_of(roots_, n_border)) note_continuum(place, n_border);
      }
      return std::move(branch_);
    }
    if (skipped) return std::move(branch_);
    if (determinant_hidden_) {
      branch_.unresolved.push_back(0.5);
      return std::move(branch_);
    }
    for (const RootInterval& r : roots_.roots) {
      if (r.function <= n_border && r.error() >= kWide) branch_.unresolved.push_back(r.middle());
    }
    places_ = places_of(roots_, n_border + 1);
    find_stretches(n_border);
    if (!branch_.on_border.empty()) turn_off(n_border);
    if (!branch_.stretches.empty()) analyse_stability(system_, roots_, branch_);
    branch_.flips_everywhere = !branch_.stretches.empty() && roots_.vanishes[n_border + 1] != 0;
    return std::move(branch_);
  }

 private:
  struct Piece {
    double begin, end;
    int begin_cut, end_cut;
    int sign = 0;
    bool real = false;
    // Real but for what vanishes at this end.
    bool fits_begin = false;
    bool fits_end = false;
  };

  // Of the functions that vanish within rounding from end to end, tells those that are zero from
  // those that only hide: where their sign matters it is in doubt. Returns whether the determinant
  // is zero at every s.
  bool keep_identities(std::size_t n_border) {
    const auto first = roots_.vanishes.begin();
    const auto last = first + static_cast<std::ptrdiff_t>(n_border) + 1;
    if (std::find(first, last, 1) == last) return false;
    const Identities exact = identities_of(system_.path(), system_.itinerary());
    if (exact.determinant) return true;
    for (std::size_t f = 0; f < n_border; ++f) {
      if (roots_.vanishes[f] != 0 && exact.preactivations[f] == 0) roots_.vanishes[f] = kHidden;
    }
    determinant_hidden_ = roots_.vanishes[n_border] != 0;
    return false;
  }

  // The same cycle with the bits off that vanish on the whole path.
  void turn_off(std::size_t n_border) {
    branch_.turned_off = branch_.itinerary;
    for (std::size_t f = 0; f < n_border; ++f) {
      if (roots_.vanishes[f] != kZero) continue;
      const auto j = f % static_cast<std::size_t>(system_.n_relevant());
      const auto t = static_cast<Index>(f) / system_.n_relevant();
      set_bit(branch_.turned_off.at(t), system_.path().relevant_units()[j], false);
    }
    branch_.turned_off = system_.path().canonical(std::move(branch_.turned_off));
    const Index period = branch_.turned_off.order;
    if (period == system_.order()) return;
    // A cycle of smaller order stands for it only if it is that cycle.
    system_.sample(branch_.on_border.front(), sample_);
    const auto shift = static_cast<std::ptrdiff_t>(period * system_.path().n_states());
    double difference = 0.0;
    for (auto z = sample_.points.begin(); z + shift < sample_.points.end(); ++z) {
      difference = std::max(difference, std::abs(*z - *(z + shift)));
    }
    if (difference > kSamePoint * (1.0 + largest_point(sample_))) {
      branch_.turned_off = branch_.itinerary;
    }
  }

  // A place counts as an end of the path where rounding cannot tell the two apart: first it is made
  // as narrow as fresh solutions make it.
  void narrow_at_end(Place& place) {
    const double width = place.upper - place.lower;
    const double middle = 0.5 * (place.lower + place.upper);
    if (width <= kAtEnd || std::min(std::abs(middle), std::abs(middle - 1.0)) > kAtEnd + width) {
      return;
    }
    double lower = std::numeric_limits<double>::infinity();
    double upper = -lower;
    for (RootInterval& r : place.roots) {
      const PathRoot root = refined_root(system_, r);
      if (root.converged) {
        r.lower = root.lower;
        r.upper = root.upper;
      }
      lower = std::min(lower, r.lower);
      upper = std::max(upper, r.upper);
    }
    place.lower = lower;
    place.upper = upper;
  }

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
    for (Place& place : places_) {
      narrow_at_end(place);
      const int next = cut_of(place, n_border);
      const double s = branch_.cuts.back().s;
      if (s <= 0.0) {
        cut = next;
      } else {
        close(std::min(s, 1.0), next);
      }
    }
    if (at < 1.0) close(1.0, -1);
    for (Piece& piece : pieces) look_at(piece);
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
      // An end that no zero explains.
      if (stretch.begin_cut < 0 && stretch.begin > 0.0) branch_.unresolved.push_back(stretch.begin);
      if (stretch.end_cut < 0 && stretch.end < 1.0) branch_.unresolved.push_back(stretch.end);
      refine(stretch.begin_cut, n_border);
      refine(stretch.end_cut, n_border);
      if (stretch.begin_cut >= 0) stretch.begin = cut_at(stretch.begin_cut).s;
      if (stretch.end_cut >= 0) stretch.end = cut_at(stretch.end_cut).s;
    }
    find_contacts(pieces, n_border);
  }

  void look_at(Piece& piece) {
    const double middle = 0.5 * (piece.begin + piece.end);
    system_.sample(middle, sample_);
    piece.sign = sample_.determinant.sign();
    const Fit own = fit(system_, sample_, roots_.vanishes, nullptr);
    piece.real = own.real;
    if (own.doubt) branch_.unresolved.push_back(middle);
    if (own.on_border) branch_.on_border.push_back(middle);
    const auto fits = [&](int cut) {
      if (cut < 0 || piece.real) return false;
      const Place& place = places_[static_cast<std::size_t>(cut)];
      return fit(system_, sample_, roots_.vanishes, &place.roots).real;
    };
    piece.fits_begin = fits(piece.begin_cut);
    piece.fits_end = fits(piece.end_cut);
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
    note_merged(place, *best, root, n_border);
    if (!cut.singular) return;
    cut.diverges = diverges(system_, cut.s);
    if (!cut.diverges || cut.vanishing.empty()) return;
    // A pre-activation that stays finite while the cycle diverges vanishes in N = p d only.
    for (const RootInterval& r : place.roots) {
      if (r.function == n_border) cut.residual = refined_root(system_, r).residual;
    }
  }

  // One event stands for all zeros of a place. Where rounding cannot explain that they are apart,
  // neither with the polynomials nor with fresh solutions, that is more than can be said.
  void note_merged(const Place& place, const RootInterval& best, const PathRoot& root,
                   std::size_t n_border) {
    for (const RootInterval& r : place.roots) {
      if (r.function == n_border || (r.lower <= best.upper && best.lower <= r.upper)) continue;
      const PathRoot other = refined_root(system_, r);
      if (!root.converged || !other.converged) continue;
      if (other.lower > root.upper + kRounding || root.lower > other.upper + kRounding) {
        branch_.merged.push_back(root.s);
        return;
      }
    }
  }

  // Cuts where the cycle lies on borders and is real there, but on neither side.
  void find_contacts(const std::vector<Piece>& pieces, std::size_t n_border) {
    for (std::size_t i = 0; i <= pieces.size(); ++i) {
      const Piece* left = i > 0 ? &pieces[i - 1] : nullptr;
      const Piece* right = i < pieces.size() ? &pieces[i] : nullptr;
      const int index = right != nullptr && right->begin_cut >= 0 ? right->begin_cut
                        : left != nullptr                         ? left->end_cut
                                                                  : -1;
      if (index < 0 || (left != nullptr && left->real) || (right != nullptr && right->real))
        continue;
      // Between two models what vanishes decides on both sides; at an end of the path on one.
      const bool left_fits = left == nullptr || left->end_cut != index || left->fits_end;
      const bool right_fits = right == nullptr || right->begin_cut != index || right->fits_begin;
      const Place& place = places_[static_cast<std::size_t>(index)];
      if (cut_at(index).singular) {
        note_continuum(place, n_border);
      } else if (left_fits && right_fits) {
        refine(index, n_border);
        branch_.contacts.push_back({index, right != nullptr ? right->sign : left->sign,
                                    multipliers_at(system_, cut_at(index).s).n_outside()});
      }
    }
  }

  // Where all functions vanish with the determinant there can be a line of cycles.
  void note_continuum(const Place& place, std::size_t n_border) {
    for (std::size_t f = 0; f < n_border; ++f) {
      if (roots_.vanishes[f] == 0 &&
          std::none_of(place.roots.begin(), place.roots.end(),
                       [&](const RootInterval& r) { return r.function == f; })) {
        return;
      }
    }
    const double s = std::clamp(0.5 * (place.lower + place.upper), 0.0, 1.0);
    if (may_have_continuum(system_, s)) branch_.continua.push_back(s);
  }

  PathSystem system_;
  PathSample sample_;
  Branch branch_;
  RootSolution roots_;
  std::vector<Place> places_;
  bool determinant_hidden_ = false;  // not zero, but within rounding of it on the whole path
};

}  // namespace

Branch analyse_branch(const CanonicalPath& path, const Itinerary& itinerary, Control* control) {
  return Analysis(path, itinerary, control).run();
}

}  // namespace rnndyn

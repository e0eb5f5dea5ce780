#include "proof/cell_cover.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "proof/cell_certificate.hpp"
#include "proof/cell_notes.hpp"
#include "proof/cell_steps.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// A bound is not looked at again for less than this part of the cell's width.
constexpr double kNegligible = 2e-3;
// Faces are looked at in turn when there are more programs to solve than this.
constexpr std::size_t kProgramsAtOnce = 100'000;
// The cover has come to rest when an iteration leaves more than this part of the cells' widths.
constexpr double kSlow = 0.97;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

// Cuts a cell down; returns the sum over faces of new width : old width, or -1 when it is empty.
double shrink(Cell& cell, const CellBounds& hull) {
  double kept = 0.0;
  for (std::size_t f = 0; f < cell.lower.size(); ++f) {
    const double before = cell.upper[f] - cell.lower[f];
    if (!hull.why.empty()) {
      for (const bool upper : {false, true}) {
        const Reason& reason = hull.why[side_of(f, upper)];
        if (reason) cell.why[side_of(f, upper)] = reason;
      }
    }
    cell.lower[f] = std::max(cell.lower[f], hull.lower[f]);
    cell.upper[f] = std::min(cell.upper[f], hull.upper[f]);
    if (cell.lower[f] > cell.upper[f]) return -1.0;
    kept += before > 0.0 ? (cell.upper[f] - cell.lower[f]) / before : 1.0;
  }
  return kept;
}

ProofTree joined_record(const CellRecord& record, const std::vector<Cell>& cells) {
  std::vector<const Reasons*> bounds;
  std::vector<std::int32_t> numbers;
  for (const Cell& cell : cells) {
    bounds.push_back(&cell.why);
    numbers.push_back(static_cast<std::int32_t>(cell.number));
  }
  return record.joined(bounds, numbers);
}

class CoverSearch {
 public:
  CoverSearch(CellCover& cover, const Box& box, Index longest, int n_threads, Control& control,
              CellRecord* record)
      : cover_(cover),
        notes_(record, static_cast<std::size_t>(cover.faces.size())),
        size_(box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs())),
        longest_(longest),
        n_threads_(n_threads),
        control_(control),
        n_faces_(static_cast<std::size_t>(cover.faces.size())),
        scratch_(static_cast<std::size_t>(std::max(1, n_threads))),
        images_(cover.cells.size()),
        forward_(cover.cells.size()),
        backward_(cover.cells.size()) {
    for (std::size_t q = 0; q < cover.cells.size(); ++q) {
      cover.cells[q].number = q;
      cover.cells[q].why = notes_.no_reasons();
    }
  }

  // One iteration with images of whole cells. Returns the mean width kept.
  double coarse_iteration() {
    const std::size_t n = cover_.cells.size();
    const CellTree tree(cover_.cells);
    std::vector<CellBounds> images(n, CellBounds(0));
    std::vector<std::vector<Index>> successors(n);
    const std::shared_ptr<CoarseRound> round = notes_.begin_round(cover_.cells, images_.size());
    std::vector<CellNotes::Claims> claims(n);
    parallel_for(n, n_threads_, [&](std::size_t q, int thread) {
      if (control_.stop_requested()) return;
      const CellSteps programs(cover_.faces, cover_.cells[q], size_);
      if (programs.empty()) {
        notes_.empty(claims[q], cover_.cells[q], programs.base());
        return;
      }
      Reasons why = notes_.no_reasons();
      images[q] = programs.image(notes_.images(claims[q], cover_.cells[q], why));
      images[q].why = std::move(why);
      successors[q] =
          tree.successors(programs, images[q], steps_known_ ? &cover_.cells[q].successors : nullptr,
                          scratch_[static_cast<std::size_t>(thread)],
                          notes_.refusals(claims[q], cover_.cells, q, images[q], round));
    });
    if (control_.stop_requested()) return 1.0;
    notes_.keep(claims);
    std::vector<CellBounds> hulls(n, CellBounds(n_faces_));
    for (std::size_t q = 0; q < n; ++q) {
      cover_.cells[q].successors = std::move(successors[q]);
      for (const Index r : cover_.cells[q].successors) hulls[at(r)].join(images[q]);
      if (round) round->images[cover_.cells[q].number] = images[q].why;
      images_[cover_.cells[q].number] = std::move(images[q]);
    }
    notes_.cut_to_images(cover_.cells, hulls, round);
    steps_known_ = true;
    return shrink_all(hulls);
  }

  // One iteration with a program for every step.
  double fine_iteration() {
    const std::size_t n = cover_.cells.size();
    // With many steps only some of the faces are looked at in turn, the thinnest directions first.
    const std::size_t n_steps = cover_.n_steps();
    const std::size_t n_now = std::clamp<std::size_t>(kProgramsAtOnce / (2 * n_steps), 1, n_faces_);
    looked_at_.clear();
    for (std::size_t i = 0; i < n_now; ++i) {
      looked_at_.push_back(n_faces_ - 1 - (n_looked_at_++ % n_faces_));
    }
    std::vector<CellSteps> programs(n);
    std::vector<CellNotes::Claims> claims(n);
    parallel_for(n, n_threads_, [&](std::size_t q, int) {
      if (control_.stop_requested()) return;
      programs[q] = CellSteps(cover_.faces, cover_.cells[q], size_);
      if (programs[q].empty()) notes_.empty(claims[q], cover_.cells[q], programs[q].base());
    });
    if (control_.stop_requested()) return 1.0;
    notes_.keep(claims);
    std::vector<std::vector<std::size_t>> predecessors(n);
    for (std::size_t q = 0; q < n; ++q) {
      for (const Index r : cover_.cells[q].successors) predecessors[at(r)].push_back(q);
    }
    std::vector<CellBounds> hulls(n, CellBounds(n_faces_));
    parallel_for(n, n_threads_, [&](std::size_t r, int thread) {
      join_images(r, programs, predecessors[r], hulls[r], claims[r], thread);
    });
    if (control_.stop_requested()) return 1.0;
    notes_.keep(claims);
    for (Cell& cell : cover_.cells) cell.successors.clear();
    for (std::size_t r = 0; r < n; ++r) {
      for (const std::size_t q : predecessors[r]) {
        cover_.cells[q].successors.push_back(static_cast<Index>(r));
      }
    }
    parallel_for(n, n_threads_, [&](std::size_t q, int thread) {
      join_preimages(q, programs, hulls[q], claims[q], thread);
    });
    if (control_.stop_requested()) return 1.0;
    notes_.keep(claims);
    // Faces that were not looked at have kept all of their width.
    const double kept = shrink_all(hulls);
    return std::max(0.0, 1.0 - (1.0 - kept) * static_cast<double>(n_faces_) /
                                   static_cast<double>(looked_at_.size()));
  }

  // About how many linear programs an iteration takes.
  double programs_per_iteration() const {
    const auto n_steps = static_cast<double>(cover_.n_steps());
    return std::min(n_steps * static_cast<double>(2 * n_faces_),
                    static_cast<double>(kProgramsAtOnce));
  }
  // After how many all faces have been looked at.
  int iterations_per_round() const {
    return static_cast<int>((n_faces_ + looked_at_.size() - 1) /
                            std::max<std::size_t>(1, looked_at_.size()));
  }
  bool dropped_by_length() const { return dropped_by_length_; }

 private:
  // Bounds that a step once allowed still hold: everything shrinks. Most steps need no new look.
  struct Known {
    std::size_t number;  // of the cell at the other end
    CellBounds bounds;
  };
  struct Candidate {
    std::size_t cell;
    std::size_t number;
    CellProgram* program;
    CellBounds bounds;
  };

  // The programs of the steps that are still possible.
  template <typename Enter, typename Owner, typename FirstBounds>
  std::vector<Candidate> step_programs(const std::vector<std::size_t>& others,
                                       const std::vector<Known>& known, const Enter& enter,
                                       const std::vector<CellSteps>& programs, const Owner& owner,
                                       const FirstBounds& first, int thread) {
    std::vector<CellProgram>& scratch = scratch_[static_cast<std::size_t>(thread)];
    if (scratch.size() < others.size()) scratch.resize(others.size());
    std::vector<Candidate> candidates;
    for (const std::size_t other : others) {
      if (control_.stop_requested()) break;
      if (programs[owner(other)].empty()) continue;
      CellProgram& program = scratch[candidates.size()];
      program.copy_used(programs[owner(other)].base());
      if (!enter(other, program)) continue;
      const std::size_t number = cover_.cells[other].number;
      const auto place =
          std::lower_bound(known.begin(), known.end(), number,
                           [](const Known& k, std::size_t value) { return k.number < value; });
      const bool found = place != known.end() && place->number == number;
      candidates.push_back({other, number, &program, found ? place->bounds : first(number)});
    }
    return candidates;
  }

  // The hull, over all candidates, of what the program of each allows; looks only at those that may
  // reach furthest.
  // `explain` and `cut` record why a bound of a candidate, and one of the hull, are what they are.
  template <typename Evaluate, typename Explain, typename Cut>
  void join_candidates(std::vector<Candidate>& candidates, const std::vector<double>& lower,
                       const std::vector<double>& upper, CellBounds& hull, const Evaluate& evaluate,
                       const Explain& explain, const Cut& cut) const {
    hull.lower = lower;
    hull.upper = upper;
    hull.why = notes_.no_reasons();
    if (candidates.empty()) {
      hull = CellBounds(n_faces_);
      return;
    }
    std::vector<double> reach(candidates.size());  // known of the candidates
    std::vector<char> fresh(candidates.size());
    for (const std::size_t f : looked_at_) {
      const double enough = kNegligible * (upper[f] - lower[f]);
      for (const double sign : {1.0, -1.0}) {
        const double own = sign > 0.0 ? upper[f] : -lower[f];
        for (std::size_t c = 0; c < candidates.size(); ++c) {
          const CellBounds& bounds = candidates[c].bounds;
          reach[c] = sign > 0.0 ? bounds.upper[f] : -bounds.lower[f];
          fresh[c] = 0;
        }
        double best_fresh = -kInfinity;
        double result = own;
        while (best_fresh < own) {
          const auto furthest = static_cast<std::size_t>(
              std::max_element(reach.begin(), reach.end()) - reach.begin());
          result = reach[furthest];
          if (fresh[furthest] != 0 || result <= best_fresh + enough) break;
          CellBounds& bounds = candidates[furthest].bounds;
          const double value =
              std::min(result, evaluate(candidates[furthest], static_cast<Index>(f), sign));
          if (notes_.wanted() && value < result) {
            bounds.why[side_of(f, sign > 0.0)] =
                explain(candidates[furthest], static_cast<Index>(f), sign);
          }
          (sign > 0.0 ? bounds.upper[f] : bounds.lower[f]) = sign * value;
          reach[furthest] = value;
          fresh[furthest] = 1;
          best_fresh = std::max(best_fresh, value);
        }
        if (best_fresh < own) {
          (sign > 0.0 ? hull.upper[f] : hull.lower[f]) = sign * std::min(result, own);
          if (notes_.wanted() && result < own) {
            hull.why[side_of(f, sign > 0.0)] = cut(side_of(f, sign > 0.0));
          }
        }
      }
    }
  }

  static Reasons reasons_of(const std::vector<Candidate>& candidates, std::size_t side) {
    Reasons reasons;
    for (const Candidate& c : candidates) {
      if (c.bounds.why[side]) reasons.push_back(c.bounds.why[side]);
    }
    return reasons;
  }

  static void keep_bounds(std::vector<Candidate>& candidates, std::vector<Known>& known) {
    known.clear();
    for (Candidate& c : candidates) known.push_back({c.number, std::move(c.bounds)});
  }

  // Forward: the hull of the images that fall into cell r. Leaves the predecessors that are
  // possible.
  void join_images(std::size_t r, const std::vector<CellSteps>& programs,
                   std::vector<std::size_t>& predecessors, CellBounds& hull,
                   CellNotes::Claims& claims, int thread) {
    const Cell& cell = cover_.cells[r];
    std::vector<Candidate> candidates = step_programs(
        predecessors, forward_[cell.number],
        [&](std::size_t q, CellProgram& program) {
          if (programs[q].enter(program, cell.lower, cell.upper)) return true;
          notes_.no_step(claims, CellNotes::kForward, cover_.cells[q], cell, cell, program);
          return false;
        },
        programs, [&](std::size_t q) { return q; },
        [&](std::size_t number) { return images_[number]; }, thread);
    join_candidates(
        candidates, cell.lower, cell.upper, hull,
        [&](Candidate& c, Index face, double sign) {
          return programs[c.cell].image_upper(*c.program, face, sign);
        },
        [&](const Candidate& c, Index face, double sign) {
          return notes_.step_bound(claims, CellNotes::kForward, cover_.cells[c.cell], cell,
                                   *c.program, face, sign);
        },
        [&](std::size_t side) {
          return notes_.cut(CellClaim::from_images, cell, side, reasons_of(candidates, side));
        });
    keep_bounds(candidates, forward_[cell.number]);
    predecessors.clear();
    for (const Candidate& c : candidates) predecessors.push_back(c.cell);
  }

  // Backward: the hull of the points of cell q from which some cell can be entered.
  void join_preimages(std::size_t q, const std::vector<CellSteps>& programs, CellBounds& hull,
                      CellNotes::Claims& claims, int thread) {
    const Cell& cell = cover_.cells[q];
    for (std::size_t f = 0; f < n_faces_; ++f) {
      hull.lower[f] = std::max(hull.lower[f], cell.lower[f]);
      hull.upper[f] = std::min(hull.upper[f], cell.upper[f]);
      if (hull.lower[f] > hull.upper[f]) return;
    }
    std::vector<std::size_t> successors(cell.successors.begin(), cell.successors.end());
    std::vector<Candidate> candidates = step_programs(
        successors, backward_[cell.number],
        [&](std::size_t r, CellProgram& program) {
          const Cell& next = cover_.cells[r];
          if (programs[q].enter(program, next.lower, next.upper)) return true;
          notes_.no_step(claims, CellNotes::kBackward, cell, next, cell, program);
          return false;
        },
        programs, [&](std::size_t) { return q; }, [&](std::size_t) { return own_bounds(cell); },
        thread);
    CellBounds backward(n_faces_);
    join_candidates(
        candidates, hull.lower, hull.upper, backward,
        [&](Candidate& c, Index face, double sign) {
          return programs[q].own_upper(*c.program, face, sign);
        },
        [&](const Candidate& c, Index face, double sign) {
          return notes_.step_bound(claims, CellNotes::kBackward, cell, cover_.cells[c.cell],
                                   *c.program, face, sign);
        },
        [&](std::size_t side) {
          return notes_.cut(CellClaim::from_preimages, cell, side, reasons_of(candidates, side));
        });
    keep_bounds(candidates, backward_[cell.number]);
    for (std::size_t side = 0; side < backward.why.size(); ++side) {
      if (backward.why[side]) hull.why[side] = backward.why[side];
    }
    for (std::size_t f = 0; f < n_faces_; ++f) {
      hull.lower[f] = std::max(hull.lower[f], backward.lower[f]);
      hull.upper[f] = std::min(hull.upper[f], backward.upper[f]);
    }
  }

  static CellBounds own_bounds(const Cell& cell) {
    CellBounds bounds;
    bounds.lower = cell.lower;
    bounds.upper = cell.upper;
    bounds.why.resize(cell.why.size());
    return bounds;
  }

  double shrink_all(const std::vector<CellBounds>& hulls) {
    double kept = 0.0;
    const std::size_t n = cover_.cells.size();
    std::vector<char> gone(n, 0);
    for (std::size_t q = 0; q < n; ++q) {
      const double widths = shrink(cover_.cells[q], hulls[q]);
      gone[q] = widths < 0.0 ? 1 : 0;
      if (gone[q] != 0) notes_.keep_crossing(cover_.cells[q]);
      kept += std::max(0.0, widths);
    }
    for (std::size_t q = 0; q < n; ++q) {
      std::vector<Index>& successors = cover_.cells[q].successors;
      if (gone[q] != 0) successors.clear();
      std::erase_if(successors, [&](Index r) { return gone[at(r)] != 0; });
    }
    dropped_by_length_ |= keep_closed_walks(cover_, longest_).by_length;
    ++cover_.n_iterations;
    notes_.end_iteration();
    return n == 0 ? 0.0 : kept / static_cast<double>(n * n_faces_);
  }

  CellCover& cover_;
  CellNotes notes_;
  Vector size_;
  Index longest_;
  int n_threads_;
  Control& control_;
  std::size_t n_faces_;
  bool steps_known_ = false;
  std::vector<std::size_t> looked_at_;  // faces
  std::size_t n_looked_at_ = 0;
  bool dropped_by_length_ = false;
  std::vector<std::vector<CellProgram>> scratch_;  // by thread
  // By number of the cell.
  std::vector<CellBounds> images_;
  std::vector<std::vector<Known>> forward_, backward_;
};

}  // namespace

CellCoverOutcome cover_recurrent_set(const CanonicalMap& map, const Box& whole, Index longest,
                                     const CellCoverOptions& options, int n_threads,
                                     Control& control) {
  CellCoverOutcome outcome;
  CellCover& cover = outcome.cover;
  const auto give_up = [&](const char* reason) {
    outcome.reason = control.stop_requested()
                         ? "the search was stopped while the cover of cells was shrinking"
                         : reason;
    return std::move(outcome);
  };
  if (map.n_states() > kMostStates) return give_up("the map has too many states for cells");
  if (!whole.lower.allFinite() || !whole.upper.allFinite()) {
    return give_up("cells need a bounded box");
  }
  cover.faces = make_cell_template(map);
  const Box box = shrink_box(map, whole, options.keep_record ? &outcome.slopes : nullptr);
  if ((box.lower.array() > box.upper.array()).any()) {
    outcome.useful = outcome.all_orders = true;
    if (options.keep_record) outcome.record.emplace();
    return outcome;
  }
  std::optional<CellRecord> record;
  if (options.keep_record) record.emplace(static_cast<std::size_t>(cover.faces.size()));
  auto regions = regions_in_box(map, cover.faces, box, options.max_regions, control,
                                record ? &record->regions() : nullptr);
  if (!regions) return give_up("the box meets too many linear regions for a cover of cells");
  outcome.n_regions = regions->size();
  cover.cells.resize(regions->size());
  parallel_for(regions->size(), n_threads, [&](std::size_t q, int) {
    cover.cells[q] = make_cell(map, cover.faces, box, std::move((*regions)[q]));
  });
  CoverSearch search(cover, box, longest, n_threads, control, record ? &*record : nullptr);
  const auto too_large = [&] {
    return cover.n_steps() * static_cast<std::size_t>(cover.faces.size()) > options.max_work;
  };
  const auto at_rest = [&] {
    return only_loops(cover) || count_words(cover, longest) < search.programs_per_iteration();
  };
  // Whole images are cheap and shrink a large box fast ...
  const int n_coarse = options.coarse_only.value_or(options.max_iterations);
  for (int i = 0; i < n_coarse && !at_rest(); ++i) {
    const double kept = search.coarse_iteration();
    if (control.stop_requested()) return give_up("");
    if (kept > 0.9 && !too_large()) break;
    if (kept > 0.995) break;
  }
  if (too_large()) return give_up("too many cells of the cover can follow one another");
  // ... single steps find what recurs.
  int n_slow = 0;
  for (int i = 0; i < options.max_iterations && !options.coarse_only && !at_rest(); ++i) {
    const double kept = search.fine_iteration();
    if (control.stop_requested()) return give_up("");
    n_slow = kept > kSlow ? n_slow + 1 : 0;
    if (n_slow > search.iterations_per_round()) break;
  }
  outcome.useful = true;
  outcome.all_orders = !search.dropped_by_length();
  if (record) outcome.record = joined_record(*record, cover.cells);
  return outcome;
}

}  // namespace rnndyn

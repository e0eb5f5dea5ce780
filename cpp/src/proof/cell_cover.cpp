#include "proof/cell_cover.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cmath>
#include <limits>
#include <utility>

#include "proof/cell_certificate.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Index kMaxPivots = 300;
// A bound is not looked at again for less than this part of the cell's width.
constexpr double kNegligible = 2e-3;
const std::size_t kProgramsAtOnce = getenv("PAO")?(size_t)atof(getenv("PAO")):100000;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

struct Bounds {
  std::vector<double> lower, upper;  // empty: nothing
  explicit Bounds(std::size_t n) : lower(n, kInfinity), upper(n, -kInfinity) {}
};

// The programs of one cell: z in C_q, with rows T z and T F(z).
class CellPrograms {
 public:
  CellPrograms(const CellTemplate& faces, const Cell& cell, const Vector& size)
      : cell_(&cell), size_(&size), n_faces_(faces.size()) {
    const Index m = faces.rows.cols();
    base_.start(cell.lower.data(), cell.upper.data(), m, 2 * n_faces_);
    const std::vector<double> zeros(at(n_faces_), 0.0);
    base_.append(faces.rows.data() + m * m, zeros.data(), n_faces_ - m, 0, m);
    for (Index f = m; f < n_faces_; ++f) base_.restrict(f, cell.lower[at(f)], cell.upper[at(f)]);
    base_.append(cell.image.data(), zeros.data(), n_faces_, 0, m);
    for (Index f = 0; f < n_faces_; ++f) rows_.push_back(faces.rows.row(f).data());
    for (Index f = 0; f < n_faces_; ++f) rows_.push_back(cell.image.row(f).data());
    empty_ = !make_feasible(base_);
  }

  bool empty() const { return empty_; }
  const CellProgram& base() const { return base_; }

  // Bounds of T F over the cell.
  Bounds image() const {
    Bounds bounds(at(n_faces_));
    CellProgram program = base_;
    for (Index f = 0; f < n_faces_; ++f) {
      bounds.lower[at(f)] = -image_upper(program, f, -1.0);
      bounds.upper[at(f)] = image_upper(program, f, 1.0);
    }
    return bounds;
  }

  // Asks for lower <= T F(z) <= upper: false when that is proved impossible.
  bool enter(CellProgram& program, const std::vector<double>& lower,
             const std::vector<double>& upper) const {
    for (Index f = 0; f < n_faces_; ++f) {
      const double offset = cell_->image_offset[at(f)];
      const double error = cell_->image_error[at(f)];
      const double low = lower[at(f)] - offset;
      const double high = upper[at(f)] - offset;
      program.restrict(n_faces_ + f,
                       low - error - 4.0 * kRoundoff * (std::abs(lower[at(f)]) + std::abs(low)),
                       high + error + 4.0 * kRoundoff * (std::abs(upper[at(f)]) + std::abs(high)));
    }
    return make_feasible(program);
  }
  // Upper bounds of sign * T_f F(z) and sign * T_f z in a program that enter() has made feasible.
  double image_upper(CellProgram& program, Index f, double sign) const {
    program.optimize(n_faces_ + f, sign, kMaxPivots);
    const double bound = certified_upper(program, n_faces_ + f, sign, rows_.data(), size_->data());
    const double offset = sign * cell_->image_offset[at(f)];
    const double sum = bound + offset + cell_->image_error[at(f)];
    return sum + 4.0 * kRoundoff * (std::abs(bound) + std::abs(offset) + std::abs(sum)) + kTiny;
  }
  double own_upper(CellProgram& program, Index f, double sign) const {
    program.optimize(f, sign, kMaxPivots);
    return certified_upper(program, f, sign, rows_.data(), size_->data());
  }

 private:
  // False only when there is a proof that nothing is feasible.
  bool make_feasible(CellProgram& program) const {
    if (program.make_feasible(kMaxPivots) != CellProgram::Outcome::infeasible) return true;
    const Index row = program.stuck_row();
    const bool low = program.stuck_below();
    const double reach =
        certified_upper(program, row, low ? 1.0 : -1.0, rows_.data(), size_->data());
    return !(reach < (low ? program.lower(row) : -program.upper(row)));
  }

  const Cell* cell_;
  const Vector* size_;
  Index n_faces_;
  std::vector<const double*> rows_;
  CellProgram base_;
  bool empty_ = false;
};

bool meets(const Bounds& image, const Bounds& other) {
  for (std::size_t f = 0; f < image.lower.size(); ++f) {
    if (image.lower[f] > other.upper[f] || image.upper[f] < other.lower[f]) return false;
  }
  return true;
}

// A binary tree over the cells, split by the highest unit in which regions differ, with the hull of
// the cells below each node: the successors of a cell are found by descending only where a program
// is feasible.
class CellTree {
 public:
  explicit CellTree(const std::vector<Cell>& cells) : cells_(cells) {
    if (!cells.empty()) build(0, cells.size());
  }

  struct Node {
    std::size_t begin, end;
    std::size_t left = 0, right = 0;  // 0: a leaf
    Bounds hull;
  };
  const std::vector<Node>& nodes() const { return nodes_; }

 private:
  std::size_t build(std::size_t begin, std::size_t end) {
    const std::size_t number = nodes_.size();
    nodes_.push_back({begin, end, 0, 0, Bounds(cells_[begin].lower.size())});
    for (std::size_t q = begin; q < end; ++q) {
      Bounds& hull = nodes_[number].hull;
      for (std::size_t f = 0; f < hull.lower.size(); ++f) {
        hull.lower[f] = std::min(hull.lower[f], cells_[q].lower[f]);
        hull.upper[f] = std::max(hull.upper[f], cells_[q].upper[f]);
      }
    }
    if (end - begin > 1) {
      const std::vector<Word>& first = cells_[begin].region;
      const std::vector<Word>& last = cells_[end - 1].region;
      std::size_t word = first.size() - 1;
      while (word > 0 && first[word] == last[word]) --word;
      const Word bit = std::bit_floor(first[word] ^ last[word]);
      std::size_t middle = begin;
      while ((cells_[middle].region[word] & bit) == 0) ++middle;
      const std::size_t left = build(begin, middle);
      const std::size_t right = build(middle, end);
      nodes_[number].left = left;
      nodes_[number].right = right;
    }
    return number;
  }

  const std::vector<Cell>& cells_;
  std::vector<Node> nodes_;
};

// Cuts a cell down; returns the sum over faces of new width : old width, or -1 when it is empty.
double shrink(Cell& cell, const Bounds& hull) {
  double kept = 0.0;
  for (std::size_t f = 0; f < cell.lower.size(); ++f) {
    const double before = cell.upper[f] - cell.lower[f];
    cell.lower[f] = std::max(cell.lower[f], hull.lower[f]);
    cell.upper[f] = std::min(cell.upper[f], hull.upper[f]);
    if (cell.lower[f] > cell.upper[f]) return -1.0;
    kept += before > 0.0 ? (cell.upper[f] - cell.lower[f]) / before : 1.0;
  }
  return kept;
}

class CoverSearch {
 public:
  CoverSearch(CellCover& cover, const Box& box, const CellCoverOptions& options, int n_threads,
              Control& control)
      : cover_(cover),
        size_(box.lower.cwiseAbs().cwiseMax(box.upper.cwiseAbs())),
        options_(options),
        n_threads_(n_threads),
        control_(control),
        n_faces_(static_cast<std::size_t>(cover.faces.size())),
        forward_(cover.cells.size()),
        backward_(cover.cells.size()) {
    for (std::size_t q = 0; q < cover.cells.size(); ++q) cover.cells[q].number = q;
  }

  // One iteration with images of whole cells. Returns the mean width kept.
  double coarse_iteration() {
    const std::size_t n = cover_.cells.size();
    const CellTree tree(cover_.cells);
    std::vector<Bounds> images(n, Bounds(0));
    std::vector<std::vector<Index>> successors(n);
    parallel_for(n, n_threads_, [&](std::size_t q, int) {
      if (control_.stop_requested()) return;
      const CellPrograms programs(cover_.faces, cover_.cells[q], size_);
      if (programs.empty()) return;
      images[q] = programs.image();
      find_successors(programs, images[q], tree, 0, programs.base(), cover_.cells[q], successors[q]);
    });
    if (control_.stop_requested()) return 1.0;
    std::vector<Bounds> hulls(n, Bounds(n_faces_));
    for (std::size_t q = 0; q < n; ++q) {
      cover_.cells[q].successors = std::move(successors[q]);
      for (const Index r : cover_.cells[q].successors) join(hulls[at(r)], images[q]);
    }
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
    std::vector<CellPrograms> programs;
    programs.reserve(n);
    for (const Cell& cell : cover_.cells) programs.emplace_back(cover_.faces, cell, size_);
    std::vector<std::vector<std::size_t>> predecessors(n);
    for (std::size_t q = 0; q < n; ++q) {
      for (const Index r : cover_.cells[q].successors) predecessors[at(r)].push_back(q);
    }
    // Forward: the hull of the images that fall into the cell.
    std::vector<Bounds> hulls(n, Bounds(n_faces_));
    parallel_for(n, n_threads_, [&](std::size_t r, int) {
      const Cell& cell = cover_.cells[r];
      std::vector<Candidate> candidates = step_programs(
          predecessors[r], forward_[cell.number], [&](std::size_t q, CellProgram& program) {
            return programs[q].enter(program, cell.lower, cell.upper);
          }, programs, [&](std::size_t q) { return q; });
      join_candidates(candidates, cell.lower, cell.upper, hulls[r],
                      [&](Candidate& c, Index face, double sign) {
                        return programs[c.cell].image_upper(c.program, face, sign);
                      });
      keep_bounds(candidates, forward_[cell.number]);
      predecessors[r].clear();
      for (const Candidate& c : candidates) predecessors[r].push_back(c.cell);
    });
    if (control_.stop_requested()) return 1.0;
    for (Cell& cell : cover_.cells) cell.successors.clear();
    for (std::size_t r = 0; r < n; ++r) {
      for (const std::size_t q : predecessors[r]) {
        cover_.cells[q].successors.push_back(static_cast<Index>(r));
      }
    }
    // Backward: the hull of the points from which some cell can be entered.
    parallel_for(n, n_threads_, [&](std::size_t q, int) {
      const Cell& cell = cover_.cells[q];
      Bounds& hull = hulls[q];
      for (std::size_t f = 0; f < n_faces_; ++f) {
        hull.lower[f] = std::max(hull.lower[f], cell.lower[f]);
        hull.upper[f] = std::min(hull.upper[f], cell.upper[f]);
        if (hull.lower[f] > hull.upper[f]) return;
      }
      std::vector<std::size_t> successors(cell.successors.begin(), cell.successors.end());
      std::vector<Candidate> candidates = step_programs(
          successors, backward_[cell.number], [&](std::size_t r, CellProgram& program) {
            return programs[q].enter(program, cover_.cells[r].lower, cover_.cells[r].upper);
          }, programs, [&](std::size_t) { return q; });
      Bounds backward(n_faces_);
      join_candidates(candidates, hull.lower, hull.upper, backward,
                      [&](Candidate& c, Index face, double sign) {
                        return programs[q].own_upper(c.program, face, sign);
                      });
      keep_bounds(candidates, backward_[cell.number]);
      for (std::size_t f = 0; f < n_faces_; ++f) {
        hull.lower[f] = std::max(hull.lower[f], backward.lower[f]);
        hull.upper[f] = std::min(hull.upper[f], backward.upper[f]);
      }
    });
    if (control_.stop_requested()) return 1.0;
    return shrink_all(hulls);
  }

 private:
  // Bounds that a step once allowed still hold: everything shrinks. Most steps need no new look.
  struct Known {
    std::size_t number;  // of the cell at the other end
    Bounds bounds;
  };
  struct Candidate {
    std::size_t cell;
    std::size_t number;
    CellProgram program;
    Bounds bounds;
    bool fresh = false;
  };

  // The programs of the steps that are still possible.
  template <typename Enter, typename Owner>
  std::vector<Candidate> step_programs(const std::vector<std::size_t>& others,
                                       const std::vector<Known>& known, const Enter& enter,
                                       const std::vector<CellPrograms>& programs,
                                       const Owner& owner) const {
    std::vector<Candidate> candidates;
    CellProgram program;
    for (const std::size_t other : others) {
      if (control_.stop_requested()) break;
      if (programs[owner(other)].empty()) continue;
      program.copy_used(programs[owner(other)].base());
      if (!enter(other, program)) continue;
      const std::size_t number = cover_.cells[other].number;
      const auto place = std::lower_bound(
          known.begin(), known.end(), number,
          [](const Known& k, std::size_t value) { return k.number < value; });
      const bool found = place != known.end() && place->number == number;
      candidates.push_back({other, number, program, found ? place->bounds : unbounded()});
    }
    return candidates;
  }

  // The hull, over all candidates, of what the program of each allows; looks only at those that may
  // reach furthest.
  template <typename Evaluate>
  void join_candidates(std::vector<Candidate>& candidates, const std::vector<double>& lower,
                       const std::vector<double>& upper, Bounds& hull,
                       const Evaluate& evaluate) const {
    hull.lower = lower;
    hull.upper = upper;
    if (candidates.empty()) {
      hull = Bounds(n_faces_);
      return;
    }
    for (const std::size_t f : looked_at_) {
      const double enough = kNegligible * (upper[f] - lower[f]);
      for (const double sign : {1.0, -1.0}) {
        const double own = sign > 0.0 ? upper[f] : -lower[f];
        for (Candidate& c : candidates) c.fresh = false;
        const auto known = [&](const Candidate& c) {
          return sign > 0.0 ? c.bounds.upper[f] : -c.bounds.lower[f];
        };
        double reached = -kInfinity;
        while (!candidates.empty() && reached < own) {
          Candidate* furthest = &candidates.front();
          for (Candidate& c : candidates) {
            if (known(c) > known(*furthest)) furthest = &c;
          }
          reached = std::max(reached, known(*furthest));
          if (furthest->fresh) break;
          double best_fresh = -kInfinity;
          for (const Candidate& c : candidates) {
            if (c.fresh) best_fresh = std::max(best_fresh, known(c));
          }
          if (known(*furthest) <= best_fresh + enough) break;
          const double value =
              std::min(known(*furthest), evaluate(*furthest, static_cast<Index>(f), sign));
          (sign > 0.0 ? furthest->bounds.upper[f] : furthest->bounds.lower[f]) = sign * value;
          furthest->fresh = true;
          if (value >= own) break;
          reached = -kInfinity;
        }
        (sign > 0.0 ? hull.upper[f] : hull.lower[f]) = sign * std::min(reached, own);
      }
    }
  }

  static void keep_bounds(std::vector<Candidate>& candidates, std::vector<Known>& known) {
    known.clear();
    for (Candidate& c : candidates) known.push_back({c.number, std::move(c.bounds)});
  }

  Bounds unbounded() const {
    Bounds bounds(n_faces_);
    std::swap(bounds.lower, bounds.upper);
    return bounds;
  }

  static void join(Bounds& hull, const Bounds& image) {
    for (std::size_t f = 0; f < hull.lower.size(); ++f) {
      hull.lower[f] = std::min(hull.lower[f], image.lower[f]);
      hull.upper[f] = std::max(hull.upper[f], image.upper[f]);
    }
  }

  void find_successors(const CellPrograms& programs, const Bounds& image, const CellTree& tree,
                       std::size_t number, const CellProgram& parent, const Cell& cell,
                       std::vector<Index>& successors) const {
    const CellTree::Node& node = tree.nodes()[number];
    if (!meets(image, node.hull)) return;
    if (steps_known_) {
      const auto first = std::lower_bound(cell.successors.begin(), cell.successors.end(),
                                          static_cast<Index>(node.begin));
      if (first == cell.successors.end() || *first >= static_cast<Index>(node.end)) return;
    }
    CellProgram program = parent;
    if (!programs.enter(program, node.hull.lower, node.hull.upper)) return;
    if (node.left == 0) {
      successors.push_back(static_cast<Index>(node.begin));
    } else {
      find_successors(programs, image, tree, node.left, program, cell, successors);
      find_successors(programs, image, tree, node.right, program, cell, successors);
    }
  }

  double shrink_all(const std::vector<Bounds>& hulls) {
    double kept = 0.0;
    const std::size_t n = cover_.cells.size();
    std::vector<char> gone(n, 0);
    for (std::size_t q = 0; q < n; ++q) {
      const double widths = shrink(cover_.cells[q], hulls[q]);
      gone[q] = widths < 0.0 ? 1 : 0;
      kept += std::max(0.0, widths);
    }
    for (std::size_t q = 0; q < n; ++q) {
      std::vector<Index>& successors = cover_.cells[q].successors;
      if (gone[q] != 0) successors.clear();
      std::erase_if(successors, [&](Index r) { return gone[at(r)] != 0; });
    }
    keep_closed_walks(cover_);
    ++cover_.n_iterations;
    return n == 0 ? 0.0 : kept / static_cast<double>(n * n_faces_);
  }

  CellCover& cover_;
  Vector size_;
  const CellCoverOptions& options_;
  int n_threads_;
  Control& control_;
  std::size_t n_faces_;
  bool steps_known_ = false;
  std::vector<std::size_t> looked_at_;  // faces
  std::size_t n_looked_at_ = 0;
  std::vector<std::vector<Known>> forward_, backward_;  // by number of the cell
};

}  // namespace

CellCoverOutcome cover_recurrent_set(const CanonicalMap& map, const Box& box,
                                     const CellCoverOptions& options, int n_threads,
                                     Control& control) {
  CellCoverOutcome outcome;
  CellCover& cover = outcome.cover;
  cover.faces = make_cell_template(map);
  auto regions = regions_in_box(map, cover.faces, box, options.max_regions, control);
  if (!regions) {
    outcome.reason = "the box meets too many linear regions for a cover of cells";
    return outcome;
  }
  outcome.begun = true;
  cover.cells.resize(regions->size());
  parallel_for(regions->size(), n_threads, [&](std::size_t q, int) {
    cover.cells[q] = make_cell(map, cover.faces, box, std::move((*regions)[q]));
  });
  CoverSearch search(cover, box, options, n_threads, control);
  double kept = 0.0;
  for (int i = 0; i < options.max_iterations && !cover.cells.empty() && outcome.reason.empty(); ++i) {
    const double t0 = control.seconds();
    kept = search.coarse_iteration();
    std::fprintf(stderr, "coarse %d: kept %.4f cells %zu steps %zu %.3f s\n", i, kept,
                 cover.cells.size(), cover.n_steps(), control.seconds() - t0);
    if (kept > 0.9) break;
  }
  for (int i = 0; i < options.max_iterations && !cover.cells.empty() && outcome.reason.empty(); ++i) {
    const double t0 = control.seconds();
    kept = search.fine_iteration();
    std::fprintf(stderr, "fine %d: kept %.4f cells %zu steps %zu %.3f s\n", i, kept,
                 cover.cells.size(), cover.n_steps(), control.seconds() - t0);
    if (kept > 0.995) break;
  }
  return outcome;
}

}  // namespace rnndyn

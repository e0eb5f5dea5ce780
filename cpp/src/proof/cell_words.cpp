#include "proof/cell_words.hpp"

#include <algorithm>
#include <utility>

#include "proof/cell_record.hpp"

namespace rnndyn {
namespace {

constexpr Index kMaxPivots = 200;
// The control is asked after so many nodes.
constexpr std::int64_t kNodesBetweenAsking = 128;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

CellWords::CellWords(const CanonicalMap& map, const CellCover& cover, const Vector& size,
                     const std::vector<Index>& orders, const ProofOptions& options,
                     std::size_t n_regions)
    : map_(map),
      cover_(cover),
      certificate_(cover, size),
      orders_(orders),
      largest_order_(orders.empty() ? 0 : *std::max_element(orders.begin(), orders.end())),
      rigorous_(options.rigorous),
      keep_tree_(options.keep_tree),
      closing_(static_cast<std::int32_t>(n_regions)),
      predecessors_(cover.cells.size()) {
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(map.relevant_units().data(), i)) units_.push_back(i);
  }
  for (std::size_t q = 0; q < cover.cells.size(); ++q) {
    for (const Index r : cover.cells[q].successors) {
      predecessors_[at(r)].push_back(static_cast<std::int32_t>(q));
    }
  }
}

Path CellWords::path_of(const std::vector<std::int32_t>& word) const {
  Path path;
  for (std::size_t t = 0; t < word.size(); ++t) {
    const Word* region = cover_.cells[static_cast<std::size_t>(word[t])].region.data();
    for (const Index i : units_) {
      path.push_back({static_cast<std::int32_t>(static_cast<Index>(t) * map_.n_units() + i),
                      get_bit(region, i)});
    }
  }
  return path;
}

std::vector<CellSubtree> CellWords::roots() const {
  std::vector<CellSubtree> result;
  const std::size_t n = cover_.cells.size();
  for (std::size_t q = 0; q < n; ++q) {
    const std::vector<std::int32_t> word{static_cast<std::int32_t>(q)};
    result.push_back({path_of(word), word, 1.0 / static_cast<double>(n)});
  }
  return result;
}

std::vector<CellSubtree> CellWords::subtree(const Path& path) const {
  CellSubtree result{path, {}, 0.0};
  if (units_.empty()) {
    // Without units all paths are empty; there is one cell.
    return cover_.cells.empty() ? std::vector<CellSubtree>{} : roots();
  }
  double share = 1.0 / static_cast<double>(std::max<std::size_t>(1, cover_.cells.size()));
  for (std::size_t begin = 0; begin + units_.size() <= path.size(); begin += units_.size()) {
    std::vector<Word> region(map_.words_per_region(), 0);
    for (std::size_t e = begin; e < begin + units_.size(); ++e) {
      set_bit(region.data(), path[e].bit % map_.n_units(), path[e].on);
    }
    std::size_t q = 0;
    while (q < cover_.cells.size() && cover_.cells[q].region != region) ++q;
    if (q == cover_.cells.size()) return {};
    if (!result.word.empty()) {
      const std::vector<Index>& successors =
          cover_.cells[static_cast<std::size_t>(result.word.back())].successors;
      share /= static_cast<double>(std::max<std::size_t>(1, successors.size()));
      if (!std::binary_search(successors.begin(), successors.end(), static_cast<Index>(q)))
        return {};
    }
    result.word.push_back(static_cast<std::int32_t>(q));
  }
  result.share = share;
  return {result};
}

// One depth-first search. The programs along the word are kept, so that a node costs one copy and
// the few pivots that its own rows ask for.
class CellWords::Walk {
 public:
  Walk(const CellWords& words, Piece<CellSubtree>& piece) : words_(words), piece_(piece) {
    programs_.resize(at(words.largest_order_) + 1);
  }

  void run(CellSubtree&& subtree, std::int64_t budget, Control& control) {
    find_ways_back(subtree.word.front());
    std::vector<std::int32_t> prefix = std::move(subtree.word);
    // Walk down the given word; only its last cell is new.
    for (std::size_t t = 0; t < prefix.size(); ++t) {
      if (!enter(prefix[t], t + 1 == prefix.size())) {
        piece_.share += subtree.share;
        return;
      }
    }
    if (!may_go_on()) {
      piece_.share += subtree.share;
      note(ProofTree::kRotation);
      return;
    }
    const std::size_t bottom = word_.size();
    struct Frame {
      std::size_t next = 0;
      double share = 0.0;
    };
    std::vector<Frame> frames;
    const auto push_frame = [&](double share) {
      const Cell& cell = cell_at(word_.size() - 1);
      frames.push_back(
          {0, share / static_cast<double>(std::max<std::size_t>(1, cell.successors.size()))});
    };
    push_frame(subtree.share);
    while (!frames.empty()) {
      Frame& frame = frames.back();
      const Cell& cell = cell_at(word_.size() - 1);
      if (frame.next == cell.successors.size()) {
        frames.pop_back();
        note(ProofTree::kRotation);
        if (!frames.empty()) leave();
        continue;
      }
      const auto r = static_cast<std::int32_t>(cell.successors[frame.next++]);
      const double share = frame.share;
      if (!possible(r)) {
        piece_.share += share;
        continue;
      }
      const bool ask = piece_.n_nodes % kNodesBetweenAsking == kNodesBetweenAsking - 1;
      if (piece_.n_nodes >= budget || piece_.leaves.size() >= kLeavesPerPiece ||
          (ask && control.stop_requested())) {
        --frame.next;
        leave_open(bottom, frames);
        return;
      }
      note(number_of(r));
      if (!enter(r, true)) {
        piece_.share += share;
        continue;
      }
      if (may_go_on()) {
        push_frame(share);
      } else {
        piece_.share += share;
        note(ProofTree::kRotation);
        leave();
      }
    }
  }

 private:
  const Cell& cell_at(std::size_t t) const {
    return words_.cover_.cells[static_cast<std::size_t>(word_[t])];
  }

  // ways_back_[j * cells + q]: the first cell of the word can be entered j steps after q, passing
  // only cells that are not before it.
  void find_ways_back(std::int32_t root) {
    const std::size_t n = words_.cover_.cells.size();
    ways_back_.assign((at(words_.largest_order_) + 1) * n, 0);
    std::vector<std::int32_t> layer{root};
    ways_back_[static_cast<std::size_t>(root)] = 1;
    for (Index j = 1; j <= words_.largest_order_; ++j) {
      std::vector<std::int32_t> further;
      for (const std::int32_t r : layer) {
        for (const std::int32_t q : words_.predecessors_[static_cast<std::size_t>(r)]) {
          char& known = ways_back_[at(j) * n + static_cast<std::size_t>(q)];
          if (q < root || known != 0) continue;
          known = 1;
          further.push_back(q);
        }
      }
      layer = std::move(further);
    }
  }

  // Whether cell r may come next: it must be part of some word of an asked order whose first
  // rotation this is (Fredricksen, Kessler, Maiorana: no suffix may be less than the word).
  bool possible(std::int32_t r) const {
    const std::size_t n = word_.size();
    if (r < word_[n - periods_.back()]) return false;
    const std::size_t cells = words_.cover_.cells.size();
    return std::any_of(words_.orders_.begin(), words_.orders_.end(), [&](Index order) {
      return at(order) > n &&
             ways_back_[(at(order) - n) * cells + static_cast<std::size_t>(r)] != 0;
    });
  }

  // Appends a cell; false when no orbit follows the longer word. `fresh`: the node has not been
  // counted yet.
  bool enter(std::int32_t r, bool fresh) {
    const std::size_t n = word_.size();
    const Cell& cell = words_.cover_.cells[static_cast<std::size_t>(r)];
    const CellTemplate& faces = words_.cover_.faces;
    const Index n_faces = faces.size();
    const Index m = faces.rows.cols();
    CellProgram& program = programs_[n];
    if (fresh) ++piece_.n_nodes;
    word_.push_back(r);
    if (n == 0) {
      periods_.push_back(1);
      zeros_.assign(at(n_faces), 0.0);
      program.start(cell.lower.data(), cell.upper.data(), m,
                    n_faces * (words_.largest_order_ + 1) + m);
      program.append(faces.rows.data() + m * m, zeros_.data(), n_faces - m, 0, m);
    } else {
      periods_.push_back(r == word_[n - periods_.back()] ? periods_.back() : n + 1);
      program.copy_used(programs_[n - 1]);
    }
    const Index base = static_cast<Index>(n) * n_faces;
    for (Index f = n == 0 ? m : 0; f < n_faces; ++f) {
      program.restrict(base + f, cell.lower[at(f)], cell.upper[at(f)]);
    }
    if (refuted(program, static_cast<Index>(n), program.n_rows(), fresh)) {
      leave();
      return false;
    }
    // The rows of the next step, which no cell bounds yet.
    const Index next =
        program.append(cell.image.data(), cell.image_offset.data(), n_faces, base, m);
    if (fresh && (n + 1) % periods_.back() == 0) close(program, next);
    return true;
  }

  void leave() {
    word_.pop_back();
    periods_.pop_back();
  }

  bool may_go_on() const { return static_cast<Index>(word_.size()) < words_.largest_order_; }

  bool refuted(CellProgram& program, Index last, Index first_closing, bool fresh) {
    if (program.make_feasible(kMaxPivots) != CellProgram::Outcome::infeasible) return false;
    if (words_.rigorous_ &&
        !words_.certificate_.refutes(program, word_.data(), last, first_closing)) {
      if (fresh) ++piece_.n_uncertified;
      return false;
    }
    if (fresh) ++piece_.n_pruned;
    if (words_.keep_tree_) append_refuted(stuck_multipliers(program), piece_.tree);
    return true;
  }

  // The word is a necklace: is there an orbit that comes back to where it began? Repetitions u^m of
  // a shorter word count, too: where the multipliers of u contain an m-th root of unity, longer
  // cycles follow u^m.
  void close(const CellProgram& program, Index next) {
    const auto order = static_cast<Index>(word_.size());
    const auto& orders = words_.orders_;
    if (std::find(orders.begin(), orders.end(), order) == orders.end()) return;
    const std::vector<Index>& successors = cell_at(word_.size() - 1).successors;
    if (!std::binary_search(successors.begin(), successors.end(), Index{word_.front()})) return;
    const Index m = words_.cover_.faces.rows.cols();
    closing_.copy_used(program);
    Index first = 0;
    for (Index l = 0; l < m; ++l) {
      const Index row = closing_.append_difference(next + l, l);
      if (l == 0) first = row;
      closing_.restrict(row, 0.0, 0.0);
    }
    ++piece_.n_nodes;
    note(words_.closing_);
    word_.push_back(word_.front());
    const bool none = refuted(closing_, order, first, true);
    word_.pop_back();
    if (none) return;
    note(ProofTree::kDecided);
    const std::size_t words = words_.map_.words_per_region();
    Itinerary leaf(order, words);
    for (Index t = 0; t < order; ++t) {
      const std::vector<Word>& region = cell_at(at(t)).region;
      std::copy(region.begin(), region.end(), leaf.at(t));
    }
    piece_.leaves.push_back(canonical_rotation(leaf));
  }

  void note(std::int32_t node) {
    if (words_.keep_tree_) piece_.tree.nodes.push_back(node);
  }
  std::int32_t number_of(std::int32_t q) const {
    return static_cast<std::int32_t>(words_.cover_.cells[static_cast<std::size_t>(q)].number);
  }

  // Everything not looked at yet: the rest of the successors at every depth, deepest first.
  template <typename Frames>
  void leave_open(std::size_t bottom, const Frames& frames) {
    for (std::size_t depth = frames.size(); depth-- > 0;) {
      word_.resize(bottom + depth);
      periods_.resize(bottom + depth);
      const Cell& cell = cell_at(word_.size() - 1);
      for (std::size_t e = frames[depth].next; e < cell.successors.size(); ++e) {
        const auto r = static_cast<std::int32_t>(cell.successors[e]);
        if (!possible(r)) {
          piece_.share += frames[depth].share;
          continue;
        }
        std::vector<std::int32_t> word = word_;
        word.push_back(r);
        piece_.open.push_back({words_.path_of(word), word, frames[depth].share});
        note(number_of(r));
        note(ProofTree::kOpen);
      }
      note(ProofTree::kRotation);
    }
  }

  const CellWords& words_;
  Piece<CellSubtree>& piece_;
  std::vector<std::int32_t> word_;
  std::vector<std::size_t> periods_;
  std::vector<CellProgram> programs_;  // by length of the word
  CellProgram closing_;
  std::vector<char> ways_back_;
  std::vector<double> zeros_;
};

void CellWords::explore(CellSubtree&& subtree, std::int64_t budget, Piece<CellSubtree>& piece,
                        Control& control) const {
  Walk(*this, piece).run(std::move(subtree), budget, control);
}

}  // namespace rnndyn

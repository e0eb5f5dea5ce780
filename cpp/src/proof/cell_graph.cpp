// Strongly connected components of the possible steps between cells (Tarjan 1972, without
// recursion).
#include <algorithm>
#include <limits>
#include <utility>

#include "proof/cell_cover.hpp"

namespace rnndyn {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

// The component of each cell.
std::vector<std::size_t> components(const std::vector<Cell>& cells) {
  const std::size_t n = cells.size();
  std::vector<std::size_t> component(n, kNone), number(n, kNone), low(n, 0), stack;
  std::size_t n_numbers = 0;
  std::size_t n_components = 0;
  std::vector<std::pair<std::size_t, std::size_t>> calls;  // cell, next successor
  for (std::size_t root = 0; root < n; ++root) {
    if (number[root] != kNone) continue;
    calls.emplace_back(root, 0);
    while (!calls.empty()) {
      const std::size_t q = calls.back().first;
      if (calls.back().second == 0) {
        number[q] = low[q] = n_numbers++;
        stack.push_back(q);
      }
      bool entered = false;
      while (calls.back().second < cells[q].successors.size()) {
        const auto r = static_cast<std::size_t>(cells[q].successors[calls.back().second++]);
        if (number[r] == kNone) {
          calls.emplace_back(r, 0);
          entered = true;
          break;
        }
        if (component[r] == kNone) low[q] = std::min(low[q], number[r]);
      }
      if (entered) continue;
      if (low[q] == number[q]) {
        for (std::size_t r = kNone; r != q;) {
          r = stack.back();
          stack.pop_back();
          component[r] = n_components;
        }
        ++n_components;
      }
      calls.pop_back();
      if (!calls.empty()) {
        const std::size_t parent = calls.back().first;
        low[parent] = std::min(low[parent], low[q]);
      }
    }
  }
  return component;
}

// Drops steps q -> r from which q is more than longest - 1 steps away. Returns whether any was.
bool drop_long_ways(std::vector<Cell>& cells, Index longest) {
  const std::size_t n = cells.size();
  std::vector<std::vector<std::size_t>> predecessors(n);
  for (std::size_t q = 0; q < n; ++q) {
    for (const Index r : cells[q].successors) {
      predecessors[static_cast<std::size_t>(r)].push_back(q);
    }
  }
  bool dropped = false;
  std::vector<std::size_t> seen_from(n, kNone);
  for (std::size_t q = 0; q < n; ++q) {
    // All cells from which q can be entered in time.
    std::vector<std::size_t> layer{q};
    seen_from[q] = q;
    for (Index j = 1; j < longest && !layer.empty(); ++j) {
      std::vector<std::size_t> further;
      for (const std::size_t r : layer) {
        for (const std::size_t p : predecessors[r]) {
          if (seen_from[p] == q) continue;
          seen_from[p] = q;
          further.push_back(p);
        }
      }
      layer = std::move(further);
    }
    dropped |= std::erase_if(cells[q].successors, [&](Index r) {
                 return seen_from[static_cast<std::size_t>(r)] != q;
               }) > 0;
  }
  return dropped;
}

}  // namespace

std::size_t CellCover::n_steps() const {
  std::size_t n = 0;
  for (const Cell& cell : cells) n += cell.successors.size();
  return n;
}

ClosedWalks keep_closed_walks(CellCover& cover, Index longest) {
  ClosedWalks result;
  std::vector<Cell>& cells = cover.cells;
  // Beyond this, looking at every cell's surroundings costs more than it may save.
  constexpr double kMaxVisits = 2e8;
  const bool by_length =
      static_cast<std::size_t>(longest) < cells.size() &&
      static_cast<double>(cells.size()) * static_cast<double>(cover.n_steps()) < kMaxVisits;
  for (bool changed = true; changed;) {
    const std::vector<std::size_t> component = components(cells);
    std::vector<Index> place(cells.size(), -1);
    Index n_kept = 0;
    for (std::size_t q = 0; q < cells.size(); ++q) {
      std::erase_if(cells[q].successors, [&](Index r) {
        return component[static_cast<std::size_t>(r)] != component[q];
      });
      if (!cells[q].successors.empty()) place[q] = n_kept++;
    }
    for (std::size_t q = 0; q < cells.size(); ++q) {
      if (place[q] < 0) continue;
      // All successors lie in the component of q, and so are kept.
      for (Index& r : cells[q].successors) r = place[static_cast<std::size_t>(r)];
      if (static_cast<std::size_t>(place[q]) != q) {
        cells[static_cast<std::size_t>(place[q])] = std::move(cells[q]);
      }
    }
    cells.resize(static_cast<std::size_t>(n_kept));
    changed = by_length && drop_long_ways(cells, longest);
    result.by_length |= changed;
  }
  return result;
}

bool only_loops(const CellCover& cover) {
  for (std::size_t q = 0; q < cover.cells.size(); ++q) {
    const std::vector<Index>& successors = cover.cells[q].successors;
    if (successors.size() != 1 || successors.front() != static_cast<Index>(q)) return false;
  }
  return true;
}

double count_words(const CellCover& cover, Index longest) {
  // Of the rotations of a walk, one in so many begins with its least cell.
  const std::size_t n = cover.cells.size();
  std::vector<double> walks(n, 1.0);  // that begin in a cell
  double count = static_cast<double>(n);
  for (Index length = 2; length <= longest && count < 1e300; ++length) {
    std::vector<double> longer(n, 0.0);
    double sum = 0.0;
    for (std::size_t q = 0; q < n; ++q) {
      for (const Index r : cover.cells[q].successors) {
        longer[q] += walks[static_cast<std::size_t>(r)];
      }
      sum += longer[q];
    }
    walks = std::move(longer);
    count += sum / static_cast<double>(length);
  }
  return count;
}

}  // namespace rnndyn

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

}  // namespace

std::size_t CellCover::n_steps() const {
  std::size_t n = 0;
  for (const Cell& cell : cells) n += cell.successors.size();
  return n;
}

bool keep_closed_walks(CellCover& cover) {
  const std::vector<std::size_t> component = components(cover.cells);
  const std::size_t n_steps_before = cover.n_steps();
  const std::size_t n_before = cover.cells.size();
  std::vector<Index> place(n_before, -1);
  Index n_kept = 0;
  for (std::size_t q = 0; q < n_before; ++q) {
    std::vector<Index>& successors = cover.cells[q].successors;
    std::erase_if(successors, [&](Index r) {
      return component[static_cast<std::size_t>(r)] != component[q];
    });
    if (!successors.empty()) place[q] = n_kept++;
  }
  for (std::size_t q = 0; q < n_before; ++q) {
    if (place[q] < 0) continue;
    // All successors lie in the component of q, and so are kept.
    for (Index& r : cover.cells[q].successors) r = place[static_cast<std::size_t>(r)];
    if (static_cast<std::size_t>(place[q]) != q) {
      cover.cells[static_cast<std::size_t>(place[q])] = std::move(cover.cells[q]);
    }
  }
  cover.cells.resize(static_cast<std::size_t>(n_kept));
  return cover.cells.size() != n_before || cover.n_steps() != n_steps_before;
}

}  // namespace rnndyn

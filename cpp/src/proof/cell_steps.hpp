// What the cover of cells asks of linear programs: where the map takes a cell, and which cell it
// can enter from where.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

#include "proof/cell_cover.hpp"
#include "proof/cell_program.hpp"

namespace rnndyn {

// Bounds of template rows; at first those of the empty set.
struct CellBounds {
  std::vector<double> lower, upper;
  Reasons why;  // empty where nothing is recorded
  CellBounds() = default;
  explicit CellBounds(std::size_t n)
      : lower(n, std::numeric_limits<double>::infinity()),
        upper(n, -std::numeric_limits<double>::infinity()) {}

  void join(const CellBounds& other);
  bool meets(const CellBounds& other) const;
};

// The programs of one cell: z in C_q, with rows T z and T F(z). Every answer is certified.
class CellSteps {
 public:
  CellSteps() = default;
  // Faces, cell and size (of |z_j|) must live on.
  CellSteps(const CellTemplate& faces, const Cell& cell, const Vector& size);

  bool empty() const { return empty_; }
  const CellProgram& base() const { return base_; }

  // Bounds of T F over the cell. `seen` is shown the program that each follows from.
  using Seen = std::function<void(const CellProgram& program, Index f, double sign)>;
  CellBounds image(const Seen& seen = {}) const;
  // Asks for lower <= T F(z) <= upper: false when that is proved impossible.
  bool enter(CellProgram& program, const std::vector<double>& lower,
             const std::vector<double>& upper) const;
  // Upper bounds of sign * T_f F(z) and sign * T_f z in a program that enter() has made feasible.
  double image_upper(CellProgram& program, Index f, double sign) const;
  double own_upper(CellProgram& program, Index f, double sign) const;

 private:
  bool make_feasible(CellProgram& program) const;

  const Cell* cell_ = nullptr;
  const Vector* size_ = nullptr;
  Index n_faces_ = 0;
  std::vector<const double*> rows_;
  CellProgram base_;
  bool empty_ = false;
};

// A binary tree over the cells, split by the highest unit in which regions differ, with the hull of
// the cells below each node: the successors of a cell are found by descending only where a program
// is feasible.
class CellTree {
 public:
  // The cells must live on.
  explicit CellTree(const std::vector<Cell>& cells);

  // The cells that `steps` may enter, ascending; among known[0 ...] if that is given. `image` are
  // bounds of T F, `scratch` room for programs. `refused` is told of the cells begin ... end - 1
  // that the infeasible program keeps it from entering, or the images if there is none.
  using Refused = std::function<void(std::size_t begin, std::size_t end, const CellBounds& hull,
                                     const CellProgram* program)>;
  std::vector<Index> successors(const CellSteps& steps, const CellBounds& image,
                                const std::vector<Index>* known, std::vector<CellProgram>& scratch,
                                const Refused& refused = {}) const;

 private:
  struct Node {
    std::size_t begin, end;
    std::size_t left = 0, right = 0;  // 0: a leaf
    CellBounds hull;
  };
  struct Search;

  std::size_t build(std::size_t begin, std::size_t end, std::size_t depth);

  const std::vector<Cell>& cells_;
  std::vector<Node> nodes_;
  std::size_t depth_ = 0;
};

}  // namespace rnndyn

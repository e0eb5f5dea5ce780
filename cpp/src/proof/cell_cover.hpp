// A cover of everything that can recur in a box: one polytope ("cell") per linear region, and which
// cell can follow which.
//
// Let R be the set of all points of cycles that stay in the box, up to a largest order. Every z in
// R lies, for each region q whose closure holds it, in
//   C_q = { z : lower_q <= T z <= upper_q },
// T the rows of the template below. This holds at the start, where the bounds are those of the box
// and of the signs. It goes on holding when C_r shrinks to the template hull of
//   union over q of  F(C_q) ∩ C_r         (z in R has a predecessor in R, which lies in some C_q),
// when C_q shrinks to the hull of
//   union over r of  C_q ∩ F^-1(C_r)      (and a successor in R),
// and when cells and steps are dropped that no closed walk over possible steps q -> r passes, no
// longer than the largest order. By induction the cover contains R after every iteration, and the
// itinerary of every cycle is a closed walk.
// Bounds and missing steps come from linear programs, whose multipliers are verified with all
// rounding errors accounted for (cell_certificate.hpp); floating point only decides how tight the
// cover is.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proof/cell_program.hpp"
#include "proof/cell_record.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// The faces of cells: unit vectors, rows of W2 that are not multiples of unit vectors, and the left
// singular directions of W1, along which images are long or thin.
struct CellTemplate {
  // On one side of a value of a template row a unit is on, on the other it is off; both sides are
  // closed and rounded outward.
  struct Border {
    Index row = -1;  // -1: no border, the unit is irrelevant or always on
    bool on_above = true;
    double on_bound = 0.0;
    double off_bound = 0.0;
    bool always_on = false;
  };
  RowMatrix rows;
  std::vector<Border> borders;  // by unit
  Index size() const { return rows.rows(); }
};

// B ∩ F(B) ∩ ... for boxes: holds every cycle with all points in the box. May come out empty, with
// some lower bound above the upper one. `slopes` gets, for each iteration and unit, the slope s of
// the line s p that was used below relu(p).
Box shrink_box(const CanonicalMap& map, Box box, std::vector<Vector>* slopes = nullptr);

CellTemplate make_cell_template(const CanonicalMap& map);

// The regions whose closure meets the box, ascending, bits of irrelevant units zero; some may only
// seem to. Nothing when there are more than `limit`, or the control stops. `record` gets the tree
// in which they were found.
std::optional<std::vector<std::vector<Word>>> regions_in_box(const CanonicalMap& map,
                                                             const CellTemplate& faces,
                                                             const Box& box, std::size_t limit,
                                                             Control& control,
                                                             ProofTree* record = nullptr);

// One cell, and the map on its region: T F(z) = image z + image_offset, up to image_error, for z in
// the cell.
struct Cell {
  std::size_t number = 0;  // at the beginning of the cover, when none had been dropped
  std::vector<Word> region;
  std::vector<double> lower, upper;  // by template row
  RowMatrix image;
  std::vector<double> image_offset, image_error;
  std::vector<Index> successors;  // ascending
  Reasons why;                    // the bounds are what they are
};

struct CellCover {
  CellTemplate faces;
  std::vector<Cell> cells;  // by region, ascending
  int n_iterations = 0;
  std::size_t n_steps() const;
};

// The part of the box in a region, and the map there.
Cell make_cell(const CanonicalMap& map, const CellTemplate& faces, const Box& box,
               std::vector<Word> region);

// Keeps the cells and steps that a closed walk of at most `longest` steps passes.
struct ClosedWalks {
  bool by_length = false;  // something was dropped that longer walks pass
};
ClosedWalks keep_closed_walks(CellCover& cover, Index longest);

// Whether every closed walk stays in one cell.
bool only_loops(const CellCover& cover);

// About how many words up to length `longest` have the least cell first.
double count_words(const CellCover& cover, Index longest);

struct CellCoverOptions {
  std::size_t max_regions = 50000;
  // Largest number of steps times faces: bounds the memory of an iteration.
  std::size_t max_work = 4'000'000;
  int max_iterations = 300;
  // Only iterations with images of whole cells, and at most so many of them.
  std::optional<int> coarse_only;
  bool keep_record = false;
};

struct CellCoverOutcome {
  CellCover cover;
  std::size_t n_regions = 0;
  bool useful = false;      // the cover holds the recurrent set and is not too large to go on with
  bool all_orders = false;  // it holds cycles of all orders, not only of those up to `longest`
  std::string reason;       // if not useful: why
  // Where a record is kept: the cover, and the slopes of shrink_box().
  std::optional<ProofTree> record;
  std::vector<Vector> slopes;
};

// The cover of all cycles of order at most `longest`.
CellCoverOutcome cover_recurrent_set(const CanonicalMap& map, const Box& box, Index longest,
                                     const CellCoverOptions& options, int n_threads,
                                     Control& control);

}  // namespace rnndyn

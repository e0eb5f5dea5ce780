// Why the cover of cells holds what it is said to hold, for an independent checker: every bound
// that the final cover rests on, with the multipliers that it follows from, and every step and cell
// that was dropped because nothing can be there.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proof/cell_program.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

// A signed sum of rows. With each row at the bound that its sign asks for, the sum, and what it is
// added to, give a bound (see verify/_cells.py).
struct CellMultipliers {
  std::vector<std::int32_t> row;
  std::vector<double> value;
};

// Of the row that cannot reach its bound.
CellMultipliers stuck_multipliers(const CellProgram& program);
// By which  sign * row  is bounded from above in the present dictionary.
CellMultipliers bound_multipliers(const CellProgram& program, Index row, double sign);

void append_refuted(const CellMultipliers& multipliers, ProofTree& tree);

// The numbers are part of the file format of certificates; docs/reference/certificate.md says what
// follows each of them.
enum class CellClaim : std::int32_t {
  end = 0,             // of an iteration: cells and steps without closed walks are dropped
  empty = 1,           // nothing is in a cell
  image = 2,           // a bound of T_f F(z) in a cell
  apart = 3,           // such a bound keeps the cell from entering others
  no_step = 4,         // multipliers keep it from entering others
  forward = 5,         // a bound of T_f F(z) for z in a cell and F(z) in another
  backward = 6,        // a bound of T_f z for such z
  from_images = 7,     // a cell is cut down to where it can be entered
  from_preimages = 8,  // ... or left
  cells = 9            // no claim: the numbers of the final cells follow
};

// Where a face of a cell stands in lists of bounds: its lower side, its upper side.
inline std::size_t side_of(std::size_t face, bool upper) { return 2 * face + (upper ? 1 : 0); }

struct CellReason;
using Reason = std::shared_ptr<const CellReason>;
// By side_of(); no pointer where a bound is that of the beginning. Empty where nothing is recorded.
using Reasons = std::vector<Reason>;

// What was known in an iteration with images of whole cells, by number of the cell: kept as a
// whole, because what one claim rests on may be bounds of hundreds of cells.
struct CoarseRound {
  std::vector<Reasons> before;  // of the cells
  std::vector<Reasons> images;
};

struct CellReason {
  CellClaim claim = CellClaim::end;
  std::int32_t iteration = 0, phase = 0, place = 0, turn = 0;  // in the order of the record
  std::int32_t cell = 0;
  std::int32_t first = 0, last = 0;  // the cells at the other end of the steps
  std::int32_t face = 0;
  bool upper = false;
  CellMultipliers multipliers;
  Reasons needs;                       // of earlier claims
  std::shared_ptr<CoarseRound> round;  // from which more of them come
  std::shared_ptr<const std::vector<std::int32_t>> entered_from;
};

// The record of a whole cover. Bounds that nothing rests on any more are forgotten as the cover
// shrinks.
class CellRecord {
 public:
  explicit CellRecord(std::size_t n_faces) : n_faces_(n_faces) {}

  ProofTree& regions() { return regions_; }
  // A claim that is kept in any case.
  void keep(Reason reason) { kept_.push_back(std::move(reason)); }
  void end_iteration() { ++n_iterations_; }
  std::int32_t iteration() const { return n_iterations_; }

  // The tree of regions; the claims, in order, that the kept ones and these final bounds rest on;
  // and the numbers of the final cells.
  ProofTree joined(const std::vector<const Reasons*>& bounds,
                   const std::vector<std::int32_t>& cells) const;

 private:
  std::size_t n_faces_;
  std::int32_t n_iterations_ = 0;
  ProofTree regions_;
  std::vector<Reason> kept_;
};

}  // namespace rnndyn

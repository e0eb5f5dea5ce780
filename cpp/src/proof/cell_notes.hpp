// What the cover of cells notes while it shrinks, where a record is asked for. Without a record all
// of this does nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "proof/cell_cover.hpp"
#include "proof/cell_record.hpp"
#include "proof/cell_steps.hpp"

namespace rnndyn {

class CellNotes {
 public:
  // In the order of the record.
  enum Phase : std::int32_t { kWholeCells = 0, kForward = 1, kBackward = 2, kCuts = 3 };

  // Of one cell in one phase: kept apart, so that their order does not depend on threads.
  struct Claims {
    std::int32_t turn = 0;
    std::vector<Reason> kept;
  };

  CellNotes(CellRecord* record, std::size_t n_faces) : record_(record), n_faces_(n_faces) {}

  bool wanted() const { return record_ != nullptr; }
  // Lists of reasons, where they are wanted.
  Reasons no_reasons() const { return Reasons(wanted() ? 2 * n_faces_ : 0); }

  // The stuck program of the cell shows that nothing is in it.
  void empty(Claims& claims, const Cell& cell, const CellProgram& program) const;

  std::shared_ptr<CoarseRound> begin_round(const std::vector<Cell>& cells, std::size_t n) const;
  // For CellSteps::image().
  CellSteps::Seen images(Claims& claims, const Cell& cell, Reasons& why) const;
  // For CellTree::successors().
  CellTree::Refused refusals(Claims& claims, const std::vector<Cell>& cells, std::size_t q,
                             const CellBounds& image,
                             const std::shared_ptr<CoarseRound>& round) const;
  // The hulls of images that cells are cut down to.
  void cut_to_images(const std::vector<Cell>& cells, std::vector<CellBounds>& hulls,
                     const std::shared_ptr<CoarseRound>& round) const;

  // The stuck program of a step shows that it is impossible; `place`: the cell that is looked at.
  void no_step(Claims& claims, Phase phase, const Cell& from, const Cell& to, const Cell& place,
               const CellProgram& program) const;
  // A bound of T_f F(z), or in the backward phase of T_f z, that the program of a step gives.
  Reason step_bound(Claims& claims, Phase phase, const Cell& from, const Cell& to,
                    const CellProgram& program, Index f, double sign) const;
  Reason cut(CellClaim claim, const Cell& cell, std::size_t side, Reasons needs) const;

  void keep(std::vector<Claims>& claims) const;
  // The bounds of a cell that has none left between them.
  void keep_crossing(const Cell& cell) const;
  void end_iteration() const;

 private:
  std::shared_ptr<CellReason> make(CellClaim claim, Phase phase, const Cell& place,
                                   std::int32_t turn) const;
  // The bounds that the multipliers stand for; those of F(z), if `to` is given, are bounds of that.
  void need_bounds(CellReason& reason, const Cell& from, const Cell* to) const;

  CellRecord* record_;
  std::size_t n_faces_;
};

}  // namespace rnndyn

#include "proof/cell_notes.hpp"

#include <utility>

namespace rnndyn {
namespace {

std::int32_t number_of(const Cell& cell) { return static_cast<std::int32_t>(cell.number); }

}  // namespace

std::shared_ptr<CellReason> CellNotes::make(CellClaim claim, Phase phase, const Cell& place,
                                            std::int32_t turn) const {
  auto reason = std::make_shared<CellReason>();
  reason->claim = claim;
  reason->iteration = record_->iteration();
  reason->phase = phase;
  reason->place = number_of(place);
  reason->turn = turn;
  return reason;
}

void CellNotes::need_bounds(CellReason& reason, const Cell& from, const Cell* to) const {
  const CellMultipliers& multipliers = reason.multipliers;
  for (std::size_t e = 0; e < multipliers.row.size(); ++e) {
    const auto row = static_cast<std::size_t>(multipliers.row[e]);
    const bool upper = multipliers.value[e] < 0.0;
    const Cell* cell = row < n_faces_ ? &from : to;
    if (cell == nullptr) continue;
    const Reason& why = cell->why[side_of(row < n_faces_ ? row : row - n_faces_, upper)];
    if (why) reason.needs.push_back(why);
  }
}

void CellNotes::empty(Claims& claims, const Cell& cell, const CellProgram& program) const {
  if (!wanted()) return;
  const auto reason = make(CellClaim::empty, kWholeCells, cell, claims.turn++);
  reason->cell = number_of(cell);
  reason->multipliers = stuck_multipliers(program);
  need_bounds(*reason, cell, nullptr);
  claims.kept.push_back(reason);
}

std::shared_ptr<CoarseRound> CellNotes::begin_round(const std::vector<Cell>& cells,
                                                    std::size_t n) const {
  if (!wanted()) return nullptr;
  auto round = std::make_shared<CoarseRound>();
  round->before.resize(n);
  round->images.resize(n);
  for (const Cell& cell : cells) round->before[cell.number] = cell.why;
  return round;
}

CellSteps::Seen CellNotes::images(Claims& claims, const Cell& cell, Reasons& why) const {
  if (!wanted()) return {};
  return [this, &claims, &cell, &why](const CellProgram& program, Index f, double sign) {
    const auto reason = make(CellClaim::image, kWholeCells, cell, claims.turn++);
    reason->cell = number_of(cell);
    reason->face = static_cast<std::int32_t>(f);
    reason->upper = sign > 0.0;
    reason->multipliers = bound_multipliers(program, static_cast<Index>(n_faces_) + f, sign);
    need_bounds(*reason, cell, nullptr);
    why[side_of(static_cast<std::size_t>(f), sign > 0.0)] = reason;
  };
}

CellTree::Refused CellNotes::refusals(Claims& claims, const std::vector<Cell>& cells, std::size_t q,
                                      const CellBounds& image,
                                      const std::shared_ptr<CoarseRound>& round) const {
  if (!wanted()) return {};
  return
      [this, &claims, &cells, q, &image, round](
          std::size_t begin, std::size_t end, const CellBounds& hull, const CellProgram* program) {
        const CellClaim claim = program != nullptr ? CellClaim::no_step : CellClaim::apart;
        const auto reason = make(claim, kWholeCells, cells[q], claims.turn++);
        reason->cell = number_of(cells[q]);
        reason->first = number_of(cells[begin]);
        reason->last = number_of(cells[end - 1]);
        reason->round = round;
        if (program != nullptr) {
          reason->multipliers = stuck_multipliers(*program);
          need_bounds(*reason, cells[q], nullptr);
        } else {
          std::size_t f = 0;
          while (image.lower[f] <= hull.upper[f] && image.upper[f] >= hull.lower[f]) ++f;
          reason->face = static_cast<std::int32_t>(f);
          reason->upper = image.upper[f] < hull.lower[f];
          reason->needs.push_back(image.why[side_of(f, reason->upper)]);
        }
        claims.kept.push_back(reason);
      };
}

void CellNotes::cut_to_images(const std::vector<Cell>& cells, std::vector<CellBounds>& hulls,
                              const std::shared_ptr<CoarseRound>& round) const {
  if (!wanted()) return;
  std::vector<std::vector<std::int32_t>> predecessors(cells.size());
  for (const Cell& cell : cells) {
    for (const Index r : cell.successors) {
      predecessors[static_cast<std::size_t>(r)].push_back(number_of(cell));
    }
  }
  for (std::size_t r = 0; r < cells.size(); ++r) {
    const auto entered_from =
        std::make_shared<const std::vector<std::int32_t>>(std::move(predecessors[r]));
    hulls[r].why = no_reasons();
    if (entered_from->empty()) continue;
    for (std::size_t side = 0; side < 2 * n_faces_; ++side) {
      const std::size_t f = side / 2;
      const bool upper = side == side_of(f, true);
      const bool cuts =
          upper ? hulls[r].upper[f] < cells[r].upper[f] : hulls[r].lower[f] > cells[r].lower[f];
      if (!cuts) continue;
      const auto reason =
          make(CellClaim::from_images, kCuts, cells[r], static_cast<std::int32_t>(side));
      reason->cell = number_of(cells[r]);
      reason->face = static_cast<std::int32_t>(f);
      reason->upper = upper;
      reason->round = round;
      reason->entered_from = entered_from;
      hulls[r].why[side] = reason;
    }
  }
}

void CellNotes::no_step(Claims& claims, Phase phase, const Cell& from, const Cell& to,
                        const Cell& place, const CellProgram& program) const {
  if (!wanted()) return;
  const auto reason = make(CellClaim::no_step, phase, place, claims.turn++);
  reason->cell = number_of(from);
  reason->first = reason->last = number_of(to);
  reason->multipliers = stuck_multipliers(program);
  need_bounds(*reason, from, &to);
  claims.kept.push_back(reason);
}

Reason CellNotes::step_bound(Claims& claims, Phase phase, const Cell& from, const Cell& to,
                             const CellProgram& program, Index f, double sign) const {
  const bool forward = phase == kForward;
  const auto reason = make(forward ? CellClaim::forward : CellClaim::backward, phase,
                           forward ? to : from, claims.turn++);
  reason->cell = number_of(from);
  reason->first = reason->last = number_of(to);
  reason->face = static_cast<std::int32_t>(f);
  reason->upper = sign > 0.0;
  reason->multipliers =
      bound_multipliers(program, forward ? static_cast<Index>(n_faces_) + f : f, sign);
  need_bounds(*reason, from, &to);
  return reason;
}

Reason CellNotes::cut(CellClaim claim, const Cell& cell, std::size_t side, Reasons needs) const {
  const auto reason = make(claim, kCuts, cell, static_cast<std::int32_t>(side));
  reason->cell = number_of(cell);
  reason->face = static_cast<std::int32_t>(side / 2);
  reason->upper = side == side_of(side / 2, true);
  reason->needs = std::move(needs);
  return reason;
}

void CellNotes::keep(std::vector<Claims>& claims) const {
  if (!wanted()) return;
  for (Claims& of_cell : claims) {
    for (Reason& reason : of_cell.kept) record_->keep(std::move(reason));
    of_cell.kept.clear();
  }
}

void CellNotes::keep_crossing(const Cell& cell) const {
  if (!wanted()) return;
  for (std::size_t f = 0; f < n_faces_; ++f) {
    if (cell.lower[f] <= cell.upper[f]) continue;
    for (const bool upper : {false, true}) {
      if (cell.why[side_of(f, upper)]) record_->keep(cell.why[side_of(f, upper)]);
    }
    return;
  }
}

void CellNotes::end_iteration() const {
  if (wanted()) record_->end_iteration();
}

}  // namespace rnndyn

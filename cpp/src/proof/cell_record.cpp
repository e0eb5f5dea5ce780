#include "proof/cell_record.hpp"

#include <algorithm>
#include <tuple>
#include <unordered_set>
#include <utility>

namespace rnndyn {
namespace {

CellMultipliers solved_multipliers(const CellProgram& program, Index row, double sign) {
  std::vector<double> coefficients(static_cast<std::size_t>(program.n_columns()));
  program.express(row, coefficients.data());
  CellMultipliers result;
  for (Index j = 0; j < program.n_columns(); ++j) {
    const double d = coefficients[static_cast<std::size_t>(j)];
    if (d == 0.0) continue;
    result.row.push_back(static_cast<std::int32_t>(program.column(j)));
    result.value.push_back(-sign * d);
  }
  return result;
}

void append_multipliers(const CellMultipliers& multipliers, ProofTree& tree) {
  tree.row.insert(tree.row.end(), multipliers.row.begin(), multipliers.row.end());
  tree.value.insert(tree.value.end(), multipliers.value.begin(), multipliers.value.end());
  tree.first.push_back(static_cast<std::int64_t>(tree.row.size()));
}

bool has_multipliers(CellClaim claim) {
  return claim == CellClaim::empty || claim == CellClaim::image || claim == CellClaim::no_step ||
         claim == CellClaim::forward || claim == CellClaim::backward;
}

void append_claim(const CellReason& reason, ProofTree& tree) {
  std::vector<std::int32_t>& out = tree.nodes;
  const auto side =
      static_cast<std::int32_t>(side_of(static_cast<std::size_t>(reason.face), reason.upper));
  out.push_back(static_cast<std::int32_t>(reason.claim));
  out.push_back(reason.cell);
  switch (reason.claim) {
    case CellClaim::apart:
      out.insert(out.end(), {reason.first, reason.last, side});
      break;
    case CellClaim::no_step:
      out.insert(out.end(), {reason.first, reason.last});
      break;
    case CellClaim::forward:
    case CellClaim::backward:
      out.insert(out.end(), {reason.first, side});
      break;
    case CellClaim::image:
    case CellClaim::from_images:
    case CellClaim::from_preimages:
      out.push_back(side);
      break;
    default:
      break;
  }
  if (has_multipliers(reason.claim)) append_multipliers(reason.multipliers, tree);
}

// All claims that some rest on.
class Closure {
 public:
  explicit Closure(std::size_t n_faces) : n_faces_(n_faces) {}

  void add(const Reason& reason) {
    if (reason && seen_.insert(reason.get()).second) waiting_.push_back(reason.get());
  }
  void add(const Reasons& reasons) {
    for (const Reason& reason : reasons) add(reason);
  }

  std::vector<const CellReason*> take() && {
    while (!waiting_.empty()) {
      const CellReason* reason = waiting_.back();
      waiting_.pop_back();
      add(reason->needs);
      if (reason->round) add_round(*reason);
    }
    std::vector<const CellReason*> result(seen_.begin(), seen_.end());
    const auto place = [](const CellReason* r) {
      return std::tuple(r->iteration, r->phase, r->place, r->turn);
    };
    std::sort(result.begin(), result.end(),
              [&](const CellReason* a, const CellReason* b) { return place(a) < place(b); });
    return result;
  }

 private:
  void add_round(const CellReason& reason) {
    const CoarseRound& round = *reason.round;
    if (reason.claim == CellClaim::from_images) {
      const std::size_t side = side_of(static_cast<std::size_t>(reason.face), reason.upper);
      for (const std::int32_t q : *reason.entered_from) {
        add(round.images[static_cast<std::size_t>(q)][side]);
      }
      return;
    }
    if (reason.claim == CellClaim::apart) {
      add_hull(reason, side_of(static_cast<std::size_t>(reason.face), !reason.upper));
      return;
    }
    const CellMultipliers& multipliers = reason.multipliers;
    for (std::size_t e = 0; e < multipliers.row.size(); ++e) {
      const auto row = static_cast<std::size_t>(multipliers.row[e]);
      if (row >= n_faces_) add_hull(reason, side_of(row - n_faces_, multipliers.value[e] < 0.0));
    }
  }

  void add_hull(const CellReason& reason, std::size_t side) {
    for (std::int32_t r = reason.first; r <= reason.last; ++r) {
      const Reasons& known = reason.round->before[static_cast<std::size_t>(r)];
      if (!known.empty()) add(known[side]);
    }
  }

  std::size_t n_faces_;
  std::unordered_set<const CellReason*> seen_;
  std::vector<const CellReason*> waiting_;
};

}  // namespace

CellMultipliers stuck_multipliers(const CellProgram& program) {
  const double sign = program.stuck_below() ? 1.0 : -1.0;
  CellMultipliers result = solved_multipliers(program, program.stuck_row(), sign);
  result.row.push_back(static_cast<std::int32_t>(program.stuck_row()));
  result.value.push_back(sign);
  return result;
}

CellMultipliers bound_multipliers(const CellProgram& program, Index row, double sign) {
  return solved_multipliers(program, row, sign);
}

void append_refuted(const CellMultipliers& multipliers, ProofTree& tree) {
  tree.nodes.push_back(ProofTree::kInfeasible);
  append_multipliers(multipliers, tree);
}

ProofTree CellRecord::joined(const std::vector<const Reasons*>& bounds,
                             const std::vector<std::int32_t>& cells) const {
  Closure closure(n_faces_);
  for (const Reason& reason : kept_) closure.add(reason);
  for (const Reasons* reasons : bounds) closure.add(*reasons);
  ProofTree tree = regions_;
  std::int32_t iteration = 0;
  const auto end_until = [&](std::int32_t next) {
    for (; iteration < next; ++iteration) {
      tree.nodes.push_back(static_cast<std::int32_t>(CellClaim::end));
    }
  };
  for (const CellReason* reason : std::move(closure).take()) {
    end_until(reason->iteration);
    append_claim(*reason, tree);
  }
  end_until(n_iterations_);
  tree.nodes.push_back(static_cast<std::int32_t>(CellClaim::cells));
  tree.nodes.insert(tree.nodes.end(), cells.begin(), cells.end());
  return tree;
}

}  // namespace rnndyn

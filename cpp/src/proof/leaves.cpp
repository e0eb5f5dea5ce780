#include "proof/leaves.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "cycles/likely_candidate.hpp"
#include "proof/cyclic_relaxation.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// How much longer a stopped search goes on solving leaves.
constexpr double kGraceSeconds = 0.1;
// Relaxations larger than this are not built to settle a single itinerary.
constexpr Index kLargestSingleProof = 400;

// Whether error bounds leave open on which side of the box a cycle lies.
bool straddles(const std::optional<Box>& box, const Cycle& cycle) {
  if (!box) return false;
  bool surely_outside = false;
  bool surely_inside = true;
  for (Index t = 0; t < cycle.points.cols(); ++t) {
    for (Index j = 0; j < cycle.points.rows(); ++j) {
      const double z = cycle.points(j, t);
      for (const double above : {z - box->lower(j), box->upper(j) - z}) {
        // One difference, whose rounding error is below that of its result.
        const double error = cycle.error_bound + gamma(2.0) * std::abs(above);
        surely_outside = surely_outside || above < -error;
        surely_inside = surely_inside && above >= error;
      }
    }
  }
  return !surely_outside && !surely_inside;
}

bool touches_border(const Candidate& candidate) {
  return candidate.cycle ? candidate.cycle->on_border
                         : candidate.continuum && candidate.continuum->on_border;
}

UndecidedReason reason_of(const Candidate& candidate) {
  if (candidate.kind == CandidateKind::continuum || candidate.kind == CandidateKind::none) {
    return UndecidedReason::singular;
  }
  const bool border = candidate.kind == CandidateKind::cycle && candidate.cycle->on_border;
  return border ? UndecidedReason::border : UndecidedReason::unproved;
}

}  // namespace

struct Leaves::Answers {
  std::vector<Itinerary> leaves;
  std::vector<Candidate> found;
  std::vector<char> done;
};

void Leaves::solve(std::vector<Itinerary> leaves) {
  // A complete search files nothing in the collection that did not pass through here.
  const bool known_here = context_.options.method == SearchMethod::complete;
  std::unordered_set<Itinerary, ItineraryHash> seen;
  std::erase_if(leaves, [&](Itinerary& leaf) {
    leaf = canonical_rotation(leaf);
    return (known_here && context_.collection.lookup(leaf) != Collection::kUnknown) ||
           !seen.insert(leaf).second;
  });
  Answers answers;
  answers.leaves = std::move(leaves);
  answers.found.resize(answers.leaves.size());
  answers.done.assign(answers.leaves.size(), 0);
  solve_each(answers);
  enlarge(answers);
  file(answers);
}

// A stopped search still solves what it can of its leaves in a moment.
Control& Leaves::clock() {
  if (!context_.control.stop_requested()) return context_.control;
  if (!moment_) moment_.emplace(kGraceSeconds, nullptr);
  return *moment_;
}

void Leaves::solve_each(Answers& answers) {
  Control& control = clock();
  const std::size_t n = answers.leaves.size();
  parallel_for(n, n < 8 ? 1 : context_.options.n_threads, [&](std::size_t i, int /*thread*/) {
    if (control.stop_requested()) return;
    try {
      answers.found[i] = real_candidate(map_, answers.leaves[i], &control);
      answers.done[i] = 1;
    } catch (const Stopped&) {
    }
  });
}

// Whether a candidate on a border is part of a continuum is expensive to find out, and many leaves
// meet in the same border cycle: ask once for each.
void Leaves::enlarge(Answers& answers) {
  std::vector<Candidate>& found = answers.found;
  std::vector<std::pair<std::size_t, std::size_t>> twins;  // a leaf and the one that is asked
  std::vector<std::size_t> questions;
  std::unordered_map<Itinerary, std::vector<std::size_t>, ItineraryHash> borders;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (answers.done[i] == 0 || (found[i].proved && !touches_border(found[i]))) continue;
    if (found[i].kind == CandidateKind::cycle && found[i].cycle->on_border) {
      std::vector<std::size_t>& same = borders[found[i].cycle->itinerary];
      const auto twin = std::find_if(same.begin(), same.end(), [&](std::size_t t) {
        return found[t].cycle->points == found[i].cycle->points;
      });
      if (twin != same.end()) {
        twins.emplace_back(i, *twin);
        continue;
      }
      same.push_back(i);
    }
    questions.push_back(i);
  }
  Control& control = clock();
  parallel_for(questions.size(), questions.size() < 8 ? 1 : context_.options.n_threads,
               [&](std::size_t q, int /*thread*/) {
                 if (control.stop_requested()) return;
                 Candidate& candidate = found[questions[q]];
                 try {
                   candidate = enlarged(map_, candidate, &control);
                 } catch (const Stopped&) {  // it stays what it is: undecided
                 }
               });
  for (const auto& [leaf, asked] : twins) found[leaf] = found[asked];
}

void Leaves::file(Answers& answers) {
  for (std::size_t i = 0; i < answers.leaves.size(); ++i) {
    Itinerary& leaf = answers.leaves[i];
    if (answers.done[i] == 0) {
      undecided_.push_back({std::move(leaf), UndecidedReason::unproved});
      all_solved_ = false;
      continue;
    }
    Candidate& answer = answers.found[i];
    const bool empty =
        answer.kind == CandidateKind::none || answer.kind == CandidateKind::virtual_cycle;
    if (!answer.proved && !(empty && refuted(leaf))) {
      undecided_.push_back({leaf, reason_of(answer)});
    } else if (answer.proved && answer.cycle && !empty &&
               straddles(context_.options.box, *answer.cycle)) {
      undecided_.push_back({leaf, UndecidedReason::unproved});
    }
    if (context_.collection.lookup(leaf) != Collection::kUnknown) continue;
    context_.collection.add(leaf, std::move(answer));
  }
  context_.progress.n_cycles.store(static_cast<std::int64_t>(context_.collection.members().size()));
}

void Leaves::doubt(const Collection::Member& member) {
  if (member.candidate.proved) return;
  undecided_.push_back({canonical_rotation(member.itinerary()), reason_of(member.candidate)});
}

std::vector<Undecided> Leaves::take_undecided() {
  std::stable_sort(undecided_.begin(), undecided_.end(),
                   [](const auto& a, const auto& b) { return a.itinerary < b.itinerary; });
  const auto last = std::unique(
      undecided_.begin(), undecided_.end(),
      [](const Undecided& a, const Undecided& b) { return a.itinerary == b.itinerary; });
  undecided_.erase(last, undecided_.end());
  return std::exchange(undecided_, {});
}

// A linear program over one itinerary: what a solver of equations cannot say of a singular system,
// that it has no solution in its regions.
bool Leaves::refuted(const Itinerary& itinerary) const {
  const Index n_bits = itinerary.order * map_.n_relevant_units();
  if (n_bits > kLargestSingleProof || !context_.options.proof.rigorous) return false;
  if (context_.control.stop_requested()) return false;
  using Domain = CyclicRelaxation::Domain;
  // Any split of R^M will do; this one needs no forest.
  constexpr double kRadius = 1e6;
  std::vector<Domain> domains;
  if (context_.options.box) {
    domains.push_back({Domain::Kind::box, *context_.options.box, 0.0, 0.0});
  } else {
    domains.push_back({Domain::Kind::small_sum, {}, kRadius, 0.0});
    domains.push_back({Domain::Kind::large_sum, {}, kRadius, 0.0});
  }
  for (const Domain& domain : domains) {
    const CyclicRelaxation relaxation(map_, itinerary.order, domain, true, false,
                                      &context_.control);
    if (!relaxation.complete()) return false;
    Dictionary dictionary = relaxation.root();
    std::vector<std::int8_t> decided(static_cast<std::size_t>(n_bits), 0);
    for (Index bit = 0; bit < n_bits; ++bit) {
      const bool on = get_bit(itinerary.at(bit / map_.n_relevant_units()), relaxation.unit(bit));
      decided[static_cast<std::size_t>(bit)] = on ? 1 : 0;
      dictionary.fix_at_zero(on ? CyclicRelaxation::v(bit) : CyclicRelaxation::u(bit),
                             relaxation.kept());
    }
    const Dictionary::Outcome outcome = dictionary.solve(relaxation.kept(), &context_.control);
    if (outcome != Dictionary::Outcome::infeasible) return false;
    if (!relaxation.refutes(relaxation.multipliers(dictionary), decided, -1)) return false;
  }
  return true;
}

}  // namespace rnndyn

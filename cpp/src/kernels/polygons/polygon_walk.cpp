#include "kernels/polygons/polygon_walk.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "rnndyn/itinerary.hpp"

namespace rnndyn {
namespace {

// The face of the largest norm is cut this far inside the box, lest the set becomes flat.
constexpr double kFaceDepth = 1e-7;
// Nodes between looks at the clock: less than a millisecond.
constexpr std::int64_t kNodesPerLook = 256;

}  // namespace

template <int M, bool AtInfinity>
PolygonWalk<M, AtInfinity>::PolygonWalk(const CanonicalMap& map, const PrefixDomain& domain,
                                        const std::vector<Index>& orders,
                                        const ProofOptions& options)
    : map_(map),
      certificate_(map, domain),
      rigorous_(options.rigorous),
      keep_tree_(options.keep_tree),
      n_constraints_(static_cast<std::int32_t>(certificate_.n_constraints())),
      n_units_(static_cast<std::int32_t>(map.n_units())),
      last_length_(static_cast<std::int32_t>(orders.back())),
      n_branchings_(static_cast<std::int32_t>(map.n_relevant_units())),
      is_asked_(static_cast<std::size_t>(orders.back()) + 1, 0),
      words_(map.words_per_region()),
      region_(words_, 0),
      decided_(words_, 0) {
  for (const Index order : orders) is_asked_[static_cast<std::size_t>(order)] = 1;
  if (AtInfinity) {
    last_length_ = std::max(last_length_, static_cast<std::int32_t>(domain.pivot) + 1);
  }
  pieces_.resize(static_cast<std::size_t>(last_length_ + closing_steps(last_length_) + 2), 0);
  for (Index i = 0; i < map.n_units(); ++i) {
    Function f{};
    for (int d = 0; d < M; ++d) f[static_cast<std::size_t>(d)] = map.w2()(i, d);
    f[M] = AtInfinity ? map.h2()(i) * domain.tau_high : map.h2()(i);
    unit_functions_.push_back(f);
    if (get_bit(map.relevant_units().data(), i)) units_.push_back(i);
  }
  for (int side = 0; side < 2; ++side) {
    for (int d = 0; d < M; ++d) {
      Function f{};
      f[static_cast<std::size_t>(d)] = side == 0 ? -1.0 : 1.0;
      f[kDim] = side == 0 ? domain.upper(d) : -domain.lower(d);
      box_functions_.push_back(f);
    }
  }
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::start(const Path& path) {
  const PrefixDomain& domain = certificate_.domain();
  std::array<double, kDim> lower{}, upper{};
  std::array<std::int32_t, 2 * kDim> labels{};
  for (int d = 0; d < kDim; ++d) {
    const auto u = static_cast<std::size_t>(d);
    const bool is_state = d < M;
    lower[u] = is_state ? domain.lower(d) : 0.0;
    upper[u] = is_state ? domain.upper(d) : 1.0;
    labels[2 * u] = is_state ? row(0, n_units_ + M + d) : kTauLow;
    labels[2 * u + 1] = is_state ? row(0, n_units_ + d) : kTauHigh;
  }
  set_ = Set::box(lower, upper, labels);
  time_ = 0;
  period_ = 1;
  path_ = path;
  n_decided_ = 0;
  n_waiting_ = 0;
  std::fill(region_.begin(), region_.end(), 0);
  std::fill(decided_.begin(), decided_.end(), 0);
  std::size_t first = 0;
  if (AtInfinity) {
    const std::int32_t root = -1 - path.front().bit;
    certificate_.set_face(root / 2, root % 2 == 0 ? 1.0 : -1.0);
    first = 1;
    if (domain.pivot == 0) advance(set_, -1, false);
  }
  for (std::size_t n = first; n < path.size(); ++n) {
    const std::int32_t bit = path[n].bit;
    while (time_ < bit / n_units_) {
      append_region();
      advance(set_, time_, false);
      ++time_;
      n_decided_ = 0;
      std::fill(region_.begin(), region_.end(), 0);
      std::fill(decided_.begin(), decided_.end(), 0);
    }
    const Index unit = bit % n_units_;
    Values values;
    Function f = unit_functions_[static_cast<std::size_t>(unit)];
    if (!path[n].on) {
      for (double& x : f) x = -x;
    }
    set_.evaluate(f, values);
    restrict_to(set_, values, row(time_, unit));
    set_bit(region_.data(), unit, path[n].on);
    set_bit(decided_.data(), unit, true);
    ++n_decided_;
  }
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::explore(PrefixSubtree&& subtree, std::int64_t budget,
                                         Piece<PrefixSubtree>& piece, Control& control) {
  start(subtree.path);
  n_uncertified_ = 0;
  bool inside = true;
  std::int64_t until_look = 0;
  for (;;) {
    if (!inside) {
      if (n_waiting_ == 0) break;
      inside = resume(piece);
      continue;
    }
    // A path says nothing of a step that is complete but for its last decision: whoever goes on
    // from there would file the words of that step again.
    const bool between_steps = time_ > 0 && n_decided_ == 0 && n_branchings_ > 0;
    if (!between_steps && (piece.n_nodes >= budget || piece.leaves.size() >= kLeavesPerPiece ||
                           (until_look-- <= 0 && control.stop_requested()))) {
      leave_open(piece, inside);
      break;
    }
    if (until_look < 0) until_look = kNodesPerLook;
    inside = visit(piece);
  }
  piece.n_uncertified = n_uncertified_;
}

template <int M, bool AtInfinity>
bool PolygonWalk<M, AtInfinity>::resume(Piece<PrefixSubtree>& piece) {
  const Waiting& next = waiting_[--n_waiting_];
  if (next.leaf != kNoLeaf) {
    append_leaf(next.leaf, next.refutation, piece);
    return false;
  }
  set_ = next.set;
  time_ = next.time;
  period_ = next.period;
  path_.resize(next.depth - 1);
  path_.push_back(next.decision);
  const Word* bits = waiting_bits_.data() + n_waiting_ * 2 * words_;
  std::copy_n(bits, words_, region_.begin());
  std::copy_n(bits + words_, words_, decided_.begin());
  // All units of the step that are decided; counted anew, as a waiting node is met but once.
  n_decided_ = 0;
  for (const Index unit : units_) n_decided_ += get_bit(decided_.data(), unit) ? 1 : 0;
  return true;
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::leave_open(Piece<PrefixSubtree>& piece, bool inside) {
  if (inside) {
    if (keep_tree_) piece.tree.nodes.push_back(ProofTree::kOpen);
    piece.open.push_back({path_});
  }
  while (n_waiting_ > 0) {
    const Waiting& next = waiting_[--n_waiting_];
    if (next.leaf != kNoLeaf) {
      append_leaf(next.leaf, next.refutation, piece);
      continue;
    }
    path_.resize(next.depth - 1);
    path_.push_back(next.decision);
    if (keep_tree_) piece.tree.nodes.push_back(ProofTree::kOpen);
    piece.open.push_back({path_});
  }
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::count_leaf(std::int32_t kind, std::size_t depth,
                                            Piece<PrefixSubtree>& piece) const {
  ++piece.n_nodes;
  if (kind != ProofTree::kDecided) ++piece.n_pruned;
  // The roots at infinity share one tree; their choice is an entry of the path.
  const double whole = AtInfinity ? 0.5 / M : 1.0;
  const auto branchings = static_cast<int>(AtInfinity ? depth - 1 : depth);
  piece.share += std::ldexp(whole, -branchings);
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::append_leaf(std::int32_t kind, const Refutation& refutation,
                                             Piece<PrefixSubtree>& piece) const {
  if (kind == ProofTree::kInfeasible) {
    append_infeasible(piece.tree, n_units_, n_constraints_,
                      {refutation.multipliers.data(), refutation.n_multipliers},
                      refutation.closing);
  } else {
    piece.tree.nodes.push_back(kind);
  }
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::file_leaf(std::int32_t kind, std::size_t depth,
                                           Piece<PrefixSubtree>& piece) const {
  count_leaf(kind, depth, piece);
  if (keep_tree_) append_leaf(kind, refutation_, piece);
}

template <int M, bool AtInfinity>
auto PolygonWalk<M, AtInfinity>::wait() -> Waiting& {
  if (waiting_.size() == n_waiting_) {
    waiting_.emplace_back();
    waiting_bits_.resize(waiting_.size() * 2 * words_);
  }
  return waiting_[n_waiting_++];
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::file_leaf_later(std::int32_t kind, std::size_t depth,
                                                 Piece<PrefixSubtree>& piece) {
  count_leaf(kind, depth, piece);
  if (!keep_tree_) return;
  Waiting& later = wait();
  later.leaf = kind;
  later.refutation = refutation_;
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::visit_later(const Values& values, std::int32_t label) {
  Waiting& later = wait();
  Word* bits = waiting_bits_.data() + (n_waiting_ - 1) * 2 * words_;
  std::copy(region_.begin(), region_.end(), bits);
  std::copy(decided_.begin(), decided_.end(), bits + words_);
  later.leaf = kNoLeaf;
  later.decision = path_.back();
  later.depth = path_.size();
  later.time = time_;
  later.period = period_;
  later.set = set_;
  restrict_to(later.set, values, label);
}

template <int M, bool AtInfinity>
bool PolygonWalk<M, AtInfinity>::visit(Piece<PrefixSubtree>& piece) {
  if (n_decided_ == n_branchings_) return finish_step(piece);
  // Units of constant sign come first: they cost one infeasible child and no copy of the set.
  Index splitting = -1;
  Values values;
  Values split_values;
  double split_low = 0.0;
  double split_high = 0.0;
  for (const Index unit : units_) {
    if (get_bit(decided_.data(), unit)) continue;
    set_.evaluate(unit_functions_[static_cast<std::size_t>(unit)], values);
    double low = values[0];
    double high = values[0];
    for (int v = 1; v < set_.size(); ++v) {
      low = std::min(low, values[static_cast<std::size_t>(v)]);
      high = std::max(high, values[static_cast<std::size_t>(v)]);
    }
    if (low > 0.0 || high < 0.0) {
      visit_unit(unit, values, low, high, piece);
      return true;
    }
    if (splitting >= 0) continue;
    splitting = unit;
    split_values = values;
    split_low = low;
    split_high = high;
  }
  visit_unit(splitting, split_values, split_low, split_high, piece);
  return true;
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::visit_unit(Index unit, const Values& values, double low,
                                            double high, Piece<PrefixSubtree>& piece) {
  const auto constraint = static_cast<std::int32_t>(unit);
  const std::int32_t bit = time_ * n_units_ + constraint;
  const std::int32_t label = row(time_, unit);
  ++piece.n_nodes;
  if (keep_tree_) piece.tree.nodes.push_back(bit);
  const Function& on = unit_functions_[static_cast<std::size_t>(unit)];
  Function off = on;
  for (double& x : off) x = -x;
  Values off_values;
  for (int v = 0; v < set_.size(); ++v) {
    off_values[static_cast<std::size_t>(v)] = -values[static_cast<std::size_t>(v)];
  }
  set_bit(decided_.data(), unit, true);
  ++n_decided_;

  const std::size_t depth = path_.size() + 1;
  set_bit(region_.data(), unit, false);
  const bool off_is_empty =
      low > 0.0 && certify(set_, off_values, off, time_, constraint, region_.data());
  if (off_is_empty) file_leaf(kind_of_empty(), depth, piece);
  set_bit(region_.data(), unit, true);
  const bool on_is_empty =
      high < 0.0 && certify(set_, values, on, time_, constraint, region_.data());
  if (on_is_empty) file_leaf_later(kind_of_empty(), depth, piece);

  path_.push_back({bit, true});
  if (off_is_empty) {
    restrict_to(set_, values, label);
    return;
  }
  if (!on_is_empty) visit_later(values, label);
  path_.back().on = false;
  set_bit(region_.data(), unit, false);
  restrict_to(set_, off_values, label);
}

template <int M, bool AtInfinity>
int PolygonWalk<M, AtInfinity>::append_region() {
  const std::int32_t piece = certificate_.piece(region_.data());
  const auto u = static_cast<std::size_t>(piece);
  while (transforms_.size() <= u) {
    const auto fresh = static_cast<std::int32_t>(transforms_.size());
    typename Set::Transform by{};
    const double* j = certificate_.jacobian(fresh);
    const double* c = certificate_.offset(fresh);
    for (int r = 0; r < M; ++r) {
      for (int l = 0; l < M; ++l) {
        by.matrix[static_cast<std::size_t>(l * kDim + r)] = j[l * M + r];
      }
      if (AtInfinity) {
        by.matrix[static_cast<std::size_t>(M * kDim + r)] = c[r] * certificate_.domain().tau_high;
      } else {
        by.shift[static_cast<std::size_t>(r)] = c[r];
      }
    }
    if (AtInfinity) by.matrix[static_cast<std::size_t>(kDim * kDim - 1)] = 1.0;
    transforms_.push_back(by);
  }
  pieces_[static_cast<std::size_t>(time_)] = piece;
  if (AtInfinity || time_ == 0) return 0;
  // The word stays the beginning of a necklace while no region is smaller than the one a period
  // before (Fredricksen, Kessler, Maiorana; Ruskey, Combinatorial Generation, 2003, sec. 7.2).
  const std::int32_t before = pieces_[static_cast<std::size_t>(time_ - period_)];
  if (before == piece) return 0;
  const int order =
      compare_regions(certificate_.region(piece), certificate_.region(before), words_);
  if (order > 0) period_ = time_ + 1;
  return order;
}

template <int M, bool AtInfinity>
bool PolygonWalk<M, AtInfinity>::finish_step(Piece<PrefixSubtree>& piece) {
  if (append_region() < 0) {
    file_leaf(ProofTree::kRotation, path_.size(), piece);
    return false;
  }
  if (advance(set_, time_, true) == Outcome::proved_empty) {
    file_leaf(kind_of_empty(), path_.size(), piece);
    return false;
  }
  ++time_;
  file_words(time_, piece);
  if (time_ == last_length_) {
    file_leaf(ProofTree::kDecided, path_.size(), piece);
    return false;
  }
  n_decided_ = 0;
  std::fill(region_.begin(), region_.end(), 0);
  std::fill(decided_.begin(), decided_.end(), 0);
  return true;
}

template <int M, bool AtInfinity>
auto PolygonWalk<M, AtInfinity>::advance(Set& set, std::int32_t time, bool prove) -> Outcome {
  if (time >= 0) {
    set.transform(transforms_[static_cast<std::size_t>(pieces_[static_cast<std::size_t>(time)])]);
  }
  Values values;
  for (std::size_t b = 0; b < box_functions_.size(); ++b) {
    set.evaluate(box_functions_[b], values);
    const auto constraint = n_units_ + static_cast<std::int32_t>(b);
    if (cut(set, values, box_functions_[b], time + 1, constraint, nullptr, prove) ==
        Outcome::proved_empty) {
      return Outcome::proved_empty;
    }
  }
  const PrefixDomain& domain = certificate_.domain();
  if (AtInfinity && time + 1 == domain.pivot) {
    Function f{};
    f[static_cast<std::size_t>(domain.face_state)] = domain.face_sign;
    f[kDim] = -1.0 + kFaceDepth;
    set.evaluate(f, values);
    return cut(set, values, f, time + 1, n_units_ + 2 * M, nullptr, prove);
  }
  return Outcome::kept;
}

template <int M, bool AtInfinity>
auto PolygonWalk<M, AtInfinity>::cut(Set& set, const Values& values, const Function& f,
                                     std::int32_t time, std::int32_t constraint, const Word* region,
                                     bool prove) -> Outcome {
  double low = values[0];
  double high = values[0];
  for (int v = 1; v < set.size(); ++v) {
    low = std::min(low, values[static_cast<std::size_t>(v)]);
    high = std::max(high, values[static_cast<std::size_t>(v)]);
  }
  if (low >= 0.0) return Outcome::kept;
  if (prove && high < 0.0 && certify(set, values, f, time, constraint, region)) {
    return Outcome::proved_empty;
  }
  restrict_to(set, values, row(time, constraint));
  return Outcome::kept;
}

template <int M, bool AtInfinity>
void PolygonWalk<M, AtInfinity>::restrict_to(Set& set, const Values& values,
                                             std::int32_t label) const {
  int best = 0;
  for (int v = 1; v < set.size(); ++v) {
    if (values[static_cast<std::size_t>(v)] > values[static_cast<std::size_t>(best)]) best = v;
  }
  if (values[static_cast<std::size_t>(best)] >= 0.0) {
    set.clip(values, label);
  } else {
    set.collapse(best, label);
  }
}

template class PolygonWalk<1, false>;
template class PolygonWalk<1, true>;
template class PolygonWalk<2, false>;
template class PolygonWalk<2, true>;

std::unique_ptr<PrefixWalk> make_polygon_walk(const CanonicalMap& map, const PrefixDomain& domain,
                                              const std::vector<Index>& orders,
                                              const ProofOptions& options) {
  if (map.n_states() == 1) {
    if (domain.at_infinity()) {
      return std::make_unique<PolygonWalk<1, true>>(map, domain, orders, options);
    }
    return std::make_unique<PolygonWalk<1, false>>(map, domain, orders, options);
  }
  if (domain.at_infinity()) {
    return std::make_unique<PolygonWalk<2, true>>(map, domain, orders, options);
  }
  return std::make_unique<PolygonWalk<2, false>>(map, domain, orders, options);
}

}  // namespace rnndyn

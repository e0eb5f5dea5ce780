// Depth-first walk over the prefixes of itineraries of maps with one or two states: the points that
// a prefix leads to are kept as a convex set, and cut by the borders of the regions.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/polygons/polygon.hpp"
#include "kernels/polygons/prefix_certificate.hpp"
#include "parallel/tree_search.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// A subtree of a prefix tree: its path says everything. At infinity a path begins with a decision
// of bit -1 - r for the r-th of the 2 M roots (state 0: +, -; state 1: +, -), which is no
// branching.
struct PrefixSubtree {
  Path path;
};

// One per thread.
class PrefixWalk {
 public:
  PrefixWalk() = default;
  PrefixWalk(const PrefixWalk&) = delete;
  PrefixWalk& operator=(const PrefixWalk&) = delete;
  virtual ~PrefixWalk() = default;

  virtual void explore(PrefixSubtree&& subtree, std::int64_t budget, Piece<PrefixSubtree>& piece,
                       Control& control) = 0;
};

// For maps with one or two states; `orders` in ascending order.
std::unique_ptr<PrefixWalk> make_polygon_walk(const CanonicalMap& map, const PrefixDomain& domain,
                                              const std::vector<Index>& orders,
                                              const ProofOptions& options);

// At infinity the sets have tau as an additional coordinate, in units of its
// largest value.
template <int M, bool AtInfinity>
class PolygonWalk final : public PrefixWalk {
 public:
  PolygonWalk(const CanonicalMap& map, const PrefixDomain& domain, const std::vector<Index>& orders,
              const ProofOptions& options);

  void explore(PrefixSubtree&& subtree, std::int64_t budget, Piece<PrefixSubtree>& piece,
               Control& control) override;

 private:
  static constexpr int kDim = AtInfinity ? M + 1 : M;
  using Set = Polytope<kDim>;
  using Function = typename Set::Function;
  using Values = typename Set::Values;
  using Coefficients = std::array<double, kDim>;
  // Labels of the bounds of tau, which are no rows.
  static constexpr std::int32_t kTauLow = -1;
  static constexpr std::int32_t kTauHigh = -2;
  // A word is continued periodically for so many steps to see that it cannot close.
  static constexpr std::int32_t closing_steps(std::int32_t order) { return 2 * order + 8; }
  // What holds a vertex, and the inequality that is violated there.
  static constexpr std::size_t kMultipliers = kDim + 1;

  // Another child of a node on the way to where the walk is.
  struct Waiting {
    Decision decision;
    std::size_t depth = 0;  // length of its path
    bool is_leaf = false;   // proved to be infeasible
    std::array<Multiplier, kMultipliers> multipliers;
    std::size_t n_multipliers = 0;
    PrefixCertificate::Closing closing;
    std::int32_t time = 0;
    std::int32_t period = 1;
    Set set;
  };

  void start(const Path& path);
  // Looks at one node; false where it was a leaf.
  bool visit(Piece<PrefixSubtree>& piece);
  bool visit_unit(Index unit, const Values& values, double low, double high,
                  Piece<PrefixSubtree>& piece);
  bool finish_step(Piece<PrefixSubtree>& piece);
  bool resume(Piece<PrefixSubtree>& piece);
  void leave_open(Piece<PrefixSubtree>& piece, bool inside);

  // The word becomes one region longer; negative where it is no prenecklace any more.
  int append_region();
  enum class Outcome { kept, proved_empty };
  // A set one step on, cut by the box.
  Outcome advance(Set& set, std::int32_t time, bool prove);
  Outcome cut(Set& set, const Values& values, const Function& f, std::int32_t time,
              std::int32_t constraint, const Word* region, bool prove);
  void restrict_to(Set& set, const Values& values, std::int32_t label) const;
  bool certify(const Set& set, const Values& values, const Function& f, std::int32_t time,
               std::int32_t constraint, const Word* region);
  bool certify_at(const Set& set, int vertex, const Function& f, std::int32_t time,
                  std::int32_t constraint, const Word* region);
  Coefficients normal(std::int32_t time, std::int32_t constraint, const Word* region) const;

  // Leaves to be solved.
  void file_words(std::int32_t length, Piece<PrefixSubtree>& piece);
  bool can_close(std::int32_t length, std::int32_t order);
  Itinerary word(std::int32_t order) const;

  void count_leaf(std::int32_t kind, std::size_t depth, Piece<PrefixSubtree>& piece) const;
  std::int32_t row(std::int32_t time, Index constraint) const {
    return time * n_constraints_ + static_cast<std::int32_t>(constraint);
  }

  const CanonicalMap& map_;
  PrefixCertificate certificate_;
  bool rigorous_, keep_tree_;
  std::int32_t n_constraints_, n_units_, last_length_, n_branchings_;
  std::vector<char> is_asked_;  // by order
  std::vector<Index> units_;    // the relevant ones
  std::vector<Function> unit_functions_, box_functions_;
  std::vector<typename Set::Transform> transforms_;  // by piece
  std::size_t words_;

  // Where the walk is.
  Set set_;
  std::int32_t time_ = 0;
  std::int32_t period_ = 1;  // of the longest Lyndon prefix of the word
  Path path_;
  std::vector<std::int32_t> pieces_;    // of the steps before time_
  std::vector<Word> region_, decided_;  // of step time_
  std::int32_t n_decided_ = 0;

  std::vector<Waiting> waiting_;  // a stack of which the first n_waiting_ count
  std::vector<Word> waiting_bits_;
  std::size_t n_waiting_ = 0;

  std::array<Multiplier, kMultipliers> multipliers_;
  std::size_t n_multipliers_ = 0;
  PrefixCertificate::Closing closing_;
  std::int64_t n_uncertified_ = 0;
};

}  // namespace rnndyn

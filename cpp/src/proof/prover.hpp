// Proves orders complete by whichever method suits, and keeps the certificate.
#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <vector>

#include "proof/leaves.hpp"
#include "proof/p_matrix.hpp"
#include "rnndyn/proof.hpp"
#include "search/context.hpp"

namespace rnndyn {

class Prover {
 public:
  static constexpr std::int64_t kNoLimit = std::numeric_limits<std::int64_t>::max();

  // Looks for cycles at random, until its end or until the control says stop, after `seconds`.
  using Search =
      std::function<void(const std::vector<Index>& orders, double seconds, Control& control)>;

  // `search` is called once, with the orders that are not proved, when a proof has taken a while:
  // if it is stopped later there is more to show than what it happened to come by.
  explicit Prover(SearchContext& context, Search search = {});

  // Takes over what an interrupted search had proved.
  void resume(const Certificate& earlier, const std::vector<Itinerary>& known);

  // Whether the map was found to contract, which settles every order at once.
  bool try_contraction();
  // The fixed points of maps with few states and many units, where their order is asked for: all of
  // them, whatever it takes, or only where that is cheap. False where this is not for the map, and
  // where boxes do not decide it.
  bool try_fixed_points(bool only_if_cheap);

  // For searches that end with a proof where that costs little: first what settles all orders at
  // once, then order by order, ascending. How much is tried does not depend on the clock.
  void begin_cheaply();
  bool prove_cheaply(Index order);

  // Adds what it finds to the collection and a part to the certificate; true when these
  // orders are proved now. Gives up beyond max_nodes nodes.
  bool prove(const std::vector<Index>& orders, std::int64_t max_nodes);

  // Whether the search of this order came to its end; it is proved then if it was rigorous.
  bool is_done(Index order) const;
  std::vector<Index> orders_left() const;
  // Calls the search, if it has not been called yet.
  void search_once();
  // What the proofs that begin with this order took: itineraries solved, and time.
  std::int64_t n_leaves(Index order) const;
  double seconds(Index order) const;
  // Boxes of states that a proof of this order took which took nothing else; 0: there is none.
  std::int64_t n_boxes(Index order) const;
  Certificate certificate() &&;

 private:
  void begin_all_orders();
  bool run(PartialProof part, std::int64_t max_nodes);
  bool is_time_to_search() const;
  bool prove_by_dictionary(Index order, std::int64_t max_nodes);
  bool prove_by_polygons(const std::vector<Index>& orders, std::int64_t max_nodes);
  bool prove_by_cells(const std::vector<Index>& orders, std::int64_t max_nodes);
  bool prove_by_boxes(const std::vector<Index>& orders, std::int64_t max_nodes);
  bool prove_by_homogeneous_boxes(const std::vector<Index>& orders, std::int64_t max_nodes);
  // Whether an order has the fixed point and nothing else, by a P-matrix; what takes long to find
  // out is left out where that has to be cheap.
  bool prove_by_p_matrix(Index order, bool only_if_cheap);
  bool begin_p_matrix();
  bool finish(const std::vector<Index>& orders, bool proved);
  // The itineraries of orders with all units off, which cycles without any size follow.
  void settle_all_off(const std::vector<Index>& orders);
  // first_growth: of the tree from one order to the next, where none is known.
  double predicted_nodes(Index order, double first_growth) const;

  SearchContext& context_;
  const CanonicalMap& map_;
  // F(s z) = s F(z) for s > 0: every multiple of a cycle is one, so that those beyond a radius
  // stand for all that have a size. A box makes no difference, and near the origin there is nothing
  // else to prove, where an itinerary for every region leads to the origin.
  const bool is_homogeneous_;
  Search search_;
  Leaves leaves_;
  Certificate certificate_;
  std::vector<PartialProof> earlier_;  // parts of a search that is resumed, not yet taken up
  std::vector<Itinerary> pending_;     // its undecided itineraries
  // Whether the methods treat all orders in one tree here.
  bool all_orders_at_once() const;

  std::vector<Index> done_orders_;
  bool may_have_p_matrix_ = true;  // of order 1, so of any
  std::optional<PMatrixSearch> p_matrix_;
  std::optional<Itinerary> fixed_point_;  // the only one, by a P-matrix
  std::optional<Vector> multipliers_of_fixed_point_;
  bool hopeful_ = true;              // a cheap proof of the next order may succeed
  std::vector<std::int64_t> nodes_;  // of the dictionary proofs so far, by order; 0: none
};

}  // namespace rnndyn

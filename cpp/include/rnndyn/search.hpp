// The search for cycles of given orders: exhaustive listing, the heuristic, and SCYFI as published.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "rnndyn/cycles.hpp"
#include "rnndyn/parallel.hpp"
#include "rnndyn/proof.hpp"

namespace rnndyn {

enum class SearchMethod {
  automatic,   // exhaustive or complete where that is cheap, heuristic else; order by order
  exhaustive,  // every itinerary, up to rotation
  heuristic,
  scyfi,    // Eisenmann et al., NeurIPS 2023, Algorithm 1
  complete  // with a proof that nothing is missing
};

// Thrown by SearchMethod::exhaustive.
struct TooManyItineraries : std::length_error {
  explicit TooManyItineraries(Index order)
      : std::length_error("order " + std::to_string(order) +
                          " has too many itineraries to be listed") {}
};

struct SearchOptions {
  std::vector<Index> orders;
  SearchMethod method = SearchMethod::automatic;
  std::uint64_t seed = 0;
  // Restarts in a row without a new cycle that end an order (N_out), and solves a restart may take
  // (N_in). Chosen by the method where absent.
  std::optional<std::int64_t> max_restarts;
  std::optional<std::int64_t> max_iterations;
  std::optional<Box> box;  // report only cycles with all points in it, and start there
  // States to begin at as well, one a column: each by the regions of its next points.
  Matrix states;
  int n_threads = 1;
  // That of the control, in seconds: a complete search shares it out between proof and search.
  double time_limit = std::numeric_limits<double>::infinity();
  ProofOptions proof;
  // An interrupted complete search to go on with: what it proved, and the itineraries it solved
  // that are cycles, continua or undecided.
  std::optional<Certificate> resume;
  std::vector<Itinerary> known;
};

// Why an index sum is not known.
enum class IndexReason : std::int8_t {
  none,                // it is known
  no_box,              // no box is found that the network maps into itself
  restricted,          // the search was restricted to a box
  order_not_searched,  // `order`, whose cycles count as well
  continuum,           // of `order`, is degenerate
  on_border,           // `n` cycles of `order` have no index
  not_certified,       // `n` cycles of `order`
  too_long,            // the cycles of `order` are too many or too long for their signs
  sign_is_open         // of a cycle of `order`, by rounding errors
};

// The sum of sign det(I - J) over all points found that come back after the order's steps, J their
// Jacobian of these steps; it is 1 if nothing is missing.
struct IndexSum {
  std::optional<std::int64_t> sum;
  IndexReason reason = IndexReason::none;
  Index order = 0;
  std::int64_t n = 0;
};

struct OrderStatistics {
  Index order = 0;
  SearchMethod method = SearchMethod::automatic;  // the one that ran
  std::int64_t n_restarts = 0;
  std::int64_t n_solves = 0;
  std::int64_t n_itineraries = 0;  // listed, where exhaustive
  std::int64_t n_undecided = 0;    // of these, those that may or may not have a cycle
  std::int64_t n_hits = 0;         // independent restarts that ended in a cycle of this order
  std::int64_t n_singletons = 0;   // cycles that exactly one independent restart ended in
  std::optional<double> coverage;  // Good-Turing: share of the hit probability already seen
  std::int64_t n_solves_at_last_new = 0;
  double seconds = 0.0;
  double seconds_at_last_new = 0.0;
  bool complete = false;  // came to its own end
  IndexSum index;
  std::int64_t n_boxes = 0;  // of states, of a proof that needs nothing else
};

struct FoundCycle {
  Cycle cycle;
  std::int64_t hits = 0;
};
struct FoundContinuum {
  Continuum continuum;
  std::int64_t hits = 0;
};

struct SearchResult {
  std::vector<FoundCycle> cycles;  // by order, then itinerary
  std::vector<FoundContinuum> continua;
  std::vector<OrderStatistics> statistics;
  StopReason stopped_by = StopReason::none;
  std::optional<Certificate> certificate;
};

// Written by the search, read by whoever shows progress.
struct SearchProgress {
  std::atomic<Index> order{0};
  std::atomic<std::int64_t> n_cycles{0};
  std::atomic<std::int64_t> n_restarts{0};
  std::atomic<std::int64_t> n_solves{0};
  std::atomic<std::int64_t> n_nodes{0};  // of the tree being searched
  std::atomic<std::int64_t> n_open{0};   // its open subtrees, at least
  std::atomic<double> share{0.0};        // of that tree that is done
  std::atomic<double> fraction{0.0};
};

// Throws std::invalid_argument when exhaustive listing is asked for and impossible.
SearchResult find_cycles(const CanonicalMap& map, const SearchOptions& options, Control& control,
                         SearchProgress& progress);

}  // namespace rnndyn

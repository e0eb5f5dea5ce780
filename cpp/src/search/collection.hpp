// The cycles and continua found so far, each once.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "rnndyn/cycles.hpp"
#include "rnndyn/search.hpp"

namespace rnndyn {

class Collection {
 public:
  static constexpr std::int32_t kRejected = -1;
  static constexpr std::int32_t kUnknown = -2;

  struct Member {
    Candidate candidate;           // a cycle or a continuum
    std::int64_t hits = 0;         // restarts of any kind that ended here
    std::int64_t independent = 0;  // of these, restarts from independent random starts
    bool inside_box = true;

    Index order() const {
      return candidate.cycle ? candidate.cycle->itinerary.order
                             : candidate.continuum->itinerary.order;
    }
    const Itinerary& itinerary() const {
      return candidate.cycle ? candidate.cycle->itinerary : candidate.continuum->itinerary;
    }
    const Matrix& points() const {
      return candidate.cycle ? candidate.cycle->points : candidate.continuum->points;
    }
  };

  explicit Collection(const std::optional<Box>& box) : box_(box) {}

  // Member that the itinerary (smallest rotation) leads to, kRejected where it leads to none,
  // kUnknown where it has not been tried.
  std::int32_t lookup(const Itinerary& itinerary) const;
  // Files the answer of solve_cycle() for this itinerary; returns what lookup() will.
  std::int32_t add(const Itinerary& itinerary, Candidate candidate);
  // Whether that answer is no more than what floating point makes of it.
  bool is_undecided(const Itinerary& itinerary) const { return undecided_.contains(itinerary); }

  std::vector<Member>& members() { return members_; }
  const std::vector<Member>& members() const { return members_; }

  // Moves out the members of the given orders: without border cycles that belong to a continuum,
  // and without continua that are part of a larger one; sorted. When the control says stop, a
  // moment is left for comparing; what is not compared then stays.
  void extract(const std::vector<Index>& orders, Control& control, SearchResult& result);

 private:
  bool same(const Candidate& a, const Candidate& b) const;
  bool inside_box(const Matrix& points) const;

  const std::optional<Box>& box_;
  std::unordered_map<Itinerary, std::int32_t, ItineraryHash> outcome_;
  std::unordered_set<Itinerary, ItineraryHash> undecided_;
  // Members by their own itinerary, which for border cycles may differ from the one solved.
  std::unordered_map<Itinerary, std::vector<std::int32_t>, ItineraryHash> by_itinerary_;
  std::vector<Member> members_;
};

}  // namespace rnndyn

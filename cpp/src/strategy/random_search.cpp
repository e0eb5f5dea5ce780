#include "strategy/random_search.hpp"

#include <optional>
#include <utility>
#include <vector>

#include "map/balanced_map.hpp"

namespace rnndyn {
namespace {

// Seconds, after a stop, for what was found by then.
constexpr double kMomentOfStopped = 0.1;

void search_order(SearchContext& context, OrderStatistics& statistics) {
  if (statistics.method == SearchMethod::scyfi) {
    search_scyfi(context, statistics);
  } else {
    search_heuristically(context, statistics);
  }
}

// Solves for the members of one collection in the network of another context and files them there.
void carry_over(const Collection& from, SearchContext& to) {
  std::vector<Itinerary> itineraries;
  for (const Collection::Member& member : from.members()) {
    itineraries.push_back(canonical_rotation(member.itinerary()));
  }
  file_candidates(to, itineraries, Refutation::bounded);
}

// The options in the units of the balanced network; nothing where they leave the range of doubles.
std::optional<SearchOptions> in_balance(const BalancedMap& balanced, const SearchOptions& options) {
  SearchOptions result = options;
  if (result.box) {
    Matrix lower = result.box->lower;
    Matrix upper = result.box->upper;
    if (!balanced.to_balanced(lower) || !balanced.to_balanced(upper)) return std::nullopt;
    result.box->lower = lower.col(0);
    result.box->upper = upper.col(0);
  }
  if (!balanced.to_balanced(result.states)) return std::nullopt;
  return result;
}

}  // namespace

struct RandomSearch::Balanced {
  Balanced(BalancedMap given, SearchOptions given_options, const SearchContext& context)
      : balanced(std::move(given)),
        options(std::move(given_options)),
        collection(options.box),
        inner{balanced.map,     options,    context.control,
              context.progress, collection, make_newton_tables(balanced.map)} {}

  BalancedMap balanced;
  SearchOptions options;
  Collection collection;
  SearchContext inner;
};

RandomSearch::RandomSearch(SearchContext& context) : context_(context) {}
RandomSearch::~RandomSearch() = default;

void RandomSearch::search(OrderStatistics& statistics) {
  if (!tried_) {
    tried_ = true;
    if (std::optional<BalancedMap> balanced = balanced_map(context_.map)) {
      if (auto options = in_balance(*balanced, context_.options)) {
        balanced_ = std::make_unique<Balanced>(std::move(*balanced), std::move(*options), context_);
      }
    }
  }
  if (!balanced_) return search_order(context_, statistics);
  // Cycles that a proof has met are neighbours to begin with.
  carry_over(context_.collection, balanced_->inner);
  search_order(balanced_->inner, statistics);

  Control moment(kMomentOfStopped, {});
  Control& clock = context_.control.stop_requested() ? moment : context_.control;
  SearchContext outer{context_.map,      context_.options,    clock,
                      context_.progress, context_.collection, context_.tables};
  carry_over(balanced_->collection, outer);
  for (const Collection::Member& member : balanced_->collection.members()) {
    if (member.order() != statistics.order) continue;
    const std::int32_t id = context_.collection.lookup(canonical_rotation(member.itinerary()));
    if (id < 0) continue;
    Collection::Member& own = context_.collection.members()[static_cast<std::size_t>(id)];
    own.hits = member.hits;
    own.independent = member.independent;
  }
}

}  // namespace rnndyn

#include "strategy/index_sum.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <vector>

#include "rnndyn/smooth/piecewise_index.hpp"

namespace rnndyn {
namespace {

// Signs are proved by elimination of all points of a cycle: so many operations at most, which take
// about a tenth of a second.
constexpr double kMostOperations = 3e8;

Matrix all_points(const CanonicalMap& map, const SearchResult& result) {
  Index n = 0;
  for (const FoundCycle& found : result.cycles) n += found.cycle.points.cols();
  for (const FoundContinuum& found : result.continua) n += found.continuum.points.cols();
  Matrix points(map.n_states(), n);
  n = 0;
  const auto append = [&](const Matrix& more) {
    points.middleCols(n, more.cols()) = more;
    n += more.cols();
  };
  for (const FoundCycle& found : result.cycles) append(found.cycle.points);
  for (const FoundContinuum& found : result.continua) append(found.continuum.points);
  return points;
}

// Index sums of the orders of a search, all of whose cycles lie in a box as above.
class Sums {
 public:
  Sums(const CanonicalMap& map, const SearchResult& result) : map_(map), result_(result) {
    for (const FoundCycle& found : result.cycles) {
      cycles_[found.cycle.itinerary.order].push_back(&found.cycle);
    }
  }

  IndexSum of(Index order) {
    std::vector<Index> divisors;
    for (Index d = 1; d <= order; ++d) {
      if (order % d == 0) divisors.push_back(d);
    }
    if (const IndexSum unknown = why_unknown(order, divisors); unknown.reason != IndexReason::none)
      return unknown;
    IndexSum result;
    std::int64_t total = 0;
    for (const Index d : divisors) {
      for (const smooth::IndexSigns& sign : signs_[d]) {
        // I - P^m has the sign of I - P for odd m and of (I - P)(I + P) for even m: all other
        // factors come in complex pairs.
        const int value = (order / d) % 2 != 0 ? sign.index : sign.index * sign.index_of_double;
        if (value == 0) return {std::nullopt, IndexReason::sign_is_open, d, 0};
        total += d * value;
      }
    }
    result.sum = total;
    return result;
  }

 private:
  IndexSum why_unknown(Index order, const std::vector<Index>& divisors) {
    for (const Index d : divisors) {
      const bool searched = std::ranges::any_of(
          result_.statistics, [&](const OrderStatistics& s) { return s.order == d; });
      if (!searched) return {std::nullopt, IndexReason::order_not_searched, d, 0};
    }
    for (const FoundContinuum& found : result_.continua) {
      if (order % found.continuum.itinerary.order == 0) {
        return {std::nullopt, IndexReason::continuum, found.continuum.itinerary.order, 0};
      }
    }
    for (const Index d : divisors) {
      const auto own = cycles_.find(d);
      if (own == cycles_.end()) continue;
      const auto count = [&](auto&& what) { return std::ranges::count_if(own->second, what); };
      if (const auto n = count([](const Cycle* c) { return c->on_border; }); n > 0) {
        return {std::nullopt, IndexReason::on_border, d, n};
      }
      if (const auto n = count([](const Cycle* c) { return !c->certified; }); n > 0) {
        return {std::nullopt, IndexReason::not_certified, d, n};
      }
      if (signs_.contains(d)) continue;
      const auto n = static_cast<double>(own->second.size());
      const double cost = 4.0 * n * std::pow(static_cast<double>(d * map_.n_states()), 3.0);
      if (cost > operations_left_) return {std::nullopt, IndexReason::too_long, d, 0};
      operations_left_ -= cost;
      std::vector<smooth::IndexSigns>& signs = signs_[d];
      for (const Cycle* cycle : own->second) {
        signs.push_back(smooth::index_signs(map_, cycle->itinerary));
      }
    }
    return {};
  }

  const CanonicalMap& map_;
  const SearchResult& result_;
  std::map<Index, std::vector<const Cycle*>> cycles_;
  std::map<Index, std::vector<smooth::IndexSigns>> signs_;
  double operations_left_ = kMostOperations;
};

}  // namespace

void add_index_sums(const CanonicalMap& map, const SearchOptions& options, SearchResult& result) {
  const auto set_all = [&](IndexReason reason) {
    for (OrderStatistics& s : result.statistics) s.index = {std::nullopt, reason, 0, 0};
  };
  if (options.box) return set_all(IndexReason::restricted);
  if (!smooth::invariant_box(map, all_points(map, result))) return set_all(IndexReason::no_box);
  Sums sums(map, result);
  for (OrderStatistics& statistics : result.statistics) {
    statistics.index = sums.of(statistics.order);
  }
}

std::int64_t n_missing(const OrderStatistics& statistics) {
  if (!statistics.index.sum) return 0;
  const std::int64_t difference = std::abs(*statistics.index.sum - 1);
  const std::int64_t order = statistics.order;
  return (difference + order - 1) / order;
}

}  // namespace rnndyn

// Transitions by linear programs: a set of states is either shown a state of it, or proved to be
// empty by Farkas' lemma with all rounding errors.

#include "rnndyn/region_graph.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "regions/arrangement.hpp"

namespace rnndyn {
namespace {

// What was found from one region.
struct Followers {
  std::vector<std::vector<Word>> bits;
  std::vector<RegionOfGraph> regions;  // as they are in the box; no bits where they are empty
  std::vector<char> proved;
  std::int64_t n_empty = 0;
  bool done = false;
};

// A unit at a border, and whether it is on where the first unit of the border is.
struct Beside {
  Index unit;
  bool on;
};

struct Border {
  std::vector<Beside> units;
};

class Work {
 public:
  Work(const CanonicalMap& map, const RegionGraphOptions& options, Control& control,
       RegionGraphProgress& progress)
      : map_(map),
        options_(options),
        control_(control),
        progress_(progress),
        box_(box_rows(options.box.lower, options.box.upper)),
        reach_(options.box.lower.cwiseAbs().cwiseMax(options.box.upper.cwiseAbs())) {
    constant_.assign(map.words_per_region(), Word{0});
    find_borders();
  }

  RegionGraph build() {
    try {
      begin();
    } catch (const Stopped&) {
      graph_.end = RegionGraphEnd::stopped;
      return std::move(graph_);
    }
    std::size_t first = 0;
    while (first < graph_.regions.size() && graph_.end == RegionGraphEnd::exhausted) {
      const std::size_t end = std::min(first + kPerRound, graph_.regions.size());
      expand(first, end);
      first = end;
    }
    return std::move(graph_);
  }

 private:
  // So many regions are worked on before their followers are taken in.
  static constexpr std::size_t kPerRound = 64;

  // Units with the same border, or with the same one seen from the other side, are divided once:
  // between them lies nothing, which no linear program can tell from a thin region.
  void find_borders() {
    const std::vector<Word> all = map_.relevant_units();
    const Rows on = affine_step(map_, all.data(), reach_).border;
    std::vector<Index> first;
    Index row = -1;
    for (Index i = 0; i < map_.n_units(); ++i) {
      if (!get_bit(all.data(), i)) continue;
      if (!(map_.w2().row(i).squaredNorm() > 0.0)) {
        if (map_.h2()(i) > 0.0) set_bit(constant_.data(), i, true);
        continue;
      }
      ++row;
      const auto is_of = [&](const Border& border, double sign) {
        const Index other = border.units.front().unit;
        return map_.w2().row(i) == sign * map_.w2().row(other) &&
               map_.h2()(i) == sign * map_.h2()(other);
      };
      bool known = false;
      for (Border& border : borders_) {
        if (known) break;
        for (const double sign : {1.0, -1.0}) {
          if (!is_of(border, sign)) continue;
          border.units.push_back({i, sign > 0.0});
          known = true;
          break;
        }
      }
      if (known) continue;
      first.push_back(row);
      borders_.push_back({{{i, true}}});
    }
    on_ = chosen(on, first);
  }

  void begin() {
    Rows start = box_;
    if (options_.start) {
      start = joined(start, box_rows(options_.start->lower, options_.start->upper));
    }
    for (const Part& part : parts_of(start, on_, reach_, &control_, graph_.n_programs_empty)) {
      RegionOfGraph region = region_in_box(bits_of(part), part, !options_.start);
      if (region.bits.empty()) continue;
      region.initial = true;
      if (!add(std::move(region))) return;
    }
  }

  void expand(std::size_t first, std::size_t end) {
    std::vector<Followers> found(end - first);
    parallel_for(end - first, options_.n_threads, [&](std::size_t i, int) {
      if (control_.stop_requested()) return;
      try {
        follow(graph_.regions[first + i].bits, found[i]);
        found[i].done = true;
        progress_.n_expanded.fetch_add(1);
      } catch (const Stopped&) {
        // Half of a region's followers are of no use.
      }
    });
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (!found[i].done) {
        graph_.end = RegionGraphEnd::stopped;
        return;
      }
      if (!take_in(first + i, found[i])) return;
    }
  }

  // The parts of a region whose images lie in the box, by the region of the image.
  void follow(const std::vector<Word>& bits, Followers& found) const {
    const AffineStep step = affine_step(map_, bits.data(), reach_);
    Polytope here;
    here.equations = Rows(map_.n_states(), 0);
    here.inequalities = joined(step.border, box_);
    // Without what is redundant; a thin region keeps all.
    if (settle(here, reach_, &control_) != Contents::some) {
      here.inequalities = joined(step.border, box_);
    }
    const Rows set = joined(here.inequalities, pulled_back(box_, step, reach_));
    const Rows images = pulled_back(on_, step, reach_);
    for (const Part& part : parts_of(set, images, reach_, &control_, found.n_empty)) {
      found.bits.push_back(bits_of(part));
      found.proved.push_back(part.proved ? 1 : 0);
    }
  }

  bool take_in(std::size_t source, Followers& found) {
    graph_.n_programs_empty += found.n_empty;
    for (std::size_t k = 0; k < found.bits.size(); ++k) {
      auto known = numbers_.find(found.bits[k]);
      if (known == numbers_.end()) {
        RegionOfGraph region;
        try {
          region = region_in_box(found.bits[k], Part(), false);
        } catch (const Stopped&) {
          graph_.end = RegionGraphEnd::stopped;
          return false;
        }
        // Both were thin, and now the region itself is proved to be none.
        if (region.bits.empty()) continue;
        if (!add(std::move(region))) return false;
        known = numbers_.find(found.bits[k]);
      }
      graph_.transitions.push_back(
          {static_cast<std::int64_t>(source), known->second, found.proved[k] != 0});
    }
    graph_.regions[source].expanded = true;
    return true;
  }

  bool add(RegionOfGraph&& region) {
    if (static_cast<std::int64_t>(graph_.regions.size()) >= options_.max_regions) {
      graph_.end = RegionGraphEnd::max_regions;
      return false;
    }
    numbers_.emplace(region.bits, static_cast<std::int64_t>(graph_.regions.size()));
    graph_.regions.push_back(std::move(region));
    progress_.n_regions.store(static_cast<std::int64_t>(graph_.regions.size()));
    return true;
  }

  // A region with the state of it that is deepest in the box; without bits if it is proved to be
  // empty. A part that is all of it, and too thin to be shown a state, is known already.
  RegionOfGraph region_in_box(std::vector<Word> bits, const Part& part, bool is_all) {
    RegionOfGraph region;
    if (is_all && !part.proved) {
      region.state = part.state;
    } else {
      const Rows rows = joined(affine_step(map_, bits.data(), reach_).border, box_);
      const Contents contents = contents_of(rows, reach_, &control_, region.state);
      if (contents == Contents::none) return region;
      region.proved = contents == Contents::some;
    }
    region.bits = std::move(bits);
    return region;
  }

  std::vector<Word> bits_of(const Part& part) const {
    std::vector<Word> bits = constant_;
    for (std::size_t k = 0; k < borders_.size(); ++k) {
      for (const Beside& beside : borders_[k].units) {
        if ((part.sides[k] != 0) == beside.on) set_bit(bits.data(), beside.unit, true);
      }
    }
    return bits;
  }

  const CanonicalMap& map_;
  const RegionGraphOptions& options_;
  Control& control_;
  RegionGraphProgress& progress_;
  Rows box_;
  Vector reach_;
  Rows on_;  // of each border: the states where its first unit is on
  std::vector<Border> borders_;
  std::vector<Word> constant_;  // units that are on everywhere
  std::map<std::vector<Word>, std::int64_t> numbers_;
  RegionGraph graph_;
};

}  // namespace

RegionGraph region_graph(const CanonicalMap& map, const RegionGraphOptions& options,
                         Control& control, RegionGraphProgress& progress) {
  return Work(map, options, control, progress).build();
}

}  // namespace rnndyn

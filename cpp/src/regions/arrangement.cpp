#include "regions/arrangement.hpp"

#include <cmath>
#include <limits>
#include <utility>

#include "rnndyn/linear_program.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// The row k of `rows` with its two sides exchanged.
Rows flipped(const Rows& rows, Index k) {
  Rows one = chosen(rows, {k});
  one.normals = -one.normals;
  one.values = -one.values;
  return one;
}

// What is still to be divided: `depth` hyperplanes have been looked at.
struct Node {
  Rows rows;
  Index depth = 0;
  Part part;
};

class Division {
 public:
  Division(const Rows& hyperplanes, const Vector& reach, Control* control, std::int64_t& n_empty)
      : hyperplanes_(hyperplanes), reach_(reach), control_(control), n_empty_(n_empty) {}

  std::vector<Part> of(const Rows& set) {
    std::vector<Part> parts;
    std::vector<Node> pending;
    Node root;
    root.rows = set;
    root.part.sides.assign(static_cast<std::size_t>(hyperplanes_.size()), 0);
    if (!settle_in(root)) return parts;
    pending.push_back(std::move(root));
    while (!pending.empty()) {
      Node node = std::move(pending.back());
      pending.pop_back();
      if (node.depth == hyperplanes_.size()) {
        parts.push_back(std::move(node.part));
        continue;
      }
      // The side 0 comes off the stack first.
      for (const char side : {char{1}, char{0}}) push(node, side, pending);
    }
    return parts;
  }

 private:
  void push(const Node& node, char side, std::vector<Node>& pending) {
    const Index k = node.depth;
    const Rows row = side != 0 ? chosen(hyperplanes_, {k}) : flipped(hyperplanes_, k);
    Node child;
    child.depth = k + 1;
    child.part = node.part;
    child.part.sides[static_cast<std::size_t>(k)] = side;
    child.rows = joined(node.rows, row);
    // Where the state is known to lie no program is needed.
    child.part.proved = node.part.proved && lies_inside(row, node.part.state);
    if (child.part.proved || settle_in(child)) pending.push_back(std::move(child));
  }

  bool settle_in(Node& node) {
    const Contents contents = contents_of(node.rows, reach_, control_, node.part.state);
    node.part.proved = contents == Contents::some;
    n_empty_ += contents == Contents::none ? 1 : 0;
    return contents != Contents::none;
  }

  const Rows& hyperplanes_;
  const Vector& reach_;
  Control* control_;
  std::int64_t& n_empty_;
};

}  // namespace

bool lies_inside(const Rows& rows, const Vector& state) {
  const double rounding = gamma(static_cast<double>(state.size() + 4));
  const Vector left = rows.values - rows.normals * state;
  const Vector size = rows.normals.cwiseAbs() * state.cwiseAbs() + rows.values.cwiseAbs();
  for (Index i = 0; i < rows.size(); ++i) {
    if (!(left(i) > kOutward * (rows.errors(i) + rounding * size(i)) + kUnderflow)) return false;
  }
  return true;
}

Contents contents_of(const Rows& rows, const Vector& reach, Control* control, Vector& state) {
  const Index m = reach.size();
  Polytope polytope;
  polytope.equations = Rows(m, 0);
  polytope.inequalities = rows;
  normalize(polytope.inequalities, reach);
  const Rows& all = polytope.inequalities;
  std::vector<Index> which;
  bool doubtful = false;
  for (Index i = 0; i < all.size(); ++i) {
    if (all.normals.row(i).squaredNorm() > 0.0) {
      which.push_back(i);
      continue;
    }
    // The same everywhere.
    if (all.values(i) < -all.errors(i)) return Contents::none;
    doubtful = doubtful || all.values(i) <= all.errors(i);
  }
  const Rows used = chosen(all, which);
  const double farthest = reach.maxCoeff();
  const LinearProgramResult found = deepest_point(used.normals, used.values, farthest, control);
  state = found.point;
  if (!doubtful && lies_inside(used, state)) return Contents::some;
  Vector multipliers = Vector::Zero(all.size());
  for (std::size_t k = 0; k < which.size(); ++k) {
    multipliers(which[k]) = found.multipliers(static_cast<Index>(k));
  }
  return proves_empty(polytope, multipliers, reach) ? Contents::none : Contents::undecided;
}

std::vector<Part> parts_of(const Rows& set, const Rows& hyperplanes, const Vector& reach,
                           Control* control, std::int64_t& n_empty) {
  return Division(hyperplanes, reach, control, n_empty).of(set);
}

}  // namespace rnndyn

#include "manifolds/arcs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

// Ends of pieces that are closer than this, in units of the size of the point, are one.
constexpr double kTogether = 1e-8;

// Lengths up to there that differ by less than this are the same.
double slack_at(const Vector& point) { return kTogether * (1.0 + point.cwiseAbs().maxCoeff()); }

// How far a piece of one dimension goes from its inner point in both directions of a line.
std::pair<double, double> ends_along(const ManifoldPiece& piece, const Vector& along) {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  const Rows& rows = piece.inequalities;
  for (Index i = 0; i < rows.size(); ++i) {
    const double slope = rows.normals.row(i).dot(along);
    const double room = rows.values(i) - rows.normals.row(i).dot(piece.interior);
    if (slope > 0.0) high = std::min(high, room / slope);
    if (slope < 0.0) low = std::max(low, room / slope);
  }
  return {low, high};
}

Vector line_of(const ManifoldPiece& piece) { return frame_of(piece.equations).basis.col(0); }

// Cuts a piece of one dimension where the way along it from `near` is `length` long.
void cut_at(ManifoldPiece& piece, const Vector& near, const Vector& along, double length,
            const Vector& reach) {
  std::vector<Index> kept;
  for (Index i = 0; i < piece.inequalities.size(); ++i) {
    if (piece.inequalities.normals.row(i).dot(along) < 0.0) kept.push_back(i);
  }
  Rows end(along.size(), 1);
  end.normals.row(0) = along.transpose();
  end.values(0) = along.dot(near) + length;
  end.errors(0) = gamma(static_cast<double>(along.size() + 4)) *
                  (along.cwiseAbs().dot(reach) + std::abs(end.values(0)));
  piece.inequalities = joined(chosen(piece.inequalities, kept), end);
  const auto [low, high] = ends_along(piece, along);
  piece.interior += 0.5 * (low + high) * along;
  piece.radius = 0.5 * (high - low);
}

}  // namespace

Arcs::Arcs(const CanonicalMap& map, const std::vector<AffineStep>& around, const Matrix& points,
           ManifoldKind kind, double max_length)
    : map_(map),
      around_(around),
      points_(points),
      stable_(kind == ManifoldKind::stable),
      max_length_(max_length),
      tips_(static_cast<std::size_t>(2 * points.cols())),
      complete_(static_cast<std::size_t>(2 * points.cols()), 0) {}

Index Arcs::next(Index branch) const {
  const Index k = order();
  const Index from = branch / 2;
  const Index to = (from + (stable_ ? k - 1 : 1)) % k;
  // The step goes forwards from the earlier of the two points.
  const Index earlier = stable_ ? to : from;
  const auto at = static_cast<std::size_t>(earlier);
  const Vector image = around_[at].jacobian * parts_[at].along;
  const bool turned = image.dot(parts_[static_cast<std::size_t>((earlier + 1) % k)].along) < 0.0;
  return 2 * to + (turned ? 1 - branch % 2 : branch % 2);
}

Arcs::Part Arcs::local_part(const ManifoldPiece& piece) {
  Part part;
  part.along = line_of(piece);
  part.near = points_.col(piece.phase);
  part.far = part.near;
  const auto [low, high] = ends_along(piece, part.along);
  const double off = part.along.dot(piece.interior - part.near);
  const auto first = static_cast<std::size_t>(2 * piece.phase);
  tips_[first] = {part.near + (off + low) * part.along, -(off + low)};
  tips_[first + 1] = {part.near + (off + high) * part.along, off + high};
  return part;
}

Arcs::Part Arcs::part_of(const ManifoldPiece& child, const ManifoldPiece& parent,
                         const Part& before, double& place) const {
  // The step of the map between the two, from the child to the parent or the other way round.
  const Word* const region = (stable_ ? child : parent).region.data();
  const Matrix jacobian = map_.jacobian(region);
  const Vector offset = map_.offset(region);
  Vector along = before.along;
  if (stable_) {
    place = along.dot(jacobian * child.interior + offset - before.near);
  } else {
    along = (jacobian * along).normalized();
    place = along.dot(child.interior - (jacobian * before.near + offset));
  }
  Part part;
  part.branch = before.branch;
  if (parent.depth == 0) {
    part.branch = 2 * parent.phase + (place > 0.0 ? 1 : 0);
    if (place < 0.0) along = -along;
    place = std::abs(place);
  }
  part.branch = next(part.branch);
  part.along = line_of(child);
  const double forwards = stable_ ? along.dot(jacobian * part.along) : along.dot(part.along);
  if (forwards < 0.0) part.along = -part.along;
  const auto [low, high] = ends_along(child, part.along);
  part.near = child.interior + low * part.along;
  part.far = child.interior + high * part.along;
  part.start = tips_[static_cast<std::size_t>(part.branch)].length;
  return part;
}

void Arcs::take(const std::vector<ManifoldPiece>& pieces, std::size_t end) {
  for (std::size_t i = parts_.size(); i < end; ++i) {
    const ManifoldPiece& piece = pieces[i];
    if (piece.depth == 0) {
      parts_.push_back(local_part(piece));
      continue;
    }
    const auto parent = static_cast<std::size_t>(piece.parent);
    double place = 0.0;
    parts_.push_back(part_of(piece, pieces[parent], parts_[parent], place));
    tips_[static_cast<std::size_t>(parts_.back().branch)] = {parts_.back().far,
                                                             parts_.back().end()};
  }
}

std::vector<ManifoldPiece> Arcs::following(const std::vector<ManifoldPiece>& pieces,
                                           std::vector<ManifoldPiece>&& children) {
  std::vector<std::pair<double, std::size_t>> places;
  std::vector<Part> parts;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const auto parent = static_cast<std::size_t>(children[i].parent);
    double place = 0.0;
    parts.push_back(part_of(children[i], pieces[parent], parts_[parent], place));
    places.emplace_back(place, i);
  }
  std::sort(places.begin(), places.end());
  std::vector<ManifoldPiece> found;
  // The tips move along as if all of these were taken up.
  std::vector<std::pair<Index, Tip>> moved;
  for (const auto& [place, i] : places) {
    const Part& part = parts[i];
    const Tip* tip = &tips_[static_cast<std::size_t>(part.branch)];
    for (const auto& [branch, later] : moved) {
      if (branch == part.branch) tip = &later;
    }
    const double gap = (part.near - tip->point).cwiseAbs().maxCoeff();
    if (is_complete(part) || !(gap <= slack_at(tip->point))) continue;
    moved.emplace_back(part.branch, Tip{part.far, 0.0});
    found.push_back(std::move(children[i]));
  }
  return found;
}

void Arcs::look() {
  std::vector<char> long_enough;
  for (const Tip& tip : tips_) {
    // Half of it is what cut() may leave out.
    long_enough.push_back(tip.length >= max_length_ - 2.0 * slack_at(tip.point) ? 1 : 0);
  }
  for (std::size_t branch = 0; branch < tips_.size(); ++branch) {
    bool all = true;
    auto other = static_cast<Index>(branch);
    do {
      all = all && long_enough[static_cast<std::size_t>(other)] != 0;
      other = next(other);
    } while (other != static_cast<Index>(branch));
    complete_[branch] = all ? 1 : 0;
  }
}

bool Arcs::is_complete(const Part& part) const {
  return part.branch >= 0 && complete_[static_cast<std::size_t>(part.branch)] != 0;
}

bool Arcs::goes_on(const ManifoldPiece& piece, std::size_t number) const {
  if (piece.depth > 0) return !is_complete(parts_[number]);
  const auto first = static_cast<std::size_t>(2 * piece.phase);
  return complete_[first] == 0 || complete_[first + 1] == 0;
}

void Arcs::cut(ManifoldTree& tree, const Vector& reach) {
  std::vector<ManifoldPiece>& pieces = tree.pieces;
  const std::size_t n = parts_.size();
  std::vector<char> kept(n, 0);
  std::vector<char> needed(n, 0);
  // Children come after their parents.
  for (std::size_t i = n; i-- > 0;) {
    const Part& part = parts_[i];
    const bool before = part.start < max_length_ - slack_at(part.near);
    if (needed[i] == 0 && is_complete(part) && !before) continue;
    kept[i] = 1;
    if (pieces[i].parent >= 0) needed[static_cast<std::size_t>(pieces[i].parent)] = 1;
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (kept[i] != 0 && needed[i] == 0) shorten(pieces[i], i, reach);
  }
  std::vector<std::int64_t> numbers(n, 0);
  std::vector<ManifoldPiece> left;
  std::int64_t n_expanded = 0;
  for (std::size_t i = 0; i < n; ++i) {
    if (kept[i] == 0) continue;
    numbers[i] = static_cast<std::int64_t>(left.size());
    std::int64_t& parent = pieces[i].parent;
    if (parent >= 0) parent = numbers[static_cast<std::size_t>(parent)];
    left.push_back(std::move(pieces[i]));
    if (static_cast<std::int64_t>(i) < tree.n_expanded) ++n_expanded;
  }
  tree.n_expanded = n_expanded;
  pieces = std::move(left);
  parts_.clear();
  take(pieces, pieces.size());
}

void Arcs::shorten(ManifoldPiece& piece, std::size_t number, const Vector& reach) const {
  const Part& part = parts_[number];
  if (piece.depth > 0) {
    if (is_complete(part) && part.end() > max_length_ + slack_at(part.far)) {
      cut_at(piece, part.near, part.along, max_length_ - part.start, reach);
    }
    return;
  }
  for (std::size_t side = 0; side < 2; ++side) {
    const std::size_t branch = 2 * number + side;
    const Vector along = side == 1 ? part.along : Vector(-part.along);
    const double end = ends_along(piece, along).second + along.dot(piece.interior - part.near);
    if (complete_[branch] != 0 && end > max_length_ + slack_at(part.near)) {
      cut_at(piece, part.near, along, max_length_, reach);
    }
  }
}

}  // namespace rnndyn

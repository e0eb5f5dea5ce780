#include "smooth/collection.hpp"

#include <algorithm>
#include <cmath>

#include "smooth/degenerate.hpp"

namespace rnndyn::smooth {
namespace {

// Coordinates are compared on a grid of this width first, since they differ by rounding errors.
constexpr double kGrid = 1e-9;

Matrix repeated(const Matrix& points, Index order) {
  Matrix all(points.rows(), order);
  for (Index t = 0; t < order; ++t) all.col(t) = points.col(t % points.cols());
  return all;
}

}  // namespace

bool agree(const Matrix& a, const Matrix& b, double distance) {
  const Index k = a.cols(), period = b.cols();
  for (Index shift = 0; shift < period; ++shift) {
    bool same = true;
    for (Index t = 0; t < k && same; ++t) {
      const auto from = b.col((t + shift) % period);
      for (Index i = 0; i < a.rows() && same; ++i) {
        same = std::abs(a(i, t) - from(i)) <= distance * scale_of(from(i));
      }
    }
    if (same) return true;
  }
  return false;
}

Index period_within(const Matrix& points, double distance) {
  const Index k = points.cols();
  for (Index d = 1; d < k; ++d) {
    if (k % d == 0 && agree(points, points.leftCols(d), distance)) return d;
  }
  return k;
}

// By grid, then exactly: each is a lexicographic order, so this is a strict weak ordering.
bool comes_before(const ConstVectorRef& a, const ConstVectorRef& b) {
  for (Index i = 0; i < a.size(); ++i) {
    const double here = std::nearbyint(a(i) / kGrid), there = std::nearbyint(b(i) / kGrid);
    if (here != there) return here < there;
  }
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end());
}

Index first_step(const Matrix& points) {
  Index first = 0;
  for (Index t = 1; t < points.cols(); ++t) {
    if (comes_before(points.col(t), points.col(first))) first = t;
  }
  return first;
}

Matrix rotated(const Matrix& columns, Index first) {
  const Index k = columns.cols();
  Matrix turned(columns.rows(), k);
  for (Index t = 0; t < k; ++t) turned.col(t) = columns.col((t + first) % k);
  return turned;
}

void Collection::begin_order(const SmoothMap& map, Index order, Control& control) {
  places_.clear();
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& member = members_[i];
    if (order % member.order() != 0) continue;
    double ball = member.verified.certified ? member.verified.ball : kSame;
    bool certified = member.verified.certified;
    // After a stop nothing new is looked for, and what is known is told by eye.
    if (order != member.order() && control.stop_requested()) {
      ball = kSame;
      certified = false;
    } else if (order != member.order()) {
      const Verified again = Verifier(map, repeated(member.points, order)).verify();
      ball = again.certified ? again.ball : kSame;
      certified = again.certified;
    }
    places_.push_back({static_cast<std::int32_t>(i), ball, certified});
  }
}

std::int32_t Collection::lookup(const Matrix& points) const {
  for (const Place& place : places_) {
    const Member& member = members_[static_cast<std::size_t>(place.member)];
    if (agree(points, member.points, place.ball)) return place.member;
  }
  return kNone;
}

std::int32_t Collection::lookup(const Matrix& points, const Verified& verified) const {
  if (!verified.certified) return kNone;
  for (const Place& place : places_) {
    const Member& member = members_[static_cast<std::size_t>(place.member)];
    if (!member.verified.certified) continue;
    const Index period = member.order();
    for (Index shift = 0; shift < period; ++shift) {
      bool same = true;
      for (Index t = 0; t < points.cols() && same; ++t) {
        const Index u = (t + shift) % period;
        const auto distance = (points.col(t) - member.points.col(u)).cwiseAbs();
        const auto errors = verified.errors.col(t) + member.verified.errors.col(u);
        same = (distance.array() <= errors.array()).all();
      }
      if (same) return place.member;
    }
  }
  return kNone;
}

std::int32_t Collection::join_degenerate(const SmoothMap& map, const Matrix& points,
                                         double residual) {
  for (const Place& place : places_) {
    Member& member = members_[static_cast<std::size_t>(place.member)];
    if (place.certified || points.cols() % member.order() != 0) continue;
    const double worst = std::max({residual, member.residual, member.verified.residual});
    for (Index shift = 0; shift < member.order(); ++shift) {
      const Matrix own = repeated(rotated(member.points, shift), points.cols());
      if (!stands_between(map, own, points, worst)) continue;
      if (member.order() == points.cols()) {
        const Matrix turned = rotated(points, (points.cols() - shift) % points.cols());
        const double known =
            member.furthest.size() ? (member.furthest - member.points).cwiseAbs().maxCoeff() : 0.0;
        if ((turned - member.points).cwiseAbs().maxCoeff() > known) member.furthest = turned;
        member.residual = worst;
      }
      return place.member;
    }
  }
  return kNone;
}

std::int64_t Collection::n_unproved(Index order) const {
  return std::ranges::count_if(members_, [&](const Member& member) {
    return member.order() == order && !member.verified.certified;
  });
}

std::int32_t Collection::add(const SmoothMap& map, Matrix points, Verified verified) {
  const auto id = static_cast<std::int32_t>(members_.size());
  places_.push_back({id, verified.certified ? verified.ball : kSame, verified.certified});
  Member member;
  member.points = std::move(points);
  member.verified = std::move(verified);
  Vector next;
  for (Index t = 0; t < member.order(); ++t) {
    map.jacobian(member.points.col(t), next, member.jacobians.emplace_back());
  }
  members_.push_back(std::move(member));
  return id;
}

}  // namespace rnndyn::smooth

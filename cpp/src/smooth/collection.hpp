// The cycles found so far, each once.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "rnndyn/smooth/newton.hpp"
#include "rnndyn/smooth/verify.hpp"

namespace rnndyn::smooth {

struct Member {
  Matrix points;  // N x k
  Verified verified;
  std::vector<Matrix> jacobians;
  std::int64_t hits = 0;         // restarts that ended here
  std::int64_t independent = 0;  // of these, restarts from independent starts
  // Of a degenerate one: the furthest of the solutions that could not be told from it, and the
  // largest residual among them. Empty of all others.
  Matrix furthest;
  double residual = 0.0;

  Index order() const { return points.cols(); }
};

class Collection {
 public:
  static constexpr std::int32_t kNone = -1;
  // Points of which nothing is proved are taken for the same within this distance, in units of
  // scale_of().
  static constexpr double kSame = 1e-6;

  // Cycles whose period divides `order` get balls for that order: another cycle of it may be close
  // by, as after a period doubling. To be called before an order is searched.
  void begin_order(const SmoothMap& map, Index order, Control& control);

  // Member that points of the current order lead to: they lie in its ball.
  std::int32_t lookup(const Matrix& points) const;
  // Certified member that a certified cycle of the current order cannot be told from: every
  // coordinate agrees within the error bounds. A ball, which is round, misses it where one
  // coordinate is known much worse than the others.
  std::int32_t lookup(const Matrix& points, const Verified& verified) const;
  // Member that a solution of the current order, of which nothing is proved, cannot be told from,
  // because the network stands still, within rounding errors, between the two; nothing must be
  // proved of that member at this order either. Notes how far such solutions are from it.
  std::int32_t join_degenerate(const SmoothMap& map, const Matrix& points, double residual);
  // Takes in points (converged, verified) that lookup() does not know; returns the member.
  std::int32_t add(const SmoothMap& map, Matrix points, Verified verified);

  // Members of an order of which nothing is proved.
  std::int64_t n_unproved(Index order) const;

  const std::vector<Member>& members() const { return members_; }
  std::vector<Member>& members() { return members_; }

 private:
  // Where a member lies as a solution of the current order.
  struct Place {
    std::int32_t member;
    double ball;
    bool certified;  // at the current order
  };

  std::vector<Member> members_;
  std::vector<Place> places_;
};

// Whether the points of two solutions agree from some step on: every coordinate within `distance`
// times its scale in `b`, whose period may divide that of `a`.
bool agree(const Matrix& a, const Matrix& b, double distance);
// Smallest period of computed points within `distance`, in units of scale_of().
Index period_within(const Matrix& points, double distance);
// The step with which the rotation that is listed begins: its point comes before all others.
Index first_step(const Matrix& points);
// The columns from a step on.
Matrix rotated(const Matrix& columns, Index first);
// A strict weak ordering by the coordinates, in which rounding errors rarely decide.
bool comes_before(const ConstVectorRef& a, const ConstVectorRef& b);

}  // namespace rnndyn::smooth

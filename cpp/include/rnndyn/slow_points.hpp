// Slow points: local minima of q(z) = |F(z) - z|^2 / 2 with q > 0 (Sussillo, Barak, Neural
// Computation 25, 626, 2013), and curves along which a map is slow.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "rnndyn/cycles.hpp"
#include "rnndyn/random.hpp"
#include "rnndyn/search.hpp"
#include "rnndyn/smooth/map.hpp"

namespace rnndyn::slow {

// Below this speed, in the scale of the map, a point is a fixed point, or one is so close that
// arithmetic cannot tell.
inline constexpr double kFixed = 1e-9;

// Where a descent has come to rest.
struct SlowPoint {
  Vector state;
  double q = 0.0, speed = 0.0;  // |F(z) - z| in the Euclidean norm
  double gradient_norm = 0.0;   // along the face, for a point on borders
  Vector drift;                 // F(z) - z
  // Eigenvalues of the Hessian of q, ascending; on borders of linear regions those along the face
  // where they meet, and none where that is a single point.
  Vector curvatures;
  bool is_minimum = false;  // a strict one; otherwise q is flat there, or has a saddle
  Index n_borders = 0;      // that it lies on
  Multipliers multipliers;  // of the Jacobian of F there; the units of these borders off
  std::int64_t hits = 0;
};

// A curve along which F moves slowly, and to which it contracts, or not.
struct SlowCurve {
  Matrix points;           // N x S, one after the other
  Vector speeds;           // F(z) - z along the curve, with a sign
  Vector rates;            // multiplier along the curve at each point
  double length = 0.0;     // of the polygon
  double across = 0.0;     // largest modulus of the other multipliers, at all points
  bool is_closed = false;  // a ring
};

struct SlowPointOptions {
  std::uint64_t seed = 0;
  std::optional<std::int64_t> max_restarts;  // in a row without a new minimum
  double max_speed = std::numeric_limits<double>::infinity();
  Matrix states;  // N x S, where restarts may begin
  int n_threads = 1;
};

struct SlowPointResult {
  std::vector<SlowPoint> points;  // strict minima, by speed
  std::vector<SlowCurve> curves;
  // Ends of restarts; flat are those where q has neither a strict minimum nor a zero.
  std::int64_t n_restarts = 0, n_fixed_points = 0, n_flat = 0, n_failed = 0;
  bool complete = false;
  StopReason stopped_by = StopReason::none;
};

// A map as the search for its slow points sees it.
class Landscape {
 public:
  Landscape() = default;
  Landscape(const Landscape&) = delete;
  Landscape& operator=(const Landscape&) = delete;
  virtual ~Landscape() = default;

  virtual Index n_states() const = 0;
  // The step and its derivative.
  virtual void look(const Vector& z, Vector& next, Matrix& derivative) const = 0;
  // A stationary point of q from a start, or a fixed point; nothing where it does not settle.
  virtual std::optional<SlowPoint> descend(const Vector& start) const = 0;
  // A random state that orbits may come by.
  virtual Vector draw(RandomStream& stream) const = 0;
  // Size of what happens in state space, and whether a state is where it is searched.
  virtual double scale() const = 0;
  virtual bool holds(const Vector& z) const = 0;
};

// The maps must outlive them.
std::unique_ptr<Landscape> landscape_of(const smooth::SmoothMap& map);
std::unique_ptr<Landscape> landscape_of(const CanonicalMap& map);

SlowPointResult find_slow_points(const Landscape& landscape, const SlowPointOptions& options,
                                 Control& control, SearchProgress& progress);

// The slow curve through a state, if there is one: the multiplier along it is within 0.05 of 1, all
// others are at least three times as far from it, and the speed is below a hundredth of the scale,
// on a length of at least a quarter of it.
std::optional<SlowCurve> trace_curve(const Landscape& landscape, const Vector& start,
                                     Control& control);

}  // namespace rnndyn::slow

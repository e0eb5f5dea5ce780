// Fixed points and cycles of a smooth network followed along a straight path, with a proof of every
// piece.
//
// A curve of solutions of G(z, s) = (F_s(z_t) - z_{t+1}) = 0 is covered by tubes
//   x = c + sigma d + w,  |sigma| <= half,  |w| <= reach,  x = (z_0 ... z_{k-1}, s).
// With H = (G, d (x - c)), X an approximate inverse of its derivative at c and B the box around the
// tube, Krawczyk's test for H(x) = (0, sigma), for all sigma at once,
//   |X H(c)| + |X (DH(B) d - e)| half + |I - X DH(B)| reach < reach,
// proves that for every sigma there is exactly one solution, and none elsewhere in B for that
// sigma: the curve is smooth, and goes through a fold in s as through any other point (Krawczyk,
// Computing 4, 187, 1969; Neumaier, Interval Methods for Systems of Equations, 1990, ch. 5). The
// point that is proved to begin a tube lies in the tube before, so that both hold the same curve.
//
// The same numbers enclose the tangent, and show where ds / dsigma keeps its sign: no fold. The
// sign of det(I + P), P the product of the Jacobians, shows where there is no flip. Tubes get
// shorter until both are proved, or the signs at their ends are proved to differ.
#pragma once

#include <optional>
#include <vector>

#include "rnndyn/parallel.hpp"
#include "rnndyn/smooth/path.hpp"

namespace rnndyn::smooth {

struct CurveTube {
  Vector centre, direction, reach;            // k N + 1 numbers, s the last
  double sigma_begin = 0.0, sigma_end = 0.0;  // what the curve passes of it
  int direction_of_s = 0;  // proved sign of ds / dsigma; 0 on both sides of a fold
};

// Ends of tubes.
struct CurveNode {
  double s = 0.0;
  Matrix points;             // N x k
  double error_bound = 0.0;  // of all coordinates and of s
  Index n_unstable = 0;
  double spectral_radius = 0.0;
};

enum class CurveEventKind { fold, flip, neimark_sacker };

// An odd number of bifurcations of the kind lies within the tube that begins at `node`, one of them
// in the bracket. Of folds and flips that is proved; the moduli of the multipliers at the ends of
// the bracket of a Neimark-Sacker bifurcation are only known up to their estimated errors, which
// exclude the unit circle where it is confirmed.
struct CurveEvent {
  CurveEventKind kind = CurveEventKind::fold;
  std::size_t node = 0;
  double s = 0.0, s_lower = 0.0, s_upper = 0.0;
  Matrix points;
  double residual = 0.0;  // distance of the multiplier from where it passes
  Index n_unstable_before = 0, n_unstable_after = 0;
  bool confirmed = true;
};

enum class CurveEnd {
  at_first,  // s = 0
  at_last,   // s = 1
  merged,    // a cycle of even order comes so near to one of half its order that they are not told
             // apart any more, as at a flip
  unproved,  // no further tube, however short, can be verified
  stopped
};

struct Curve {
  std::vector<CurveNode> nodes;  // one more than tubes; none where the start was not verified
  std::vector<CurveTube> tubes;
  std::vector<CurveEvent> events;
  // Tubes (by their first node) in which the stability changes in a way that no event explains.
  std::vector<std::size_t> unexplained;
  CurveEnd end = CurveEnd::unproved;
};

struct CurveStart {
  Matrix points;  // N x k, a solution nearly
  double s = 0.0;
  // What the direction in which it sets out has a positive product with: k N + 1 numbers.
  Vector heading;
};

// Starts at s = 0 and s = 1 are exact, those between may move to a solution close by. The result
// has one curve for each start, in their order, whatever the number of threads.
std::vector<Curve> follow_curves(const SmoothPath& path, const std::vector<CurveStart>& starts,
                                 int n_threads, Control& control);

// Start of the curve of doubled order that leaves a flip; nothing where there is none nearby.
std::optional<CurveStart> doubled_start(const SmoothPath& path, const Matrix& points, double s);

// The points of the curve at places of s on a part of a tube on which s is monotone; where it does
// not reach so far, those at the end that is nearest.
std::vector<Matrix> points_of_tube(const SmoothPath& path, const CurveTube& tube, Index order,
                                   const std::vector<double>& s);

}  // namespace rnndyn::smooth

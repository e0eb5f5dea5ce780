// Cycles of one itinerary: the only candidate, whether it is real, and everything said about it.
#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <vector>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// The numbers are part of the file format of results.
enum class Stability : std::int8_t {
  stable = 0,
  saddle = 1,
  unstable = 2,
  nonhyperbolic = 3,
  undecided = 4  // the error bars of the multipliers are too wide to tell
};

// Eigenvalues of the product of Jacobians around a cycle, by decreasing modulus.
struct Multipliers {
  Eigen::VectorXcd values;  // infinite where the modulus overflows
  Vector log_moduli;        // natural logarithms; -inf for zero
  Vector log_errors;        // estimated error of each logarithm
  double spectral_radius = 0.0;
  Stability stability = Stability::nonhyperbolic;
};

// `jacobians` in the order in which they act.
Multipliers multipliers(const std::vector<Matrix>& jacobians, Control* control = nullptr);

struct Cycle {
  Itinerary itinerary;  // smallest rotation; bits of irrelevant units and of borders are 0
  Matrix points;        // M x order; column 0 lies in the itinerary's first region
  Multipliers multipliers;
  double residual = 0.0;     // largest |F(z_t) - z_{t+1}|
  double margin = 0.0;       // smallest |pre-activation| of a relevant unit; infinity without units
  double error_bound = 0.0;  // no coordinate of a point is further from the true cycle
  bool on_border = false;    // some pre-activation is zero within its error bound
  bool certified = false;    // existence and local uniqueness proved
  // Bits of the relevant units whose pre-activation vanishes; without bits away from borders.
  Itinerary zeros;
};

// All fixed points of F^order on one itinerary whose cyclic system is singular.
struct Continuum {
  Itinerary itinerary;
  Matrix points;  // an orbit inside the continuum
  Matrix basis;   // M x d, orthonormal directions at points.col(0)
  Matrix extent;  // d x 2, how far the continuum reaches along each direction, may be infinite
  Multipliers multipliers;
  double residual = 0.0;
  bool on_border = false;
  Itinerary
      zeros;  // as that of a cycle, of the pre-activations that vanish on all of the continuum
};

enum class CandidateKind {
  cycle,          // real: every point lies in its region (or on the region's border)
  virtual_cycle,  // some point lies in another region by more than the error bound
  continuum,      // singular and consistent, with points in the closed regions
  none            // singular and inconsistent, or the continuum misses its regions
};

struct Candidate {
  CandidateKind kind = CandidateKind::none;
  std::optional<Cycle> cycle;  // for `cycle` and `virtual_cycle`
  std::optional<Continuum> continuum;
  // The kind follows from verified error bounds or exact arithmetic.
  bool decided = false;
  // And whoever solves the itinerary of the answer again, exactly, comes to the same.
  bool proved = false;
};

// Solves z_{t+1} = J_t z_t + c_t around the itinerary. What comes back has the minimal period and
// the smallest rotation, whichever rotation or repetition was asked for. This and what follows
// throw Stopped when the control says stop.
Candidate solve_cycle(const CanonicalMap& map, const Itinerary& itinerary,
                      Control* control = nullptr);

// A candidate on a border may be the end or a face of a larger continuum that lives on the
// neighbouring regions. Returns the largest such continuum, else the candidate itself.
Candidate enlarged(const CanonicalMap& map, Candidate candidate, Control* control = nullptr);

// Whether orbits, given by their regions and by the pre-activations that vanish, belong to
// `continuum`, which holds all orbits that follow its itinerary in the sense of closed regions.
bool contains(const Continuum& continuum, const Itinerary& itinerary, const Itinerary& zeros);

// The regions of the points with the true bits of irrelevant units, for showing to people.
Itinerary visible_itinerary(const CanonicalMap& map, const Itinerary& itinerary,
                            const Matrix& points);

}  // namespace rnndyn

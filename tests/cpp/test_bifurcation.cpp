#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "networks.hpp"
#include "rnndyn/bifurcation.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

constexpr double kExact = 1e-10;

// x -> mu + a x for x < 0 and mu + b x for x > 0 (Maistrenko, Maistrenko, Chua, Int. J. Bifurcation
// Chaos 3, 1557, 1993).
CanonicalMap skew_tent(double a, double b, double mu) {
  return plrnn(Matrix::Constant(1, 1, a), Matrix::Constant(1, 1, b - a), Vector::Constant(1, mu));
}

// Border-collision normal form in two dimensions, x' = tau x + y + mu, y' = -delta x with one pair
// tau, delta on each side of x = 0 (Nusse, Yorke, Physica D 57, 39, 1992; Banerjee, Grebogi, Phys.
// Rev. E 59, 4052, 1999).
CanonicalMap normal_form(double tau_left, double delta_left, double tau_right, double delta_right,
                         double mu) {
  Matrix a(2, 2);
  a << tau_left, 1.0, -delta_left, 0.0;
  Matrix w1(2, 1);
  w1 << tau_right - tau_left, -(delta_right - delta_left);
  Matrix w2(1, 2);
  w2 << 1.0, 0.0;
  Vector h1(2);
  h1 << mu, 0.0;
  return CanonicalMap(a, w1, w2, h1, Vector::Zero(1));
}

FollowedCycles followed(const CanonicalMap& start, const CanonicalMap& end,
                        const std::vector<Itinerary>& itineraries, Index max_order) {
  Control control(std::numeric_limits<double>::infinity(), [] { return true; });
  FollowProgress progress;
  return follow_cycles(CanonicalPath(start, end), itineraries, max_order, 1, control, progress);
}

std::vector<PathRoot> of_kind(const std::vector<PathRoot>& roots, EventKind kind) {
  std::vector<PathRoot> found;
  for (const PathRoot& root : roots) {
    if (root.kind == kind) found.push_back(root);
  }
  return found;
}

}  // namespace

TEST_CASE("fixed points of the skew tent map meet the border at mu = 0") {
  // Left mu / (1 - a), right mu / (1 - b); the 2-cycle has x_L = mu (1 + b) / (1 - a b).
  const auto at_zero = [](double a, double b, std::vector<Itinerary> itineraries) {
    const FollowedCycles result =
        followed(skew_tent(a, b, -1.0), skew_tent(a, b, 3.0), itineraries, 2);
    REQUIRE(result.events.size() == 1);
    CHECK(result.gaps.empty());
    CHECK(result.events[0].kind == EventKind::border_collision);
    CHECK(std::abs(result.events[0].s - 0.25) < kExact);
    CHECK(result.events[0].converged);
    return result;
  };
  const FollowedCycles persistence = at_zero(0.5, -0.5, {itinerary({0})});
  CHECK(persistence.events[0].outcome == Outcome::persistence);
  CHECK(persistence.itineraries.size() == 2);
  CHECK(persistence.events[0].doubled == -1);

  const FollowedCycles fold = at_zero(0.5, 1.5, {itinerary({0})});
  CHECK(fold.events[0].outcome == Outcome::nonsmooth_fold);
  REQUIRE(fold.segments.size() == 2);
  for (const PathSegment& segment : fold.segments) {
    CHECK(segment.begin == 0.0);
    CHECK(std::abs(segment.end - 0.25) < kExact);
  }

  const FollowedCycles doubling = at_zero(0.5, -1.5, {itinerary({0})});
  CHECK(doubling.events[0].outcome == Outcome::persistence);
  REQUIRE(doubling.events[0].doubled >= 0);
  CHECK(doubling.itineraries[static_cast<std::size_t>(doubling.events[0].doubled)] ==
        itinerary({0, 1}));
  CHECK(doubling.events[0].n_unstable_before == 0);
  CHECK(doubling.events[0].n_unstable_after == 1);
}

TEST_CASE("cycles of larger order that are born with the border collision are attached to it") {
  // For a = 0.4 the cycles 001 and 011 exist on the right below b = -3.5 (see the next test).
  const FollowedCycles result =
      followed(skew_tent(0.4, -5.0, -1.0), skew_tent(0.4, -5.0, 1.0), {itinerary({0})}, 3);
  CHECK(result.gaps.empty());
  REQUIRE(!result.events.empty());
  std::vector<Itinerary> attached;
  for (const PathAttachment& a : result.attached) {
    const PathEvent& event = result.events[static_cast<std::size_t>(a.event)];
    CHECK(result.itineraries[static_cast<std::size_t>(event.itinerary)].order == 1);
    CHECK(std::abs(event.s - 0.5) < kExact);
    attached.push_back(result.itineraries[static_cast<std::size_t>(a.itinerary)]);
  }
  for (const Itinerary& cycle : {itinerary({0, 1}), itinerary({0, 0, 1}), itinerary({0, 1, 1})}) {
    CHECK(std::find(attached.begin(), attached.end(), cycle) != attached.end());
  }
  CHECK(attached.size() == 3);
}

TEST_CASE("a cycle that is real at one place is a segment of no length") {
  // |z| = 2 s - 1 in one state and |z| = 1 - 2 s in the other.
  const auto corner = [](double value) {
    Vector h(2);
    h << value, -value;
    return plrnn(2.0 * Matrix::Identity(2, 2), -2.0 * Matrix::Identity(2, 2), h);
  };
  const FollowedCycles result = followed(corner(-1.0), corner(1.0), {itinerary({3})}, 2);
  CHECK(result.gaps.empty());
  REQUIRE(result.segments.size() == 1);
  CHECK(result.segments[0].begin == result.segments[0].end);
  CHECK(std::abs(result.segments[0].begin - 0.5) < kExact);
  REQUIRE(result.events.size() == 1);
  CHECK(result.events[0].outcome == Outcome::none);
}

TEST_CASE("cycles of the skew tent map are born and lose stability where the formulas say") {
  // The cycle with k - 1 points on the left and one on the right appears for mu > 0 in a nonsmooth
  // fold at b = -(1 - a^(k-1)) / ((1 - a) a^(k-2)), where x_2 = mu (1 + b) is carried back to 0
  // after k - 2 steps on the left, and its multiplier a^(k-1) b is -1 at b = -1 / a^(k-1)
  // (Maistrenko et al. 1993; Sushko, Avrutin, Gardini, J. Difference Equ. Appl. 22, 1040, 2016).
  constexpr double kA = 0.5;
  constexpr double kSteepest = -300.0;
  for (Index k = 3; k <= 8; ++k) {
    Itinerary cycle(k, 1);
    cycle.at(k - 1)[0] = 1;
    const double power = std::pow(kA, static_cast<double>(k - 2));
    const double birth = -(1.0 - kA * power) / ((1.0 - kA) * power);
    const double flip = -1.0 / (kA * power);
    const FollowedCycles result =
        followed(skew_tent(kA, 0.0, 1.0), skew_tent(kA, kSteepest, 1.0), {cycle}, k);
    CAPTURE(k);
    CHECK(result.gaps.empty());
    REQUIRE(result.itineraries.size() == 2);
    bool born = false;
    bool flipped = false;
    for (const PathEvent& event : result.events) {
      if (event.kind == EventKind::border_collision) {
        born = true;
        CHECK(event.outcome == Outcome::nonsmooth_fold);
        CHECK(std::abs(event.s - birth / kSteepest) < kExact);
      } else {
        flipped = true;
        CHECK(event.kind == EventKind::degenerate_flip);
        CHECK(std::abs(event.s - flip / kSteepest) < kExact);
        CHECK(event.n_unstable_before == 0);
        CHECK(event.n_unstable_after == 1);
      }
    }
    CHECK(born);
    CHECK(flipped);
    for (const PathSegment& segment : result.segments) {
      CHECK(std::abs(segment.begin - birth / kSteepest) < kExact);
      CHECK(segment.end == 1.0);
    }
  }
}

TEST_CASE("a 2-cycle is born at the degenerate flip of the skew tent map") {
  // The right fixed point flips at b = -1, where the 2-cycle's x_L = mu (1 + b) / (1 - a b) is on
  // the border.
  const FollowedCycles result =
      followed(skew_tent(0.5, -0.5, 1.0), skew_tent(0.5, -1.75, 1.0), {itinerary({1})}, 2);
  CHECK(result.gaps.empty());
  REQUIRE(result.events.size() == 1);
  const PathEvent& event = result.events[0];
  CHECK(event.kind == EventKind::degenerate_flip);
  CHECK(std::abs(event.s - 0.4) < kExact);
  REQUIRE(event.doubled >= 0);
  CHECK(result.itineraries[static_cast<std::size_t>(event.doubled)] == itinerary({0, 1}));
  REQUIRE(result.segments.size() == 2);
  CHECK(result.segments[1].begin_event == 0);
  CHECK(result.segments[1].n_unstable_end == 0);
}

TEST_CASE("multipliers of the planar normal form pass +1, -1 and the unit circle") {
  // mu^2 - tau mu + delta = 0: +1 at tau = 1 + delta, -1 at tau = -(1 + delta), a complex pair of
  // modulus one at delta = 1 with |tau| < 2.
  const FollowedCycles real = followed(normal_form(0.2, 0.1, -3.0, 0.5, 1.0),
                                       normal_form(0.2, 0.1, 3.0, 0.5, 1.0), {itinerary({1})}, 1);
  REQUIRE(real.events.size() == 2);
  CHECK(real.events[0].kind == EventKind::degenerate_flip);
  CHECK(std::abs(real.events[0].s - 0.25) < kExact);
  CHECK(real.events[1].kind == EventKind::degenerate_transcritical);
  CHECK(std::abs(real.events[1].s - 0.75) < kExact);
  CHECK(real.events[1].outcome == Outcome::infinity);
  CHECK(real.gaps.empty());

  const FollowedCycles complex =
      followed(normal_form(0.2, 0.1, 0.3, 0.5, 1.0), normal_form(0.2, 0.1, 0.3, 1.5, 1.0),
               {itinerary({1})}, 1);
  REQUIRE(complex.events.size() == 1);
  CHECK(complex.events[0].kind == EventKind::center);
  CHECK(std::abs(complex.events[0].s - 0.5) < kExact);
  CHECK(complex.events[0].n_unstable_before == 0);
  CHECK(complex.events[0].n_unstable_after == 2);
  // delta passes 1 where both multipliers are real, mu and 1 / mu: no event.
  CHECK(followed(normal_form(0.2, 0.1, 2.5, 0.5, 1.0), normal_form(0.2, 0.1, 2.5, 1.2, 1.0),
                 {itinerary({0})}, 1)
            .events.empty());
}

TEST_CASE("fixed points of the planar normal form collide as their determinants say") {
  // Persistence where (1 - tau + delta) has the same sign on both sides, else a nonsmooth fold.
  const FollowedCycles persistence =
      followed(normal_form(0.5, 0.3, -1.0, 0.4, -1.0), normal_form(0.5, 0.3, -1.0, 0.4, 1.0),
               {itinerary({0})}, 1);
  REQUIRE(persistence.events.size() == 1);
  CHECK(persistence.events[0].outcome == Outcome::persistence);
  CHECK(std::abs(persistence.events[0].s - 0.5) < kExact);
  const FollowedCycles fold = followed(normal_form(0.5, 0.3, 2.0, 0.4, -1.0),
                                       normal_form(0.5, 0.3, 2.0, 0.4, 1.0), {itinerary({0})}, 1);
  REQUIRE(fold.events.size() == 1);
  CHECK(fold.events[0].outcome == Outcome::nonsmooth_fold);
}

TEST_CASE("determinants of long expanding cycles keep their sign and their roots") {
  // The product of 300 slopes of up to 14 is beyond the range of doubles. A point on the border is
  // on it for the partner as well.
  Itinerary word(300, 1);
  for (Index t = 0; t < word.order; ++t) word.at(t)[0] = t % 7 == 3 ? 1 : 0;
  word.at(150)[0] = word.at(299)[0] = 1;
  const CanonicalPath path(skew_tent(1.4, -1.4, 1.0), skew_tent(14.0, -14.0, 1.0));
  const std::vector<PathRoot> own =
      of_kind(events_on_path(path, word), EventKind::border_collision);
  REQUIRE(own.size() >= 20);
  for (std::size_t i = 0; i < own.size(); i += 10) {
    const PathRoot& root = own[i];
    CHECK(root.converged);
    CHECK(root.residual < 1e-12);
    Itinerary partner = word;
    set_bit(partner.at(root.time_index), 0, !get_bit(word.at(root.time_index), 0));
    double nearest = 1.0;
    for (const PathRoot& other : events_on_path(path, partner)) {
      if (other.time_index == root.time_index)
        nearest = std::min(nearest, std::abs(other.s - root.s));
    }
    CHECK(nearest < kExact);
  }
}

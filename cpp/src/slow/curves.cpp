// Slow curves: the valleys of q, followed from point to point.
//
// At a point of the valley q is smallest in the plane across it. With A = DF - I and a unit vector
// t along the valley, the least-squares solution of [A; t^T] y = [-(F - z); 0] leads there (Gauss
// and Newton: A is regular across, and what is left is small), and that of [A; t^T] x = [0; 1] is
// the direction in which A is smallest: the next t.
#include <algorithm>
#include <cmath>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/slow_points.hpp"

namespace rnndyn::slow {
namespace {

constexpr double kSlowRate = 0.05;      // |mu - 1| along the curve
constexpr double kLeastOther = 0.02;    // |mu - 1| of every other multiplier
constexpr double kSeparation = 3.0;     // so many times the one along the curve
constexpr double kLargestSpeed = 0.01;  // in the scale of the map, as lengths are
constexpr double kLeastLength = 0.25;
constexpr double kFirstStep = 0.01, kLargestStep = 0.1, kSmallestStep = 1e-3;
constexpr int kCorrections = 8;
constexpr double kCorrected = 1e-7;
constexpr double kLeastCosine = 0.95;  // between the directions at two points
constexpr std::size_t kMostPoints = 20'000;

struct Station {
  Vector z, gap, along;
  Matrix derivative;  // A
  double speed = 0.0, rate = 0.0, across = 0.0;
};

class Tracer {
 public:
  Tracer(const Landscape& landscape, Control& control)
      : landscape_(landscape), control_(control), scale_(landscape.scale()) {}

  std::optional<SlowCurve> trace(const Vector& start);

 private:
  void look(Station& station) const;
  bool correct(Station& station) const;
  bool is_slow(Station& station) const;
  bool step(const Station& from, double size, Station& to) const;
  std::vector<Station> follow(const Station& start, double sign, bool& closed) const;

  const Landscape& landscape_;
  Control& control_;
  double scale_;
};

void Tracer::look(Station& station) const {
  landscape_.look(station.z, station.gap, station.derivative);
  station.gap -= station.z;
  station.derivative.diagonal().array() -= 1.0;
}

// Moves z across the valley to where q is smallest; `along` is a guess and becomes the direction.
bool Tracer::correct(Station& station) const {
  const Index n = landscape_.n_states();
  Matrix system(n + 1, n);
  Matrix right = Matrix::Zero(n + 1, 2);
  double before = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kCorrections; ++i) {
    look(station);
    if (!station.gap.allFinite()) return false;
    system.topRows(n) = station.derivative;
    system.row(n) = station.along.transpose();
    right.col(0).head(n) = -station.gap;
    right(n, 1) = 1.0;
    const Eigen::ColPivHouseholderQR<Matrix> factors(system);
    const Matrix solved = dense::solve(factors, right);
    if (!solved.allFinite() || !(solved.col(1).norm() > 0.0)) return false;
    const Vector direction = solved.col(1).normalized();
    Vector move = solved.col(0);
    move -= direction * direction.dot(move);
    station.along = direction;
    // Where regions of a piecewise-linear map meet, steps may turn back and forth.
    if (move.norm() < kCorrected * scale_ || move.norm() > before) return true;
    before = move.norm();
    station.z += move;
  }
  return true;
}

bool Tracer::is_slow(Station& station) const {
  station.speed = station.gap.dot(station.along);
  if (!(station.gap.norm() < kLargestSpeed * scale_) || !landscape_.holds(station.z)) return false;
  Matrix jacobian = station.derivative;
  jacobian.diagonal().array() += 1.0;
  const Eigen::VectorXcd values = multipliers({jacobian}).values;
  Index nearest = 0;
  (values.array() - 1.0).abs().minCoeff(&nearest);
  const double slowest = std::abs(values(nearest) - 1.0);
  if (values(nearest).imag() != 0.0 || slowest > kSlowRate) return false;
  station.rate = values(nearest).real();
  station.across = 0.0;
  for (Index i = 0; i < values.size(); ++i) {
    if (i == nearest) continue;
    if (std::abs(values(i) - 1.0) < std::max(kLeastOther, kSeparation * slowest)) return false;
    station.across = std::max(station.across, std::abs(values(i)));
  }
  return true;
}

bool Tracer::step(const Station& from, double size, Station& to) const {
  to.along = from.along;
  to.z = from.z + size * from.along;
  if (!correct(to)) return false;
  if (to.along.dot(from.along) < 0.0) to.along = -to.along;
  const double moved = (to.z - from.z).norm();
  return to.along.dot(from.along) > kLeastCosine && moved < 1.5 * size && moved > 0.5 * size;
}

std::vector<Station> Tracer::follow(const Station& start, double sign, bool& closed) const {
  std::vector<Station> stations;
  Station here = start;
  here.along *= sign;
  double size = kFirstStep * scale_, length = 0.0;
  while (stations.size() < kMostPoints && !control_.stop_requested()) {
    Station next;
    if (!step(here, size, next) || !is_slow(next)) {
      size *= 0.5;
      if (size < kSmallestStep * scale_) break;
      continue;
    }
    length += (next.z - here.z).norm();
    here = next;
    next.derivative.resize(0, 0);
    next.speed *= sign;
    stations.push_back(std::move(next));
    const double back = (here.z - start.z).norm();
    if (length > 4.0 * size && back < size && length > 3.0 * back) {
      closed = true;
      break;
    }
    size = std::min(1.3 * size, kLargestStep * scale_);
  }
  return stations;
}

std::optional<SlowCurve> Tracer::trace(const Vector& start) {
  Station first;
  first.z = start;
  look(first);
  if (!first.gap.allFinite()) return std::nullopt;
  const dense::Svd svd = dense::svd(first.derivative);
  first.along = svd.v.col(svd.v.cols() - 1);
  if (!correct(first) || !is_slow(first)) return std::nullopt;
  SlowCurve curve;
  std::vector<Station> ahead = follow(first, 1.0, curve.is_closed);
  std::vector<Station> stations;
  if (!curve.is_closed) {
    bool closed = false;
    stations = follow(first, -1.0, closed);
    std::ranges::reverse(stations);
  }
  stations.push_back(first);
  std::ranges::move(ahead, std::back_inserter(stations));
  const auto count = static_cast<Index>(stations.size());
  curve.points.resize(landscape_.n_states(), count);
  curve.speeds.resize(count), curve.rates.resize(count);
  for (Index s = 0; s < count; ++s) {
    const Station& station = stations[static_cast<std::size_t>(s)];
    curve.points.col(s) = station.z;
    curve.speeds(s) = station.speed, curve.rates(s) = station.rate;
    curve.across = std::max(curve.across, station.across);
    if (s > 0) curve.length += (curve.points.col(s) - curve.points.col(s - 1)).norm();
  }
  if (!(curve.length >= kLeastLength * scale_)) return std::nullopt;
  return curve;
}

}  // namespace

std::optional<SlowCurve> trace_curve(const Landscape& landscape, const Vector& start,
                                     Control& control) {
  return Tracer(landscape, control).trace(start);
}

}  // namespace rnndyn::slow

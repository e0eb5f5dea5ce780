#include "proof/homogeneous_boxes.hpp"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "proof/box_tree.hpp"

namespace rnndyn {
namespace {

static_assert(kMostStatesOfBoxes + 1 <= OrbitEnclosure::kMostStates);
constexpr double kLargestRadius = 0x1p900;

// Most borders pass nearer to the origin than this.
double natural_radius(const CanonicalMap& map) {
  std::vector<double> distances;
  for (Index i = 0; i < map.n_units(); ++i) {
    const double distance = std::abs(map.h2()(i)) / map.w2().row(i).cwiseAbs().maxCoeff();
    if (std::isfinite(distance) && distance > 0.0) distances.push_back(distance);
  }
  if (distances.empty()) return 1.0;
  const auto place =
      distances.begin() + static_cast<std::ptrdiff_t>(0.9 * static_cast<double>(distances.size()));
  std::nth_element(distances.begin(), place, distances.end());
  const double radius = std::exp2(std::ceil(std::log2(*place)));
  return std::clamp(radius, 1.0 / kLargestRadius, kLargestRadius);
}

bool is_divided_exactly(const Vector& h, double radius) {
  const Vector divided = h / radius;
  return divided.allFinite() && divided * radius == h;
}

CanonicalMap homogeneous(const CanonicalMap& map, double radius) {
  const Index m = map.n_states();
  const Index h = map.n_units();
  Matrix a = Matrix::Zero(m + 1, m + 1);
  a.topLeftCorner(m, m) = map.a();
  a.topRightCorner(m, 1) = map.h1() / radius;
  a(m, m) = 1.0;
  Matrix w1 = Matrix::Zero(m + 1, h);
  Matrix w2 = Matrix::Zero(h, m + 1);
  // A unit that is always off, by its h2, has a border in these coordinates.
  for (Index i = 0; i < h; ++i) {
    if (!get_bit(map.relevant_units().data(), i)) continue;
    w1.col(i).head(m) = map.w1().col(i);
    w2.row(i).head(m) = map.w2().row(i);
    w2(i, m) = map.h2()(i) / radius;
  }
  return {std::move(a), std::move(w1), std::move(w2), Vector::Zero(m + 1), Vector::Zero(h)};
}

std::vector<Box> faces(Index n_states) {
  Box cube{Vector::Constant(n_states + 1, -1.0), Vector::Constant(n_states + 1, 1.0)};
  cube.lower(n_states) = 1.0;
  std::vector<Box> result{cube};
  cube.lower(n_states) = 0.0;
  for (Index j = 0; j < n_states; ++j) {
    for (const double side : {-1.0, 1.0}) {
      Box face = cube;
      face.lower(j) = face.upper(j) = side;
      result.push_back(std::move(face));
    }
  }
  return result;
}

}  // namespace

std::optional<double> radius_of_boxes(const CanonicalMap& map) {
  if (map.n_states() < 1 || map.n_states() > kMostStatesOfBoxes) return std::nullopt;
  const double radius = natural_radius(map);
  const bool exact = is_divided_exactly(map.h1(), radius) && is_divided_exactly(map.h2(), radius);
  return exact ? std::optional(radius) : std::nullopt;
}

TreeOutcome prove_by_homogeneous_boxes(const CanonicalMap& map, double radius,
                                       const ProofOptions& options, int n_threads,
                                       std::int64_t max_nodes, Control& control,
                                       const TreeProgress& shown, PartialProof& part,
                                       const Interludes* interludes) {
  part.method = ProofMethod::homogeneous_boxes;
  part.unbounded = true;
  part.radius = radius;
  part.orders = {1};
  const CanonicalMap enclosed = homogeneous(map, radius);
  const BoxDomain domain{&enclosed, faces(map.n_states()), part.orders, true};
  return BoxTree::search(domain, options, n_threads, max_nodes, control, shown, part, interludes);
}

}  // namespace rnndyn

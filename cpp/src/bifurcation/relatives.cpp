#include "bifurcation/relatives.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "linear_algebra/decompositions.hpp"

namespace rnndyn {
namespace {

void flip(Itinerary& itinerary, const Vanishing& bit) {
  set_bit(itinerary.at(bit.time), bit.unit, !get_bit(itinerary.at(bit.time), bit.unit));
}

Itinerary concatenated(const Itinerary& first, const Itinerary& second) {
  Itinerary result(first.order + second.order, first.words);
  std::copy(first.bits.begin(), first.bits.end(), result.bits.begin());
  std::copy(second.bits.begin(), second.bits.end(),
            result.bits.begin() + static_cast<std::ptrdiff_t>(first.bits.size()));
  return result;
}

void add(std::vector<Itinerary>& list, Itinerary itinerary) {
  if (std::find(list.begin(), list.end(), itinerary) == list.end()) {
    list.push_back(std::move(itinerary));
  }
}

void add_flipped(const CanonicalPath& path, const Itinerary& itinerary,
                 const std::vector<Vanishing>& vanishing, std::vector<Itinerary>& partners) {
  const std::size_t n = vanishing.size();
  const auto add_with = [&](const auto& is_flipped) {
    Itinerary partner = itinerary;
    for (std::size_t i = 0; i < n; ++i) {
      if (is_flipped(i)) flip(partner, vanishing[i]);
    }
    add(partners, path.canonical(std::move(partner)));
  };
  if (n <= kMaxVanishing) {
    // Fewer flipped bits first.
    std::vector<unsigned> subsets;
    for (unsigned subset = 1; subset < (1U << n); ++subset) subsets.push_back(subset);
    std::stable_sort(subsets.begin(), subsets.end(),
                     [](unsigned a, unsigned b) { return std::popcount(a) < std::popcount(b); });
    for (const unsigned subset : subsets) {
      add_with([&](std::size_t i) { return ((subset >> i) & 1U) != 0; });
    }
  } else {
    for (std::size_t a = 0; a < n; ++a) {
      for (std::size_t b = a; b < n; ++b) {
        add_with([&](std::size_t i) { return i == a || i == b; });
      }
    }
    add_with([](std::size_t) { return true; });
  }
}

}  // namespace

Itinerary border_point(const Itinerary& itinerary, const std::vector<Vanishing>& vanishing) {
  Itinerary point(itinerary.order, 2 * itinerary.words);
  for (Index t = 0; t < itinerary.order; ++t) {
    std::copy_n(itinerary.at(t), itinerary.words, point.at(t));
  }
  for (const Vanishing& bit : vanishing) {
    set_bit(point.at(bit.time), bit.unit, false);
    set_bit(point.at(bit.time) + itinerary.words, bit.unit, true);
  }
  return canonical_rotation(resized(point, primitive_period(point)));
}

std::vector<Itinerary> border_partners(const CanonicalPath& path, const Itinerary& itinerary,
                                       const std::vector<Vanishing>& vanishing) {
  std::vector<Itinerary> partners;
  const Itinerary point = border_point(itinerary, vanishing);
  if (point.order < itinerary.order) {
    Itinerary base(point.order, itinerary.words);
    std::vector<Vanishing> bits;
    for (Index t = 0; t < point.order; ++t) {
      std::copy_n(point.at(t), itinerary.words, base.at(t));
      for (const Index unit : path.relevant_units()) {
        if (get_bit(point.at(t) + itinerary.words, unit)) bits.push_back({t, unit});
      }
    }
    add_flipped(path, base, bits, partners);
    add(partners, path.canonical(std::move(base)));
  }
  add_flipped(path, itinerary, vanishing, partners);
  return partners;
}

std::vector<Itinerary> border_words(const CanonicalPath& path, const Itinerary& itinerary,
                                    const std::vector<Vanishing>& vanishing, Index max_order) {
  Itinerary other = itinerary;
  for (const Vanishing& bit : vanishing) flip(other, bit);
  std::vector<Itinerary> words;
  for (Index length = 2; length <= std::min(kMaxWord, max_order / itinerary.order); ++length) {
    for (unsigned letters = 1; letters + 1 < (1U << length); ++letters) {
      Itinerary word(0, itinerary.words);
      for (Index i = 0; i < length; ++i) {
        word = concatenated(word, ((letters >> i) & 1U) != 0 ? other : itinerary);
      }
      word = path.canonical(std::move(word));
      if (word.order == length * itinerary.order) add(words, std::move(word));
    }
  }
  return words;
}

std::vector<Itinerary> flip_successors(const CanonicalPath& path, const Itinerary& itinerary,
                                       double s) {
  constexpr double kTie = 1e-9;
  const Index k = itinerary.order;
  PathSystem system(path, itinerary);
  PathSample sample;
  system.sample(s, sample);
  const std::vector<Matrix> jacobians = system.jacobians(s);
  const Index m = path.n_states();
  Matrix product = Matrix::Identity(m, m);
  for (const Matrix& j : jacobians) product = j * product;
  if (!product.allFinite()) return {};
  product.diagonal().array() += 1.0;
  const Eigen::JacobiSVD<Matrix> svd(product, Eigen::ComputeFullV);
  Vector direction = svd.matrixV().col(m - 1);
  // The line is z_t + a v_t for all |a| up to where the first pre-activation vanishes.
  struct Crossing {
    double distance;
    Vanishing bit;
  };
  std::vector<Crossing> crossings;
  for (Index t = 0; t < 2 * k; ++t) {
    for (Index j = 0; j < system.n_relevant(); ++j) {
      const Index unit = path.relevant_units()[static_cast<std::size_t>(j)];
      const Vector row = (1.0 - s) * path.start().w2().row(unit).transpose() +
                         s * path.end().w2().row(unit).transpose();
      const double p =
          sample.preactivations[static_cast<std::size_t>((t % k) * system.n_relevant() + j)];
      const double distance = -p / row.dot(direction);
      if (distance > 0.0 && std::isfinite(distance)) crossings.push_back({distance, {t, unit}});
    }
    direction = jacobians[static_cast<std::size_t>(t % k)] * direction;
  }
  if (crossings.empty()) return {};
  double first = std::numeric_limits<double>::infinity();
  for (const Crossing& c : crossings) first = std::min(first, c.distance);
  std::vector<Vanishing> bits;
  for (const Crossing& c : crossings) {
    if (c.distance <= first * (1.0 + kTie)) bits.push_back(c.bit);
  }
  std::vector<Itinerary> successors =
      border_partners(path, concatenated(itinerary, itinerary), bits);
  std::erase_if(successors, [&](const Itinerary& i) { return i.order != 2 * k; });
  return successors;
}

}  // namespace rnndyn

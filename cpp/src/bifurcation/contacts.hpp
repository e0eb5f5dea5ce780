// Cycles that are real at single places of a path only.
#pragma once

#include <functional>
#include <vector>

#include "bifurcation/branch.hpp"

namespace rnndyn {

// Places of different itineraries at one event agree to this, beyond their brackets.
constexpr double kSameEvent = 1e-9;

// Whether the branch has a stretch at s, or one that ends there.
bool is_real(const Branch& branch, double s, double width);

struct OwnContact {
  std::size_t branch;
  const Contact* contact;
};

// Of all contacts those that are no point of a branch of the same or a smaller order, and one only
// of several that are the same point. `index` gives the position of an itinerary in `branches`, or
// -1.
std::vector<OwnContact> contacts_without_branch(
    const CanonicalPath& path, const std::vector<Branch>& branches,
    const std::function<std::int64_t(const Itinerary&)>& index);

}  // namespace rnndyn

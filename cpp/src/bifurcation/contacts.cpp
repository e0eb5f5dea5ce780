#include "bifurcation/contacts.hpp"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "bifurcation/relatives.hpp"

namespace rnndyn {
namespace {

// Order and s of what is real at the border points of itineraries.
using BorderPoints =
    std::unordered_map<Itinerary, std::vector<std::pair<Index, double>>, ItineraryHash>;

const Cut& cut_of(const Branch& branch, const Contact& contact) {
  return branch.cuts[static_cast<std::size_t>(contact.cut)];
}

double width_of(const Cut& cut) { return cut.upper - cut.lower; }

// Whether the points at s repeat themselves after `period` steps, to what is known of s.
bool repeats(const CanonicalPath& path, const Itinerary& itinerary, double s, Index period) {
  constexpr double kSamePoint = 1e-6;
  PathSystem system(path, itinerary);
  PathSample sample;
  system.sample(s, sample);
  const Eigen::Map<const Matrix> points(sample.points.data(), path.n_states(), itinerary.order);
  const Index rest = itinerary.order - period;
  const double difference = (points.leftCols(rest) - points.rightCols(rest)).cwiseAbs().maxCoeff();
  return difference <= kSamePoint * (1.0 + points.cwiseAbs().maxCoeff());
}

BorderPoints real_points(const std::vector<Branch>& branches) {
  BorderPoints known;
  for (const Branch& branch : branches) {
    for (const Cut& cut : branch.cuts) {
      if (cut.diverges || cut.vanishing.empty() || !is_real(branch, cut.s, width_of(cut))) continue;
      known[border_point(branch.itinerary, cut.vanishing)].emplace_back(branch.itinerary.order,
                                                                        cut.s);
    }
  }
  return known;
}

}  // namespace

bool is_real(const Branch& branch, double s, double width) {
  const double tolerance = kSameEvent + width;
  return std::any_of(branch.stretches.begin(), branch.stretches.end(), [&](const Stretch& stretch) {
    return stretch.begin - tolerance <= s && s <= stretch.end + tolerance;
  });
}

std::vector<OwnContact> contacts_without_branch(
    const CanonicalPath& path, const std::vector<Branch>& branches,
    const std::function<std::int64_t(const Itinerary&)>& index) {
  std::vector<OwnContact> candidates;
  for (std::size_t b = 0; b < branches.size(); ++b) {
    for (const Contact& contact : branches[b].contacts) candidates.push_back({b, &contact});
  }
  if (candidates.empty()) return {};
  std::sort(candidates.begin(), candidates.end(), [&](const OwnContact& x, const OwnContact& y) {
    const Itinerary& a = branches[x.branch].itinerary;
    const Itinerary& b = branches[y.branch].itinerary;
    if (!(a == b)) return a.order < b.order || (a.order == b.order && a < b);
    return x.contact->cut < y.contact->cut;
  });
  BorderPoints known = real_points(branches);
  std::vector<OwnContact> chosen;
  for (const OwnContact& candidate : candidates) {
    const Branch& branch = branches[candidate.branch];
    const Cut& cut = cut_of(branch, *candidate.contact);
    const auto is_here = [&](double s) {
      return std::abs(s - cut.s) <= kSameEvent + width_of(cut);
    };
    const Itinerary point = border_point(branch.itinerary, cut.vanishing);
    auto& here = known[point];
    const bool covered = std::any_of(here.begin(), here.end(), [&](const auto& order_and_s) {
      return order_and_s.first <= branch.itinerary.order && is_here(order_and_s.second);
    });
    if (covered) continue;
    // With a bit that vanishes flipped, the candidate is the same point. A cycle of smaller order
    // whose repetition is such a partner has a flip or a center here instead, to which this one
    // belongs, unless all points run together. What flips exactly at an end of the path shows
    // beyond it only.
    const bool at_end = cut.s <= 0.0 || cut.s >= 1.0;
    const bool stands_for_all = at_end || point.order < branch.itinerary.order;
    const std::vector<Itinerary> partners = border_partners(path, branch.itinerary, cut.vanishing);
    const bool has_partner =
        std::any_of(partners.begin(), partners.end(), [&](const Itinerary& partner) {
          const std::int64_t p = index(partner);
          if (p < 0) return false;
          if (partner.order < branch.itinerary.order && !stands_for_all &&
              !repeats(path, branch.itinerary, cut.s, partner.order)) {
            return false;
          }
          const auto other = static_cast<std::size_t>(p);
          return is_real(branches[other], cut.s, width_of(cut)) ||
                 std::any_of(chosen.begin(), chosen.end(), [&](const OwnContact& own) {
                   return own.branch == other && is_here(cut_of(branches[other], *own.contact).s);
                 });
        });
    if (has_partner) continue;
    here.emplace_back(branch.itinerary.order, cut.s);
    chosen.push_back(candidate);
  }
  return chosen;
}

}  // namespace rnndyn

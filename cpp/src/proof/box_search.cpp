#include "proof/box_search.hpp"

#include <algorithm>
#include <utility>

#include "proof/box_tree.hpp"
#include "proof/orbit_enclosure.hpp"

namespace rnndyn {

bool boxes_suit(const CanonicalMap& map) {
  return map.n_states() >= 1 && map.n_states() <= OrbitEnclosure::kMostStates;
}

TreeOutcome prove_by_boxes(const CanonicalMap& map, const Box& box, const ProofOptions& options,
                           int n_threads, std::int64_t max_nodes, Control& control,
                           const TreeProgress& shown, PartialProof& part,
                           const Interludes* interludes) {
  part.method = ProofMethod::boxes;
  std::sort(part.orders.begin(), part.orders.end());
  const BoxDomain domain{&map, {box}, part.orders};
  return BoxTree::search(domain, options, n_threads, max_nodes, control, shown, part, interludes);
}

}  // namespace rnndyn

#pragma once

#include <memory>

#include "kernels/newton_reduced.hpp"
#include "rnndyn/map.hpp"

namespace rnndyn {

// The responses of the units to each other, for cycles of one order; nothing where eliminating the
// states would cost digits, because they nearly have a cycle of this order (or one whose order
// divides it) without the units, or run away.
std::shared_ptr<const kernels::ReducedTables> make_reduced_tables(const CanonicalMap& map,
                                                                  Index order);

}  // namespace rnndyn

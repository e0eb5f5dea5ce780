// The singular value decomposition, compiled once: it takes the compiler more than ten seconds
// wherever it is instantiated.
#pragma once

#include "rnndyn/map.hpp"

extern template class Eigen::JacobiSVD<rnndyn::Matrix>;

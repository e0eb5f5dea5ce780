#include "map/decompositions.hpp"

template class Eigen::JacobiSVD<rnndyn::Matrix>;

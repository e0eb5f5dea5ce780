// Networks on a straight line between two: everything in a layer is (1 - s) a + s b.
#pragma once

#include <vector>

#include "rnndyn/smooth/map.hpp"

namespace rnndyn::smooth {

class SmoothPath {
 public:
  // Throws std::invalid_argument where the two are not of one kind and size.
  SmoothPath(SmoothMap first, SmoothMap last);

  Index n_states() const { return first_.n_states(); }
  // The map at 0 or at 1.
  const SmoothMap& end(double s) const { return s < 0.5 ? first_ : last_; }
  // The map at s in floating-point numbers.
  SmoothMap at(double s) const;
  // All maps of a piece, their weights as middle and radius; what rounding loses is in the radius.
  SmoothMap over(Interval s) const;
  // Derivatives of the layers with respect to s.
  const std::vector<Layer>& slopes() const { return slopes_; }

 private:
  SmoothMap first_, last_;
  std::vector<Layer> slopes_;
};

}  // namespace rnndyn::smooth

// The cyclic affine system of one itinerary at any point of a path, with its determinants.
#pragma once

#include <vector>

#include "bifurcation/scaled_value.hpp"
#include "rnndyn/bifurcation.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {

// What the system says at one s. The products N_{t,i} = p_{t,i} d of pre-activations and
// determinant are polynomials in s without poles: by Cramer's rule, with the pre-activations among
// the unknowns, where matrix and right side are linear in s.
struct PathSample {
  double s = 0.0;
  ScaledValue determinant;             // d = det(I - J_k ... J_1)
  ScaledValue flip_determinant;        // det(I + J_k ... J_1)
  std::vector<double> points;          // M x k
  std::vector<double> preactivations;  // relevant units x k
  std::vector<double> noise;           // N_{t,i} is within noise * 2^(exponent of d) of the truth
  double determinant_noise = 0.0;      // in units of 2^exponent, as the next
  double flip_noise = 0.0;
  bool singular = false;  // d is zero within rounding
};

class PathSystem {
 public:
  // With a control, `sample` and `jacobians` ask it now and then, and throw Stopped.
  PathSystem(const CanonicalPath& path, const Itinerary& itinerary, Control* control = nullptr);

  const CanonicalPath& path() const { return path_; }
  const Itinerary& itinerary() const { return itinerary_; }
  Index order() const { return k_; }
  Control* control() const { return looks_.control(); }
  Index n_relevant() const { return n_relevant_; }
  // No N_{t,i} and neither determinant has a larger degree.
  Index degree_bound() const { return degree_bound_; }

  // Not const: works in the object's own memory, so one object serves one thread.
  void sample(double s, PathSample& out);
  std::vector<Matrix> jacobians(double s);
  std::vector<Vector> offsets(double s);  // z_{t+1} = J_t z_t + offset

 private:
  void set_blocks(double s);
  void look();
  void condense();
  void eliminate(PathSample& out);
  Eigen::Map<const Matrix> condensed_block(Index s) const;
  double close_one();
  double close_many(ScaledValue& determinant);
  void triangulate_stack(ScaledValue& determinant);
  void solve_starts();
  void expand(PathSample& out);

  const CanonicalPath& path_;
  Itinerary itinerary_;
  Index m_, k_, n_relevant_, degree_bound_;
  // J_t(s) = (1-s)^2 start + s(1-s) middle + s^2 end, which is exact at both ends; so is c_t(s).
  // One column per step: the M x M block, then the offset.
  Matrix start_, middle_, end_;
  Matrix blocks_;
  // Rows of W2 and entries of h2 of relevant units, one column per unit: W2 row, then h2.
  Matrix borders_start_, borders_end_;

  std::vector<Index> segment_starts_;
  std::vector<double> amplification_;  // of each segment
  double offset_size_ = 0.0;           // of the terms of offsets
  Matrix condensed_;                   // one column per segment, as blocks_
  Matrix stack_;                       // 2M x (3M + 1): the two block rows being eliminated
  std::vector<Matrix> eliminated_;     // top rows of each step
  Matrix closing_, flip_closing_;      // M x (M + 1) and M x M
  Matrix starts_;                      // M x segments
  std::vector<Index> column_order_;
  Looks looks_;
};

}  // namespace rnndyn

// Segments, polygons and polytopes of three dimensions, cut by one inequality after the other.
#pragma once

#include <array>
#include <cstdint>

namespace rnndyn {

// A bounded convex set, as the vertices of a polytope in which every vertex lies on exactly Dim
// facets: facets that meet in a vertex by chance count as if they met in several. Each facet has
// the label of the inequality it came from, so a vertex knows the inequalities that hold it, and
// two vertices with Dim - 1 labels in common are joined by an edge. The set may be flat, or one
// point with several vertices. Coordinates carry rounding errors and nothing is ever proved by
// them: they say which labels a proof should use.
template <int Dim>
class Polytope {
 public:
  static constexpr int kCapacity = Dim == 1 ? 4 : (Dim == 2 ? 32 : 72);
  // Of an affine function: Dim coefficients, then the constant.
  using Function = std::array<double, Dim + 1>;
  using Values = std::array<double, kCapacity>;  // of a function at the vertices
  // x -> matrix x + shift, matrix column by column.
  struct Transform {
    std::array<double, Dim * Dim> matrix;
    std::array<double, Dim> shift;
  };

  // labels[2 d] is that of x_d >= lower_d, labels[2 d + 1] that of x_d <= upper_d.
  static Polytope box(const std::array<double, Dim>& lower, const std::array<double, Dim>& upper,
                      const std::array<std::int32_t, 2 * Dim>& labels);
  Polytope() = default;
  Polytope(const Polytope& other) : size_(0) { *this = other; }
  Polytope& operator=(const Polytope& other);  // copies the vertices there are

  int size() const { return size_; }
  double coordinate(int d, int vertex) const { return x_[index(d)][index(vertex)]; }
  std::int32_t label(int d, int vertex) const { return labels_[index(d)][index(vertex)]; }

  void evaluate(const Function& f, Values& values) const {
    for (int v = 0; v < size_; ++v) {
      double sum = f[Dim];
      for (int d = 0; d < Dim; ++d) sum += f[index(d)] * x_[index(d)][index(v)];
      values[index(v)] = sum;
    }
  }
  void transform(const Transform& by) {
    for (int v = 0; v < size_; ++v) {
      std::array<double, Dim> image = by.shift;
      for (int c = 0; c < Dim; ++c) {
        for (int r = 0; r < Dim; ++r) {
          image[index(r)] += by.matrix[index(c * Dim + r)] * x_[index(c)][index(v)];
        }
      }
      for (int d = 0; d < Dim; ++d) x_[index(d)][index(v)] = image[index(d)];
    }
  }

  // Cuts off where `values` are negative; some must not be. Without room for the vertices that this
  // takes the set stays as it is, which is larger.
  void clip(const Values& values, std::int32_t label);
  // What to go on with where an inequality holds nowhere but that could not be proved: the point
  // `vertex`, held by its own facets and by the new one.
  void collapse(int vertex, std::int32_t label);

 private:
  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }

  int size_ = 0;
  std::array<std::array<double, kCapacity>, Dim> x_;
  std::array<std::array<std::int32_t, kCapacity>, Dim> labels_;
};

extern template class Polytope<1>;
extern template class Polytope<2>;
extern template class Polytope<3>;

}  // namespace rnndyn

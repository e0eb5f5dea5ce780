#include "kernels/polygons/polygon.hpp"

#include <algorithm>

namespace rnndyn {

template <int Dim>
Polytope<Dim> Polytope<Dim>::box(const std::array<double, Dim>& lower,
                                 const std::array<double, Dim>& upper,
                                 const std::array<std::int32_t, 2 * Dim>& labels) {
  Polytope box;
  box.size_ = 1 << Dim;
  for (int v = 0; v < box.size_; ++v) {
    for (int d = 0; d < Dim; ++d) {
      const int side = (v >> d) & 1;
      box.x_[index(d)][index(v)] = side == 0 ? lower[index(d)] : upper[index(d)];
      box.labels_[index(d)][index(v)] = labels[index(2 * d + side)];
    }
  }
  return box;
}

template <int Dim>
Polytope<Dim>& Polytope<Dim>::operator=(const Polytope& other) {
  size_ = other.size_;
  for (int d = 0; d < Dim; ++d) {
    std::copy_n(other.x_[index(d)].begin(), size_, x_[index(d)].begin());
    std::copy_n(other.labels_[index(d)].begin(), size_, labels_[index(d)].begin());
  }
  return *this;
}

template <int Dim>
void Polytope<Dim>::clip(const Values& values, std::int32_t label) {
  std::array<int, kCapacity> kept, removed;
  int n_kept = 0;
  int n_removed = 0;
  for (int v = 0; v < size_; ++v) {
    // Written so that a value that is not a number counts as outside.
    if (values[index(v)] >= 0.0) {
      kept[index(n_kept++)] = v;
    } else {
      removed[index(n_removed++)] = v;
    }
  }
  if (n_removed == 0) return;
  Polytope fresh;
  for (int k = 0; k < n_kept; ++k) {
    const int a = kept[index(k)];
    for (int r = 0; r < n_removed; ++r) {
      const int b = removed[index(r)];
      std::array<std::int32_t, Dim> common{};
      int n_common = 0;
      for (int d = 0; d < Dim; ++d) {
        for (int e = 0; e < Dim; ++e) {
          if (labels_[index(d)][index(a)] == labels_[index(e)][index(b)]) {
            common[index(n_common++)] = labels_[index(d)][index(a)];
            break;
          }
        }
      }
      if (n_common != Dim - 1) continue;
      if (n_kept + fresh.size_ == kCapacity) return;
      const double from = values[index(a)];
      const double share = from / (from - values[index(b)]);
      const int v = fresh.size_++;
      for (int d = 0; d < Dim; ++d) {
        const double x = x_[index(d)][index(a)];
        fresh.x_[index(d)][index(v)] = x + share * (x_[index(d)][index(b)] - x);
        fresh.labels_[index(d)][index(v)] = d + 1 < Dim ? common[index(d)] : label;
      }
    }
  }
  for (int k = 0; k < n_kept; ++k) {
    for (int d = 0; d < Dim; ++d) {
      x_[index(d)][index(k)] = x_[index(d)][index(kept[index(k)])];
      labels_[index(d)][index(k)] = labels_[index(d)][index(kept[index(k)])];
    }
  }
  for (int d = 0; d < Dim; ++d) {
    std::copy_n(fresh.x_[index(d)].begin(), fresh.size_, x_[index(d)].begin() + n_kept);
    std::copy_n(fresh.labels_[index(d)].begin(), fresh.size_, labels_[index(d)].begin() + n_kept);
  }
  size_ = n_kept + fresh.size_;
}

template <int Dim>
void Polytope<Dim>::collapse(int vertex, std::int32_t label) {
  std::array<std::int32_t, Dim + 1> facets;
  for (int d = 0; d < Dim; ++d) facets[index(d)] = labels_[index(d)][index(vertex)];
  facets[Dim] = label;
  for (int d = 0; d < Dim; ++d) {
    const double x = x_[index(d)][index(vertex)];
    for (int v = 0; v <= Dim; ++v) x_[index(d)][index(v)] = x;
  }
  // Vertex v is held by all facets but number v.
  for (int v = 0; v <= Dim; ++v) {
    for (int d = 0; d < Dim; ++d) labels_[index(d)][index(v)] = facets[index(d < v ? d : d + 1)];
  }
  size_ = Dim + 1;
}

template class Polytope<1>;
template class Polytope<2>;
template class Polytope<3>;

}  // namespace rnndyn

// Small maps and random matrices for the tests.
#pragma once

#include <cstdlib>
#include <string_view>

#include "rnndyn/itinerary.hpp"
#include "rnndyn/map.hpp"
#include "rnndyn/random.hpp"

namespace rnndyn::testing {

// How many random examples a test draws, as tests/draws.py decides it for those in Python.
inline int drawn(int few, int full) {
  const char* draws = std::getenv("RNNDYN_DRAWS");
  return draws != nullptr && std::string_view(draws) == "full" ? full : few;
}

inline Matrix random_matrix(RandomStream& stream, Index rows, Index cols) {
  Matrix matrix(rows, cols);
  for (double& entry : matrix.reshaped()) entry = stream.normal();
  return matrix;
}

inline Vector random_vector(RandomStream& stream, Index size) {
  return random_matrix(stream, size, 1);
}

// A z + W relu(z) + h.
inline CanonicalMap plrnn(const Matrix& a, const Matrix& w, const Vector& h) {
  const Index m = h.size();
  return CanonicalMap(a, w, Matrix::Identity(m, m), h, Vector::Zero(m));
}

// x -> 1 - 2 |x| = 1 + 2 x - 4 relu(x).
inline CanonicalMap tent_map() {
  return plrnn(Matrix::Constant(1, 1, 2.0), Matrix::Constant(1, 1, -4.0), Vector::Ones(1));
}

// One word per region.
inline Itinerary itinerary(std::initializer_list<Word> regions) {
  Itinerary result(static_cast<Index>(regions.size()), 1);
  result.bits.assign(regions.begin(), regions.end());
  return result;
}

}  // namespace rnndyn::testing

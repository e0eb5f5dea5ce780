#include <doctest/doctest.h>

#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#include <cmath>
#include <limits>

#include "networks.hpp"
#include "proof/contraction.hpp"

using namespace rnndyn;
using namespace rnndyn::testing;

namespace {

Matrix diagonal(RandomStream& stream, Index m, double low, double high) {
  Vector entries(m);
  for (double& entry : entries) entry = low + (high - low) * stream.uniform();
  return entries.asDiagonal();
}

// Families that contract at scale 1, with a good margin but for most of them not in a simple norm.
CanonicalMap contracting(RandomStream& stream, int family, Index m) {
  const double width = 1.0 / std::sqrt(static_cast<double>(m));
  const Matrix identity = Matrix::Identity(m, m);
  const Vector h = random_vector(stream, m);
  switch (family) {
    case 0:  // PLRNN
      return plrnn(diagonal(stream, m, 0.1, 0.4), 0.25 * width * random_matrix(stream, m, m), h);
    case 1: {  // PLRNN in badly scaled states
      const Vector scale = (2.0 * random_vector(stream, m)).array().exp();
      const Matrix w = 0.25 * width * random_matrix(stream, m, m);
      return plrnn(diagonal(stream, m, 0.1, 0.4),
                   scale.asDiagonal() * w * scale.cwiseInverse().asDiagonal(), h);
    }
    case 2: {  // rotation: contracts in the Euclidean norm only
      const Matrix q = random_matrix(stream, m, m).householderQr().householderQ();
      return plrnn(0.6 * q, 0.15 * width * random_matrix(stream, m, m), h);
    }
    case 3: {  // triangular: large entries, no feedback
      Matrix w = random_matrix(stream, m, m).triangularView<Eigen::StrictlyLower>();
      return plrnn(diagonal(stream, m, -0.5, 0.5), std::min(1.0, 4.0 * width) * w, h);
    }
    case 4:  // shallow, twice as many units as states
      return CanonicalMap(
          diagonal(stream, m, -0.5, 0.5), 0.2 * width * random_matrix(stream, m, 2 * m),
          0.6 * width * random_matrix(stream, 2 * m, m), h, random_vector(stream, 2 * m));
    case 5:  // ReLU RNN
      return CanonicalMap(Matrix::Zero(m, m), identity, 0.45 * width * random_matrix(stream, m, m),
                          Vector::Zero(m), h);
    default: {  // half of the units do nothing: zero column of W1 or zero row of W2
      Matrix w1 = 0.3 * width * random_matrix(stream, m, 2 * m);
      Matrix w2 = 0.6 * width * random_matrix(stream, 2 * m, m);
      for (Index u = 0; u < 2 * m; u += 4) {
        w1.col(u).setZero();
        w2.row(u + 1).setZero();
      }
      return CanonicalMap(diagonal(stream, m, -0.5, 0.5), w1, w2, h, random_vector(stream, 2 * m));
    }
  }
}
constexpr int kFamilies = 7;

CanonicalMap scaled(const CanonicalMap& map, double factor) {
  return CanonicalMap(factor * map.a(), factor * map.w1(), map.w2(), map.h1(), map.h2());
}

double spectral_radius(const Matrix& matrix) { return matrix.eigenvalues().cwiseAbs().maxCoeff(); }

// Largest norm of J over all regions, in the norm of the proof.
double largest_norm(const CanonicalMap& map, const ContractionProof& proof) {
  double largest = 0.0;
  const Eigen::LLT<Matrix> root(proof.norm.size() > 0 ? proof.norm : Matrix::Identity(1, 1));
  for (Word region = 0; region < (Word{1} << map.n_units()); ++region) {
    const Matrix j = map.jacobian(&region);
    if (proof.kind == ContractionNorm::weighted_infinity) {
      const Vector sums = j.cwiseAbs() * proof.weights;
      largest = std::max(largest, sums.cwiseQuotient(proof.weights).maxCoeff());
    } else {
      // |z|^2 = |R z|^2 with P = R^T R, so the norm of J is the spectral norm of R J R^-1.
      const Matrix rj = root.matrixU() * j;
      const Matrix transformed = root.matrixL().solve(rj.transpose());
      largest =
          std::max(largest, std::sqrt(spectral_radius(transformed.transpose() * transformed)));
    }
  }
  return largest;
}

}  // namespace

TEST_CASE("contracting networks of all families and sizes are proved") {
  for (int family = 0; family < kFamilies; ++family) {
    for (const Index m : {1, 2, 3, 5, 10, 30, 100}) {
      for (std::uint64_t trial = 0; trial < (m < 30 ? 20 : 2); ++trial) {
        CAPTURE(family);
        CAPTURE(m);
        CAPTURE(trial);
        RandomStream stream(11, static_cast<std::uint64_t>(family), trial);
        // Small random matrices vary more.
        const CanonicalMap map = scaled(contracting(stream, family, m), m < 10 ? 0.5 : 1.0);
        const auto proof = prove_contraction(map);
        REQUIRE(proof);
        CHECK(is_contraction(map, *proof));
        CHECK((proof->multipliers.array() > 0.0).all());
        // Any two orbits come together.
        Vector z = 10.0 * random_vector(stream, m);
        Vector y = 10.0 * random_vector(stream, m);
        for (int t = 0; t < 3000; ++t) {
          z = map.step(z);
          y = map.step(y);
        }
        CHECK((z - y).norm() <= 1e-9 * (1.0 + z.norm()));
      }
    }
  }
}

TEST_CASE("the norm contracts in every region") {
  int n_quadratic = 0;
  int n_proved = 0;
  for (int family = 0; family < kFamilies; ++family) {
    for (std::uint64_t trial = 0; trial < 60; ++trial) {
      RandomStream stream(12, static_cast<std::uint64_t>(family), trial);
      const Index m = 1 + static_cast<Index>(stream.below(4));
      const CanonicalMap map = scaled(contracting(stream, family, m), 0.5 + 1.5 * stream.uniform());
      const auto proof = prove_contraction(map);
      if (!proof) continue;
      ++n_proved;
      n_quadratic += proof->kind == ContractionNorm::quadratic ? 1 : 0;
      CHECK(largest_norm(map, *proof) < 1.0);
    }
  }
  CHECK(n_proved > 200);
  CHECK(n_quadratic > 20);
}

TEST_CASE("never proved beyond the edge") {
  for (int family = 0; family < kFamilies; ++family) {
    for (std::uint64_t trial = 0; trial < 60; ++trial) {
      RandomStream stream(13, static_cast<std::uint64_t>(family), trial);
      const Index m = 1 + static_cast<Index>(stream.below(4));
      CanonicalMap map = contracting(stream, family, m);
      // Scale A and W1 until some region has spectral radius 1: all J scale alike.
      double radius = 0.0;
      for (Word region = 0; region < (Word{1} << map.n_units()); ++region) {
        radius = std::max(radius, spectral_radius(map.jacobian(&region)));
      }
      CHECK_FALSE(prove_contraction(scaled(map, (1.0 + 1e-12) / radius)));
      CHECK_FALSE(prove_contraction(scaled(map, 1.01 / radius)));
      CHECK_FALSE(prove_contraction(scaled(map, 1.5 / radius)));
    }
  }
}

TEST_CASE("networks with two fixed points or a cycle are not proved") {
  const Matrix one = Matrix::Ones(1, 1);
  CHECK_FALSE(prove_contraction(tent_map()));
  // z -> -z / 2 + 3 relu(z) - 1: fixed points at -2/3 and 2/3.
  CHECK_FALSE(prove_contraction(plrnn(-0.5 * one, 3.0 * one, -Vector::Ones(1))));
  // z -> -1.2 relu(z) + 1: the 2-cycle between 1 and -0.2.
  CHECK_FALSE(prove_contraction(plrnn(0.0 * one, -1.2 * one, Vector::Ones(1))));
  // Slopes of 1 and -1: not a contraction, though every bounded orbit is a cycle.
  CHECK_FALSE(prove_contraction(plrnn(one, -2.0 * one, Vector::Ones(1))));
  // Each region contracts, but the product of two does not: no common norm.
  Matrix a(2, 2), w(2, 2);
  a << 0.5, 2.0, 0.0, 0.5;
  w << -1.2, 0.0, -0.65, 0.0;
  const CanonicalMap map = plrnn(a, w, Vector::Ones(2));
  const Word off = 0, on = 1;
  REQUIRE(spectral_radius(map.jacobian(&off)) < 1.0);
  REQUIRE(spectral_radius(map.jacobian(&on)) < 1.0);
  REQUIRE(spectral_radius(map.jacobian(&off) * map.jacobian(&on)) > 1.0);
  CHECK_FALSE(prove_contraction(map));
}

TEST_CASE("linear maps and units that do nothing") {
  Matrix a(2, 2);
  a << 0.9, 50.0, 0.0, -0.9;
  const Matrix rotation = (Matrix(2, 2) << 0.6, -0.75, 0.75, 0.6).finished();
  const Matrix zero = Matrix::Zero(2, 2);
  const auto triangular = prove_contraction(plrnn(a, zero, Vector::Ones(2)));
  REQUIRE(triangular);
  CHECK(triangular->kind == ContractionNorm::weighted_infinity);
  const auto rotating = prove_contraction(plrnn(rotation, zero, Vector::Ones(2)));
  REQUIRE(rotating);
  CHECK(rotating->kind == ContractionNorm::quadratic);
  CHECK((rotating->multipliers.array() > 0.0).all());
  CHECK_FALSE(prove_contraction(plrnn(1.05 * rotation, zero, Vector::Ones(2))));
}

TEST_CASE("wrong or damaged proofs are refused") {
  RandomStream stream(14, 0, 0);
  const CanonicalMap map = contracting(stream, 2, 10);
  const auto proof = prove_contraction(map);
  REQUIRE(proof);
  REQUIRE(proof->kind == ContractionNorm::quadratic);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ContractionProof wrong = *proof;
  wrong.multipliers(3) = 0.0;
  CHECK_FALSE(is_contraction(map, wrong));
  wrong.multipliers(3) = -1.0;
  CHECK_FALSE(is_contraction(map, wrong));
  wrong.multipliers(3) = nan;
  CHECK_FALSE(is_contraction(map, wrong));
  wrong = *proof;
  wrong.norm(0, 1) += 1e-3;  // not symmetric
  CHECK_FALSE(is_contraction(map, wrong));
  wrong = *proof;
  wrong.norm(4, 4) = nan;
  CHECK_FALSE(is_contraction(map, wrong));
  wrong = *proof;
  wrong.norm = -wrong.norm;
  CHECK_FALSE(is_contraction(map, wrong));
  wrong = *proof;
  wrong.norm.setIdentity(3, 3);
  CHECK_FALSE(is_contraction(map, wrong));
  CHECK_FALSE(is_contraction(scaled(map, 3.0), *proof));
  wrong = ContractionProof{};
  wrong.weights = Vector::Ones(10);
  CHECK_FALSE(is_contraction(map, wrong));  // it is no contraction in the largest entry
  wrong.weights(2) = nan;
  CHECK_FALSE(is_contraction(scaled(map, 0.01), wrong));
}

TEST_CASE("the last bit counts") {
  // q = 1 - 2^-53 is a contraction, q = 1 is none; the check may only refuse too much.
  const double below = 1.0 - 0x1.0p-53;
  const Matrix one = Matrix::Ones(1, 1);
  ContractionProof proof;
  proof.weights = Vector::Ones(1);
  CHECK_FALSE(is_contraction(plrnn(one, 0.0 * one, Vector::Ones(1)), proof));
  CHECK(is_contraction(plrnn((1.0 - 1e-8) * one, 0.0 * one, Vector::Ones(1)), proof));
  CHECK_FALSE(prove_contraction(plrnn(-one, 0.0 * one, Vector::Ones(1))));
  CHECK_FALSE(prove_contraction(plrnn(one, (below - 1.0) * one, Vector::Ones(1))));
  // Entries of very different size.
  Matrix a(2, 2);
  a << 0.5, 1e50, 1e-51, 0.5;
  CHECK(prove_contraction(plrnn(a, 0.0 * a, Vector::Ones(2))));
  a << 0.5, 1e50, 1e-49, 0.5;
  CHECK_FALSE(prove_contraction(plrnn(a, 0.0 * a, Vector::Ones(2))));
  a << 0.5, 1e200, 1e-300, 0.5;  // where underflow could matter nothing is claimed
  CHECK_FALSE(prove_contraction(plrnn(a, 0.0 * a, Vector::Ones(2))));
}

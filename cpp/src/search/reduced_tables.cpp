#include "search/reduced_tables.hpp"

#include <algorithm>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/itinerary.hpp"

namespace rnndyn {
namespace {

// Errors of the responses, relative to the largest of them, are below about this times the unit
// roundoff, else they are not used.
constexpr double kMostGrowth = 1e6;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

double norm(const Matrix& a) { return a.cwiseAbs().rowwise().sum().maxCoeff(); }

Matrix power(Matrix base, Index exponent) {
  Matrix result = Matrix::Identity(base.rows(), base.cols());
  for (; exponent > 0; exponent /= 2) {
    if (exponent % 2 == 1) result = dense::product(base, result);
    if (exponent > 1) base = dense::product(base, base);
  }
  return result;
}

// The rows of W2 and columns of W1 of the units that can change the map.
struct Units {
  std::vector<Index> numbers;
  Matrix w1, w2;
  Vector h2;

  explicit Units(const CanonicalMap& map) {
    for (Index u = 0; u < map.n_units(); ++u) {
      if (get_bit(map.relevant_units().data(), u)) numbers.push_back(u);
    }
    const auto h = static_cast<Index>(numbers.size());
    w1.resize(map.n_states(), h);
    w2.resize(h, map.n_states());
    h2.resize(h);
    for (Index i = 0; i < h; ++i) {
      w1.col(i) = map.w1().col(numbers[at(i)]);
      w2.row(i) = map.w2().row(numbers[at(i)]);
      h2(i) = map.h2()(numbers[at(i)]);
    }
  }
};

// Column v of each of the blocks, one block after another.
std::vector<double> by_unit(const std::vector<Matrix>& blocks, Index n_units) {
  std::vector<double> result;
  for (Index v = 0; v < n_units; ++v) {
    for (const Matrix& block : blocks) {
      result.insert(result.end(), block.col(v).begin(), block.col(v).end());
    }
  }
  return result;
}

}  // namespace

std::shared_ptr<const kernels::ReducedTables> make_reduced_tables(const CanonicalMap& map,
                                                                  Index order) {
  const Index m = map.n_states();
  const Matrix identity = Matrix::Identity(m, m);
  const Matrix around = identity - power(map.a(), order);
  const Matrix once = identity - map.a();
  if (!around.allFinite()) return nullptr;
  const Matrix inverse = dense::solve(around, identity);
  const Matrix fixed_inverse = dense::solve(once, identity);
  if (!inverse.allFinite() || !fixed_inverse.allFinite()) return nullptr;

  const Units units(map);
  const auto h = static_cast<Index>(units.numbers.size());
  if (h == 0) return nullptr;
  const Matrix entering = dense::product(inverse, units.w1);
  std::vector<Matrix> responses, later;
  Matrix rows = units.w2;  // W2 A^j
  double largest_rows = 0.0, largest_response = 0.0;
  for (Index j = 0; j < order; ++j) {
    if (j > 0) rows = dense::product(rows, map.a());
    largest_rows = std::max(largest_rows, norm(rows));
    responses.push_back(dense::product(rows, entering));
    largest_response = std::max(largest_response, responses.back().cwiseAbs().maxCoeff());
    if (j + 1 < order) later.push_back(dense::product(rows, units.w1));
  }
  // Of the solution for what enters, and of the powers that it is multiplied by; of the constant.
  const double spread = largest_rows * entering.cwiseAbs().maxCoeff() / largest_response;
  const double growth =
      std::max(norm(inverse) * norm(around) + spread, norm(fixed_inverse) * norm(once));
  if (!(growth <= kMostGrowth)) return nullptr;

  auto tables = std::make_shared<kernels::ReducedTables>();
  tables->order = order;
  tables->words = map.words_per_region();
  tables->units = units.numbers;
  for (Index j = 0; j + 1 < order; ++j) responses.push_back(responses[at(j)]);
  tables->responses = by_unit(responses, h);
  tables->later = by_unit(later, h);
  const Vector constant = dense::apply(units.w2, dense::apply(fixed_inverse, map.h1())) + units.h2;
  for (Index t = 0; t < order; ++t) {
    tables->constant.insert(tables->constant.end(), constant.begin(), constant.end());
  }
  for (const double c : tables->constant) {
    tables->largest_constant = std::max(tables->largest_constant, std::abs(c));
  }
  tables->largest_response = largest_response;
  tables->growth = growth;
  return tables;
}

}  // namespace rnndyn

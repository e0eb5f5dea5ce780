#include "proof/cyclic_relaxation.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "linear_algebra/decompositions.hpp"
#include "rnndyn/rounding.hpp"

namespace rnndyn {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
// Entries of an elimination below this share of the largest count as zero: the system I - shift (x)
// A is then singular, and z cannot be eliminated.
constexpr double kSingular = 1e-11;

// Of a sum of n products, a sum of a few of these, and the product with the bound of its size,
// which is a sum of as many: 8 roundings more than the longest of the sums.
double gamma_of(Index n) { return gamma(static_cast<double>(n) + 8.0); }

// Entries of a tableau that are changed between looks at the clock: a few milliseconds.
constexpr Index kEntriesPerLook = 4'000'000;

// Columns first ... first + count - 1 of the identity.
Matrix unit_columns(Index n, Index first, Index count) {
  Matrix columns = Matrix::Zero(n, count);
  for (Index c = 0; c < count; ++c) columns(first + c, c) = 1.0;
  return columns;
}

// Calls work(first, count) for pieces of n columns; false where the control says stop in between.
template <typename Work>
bool in_pieces(Index n, Control* control, const Work& work) {
  const Index width = std::max<Index>(8, 8'000'000 / (n * n + 1));
  for (Index first = 0; first < n; first += width) {
    if (first > 0 && control != nullptr && control->stop_requested()) return false;
    work(first, std::min(width, n - first));
  }
  return true;
}

// There may be no relevant unit at all.
double largest_of(const Vector& values) {
  return values.size() > 0 ? values.cwiseAbs().maxCoeff() : 0.0;
}

Matrix absolute(const Matrix& matrix) { return matrix.cwiseAbs(); }

}  // namespace

CyclicRelaxation::CyclicRelaxation(const CanonicalMap& map, Index order, const Domain& domain,
                                   bool keep_multipliers, bool break_rotations, Control* control)
    : m_(map.n_states()),
      r_(map.n_relevant_units()),
      k_(order),
      domain_(domain),
      break_rotations_(break_rotations && domain.kind != Domain::Kind::large_cube),
      a_(map.a()),
      h1_(map.h1()) {
  for (Index i = 0; i < map.n_units(); ++i) {
    if (get_bit(map.relevant_units().data(), i)) units_.push_back(i);
  }
  w1_.resize(m_, r_);
  w2_.resize(r_, m_);
  h2_.resize(r_);
  for (Index i = 0; i < r_; ++i) {
    const Index unit = units_[static_cast<std::size_t>(i)];
    w1_.col(i) = map.w1().col(unit);
    w2_.row(i) = map.w2().row(unit);
    h2_(i) = map.h2()(unit);
  }
  abs_a_ = a_.cwiseAbs();
  abs_w1_ = w1_.cwiseAbs();
  abs_w2_ = w2_.cwiseAbs();
  s_first_ = 2 * n_bits();
  norm_ = s_first_ + k_;
  tau_ = norm_ + 1;
  z_first_ = tau_ + 1;
  e_first_ = z_first_ + k_ * m_;
  kept_.assign(static_cast<std::size_t>(e_first_ + k_ * m_), 0);
  if (keep_multipliers) {
    for (Index b = 0; b < n_bits(); ++b) kept_[static_cast<std::size_t>(v(b))] = 1;
    kept_[static_cast<std::size_t>(norm_)] = 1;
  }

  scale_offsets();
  if (homogeneous()) {
    tau_low_ = domain_.outer > 0.0 ? 1.0 / domain_.outer * (1.0 - 1e-12) : 0.0;
    tau_high_ = 1.0 / domain_.radius * (1.0 + 1e-12);
  }
  bound_variables(map);
  // Where z is p up to a shift, bounds of u and v say what a box says.
  box_rows_ = boxed();
  if (box_rows_ && !by_faces() && map.w2_is_identity() && r_ == m_) {
    box_rows_ = !((z_lower_ + h2_).maxCoeff() < 0.0 && (z_upper_ + h2_).minCoeff() > 0.0);
  }
  for (Index j = 0; by_faces() && j < m_; ++j) kept_[static_cast<std::size_t>(z(0, j))] = 1;
  build_root(control);
  if (complete_ && !boxed() && !bounded_) bound_states(control);
}

double CyclicRelaxation::n_bytes(const CanonicalMap& map, Index order) {
  const auto k = static_cast<double>(order);
  const double n = k * static_cast<double>(map.n_states() + map.n_relevant_units());
  return (n + k) * (n + 1.0) * sizeof(double);
}

double CyclicRelaxation::n_operations(const CanonicalMap& map, Index order) {
  const double n_z = static_cast<double>(order) * static_cast<double>(map.n_states());
  return n_z * (2.0 * n_bytes(map, order) / sizeof(double) + n_z * n_z);
}

// Everything is linear in (z, h, the size of the domain): a power of two makes offsets about 1, so
// that tolerances mean the same for every map. Multipliers are the same before and after.
void CyclicRelaxation::scale_offsets() {
  double largest = 0.0;
  if (h1_.size() > 0) largest = h1_.cwiseAbs().maxCoeff();
  if (h2_.size() > 0) largest = std::max(largest, h2_.cwiseAbs().maxCoeff());
  if (!(largest > 0.0)) return;
  const double factor = std::ldexp(1.0, -std::ilogb(largest));
  const auto exact = [&](const Vector& h) {
    return ((h * factor) / factor - h).isZero(0.0) && (h * factor).allFinite();
  };
  const Vector sizes{{domain_.radius, domain_.outer}};
  if (!std::isfinite(factor) || !exact(h1_) || !exact(h2_) || !exact(sizes)) return;
  if (!exact(domain_.box.lower) || !exact(domain_.box.upper)) return;
  h1_ *= factor;
  h2_ *= factor;
  domain_.radius *= factor;
  domain_.outer *= factor;
  domain_.box.lower *= factor;
  domain_.box.upper *= factor;
}

// z = K^-1 g with K = shift - A and g = W1 u + h1 tau, when K is provably regular: with an
// approximate inverse X and d >= |I - K X| < 1 (largest row sum), K^-1 = X (I - (I - K X))^-1, so
// |z_i| <= sum_j |X_ij| |g|_max / (1 - d).
void CyclicRelaxation::bound_states(Control* control) {
  if (!open_rows_.empty()) return;
  const Index n = k_ * m_;
  Matrix k_matrix = Matrix::Zero(n, n);  // rows as in the equations, columns as in z
  for (Index t = 0; t < k_; ++t) {
    const Index next = (t + 1) % k_;
    for (Index j = 0; j < m_; ++j) k_matrix(t * m_ + j, next * m_ + j) += 1.0;
    k_matrix.block(t * m_, t * m_, m_, m_) -= a_;
  }
  const Eigen::PartialPivLU<Matrix> lu = dense::factored(k_matrix);
  const Matrix abs_k = absolute(k_matrix);
  Vector x_sums = Vector::Zero(n);  // row sums of |X|
  Vector defect_sums = Vector::Zero(n);
  complete_ = in_pieces(n, control, [&](Index first, Index count) {
    const Matrix unit = unit_columns(n, first, count);
    const Vector ones = Vector::Ones(count);
    const Matrix x = dense::solve(lu, unit);
    const Vector size = dense::apply(absolute(x), ones);
    x_sums += size;
    // n products and their sum, the identity, and the row sum.
    defect_sums += dense::apply(absolute(dense::product(k_matrix, x) - unit), ones) +
                   gamma_of(2 * n + 4) * dense::apply(abs_k, size);
  });
  if (!complete_ || !x_sums.allFinite()) return;
  // The diagonal of K itself is rounded when k = 1: 1 - A_jj.
  const double rounding = gamma(2.0) * (1.0 + abs_a_.maxCoeff()) * x_sums.maxCoeff();
  const auto size = static_cast<double>(n);
  const double d = (defect_sums.maxCoeff() * (1.0 + gamma(2.0)) + rounding) * kOutward +
                   underflow(4.0 * size * size);
  if (!(d < 0.5)) return;
  const double tau = tau_high_;
  // The sum of all u is at most the radius.
  const double weight = abs_w1_.size() > 0 ? abs_w1_.maxCoeff() : 0.0;
  const double largest =
      (weight * largest_of(u_upper_) + largest_of(h1_) * tau) * kOutward + underflow(4.0);
  const Vector rows = (x_sums * (largest * (1.0 + 2.0 * d) * kOutward)).array() + underflow(2.0);
  Vector z_bound = Vector::Zero(m_);
  for (Index t = 0; t < k_; ++t) z_bound = z_bound.cwiseMax(rows.segment(t * m_, m_));
  z_upper_ = z_bound;
  z_lower_ = -z_bound;
  bounded_ = z_bound.allFinite();
}

// What the bounds of z say about p.
void CyclicRelaxation::bound_units() {
  u_upper_.resize(r_);
  v_upper_.resize(r_);
  for (Index i = 0; i < r_; ++i) {
    double high = std::max(h2_(i) * tau_low_, h2_(i) * tau_high_);
    double low = std::min(h2_(i) * tau_low_, h2_(i) * tau_high_);
    double size = std::abs(h2_(i)) * tau_high_;
    for (Index j = 0; j < m_; ++j) {
      const double w = w2_(i, j);
      high += w > 0.0 ? w * z_upper_(j) : w * z_lower_(j);
      low += w > 0.0 ? w * z_lower_(j) : w * z_upper_(j);
      size += std::abs(w) * std::max(std::abs(z_lower_(j)), std::abs(z_upper_(j)));
    }
    const double slack = gamma_of(m_ + 4) * size + underflow(2.0 * static_cast<double>(m_) + 4.0);
    u_upper_(i) = std::max(0.0, high + slack);
    v_upper_(i) = std::max(0.0, slack - low);
  }
}

void CyclicRelaxation::bound_variables(const CanonicalMap& map) {
  if (boxed()) {
    z_lower_ = by_faces() ? Vector(Vector::Constant(m_, -1.0)) : domain_.box.lower;
    z_upper_ = by_faces() ? Vector(Vector::Constant(m_, 1.0)) : domain_.box.upper;
    bound_units();
    return;
  }
  const double size = homogeneous() ? 1.0 : domain_.radius;
  u_upper_ = Vector::Constant(r_, size);
  v_upper_ = u_upper_;
  bounded_ = map.w2_is_identity() && r_ == m_;
  if (bounded_) {
    z_upper_ = ((Vector::Constant(m_, size) + h2_.cwiseAbs() * tau_high_) * kOutward).array() +
               underflow(2.0);
    z_lower_ = -z_upper_;
  }
}

void CyclicRelaxation::start_on_face(Dictionary& dictionary, Index face) const {
  dictionary.fix(z(0, face / 2), face % 2 == 0 ? 1.0 : -1.0, kept_);
}

void CyclicRelaxation::build_root(Control* control) {
  lay_out_rows();
  complete_ = solve_for_states(control);
  if (!complete_) return;
  solve_for_free_states();
  root_->start();
  invert_equations(control);
}

void CyclicRelaxation::lay_out_rows() {
  const bool at_infinity = homogeneous();
  const Index n_bits_all = n_bits();
  const Index n_z = k_ * m_;
  // Rows: v, e, ordering, normalisation. Columns: u, z, tau.
  const bool normalised = domain_.kind == Domain::Kind::large_sum;
  const Index n_rows = n_bits_all + n_z + (k_ - 1) + (normalised ? 1 : 0);
  const Index n_columns = n_bits_all + n_z + (at_infinity ? 1 : 0);
  root_ = std::make_unique<Dictionary>(n_rows, n_columns, e_first_ + n_z);
  Dictionary& d = *root_;
  const auto u_column = [&](Index t, Index i) { return t * r_ + i; };
  const auto z_column = [&](Index t, Index j) { return n_bits_all + t * m_ + j; };
  const Index tau_column = n_bits_all + n_z;
  const Index e_row = n_bits_all;
  const Index s_row = e_row + n_z;
  const bool boxed = this->boxed();
  for (Index t = 0; t < k_; ++t) {
    for (Index i = 0; i < r_; ++i) {
      d.set_column(u_column(t, i), u(t * r_ + i), 0.0, boxed ? u_upper_(i) : kInfinity);
    }
    for (Index j = 0; j < m_; ++j) {
      d.set_column(z_column(t, j), z(t, j), box_rows_ ? z_lower_(j) : -kInfinity,
                   box_rows_ ? z_upper_(j) : kInfinity);
    }
  }
  if (at_infinity) d.set_column(tau_column, static_cast<std::int32_t>(tau_), tau_low_, tau_high_);
  for (Index t = 0; t < k_; ++t) {
    const Index next = (t + 1) % k_;
    for (Index i = 0; i < r_; ++i) {
      const Index row = t * r_ + i;
      d.set_row(row, v(row), 0.0, boxed ? v_upper_(i) : kInfinity, at_infinity ? 0.0 : -h2_(i));
      d.entry(row, u_column(t, i)) = 1.0;
      for (Index j = 0; j < m_; ++j) d.entry(row, z_column(t, j)) -= w2_(i, j);
      if (at_infinity) d.entry(row, tau_column) = -h2_(i);
    }
    for (Index j = 0; j < m_; ++j) {
      const Index row = e_row + t * m_ + j;
      d.set_row(row, e(t, j), 0.0, 0.0, at_infinity ? 0.0 : -h1_(j));
      d.entry(row, z_column(next, j)) += 1.0;
      for (Index l = 0; l < m_; ++l) d.entry(row, z_column(t, l)) -= a_(j, l);
      for (Index i = 0; i < r_; ++i) d.entry(row, u_column(t, i)) = -w1_(j, i);
      if (at_infinity) d.entry(row, tau_column) = -h1_(j);
    }
    if (t > 0) {
      const Index row = s_row + t - 1;
      d.set_row(row, static_cast<std::int32_t>(s_first_ + t), break_rotations_ ? 0.0 : -kInfinity,
                kInfinity, 0.0);
      d.entry(row, z_column(0, 0)) = 1.0;
      d.entry(row, z_column(t, 0)) -= 1.0;
    }
  }
  if (normalised) {
    const Index row = s_row + k_ - 1;
    d.set_row(row, static_cast<std::int32_t>(norm_), 1.0, 1.0, 0.0);
    // sum (u + v) with v = u - W2 z - h2 tau.
    for (Index t = 0; t < k_; ++t) {
      for (Index i = 0; i < r_; ++i) {
        d.entry(row, u_column(t, i)) += 2.0;
        for (Index j = 0; j < m_; ++j) d.entry(row, z_column(t, j)) -= w2_(i, j);
        d.entry(row, tau_column) -= h2_(i);
      }
    }
  }
}

// Solves the equations for z, largest pivots first; what is left of them stays as equations. False
// where the control says stop.
bool CyclicRelaxation::solve_for_states(Control* control) {
  Dictionary& d = *root_;
  const Index n_z = k_ * m_;
  std::vector<char> solved_row(static_cast<std::size_t>(n_z), 0);
  Index changed = 0;  // entries since the last look at the clock
  for (Index step = 0; step < n_z; ++step) {
    if (changed > kEntriesPerLook) {
      changed = 0;
      if (control != nullptr && control->stop_requested()) return false;
    }
    changed += d.n_rows() * d.n_columns() + n_z * n_z;
    double best = 0.0;
    double scale = 0.0;
    Index best_row = -1;
    Index best_column = -1;
    for (Index q = 0; q < n_z; ++q) {
      const std::int32_t row = d.place(static_cast<std::int32_t>(e_first_ + q));
      if (row < 0) continue;
      for (Index c = 0; c < n_z; ++c) {
        const std::int32_t column = d.place(static_cast<std::int32_t>(z_first_ + c));
        if (column >= 0 || column == Dictionary::kAbsent) continue;
        const double size = std::abs(d.entry(row, -1 - column));
        if (size > best) {
          best = size;
          best_row = row;
          best_column = -1 - column;
        }
      }
    }
    scale = std::max(1.0, abs_a_.maxCoeff());
    if (!(best > kSingular * scale)) break;
    const std::int32_t equation = d.basic(best_row);
    const std::int32_t state = d.nonbasic(best_column);
    solved_rows_.push_back(static_cast<std::int32_t>(equation - e_first_));
    solved_columns_.push_back(static_cast<std::int32_t>(state - z_first_));
    solved_row[static_cast<std::size_t>(equation - e_first_)] = 1;
    d.exchange(best_row, best_column, 0.0);
    d.retire(best_column, kept_);
  }
  for (Index q = 0; q < n_z; ++q) {
    if (solved_row[static_cast<std::size_t>(q)] != 0) continue;
    open_rows_.push_back(static_cast<std::int32_t>(q));
    kept_[static_cast<std::size_t>(e_first_ + q)] = 1;
  }
  return true;
}

// States that the equations do not determine: solves a pre-activation's row for them.
void CyclicRelaxation::solve_for_free_states() {
  Dictionary& d = *root_;
  const Index n_z = k_ * m_;
  for (Index c = 0; c < n_z && !box_rows_; ++c) {
    const std::int32_t place = d.place(static_cast<std::int32_t>(z_first_ + c));
    if (place >= 0 || place == Dictionary::kAbsent) continue;
    Index best_row = -1;
    double best = 1e-9;
    for (Index b = 0; b < n_bits(); ++b) {
      const std::int32_t row = d.place(v(b));
      if (row < 0) continue;
      const double size = std::abs(d.entry(row, -1 - place));
      if (size > best) {
        best = size;
        best_row = row;
      }
    }
    if (best_row >= 0) d.exchange(best_row, -1 - place, 0.0);
  }
  if (!box_rows_) {
    for (Index c = 0; c < n_z; ++c) {
      const std::int32_t place = d.place(static_cast<std::int32_t>(z_first_ + c));
      if (place >= 0) d.drop_row(place);
    }
  }
}

// What multipliers() needs to complete the multipliers of the solved equations.
void CyclicRelaxation::invert_equations(Control* control) {
  const auto n = static_cast<Index>(solved_rows_.size());
  Matrix block(n, n);
  const auto coefficient = [&](std::int32_t row, std::int32_t column) {
    const Index t = row / m_;
    const Index s = column / m_;
    double value = 0.0;
    if (s == (t + 1) % k_ && row % m_ == column % m_) value += 1.0;
    if (s == t) value -= a_(row % m_, column % m_);
    return value;
  };
  for (Index p = 0; p < n; ++p) {
    for (Index q = 0; q < n; ++q) {
      block(p, q) = coefficient(solved_rows_[static_cast<std::size_t>(p)],
                                solved_columns_[static_cast<std::size_t>(q)]);
    }
  }
  if (n > 0) {
    const Eigen::PartialPivLU<Matrix> lu = dense::factored(block.transpose());
    inverse_.resize(n, n);
    complete_ = in_pieces(n, control, [&](Index first, Index count) {
      inverse_.middleCols(first, count) = dense::solve(lu, unit_columns(n, first, count));
    });
  }
  coupling_.resize(static_cast<Index>(open_rows_.size()), n);
  for (Index p = 0; p < coupling_.rows(); ++p) {
    for (Index q = 0; q < n; ++q) {
      coupling_(p, q) = coefficient(open_rows_[static_cast<std::size_t>(p)],
                                    solved_columns_[static_cast<std::size_t>(q)]);
    }
  }
}

RowMultipliers CyclicRelaxation::multipliers(const Dictionary& d) const {
  RowMultipliers result;
  result.mu = Matrix::Zero(m_, k_);
  result.y = Matrix::Zero(r_, k_);
  result.omega = Vector::Zero(k_);
  const Index row = d.infeasible_row();
  // x_row - sum T_row,j x_j = constant contradicts the bounds from below when x_row cannot get as
  // large as its lower bound; the multipliers are those of the combination that contradicts them
  // from above.
  const double sign = d.infeasible_above() ? -1.0 : 1.0;
  const auto coefficient = [&](std::int32_t variable) {
    const std::int32_t place = d.place(variable);
    if (place == Dictionary::kAbsent) return 0.0;
    if (place >= 0) return place == row ? -sign : 0.0;
    return sign * d.entry(row, -1 - place);
  };
  if (domain_.kind == Domain::Kind::large_sum) {
    // `norm_` is the slack n of sum (u + v) - n = 0, so its coefficient is -nu.
    result.nu = -coefficient(static_cast<std::int32_t>(norm_));
  }
  for (Index t = 0; t < k_; ++t) {
    for (Index i = 0; i < r_; ++i) {
      // Coefficient of v: -y + nu, and at most 0 unless v is zero here.
      result.y(i, t) = result.nu - coefficient(v(t * r_ + i));
    }
    if (t > 0) {
      result.omega(t) = std::max(0.0, -coefficient(static_cast<std::int32_t>(s_first_ + t)));
    }
  }
  // The column of z: mu_{t-1} - A^T mu_t - W2^T y_t + (ordering), which is zero where z is free.
  Matrix right = dense::transposed_product(w2_, result.y);
  right(0, 0) -= result.omega.sum();
  right.row(0) += result.omega.transpose();
  if (box_rows_) {
    for (Index t = 0; t < k_; ++t) {
      for (Index j = 0; j < m_; ++j) right(j, t) += coefficient(z(t, j));
    }
  }
  const auto n = static_cast<Index>(solved_rows_.size());
  Vector wanted(n);
  for (Index q = 0; q < n; ++q) {
    const std::int32_t column = solved_columns_[static_cast<std::size_t>(q)];
    wanted(q) = right(column % m_, column / m_);
  }
  for (Index p = 0; p < coupling_.rows(); ++p) {
    const std::int32_t open = open_rows_[static_cast<std::size_t>(p)];
    // e is z_{t+1} - A z_t - W1 u - h1 itself, so as a slack it has coefficient -mu.
    const double mu = -coefficient(static_cast<std::int32_t>(e_first_ + open));
    result.mu(open % m_, open / m_) = mu;
    wanted -= coupling_.row(p).transpose() * mu;
  }
  const Vector solved = dense::apply(inverse_, wanted);
  for (Index p = 0; p < n; ++p) {
    const std::int32_t at = solved_rows_[static_cast<std::size_t>(p)];
    result.mu(at % m_, at / m_) = solved(p);
  }
  return result;
}

void CyclicRelaxation::append(const RowMultipliers& w, Index n_all_units, ProofTree& tree) const {
  const auto add = [&](Index row, double value) {
    if (value == 0.0) return;
    tree.row.push_back(static_cast<std::int32_t>(row));
    tree.value.push_back(value);
  };
  for (Index t = 0; t < k_; ++t) {
    for (Index j = 0; j < m_; ++j) add(t * m_ + j, w.mu(j, t));
  }
  for (Index t = 0; t < k_; ++t) {
    for (Index r = 0; r < r_; ++r) add(k_ * m_ + t * n_all_units + unit(r), w.y(r, t));
  }
  for (Index t = 1; t < k_; ++t) add(k_ * m_ + k_ * n_all_units + t, w.omega(t));
  add(k_ * m_ + k_ * n_all_units + k_, w.nu);
  tree.first.push_back(static_cast<std::int64_t>(tree.row.size()));
}

bool CyclicRelaxation::refutes(const RowMultipliers& w, const std::vector<std::int8_t>& decided,
                               Index face) const {
  if (!bounded_) return false;
  // Largest value of the combined left side over the bounds, and the right side, each with what
  // rounding can have added.
  double left = 0.0;
  double right = 0.0;
  double error = 0.0;
  double right_size = 0.0;
  const Matrix abs_mu = absolute(w.mu);
  const Matrix from_u = dense::transposed_product(w1_, w.mu);
  const Matrix size_u = dense::transposed_product(abs_w1_, abs_mu);
  const Matrix from_z = dense::transposed_product(a_, w.mu);
  const Matrix size_z =
      dense::transposed_product(abs_a_, abs_mu) + dense::transposed_product(abs_w2_, absolute(w.y));
  const Matrix from_y = dense::transposed_product(w2_, w.y);
  const double omega_sum = w.omega.sum();
  const double g = gamma_of(std::max(m_, r_) + m_ + k_ + 4);
  for (Index t = 0; t < k_; ++t) {
    for (Index i = 0; i < r_; ++i) {
      const auto bit = static_cast<std::size_t>(t * r_ + i);
      const double y = w.y(i, t);
      if (decided[bit] != 0) {
        const double c = y - from_u(i, t) + w.nu;
        const double slack = g * (std::abs(y) + size_u(i, t) + std::abs(w.nu));
        const double term = std::max(0.0, c + slack) * u_upper_(i);
        left += term;
        error += term;
      }
      if (decided[bit] != 1) {
        const double c = w.nu - y;
        const double term = std::max(0.0, c + g * (std::abs(y) + std::abs(w.nu))) * v_upper_(i);
        left += term;
        error += term;
      }
      right += y * h2_(i);
      right_size += std::abs(y * h2_(i));
    }
    const Index before = (t + k_ - 1) % k_;
    for (Index j = 0; j < m_; ++j) {
      double c = w.mu(j, before) - from_z(j, t) - from_y(j, t);
      double size = std::abs(w.mu(j, before)) + size_z(j, t);
      if (j == 0) {
        const double order = t == 0 ? omega_sum : -w.omega(t);
        c += order;
        size += omega_sum;
      }
      const double slack = g * size;
      double lower = z_lower_(j);
      double upper = z_upper_(j);
      if (t == 0 && face >= 0 && j == face / 2) lower = upper = face % 2 == 0 ? 1.0 : -1.0;
      const double largest = std::max(std::abs(lower), std::abs(upper));
      left += std::max(c * lower, c * upper) + slack * largest;
      error += (std::abs(c) + slack) * largest;
      right += w.mu(j, t) * h1_(j);
      right_size += std::abs(w.mu(j, t) * h1_(j));
    }
  }
  // `error` and `right_size` are sums of the absolute values of what was added up.
  const double g_sum = gamma_of(4 * k_ * (r_ + m_) + 16);
  if (homogeneous()) {
    // The right sides carry tau and stand on the left: sum c x - right tau = nu.
    const double high = g_sum * right_size - right;
    const double term = std::max(high * tau_low_, high * tau_high_);
    left += term;
    error += (std::abs(right) + right_size) * tau_high_;
    right = w.nu;
    right_size = std::abs(w.nu);
  }
  // There are fewer than n^2 products; each is multiplied by the bound of one variable at most.
  const double largest = 1.0 + std::max({largest_of(u_upper_), largest_of(v_upper_),
                                         largest_of(z_upper_), largest_of(z_lower_), tau_high_});
  const auto n = static_cast<double>(k_ * (r_ + m_) + m_ + 16);
  const double slack = g_sum * (error + right_size) + underflow(2.0 * n * n) * largest;
  return std::isfinite(left) && left + slack < right;
}

}  // namespace rnndyn

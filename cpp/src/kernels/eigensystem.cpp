#include "kernels/eigensystem.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/hessenberg.hpp"
#include "kernels/pack.hpp"

namespace rnndyn::kernels {
namespace {

using Complex = std::complex<double>;

constexpr Index kLanes = kLanesOf<double>;
constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
constexpr Index kWindow = 16;     // reflections that are carried out together
constexpr Index kColumns = 8;     // columns that are reflected side by side
constexpr Index kPacks = 4;       // and packs of rows
constexpr double kLarge = 1e100;  // vectors are scaled down beyond it

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

double sum_of(NativePack<double> pack) {
  double sum = 0.0;
  for (int l = 0; l < kLanesOf<double>; ++l) sum += pack[l];
  return sum;
}

// The sum of x[i] y[i], i < n.
double dot(Index n, const double* x, const double* y) {
  NativePack<double> sums = {};
  const Index whole = n / kLanes * kLanes;
  for (Index i = 0; i < whole; i += kLanes) {
    sums += load_pack<double>(x + i) * load_pack<double>(y + i);
  }
  double sum = sum_of(sums);
  for (Index i = whole; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

struct Reflection {
  double v[3];
  double factor;
};

// T = Q^T A Q with diagonal blocks of one or two rows; Q is not needed, as no condition number
// depends on it. Behind the n numbers of each column there are zeros, so that packs may run over
// its end.
class SchurForm {
 public:
  SchurForm(Index n, const double* a, double scale)
      : n_(n),
        stride_(padded<double>(n)),
        data_(at(stride_ * n)),
        form_{data_.data(), stride_, 0.0} {
    for (Index c = 0; c < n; ++c) {
      for (Index r = 0; r < n; ++r) column(c)[r] = scale * a[c * n + r];
    }
    reduce();
    for (Index c = 0; c < n; ++c) {
      for (Index r = 0; r <= std::min(c + 1, n - 1); ++r) form_.norm += std::abs(column(c)[r]);
    }
  }

  // Writes the eigenvalues. False where it does not come to an end.
  bool iterate(Complex* values);

  Index size() const { return n_; }
  double norm() const { return form_.norm; }
  const double* column(Index c) const { return data_.data() + c * stride_; }
  double entry(Index r, Index c) const { return column(c)[r]; }
  // Whether rows i and i + 1 are one block.
  bool joined(Index i) const { return joined_[at(i)] != 0; }

 private:
  double* column(Index c) { return data_.data() + c * stride_; }
  void reduce();
  void step(Index first, Index last, bool exceptional);
  void chase(Index from, Index to, Index first, Index last, double* v);
  void turn_rows(Index from, Index to, Index last, Index begin);
  template <Index kCount>
  void turn_rows_of(Index c, Index from, Index to, Index last);
  void turn_columns(Index from, Index to, Index last, Index end);
  template <Index kCount>
  void turn_columns_at(Index row, Index from, Index to, Index last);

  Index n_, stride_;
  AlignedVector<double> data_;
  HessenbergForm form_;
  std::vector<Reflection> reflections_ = std::vector<Reflection>(at(kWindow));
  std::vector<char> joined_ = std::vector<char>(at(n_), 0);
};

// Hessenberg form by Householder reflections H = I - f v v^T (Golub, Van Loan, Matrix Computations,
// 4th ed., sec. 7.4): H A H = A - v p^T - f y v^T with y = A v and p = f A^T v - f^2 (v^T A v) v,
// in one pass that reads and one that writes.
void SchurForm::reduce() {
  AlignedVector<double> v(at(stride_)), y(at(stride_)), w(at(stride_));
  for (Index c = 0; c + 2 < n_; ++c) {
    double* x = column(c);
    // The column is scaled: squares of small numbers would be none, or their inverses infinite.
    double size = 0.0;
    for (Index i = c + 1; i < n_; ++i) size = std::max(size, std::abs(x[i]));
    size = std::max(size, std::numeric_limits<double>::min());
    const double head = x[c + 1] / size;
    double tail = 0.0;
    v[at(c)] = 0.0;
    for (Index i = c + 2; i < n_; ++i) {
      v[at(i)] = x[i] / size;
      tail += v[at(i)] * v[at(i)];
      x[i] = 0.0;  // what underflows is far below the rounding errors of others
    }
    if (tail == 0.0) continue;
    const double alpha = std::copysign(std::sqrt(head * head + tail), head);
    v[at(c + 1)] = head + alpha;
    x[c + 1] = -alpha * size;
    const double factor = 2.0 / (v[at(c + 1)] * v[at(c + 1)] + tail);

    std::fill(y.begin(), y.end(), 0.0);
    const Index begin = (c + 1) / kLanes * kLanes;  // v is zero before
    for (Index j = c + 1; j < n_; ++j) {
      const double* a = column(j);
      const double along = v[at(j)];
      for (Index i = 0; i < begin; ++i) y[at(i)] += along * a[i];
      NativePack<double> sums = {};
      for (Index i = begin; i < stride_; i += kLanes) {
        const NativePack<double> pack = load_pack<double>(a + i);
        NativePack<double> to = load_pack<double>(y.data() + i);
        sums += pack * load_pack<double>(v.data() + i);
        to += along * pack;
        store_pack<double>(to, y.data() + i);
      }
      w[at(j)] = sum_of(sums);
    }
    const double both = factor * factor * dot(n_, v.data(), y.data());
    for (Index j = c + 1; j < n_; ++j) {
      double* a = column(j);
      const double p = factor * w[at(j)] - both * v[at(j)];
      const double q = factor * v[at(j)];
      for (Index i = 0; i < begin; ++i) a[i] -= q * y[at(i)];
      for (Index i = begin; i < stride_; i += kLanes) {
        NativePack<double> to = load_pack<double>(a + i);
        to -= q * load_pack<double>(y.data() + i);
        to -= p * load_pack<double>(v.data() + i);
        store_pack<double>(to, a + i);
      }
    }
  }
}

bool SchurForm::iterate(Complex* values) {
  Index last = n_ - 1;
  int steps = 0;
  while (last >= 0) {
    const Index first = form_.block_start(last);
    if (first > 0) form_.at(first, first - 1) = 0.0;
    if (first == last) {
      values[last] = form_.at(last, last);
      last -= 1;
      steps = 0;
    } else if (first + 1 == last) {
      form_.pair(last, values + first);
      joined_[at(first)] = 1;
      last -= 2;
      steps = 0;
    } else if (++steps > kMaxSteps) {
      return false;
    } else {
      step(first, last, steps % kOrdinarySteps == 0);
    }
  }
  return true;
}

// Some reflections at a time are made from the rows and columns that they need, and then carried
// out on all others: on columns to the right side by side, on rows above in packs.
void SchurForm::step(Index first, Index last, bool exceptional) {
  double v[3];
  form_.first_vector(first, last, exceptional, v);
  for (Index from = first; from < last; from += kWindow) {
    const Index to = std::min(from + kWindow, last);
    chase(from, to, first, last, v);
    turn_rows(from, to, last, std::min(to + 2, last) + 1);
    turn_columns(from, to, last, from / kLanes * kLanes);
  }
}

void SchurForm::chase(Index from, Index to, Index first, Index last, double* v) {
  const Index last_column = std::min(to + 2, last);
  const Index first_row = from / kLanes * kLanes;
  for (Index k = from; k < to; ++k) {
    const Index length = std::min<Index>(3, last - k + 1);
    if (k > first) {
      for (Index i = 0; i < 3; ++i) v[i] = i < length ? form_.at(k + i, k - 1) : 0.0;
    }
    Reflection& reflection = reflections_[at(k - from)];
    const double head = make_reflection(v, reflection.factor);
    std::copy_n(v, 3, reflection.v);
    if (reflection.factor == 0.0) continue;
    if (k > first) {
      form_.at(k, k - 1) = head;
      for (Index i = 1; i < length; ++i) form_.at(k + i, k - 1) = 0.0;
    }
    const double w[3] = {reflection.factor * v[0], reflection.factor * v[1],
                         reflection.factor * v[2]};
    for (Index c = k; c <= last_column; ++c) {
      double* x = column(c) + k;
      double along = w[0] * x[0] + w[1] * x[1];
      if (length == 3) along += w[2] * x[2];
      x[0] -= along * v[0];
      x[1] -= along * v[1];
      if (length == 3) x[2] -= along * v[2];
    }
    double* a = column(k);
    double* b = column(k + 1);
    double* c = length == 3 ? column(k + 2) : nullptr;
    for (Index r = first_row; r <= std::min(k + 3, last); ++r) {
      double along = w[0] * a[r] + w[1] * b[r];
      if (c != nullptr) along += w[2] * c[r];
      a[r] -= along * v[0];
      b[r] -= along * v[1];
      if (c != nullptr) c[r] -= along * v[2];
    }
  }
}

void SchurForm::turn_rows(Index from, Index to, Index last, Index begin) {
  Index c = begin;
  for (; c + kColumns <= n_; c += kColumns) turn_rows_of<kColumns>(c, from, to, last);
  for (; c < n_; ++c) turn_rows_of<1>(c, from, to, last);
}

// Each number is read and written once for all reflections.
template <Index kCount>
void SchurForm::turn_rows_of(Index c, Index from, Index to, Index last) {
  double* x[kCount];
  double a[kCount], b[kCount];
  for (Index j = 0; j < kCount; ++j) {
    x[j] = column(c + j);
    a[j] = x[j][from];
    b[j] = x[j][from + 1];
  }
  for (Index k = from; k < to; ++k) {
    const Reflection& r = reflections_[at(k - from)];
    const bool three = k + 2 <= last;
    const double w[3] = {r.factor * r.v[0], r.factor * r.v[1], r.factor * r.v[2]};
    RNNDYN_UNROLL
    for (Index j = 0; j < kCount; ++j) {
      const double third = three ? x[j][k + 2] : 0.0;
      const double along = w[0] * a[j] + (w[1] * b[j] + w[2] * third);
      x[j][k] = a[j] - along * r.v[0];
      a[j] = b[j] - along * r.v[1];
      b[j] = third - along * r.v[2];
    }
  }
  for (Index j = 0; j < kCount; ++j) {
    x[j][to] = a[j];
    if (to + 1 <= last) x[j][to + 1] = b[j];
  }
}

// Rows before `end`, which is where a pack begins.
void SchurForm::turn_columns(Index from, Index to, Index last, Index end) {
  Index row = 0;
  for (; row + kPacks * kLanes <= end; row += kPacks * kLanes) {
    turn_columns_at<kPacks>(row, from, to, last);
  }
  for (; row < end; row += kLanes) turn_columns_at<1>(row, from, to, last);
}

template <Index kCount>
void SchurForm::turn_columns_at(Index row, Index from, Index to, Index last) {
  NativePack<double> a[kCount], b[kCount];
  for (Index j = 0; j < kCount; ++j) {
    a[j] = load_pack<double>(column(from) + row + j * kLanes);
    b[j] = load_pack<double>(column(from + 1) + row + j * kLanes);
  }
  for (Index k = from; k < to; ++k) {
    const Reflection& r = reflections_[at(k - from)];
    const bool three = k + 2 <= last;
    const double w[3] = {r.factor * r.v[0], r.factor * r.v[1], r.factor * r.v[2]};
    double* x = column(k) + row;
    const double* third_column = three ? column(k + 2) + row : x;
    RNNDYN_UNROLL
    for (Index j = 0; j < kCount; ++j) {
      NativePack<double> third = {};
      if (three) third = load_pack<double>(third_column + j * kLanes);
      NativePack<double> along = w[0] * a[j];
      along += w[1] * b[j];
      along += w[2] * third;
      a[j] -= r.v[0] * along;
      store_pack<double>(a[j], x + j * kLanes);
      a[j] = b[j];
      a[j] -= r.v[1] * along;
      b[j] = third;
      b[j] -= r.v[2] * along;
    }
  }
  for (Index j = 0; j < kCount; ++j) {
    store_pack<double>(a[j], column(to) + row + j * kLanes);
    if (to + 1 <= last) store_pack<double>(b[j], column(to + 1) + row + j * kLanes);
  }
}

// The right and left eigenvectors of T for eigenvalues of its blocks, of any length, by
// substitution as in LAPACK's dtrevc.
class TriangularVectors {
 public:
  explicit TriangularVectors(const SchurForm& t) : t_(t), re_(at(t.size())), im_(at(t.size())) {}

  // Of the eigenvalue of the block that begins at row `begin`.
  double condition(Index begin, Complex value) {
    const Index width = begin + 1 < t_.size() && t_.joined(begin) ? 2 : 1;
    shift_ = value;
    smallest_ = std::max({kEpsilon * std::abs(value), 1e-30 * t_.norm(), 1e-150});
    Complex right[2] = {1.0, 0.0};
    Complex left[2] = {1.0, 0.0};
    if (width == 2) {
      const Complex a = t_.entry(begin, begin) - value;
      const Complex d = t_.entry(begin + 1, begin + 1) - value;
      const double b = t_.entry(begin, begin + 1);
      const double c = t_.entry(begin + 1, begin);
      write_null_vector(a, b, c, d, right);
      write_null_vector(a, c, b, d, left);
    }
    const double right_norm = solve_right(begin, width, right);
    const double left_norm = solve_left(begin, width, left);
    const double along = std::abs(right[0] * left[0] + right[1] * left[1]);
    return along > 0.0 ? right_norm * left_norm / along : std::numeric_limits<double>::infinity();
  }

 private:
  // Of (a b; c d), which is singular, by the larger of its rows.
  static void write_null_vector(Complex a, double b, double c, Complex d, Complex* x) {
    if (std::abs(a) + std::abs(b) > std::abs(d) + std::abs(c)) {
      x[0] = b, x[1] = -a;
    } else {
      x[0] = d, x[1] = -c;
    }
  }
  void set(Index i, Complex x) {
    re_[at(i)] = x.real();
    im_[at(i)] = x.imag();
  }
  Complex get(Index i) const { return {re_[at(i)], im_[at(i)]}; }

  Complex quotient(Complex x, Index row) const {
    const Complex by = t_.entry(row, row) - shift_;
    return x / (std::abs(by) >= smallest_ ? by : Complex(smallest_));
  }
  // x becomes (a - shift, b; c, d - shift)^-1 x for the block that begins at `row`, or its
  // transpose.
  void divide(Complex* x, Index row, bool transposed) const {
    const Complex a = t_.entry(row, row) - shift_;
    const Complex d = t_.entry(row + 1, row + 1) - shift_;
    const double upper = t_.entry(row, row + 1);
    const double lower = t_.entry(row + 1, row);
    const double b = transposed ? lower : upper;
    const double c = transposed ? upper : lower;
    Complex determinant = a * d - b * c;
    if (std::abs(determinant) < smallest_ * smallest_) determinant = smallest_ * smallest_;
    const Complex first = (d * x[0] - b * x[1]) / determinant;
    x[1] = (a * x[1] - c * x[0]) / determinant;
    x[0] = first;
  }

  // Numbers first, ..., end - 1 are scaled down, and those of the block with them.
  void keep_in_range(Index i, Index first, Index end, Complex* block) {
    if (!(std::abs(re_[at(i)]) + std::abs(im_[at(i)]) > kLarge)) return;
    for (Index j = first; j < end; ++j) {
      re_[at(j)] /= kLarge;
      im_[at(j)] /= kLarge;
    }
    block[0] /= kLarge;
    block[1] /= kLarge;
  }
  double norm(Index first, Index end) const {
    return std::sqrt(dot(end - first, re_.data() + first, re_.data() + first) +
                     dot(end - first, im_.data() + first, im_.data() + first));
  }
  // Rows before `end` lose T's column c times x.
  void subtract_column(Index c, Complex x, Index end) {
    const double* t = t_.column(c);
    const double real = x.real();
    const double imaginary = x.imag();
    double* re = re_.data();
    double* im = im_.data();
    if (imaginary == 0.0 && shift_.imag() == 0.0) {
      for (Index i = 0; i < end; ++i) re[i] -= real * t[i];
      return;
    }
    for (Index i = 0; i < end; ++i) {
      re[i] -= real * t[i];
      im[i] -= imaginary * t[i];
    }
  }

  double solve_right(Index begin, Index width, Complex* block) {
    std::fill(re_.begin(), re_.begin() + begin, 0.0);
    std::fill(im_.begin(), im_.begin() + begin, 0.0);
    for (Index i = 0; i < width; ++i) subtract_column(begin + i, block[i], begin);
    for (Index j = begin - 1; j >= 0; --j) {
      if (j > 0 && t_.joined(j - 1)) {
        Complex x[2] = {get(j - 1), get(j)};
        divide(x, j - 1, false);
        set(j - 1, x[0]);
        set(j, x[1]);
        subtract_column(j, x[1], j - 1);
        subtract_column(j - 1, x[0], j - 1);
        keep_in_range(j, 0, begin, block);
        --j;
      } else {
        const Complex x = quotient(get(j), j);
        set(j, x);
        subtract_column(j, x, j);
      }
      keep_in_range(j, 0, begin, block);
    }
    const double before = norm(0, begin);
    return std::hypot(before, std::abs(block[0]), std::abs(block[1]));
  }

  // The row vector u with u T = shift u: each entry follows from those before it.
  double solve_left(Index begin, Index width, Complex* block) {
    const Index n = t_.size();
    for (Index i = 0; i < width; ++i) set(begin + i, block[i]);
    const auto known = [&](Index c, Index end) {
      const double* t = t_.column(c) + begin;
      const double real = dot(end - begin, re_.data() + begin, t);
      const double imaginary = shift_.imag() == 0.0 ? 0.0 : dot(end - begin, im_.data() + begin, t);
      return -Complex(real, imaginary);
    };
    for (Index j = begin + width; j < n; ++j) {
      if (j + 1 < n && t_.joined(j)) {
        Complex x[2] = {known(j, j), known(j + 1, j)};
        divide(x, j, true);
        set(j, x[0]);
        set(j + 1, x[1]);
        keep_in_range(j, begin, j + 2, block);
        ++j;
      } else {
        set(j, quotient(known(j, j), j));
      }
      keep_in_range(j, begin, j + 1, block);
    }
    return norm(begin, n);
  }

  const SchurForm& t_;
  std::vector<double> re_, im_;
  Complex shift_;
  double smallest_ = 0.0;
};

}  // namespace

void eigensystem(Index n, const double* a, Complex* values, double* conditions) {
  double largest = 0.0;
  for (Index i = 0; i < n * n; ++i) largest = std::max(largest, std::abs(a[i]));
  // Squares stay within range, and powers of two change no digit.
  int exponent = 0;
  if (largest > 0.0) std::frexp(largest, &exponent);
  exponent = std::clamp(exponent, -1000, 1000);
  SchurForm form(n, a, std::ldexp(1.0, -exponent));
  if (!form.iterate(values)) {
    constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
    std::fill_n(values, n, Complex(kNone, kNone));
    std::fill_n(conditions, n, kNone);
    return;
  }
  TriangularVectors vectors(form);
  for (Index i = 0; i < n; ++i) {
    conditions[i] = vectors.condition(i, values[i]);
    if (i + 1 == n || !form.joined(i)) continue;
    const bool conjugate = values[i].imag() != 0.0;
    conditions[i + 1] = conjugate ? conditions[i] : vectors.condition(i, values[i + 1]);
    ++i;
  }
  for (Index i = 0; i < n; ++i) values[i] *= std::ldexp(1.0, exponent);
}

}  // namespace rnndyn::kernels

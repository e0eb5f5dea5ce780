#include "bifurcation/chebyshev.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <limits>
#include <utility>

#include "bifurcation/chebyshev_basis.hpp"

namespace rnndyn {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();
// Interpolation is accepted when the last coefficients are below this part of the largest value.
constexpr double kTail = 16.0 * kEpsilon;
constexpr int kTailLength = 3;
// A subinterval along which the rounding errors of a group vary by more than this factor is
// halved: those where the functions are large would hide the roots where they are small.
constexpr double kDynamicRange = 4096.0;
constexpr int kMaxUnevenDepth = 14;
constexpr int kMaxDepth = 24;  // of subintervals
constexpr double kSmallest = 4.0 * kEpsilon;
// Values beyond this, infinite ones and those that are no numbers are unknown: all that can be said
// of the function is that it may be zero. Sums of as many terms as there are nodes stay finite.
constexpr double kLost = 1e250;
// A root that rounding errors leave open by more than this is looked for again on halves of its
// subinterval: errors may be smaller there, where the functions are.
constexpr double kVague = 1e-7;

class Isolation {
 public:
  Isolation(const ChebyshevBasis& basis, double noise, std::size_t function,
            std::vector<RootInterval>& out)
      : basis_(basis), noise_(noise), function_(function), out_(out) {}

  // c: expansion on [lower, upper], which is mapped to [-1, 1].
  void run(const Coefficients& c, double lower, double upper) {
    const std::size_t n = basis_.size();
    const double rest = tail_sum(c, n);
    if (std::abs(c[0]) > rest + noise_) return;
    const double width = upper - lower;
    if (width <= kSmallest || std::abs(c[0]) + rest <= noise_) {
      out_.push_back({function_, lower, upper});
      return;
    }
    Coefficients slope;
    differentiate(c, n, slope);
    if (std::abs(slope[0]) > tail_sum(slope, n) && monotone(c, slope, lower, upper)) return;
    const double middle = 0.5 * (lower + upper);
    Coefficients half;
    basis_.half(c, false, half);
    run(half, lower, middle);
    basis_.half(c, true, half);
    run(half, middle, upper);
  }

 private:
  // False where rounding leaves the place of the root open by a good part of the interval.
  bool monotone(const Coefficients& c, const Coefficients& slope, double lower, double upper) {
    const std::size_t n = basis_.size();
    const double at_left = value_at(c, n, -1.0);
    const double at_right = value_at(c, n, 1.0);
    const double half_width = 0.5 * (upper - lower);
    double x = 0.0;
    if ((at_left > 0.0) != (at_right > 0.0)) {
      x = monotone_root(c, slope, n, at_left, at_right);
    } else if (std::min(std::abs(at_left), std::abs(at_right)) <= noise_) {
      // Within rounding the root may be at the end of this subinterval; the neighbour may not see
      // it either.
      x = std::abs(at_left) < std::abs(at_right) ? -1.0 : 1.0;
    } else {
      return true;
    }
    const double steepness =
        std::max(std::abs(value_at(slope, n, x)), std::abs(slope[0]) - tail_sum(slope, n));
    const double spread = noise_ / steepness;
    if (!(spread < 0.25)) return false;
    const double radius = half_width * (spread + kEpsilon) + kEpsilon;
    const double s = lower + half_width * (x + 1.0);
    out_.push_back({function_, s - radius, s + radius});
    return true;
  }

  const ChebyshevBasis& basis_;
  double noise_;
  std::size_t function_;
  std::vector<RootInterval>& out_;
};

class RootFinder {
 public:
  RootFinder(const RootProblem& problem, RootSolution& out)
      : problem_(problem), out_(out), n_(problem.n_functions), flat_(n_, 1) {}

  void run(double lower, double upper) {
    subdivide(lower, upper, 0);
    out_.vanishes.assign(flat_.begin(), flat_.end());
    merge();
  }

 private:
  std::size_t group(std::size_t f) const { return f < problem_.n_first_group ? 0 : 1; }

  void subdivide(double lower, double upper, int depth) {
    const bool accepted = expand(lower, upper, depth < kMaxUnevenDepth);
    const bool may_halve = depth < kMaxDepth && n_subintervals_ < problem_.max_subintervals;
    if (accepted && isolate(lower, upper, may_halve && depth < kMaxUnevenDepth)) return;
    if (may_halve) {
      ++n_subintervals_;
      const double middle = 0.5 * (lower + upper);
      subdivide(lower, middle, depth + 1);
      out_.joints.push_back(middle);
      subdivide(middle, upper, depth + 1);
      return;
    }
    out_.unresolved.push_back(0.5 * (lower + upper));
    isolate(lower, upper, false);
  }

  // Interpolates on [lower, upper] with more and more of nested points; false when even the
  // largest number of them does not resolve all functions.
  bool expand(double lower, double upper, bool halve_uneven) {
    constexpr std::size_t kLast = kMaxNodes - 1;
    std::array<FunctionValues*, kMaxNodes> nodes{};
    if (storage_.empty()) storage_.resize(kMaxNodes);
    for (int level = 0; level < kLevels; ++level) {
      const ChebyshevBasis& b = basis(level);
      const std::size_t stride = kLast / (b.size() - 1);
      for (std::size_t j = 0; j < b.size(); ++j) {
        const std::size_t at = j * stride;
        if (nodes[at] != nullptr) continue;
        nodes[at] = &storage_[at];
        const double x = basis(kLevels - 1).node(at);
        const double s = x < 0.0 ? lower + 0.5 * (upper - lower) * (1.0 + x)
                                 : upper - 0.5 * (upper - lower) * (1.0 - x);
        problem_.evaluate(s, *nodes[at]);
      }
      level_ = level;
      collect(nodes, stride);
      if (uneven_ && halve_uneven) return false;
      const bool exact =
          problem_.degree_bound >= 0 && problem_.degree_bound < static_cast<Index>(b.size());
      if (exact || resolved() || nothing_to_find()) return true;
    }
    return false;
  }

  // Values with common exponents, then coefficients.
  void collect(const std::array<FunctionValues*, kMaxNodes>& nodes, std::size_t stride) {
    const std::size_t n = basis(level_).size();
    std::array<int, 2> reference;
    reference.fill(std::numeric_limits<int>::min());
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t g = 0; g < 2; ++g) {
        reference[g] = std::max(reference[g], nodes[j * stride]->exponents[g]);
      }
    }
    // The last function of each group stands for it.
    std::array<double, 2> least, most{0.0, 0.0};
    least.fill(std::numeric_limits<double>::infinity());
    values_.resize(static_cast<Index>(n_), static_cast<Index>(n));
    noise_.setZero(static_cast<Index>(n_));
    largest_.setZero(static_cast<Index>(n_));
    for (std::size_t j = 0; j < n; ++j) {
      const FunctionValues& node = *nodes[j * stride];
      std::array<double, 2> scale;
      for (std::size_t g = 0; g < 2; ++g) {
        scale[g] = std::ldexp(1.0, std::max(node.exponents[g] - reference[g], -1000));
        const std::size_t last = g == 0 ? problem_.n_first_group : n_;
        if (last == 0) continue;
        const double noise = scale[g] * node.noise[last - 1];
        if (!(noise < kLost)) continue;
        least[g] = std::min(least[g], noise);
        most[g] = std::max(most[g], noise);
      }
      for (std::size_t f = 0; f < n_; ++f) {
        const double factor = scale[group(f)];
        const auto row = static_cast<Index>(f);
        double value = factor * node.values[f];
        double noise = factor * node.noise[f];
        if (!(std::abs(value) < kLost && noise < kLost)) {
          value = 0.0;
          noise = kLost;
        }
        values_(row, static_cast<Index>(j)) = value;
        noise_(row) = std::max(noise_(row), noise);
        largest_(row) = std::max(largest_(row), std::abs(value));
      }
    }
    uneven_ = most[0] > kDynamicRange * least[0] || most[1] > kDynamicRange * least[1];
    coefficients_.noalias() = values_ * basis(level_).transform().transpose();
  }

  bool resolved() const {
    const Index n = coefficients_.cols();
    for (Index f = 0; f < coefficients_.rows(); ++f) {
      const double allowed = std::max(noise_(f), kTail * largest_(f));
      for (Index j = n - kTailLength; j < n; ++j) {
        if (std::abs(coefficients_(f, j)) > allowed) return false;
      }
    }
    return true;
  }

  // Functions that stay so far from zero that an interpolation with few digits shows it: the terms
  // left out are taken for as large as a multiple of the last ones.
  bool nothing_to_find() {
    constexpr double kTermsSafety = 4.0;
    constexpr double kTailSafety = 256.0;
    const Index n = coefficients_.cols();
    signs_.assign(n_, 0);
    bool all = true;
    for (Index f = 0; f < coefficients_.rows(); ++f) {
      const auto terms = coefficients_.row(f).cwiseAbs();
      const double bound = kTermsSafety * terms.tail(n - 1).sum() +
                           kTailSafety * (terms(n - 1) + terms(n - 2)) + noise_(f);
      if (terms(0) > bound) {
        signs_[static_cast<std::size_t>(f)] = coefficients_(f, 0) > 0.0 ? 1 : -1;
      } else {
        all = false;
      }
    }
    return all || (problem_.skip && problem_.skip(signs_));
  }

  // False, and nothing stored, where halves may place a root better and that is asked for.
  bool isolate(double lower, double upper, bool halve_vague) {
    const std::size_t n_before = out_.roots.size();
    flat_before_ = flat_;
    const ChebyshevBasis& b = basis(level_);
    const std::size_t n = b.size();
    signs_.assign(n_, 0);
    for (std::size_t f = 0; f < n_; ++f) {
      const auto row = static_cast<Index>(f);
      // Interpolation adds the part of the coefficients left out.
      noise_(row) += kTail * largest_(row);
      const double head = coefficients_(row, 0);
      const double rest = coefficients_.row(row).tail(static_cast<Index>(n) - 1).lpNorm<1>();
      if (std::abs(head) > rest + noise_(row)) signs_[f] = head > 0.0 ? 1 : -1;
      if (signs_[f] != 0 || std::abs(head) + rest > noise_(row)) flat_[f] = 0;
    }
    if (problem_.skip && problem_.skip(signs_)) {
      out_.skipped.push_back(0.5 * (lower + upper));
      return true;
    }
    for (std::size_t f = 0; f < n_; ++f) {
      if (signs_[f] != 0) continue;
      const std::size_t n_roots = out_.roots.size();
      Coefficients c;
      for (std::size_t j = 0; j < n; ++j) {
        c[j] = coefficients_(static_cast<Index>(f), static_cast<Index>(j));
      }
      Isolation(b, noise_(static_cast<Index>(f)), f, out_.roots).run(c, lower, upper);
      if (halve_vague && vague(n_roots, upper - lower)) {
        out_.roots.resize(n_before);
        flat_ = flat_before_;
        return false;
      }
    }
    return true;
  }

  // Whether the roots from number `first` on, of one function, hold a wide one that is no more than
  // half of the subinterval. A function that is flat on most of it will be so on its halves.
  bool vague(std::size_t first, double width) const {
    double begin = 0.0;
    double end = -std::numeric_limits<double>::infinity();
    for (std::size_t i = first; i < out_.roots.size(); ++i) {
      const RootInterval& r = out_.roots[i];
      if (r.lower > end + kSmallest) begin = r.lower;
      end = std::max(end, r.upper);
      if (end - begin > kVague && end - begin < 0.5 * width) return true;
    }
    return false;
  }

  // One interval for each cluster of overlapping ones; none for functions that vanish altogether.
  void merge() {
    std::vector<RootInterval>& roots = out_.roots;
    std::erase_if(roots, [&](const RootInterval& r) { return out_.vanishes[r.function] != 0; });
    std::sort(roots.begin(), roots.end(), [](const RootInterval& a, const RootInterval& b) {
      return std::pair(a.function, a.lower) < std::pair(b.function, b.lower);
    });
    std::vector<RootInterval> merged;
    for (const RootInterval& r : roots) {
      if (!merged.empty() && merged.back().function == r.function &&
          r.lower <= merged.back().upper + kSmallest) {
        merged.back().upper = std::max(merged.back().upper, r.upper);
      } else {
        merged.push_back(r);
      }
    }
    roots = std::move(merged);
    if (problem_.degree_bound >= 0) join_rounding();
  }

  // A polynomial has no more zeros than its degree. What shows more is rounding error on the whole
  // stretch that they lie on, and one interval says that.
  void join_rounding() {
    std::vector<RootInterval> joined;
    for (auto first = out_.roots.begin(); first != out_.roots.end();) {
      const auto last = std::find_if(first, out_.roots.end(), [&](const RootInterval& r) {
        return r.function != first->function;
      });
      if (last - first > problem_.degree_bound) {
        joined.push_back({first->function, first->lower, std::prev(last)->upper});
      } else {
        joined.insert(joined.end(), first, last);
      }
      first = last;
    }
    out_.roots = std::move(joined);
  }

  const RootProblem& problem_;
  RootSolution& out_;
  std::size_t n_;
  std::vector<char> flat_;  // of each function: rounding error on all subintervals so far
  std::vector<char> flat_before_;
  std::vector<FunctionValues> storage_;
  int level_ = 0;
  int n_subintervals_ = 1;
  bool uneven_ = false;
  Matrix values_, coefficients_;
  Vector noise_, largest_;
  std::vector<int> signs_;
};

}  // namespace

RootSolution find_roots(const RootProblem& problem, double lower, double upper) {
  RootSolution solution;
  RootFinder(problem, solution).run(lower, upper);
  return solution;
}

}  // namespace rnndyn

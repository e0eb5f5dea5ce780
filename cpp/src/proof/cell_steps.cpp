#include "proof/cell_steps.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "proof/cell_certificate.hpp"

namespace rnndyn {
namespace {

constexpr Index kMaxPivots = 300;

std::size_t at(Index i) { return static_cast<std::size_t>(i); }

}  // namespace

void CellBounds::join(const CellBounds& other) {
  for (std::size_t f = 0; f < lower.size(); ++f) {
    lower[f] = std::min(lower[f], other.lower[f]);
    upper[f] = std::max(upper[f], other.upper[f]);
  }
}

bool CellBounds::meets(const CellBounds& other) const {
  for (std::size_t f = 0; f < lower.size(); ++f) {
    if (lower[f] > other.upper[f] || upper[f] < other.lower[f]) return false;
  }
  return true;
}

CellSteps::CellSteps(const CellTemplate& faces, const Cell& cell, const Vector& size)
    : cell_(&cell), size_(&size), n_faces_(faces.size()) {
  const Index m = faces.rows.cols();
  base_.start(cell.lower.data(), cell.upper.data(), m, 2 * n_faces_);
  const std::vector<double> zeros(at(n_faces_), 0.0);
  base_.append(faces.rows.data() + m * m, zeros.data(), n_faces_ - m, 0, m);
  for (Index f = m; f < n_faces_; ++f) base_.restrict(f, cell.lower[at(f)], cell.upper[at(f)]);
  base_.append(cell.image.data(), zeros.data(), n_faces_, 0, m);
  for (Index f = 0; f < n_faces_; ++f) rows_.push_back(faces.rows.row(f).data());
  for (Index f = 0; f < n_faces_; ++f) rows_.push_back(cell.image.row(f).data());
  empty_ = !make_feasible(base_);
}

CellBounds CellSteps::image(const Seen& seen) const {
  CellBounds bounds(at(n_faces_));
  CellProgram program = base_;
  for (Index f = 0; f < n_faces_; ++f) {
    bounds.lower[at(f)] = -image_upper(program, f, -1.0);
    if (seen) seen(program, f, -1.0);
    bounds.upper[at(f)] = image_upper(program, f, 1.0);
    if (seen) seen(program, f, 1.0);
  }
  return bounds;
}

bool CellSteps::enter(CellProgram& program, const std::vector<double>& lower,
                      const std::vector<double>& upper) const {
  for (Index f = 0; f < n_faces_; ++f) {
    const double offset = cell_->image_offset[at(f)];
    const double error = cell_->image_error[at(f)];
    const double low = lower[at(f)] - offset;
    const double high = upper[at(f)] - offset;
    // Three sums; sums do not underflow.
    const double low_slop = gamma(8.0) * (std::abs(lower[at(f)]) + std::abs(offset));
    const double high_slop = gamma(8.0) * (std::abs(upper[at(f)]) + std::abs(offset));
    const double wide = 1.001 * error + underflow(4.0);
    program.restrict(n_faces_ + f, low - wide - low_slop, high + wide + high_slop);
  }
  return make_feasible(program);
}

double CellSteps::image_upper(CellProgram& program, Index f, double sign) const {
  program.optimize(n_faces_ + f, sign, kMaxPivots);
  const double bound = certified_upper(program, n_faces_ + f, sign, rows_.data(), size_->data());
  const double offset = sign * cell_->image_offset[at(f)];
  const double error = cell_->image_error[at(f)];
  const double slop = gamma(8.0) * (std::abs(bound) + std::abs(offset)) + underflow(4.0);
  const double result = bound + offset + (1.001 * error + slop);
  return std::isnan(result) ? std::numeric_limits<double>::infinity() : result;
}

double CellSteps::own_upper(CellProgram& program, Index f, double sign) const {
  program.optimize(f, sign, kMaxPivots);
  return certified_upper(program, f, sign, rows_.data(), size_->data());
}

// False only when there is a proof that nothing is feasible.
bool CellSteps::make_feasible(CellProgram& program) const {
  if (program.make_feasible(kMaxPivots) != CellProgram::Outcome::infeasible) return true;
  const Index row = program.stuck_row();
  const bool low = program.stuck_below();
  const double reach = certified_upper(program, row, low ? 1.0 : -1.0, rows_.data(), size_->data());
  return !(reach < (low ? program.lower(row) : -program.upper(row)));
}

CellTree::CellTree(const std::vector<Cell>& cells) : cells_(cells) {
  if (!cells.empty()) build(0, cells.size(), 0);
}

std::size_t CellTree::build(std::size_t begin, std::size_t end, std::size_t depth) {
  depth_ = std::max(depth_, depth);
  const std::size_t number = nodes_.size();
  nodes_.push_back({begin, end, 0, 0, CellBounds(cells_[begin].lower.size())});
  if (end - begin == 1) {
    nodes_[number].hull.lower = cells_[begin].lower;
    nodes_[number].hull.upper = cells_[begin].upper;
    return number;
  }
  const std::vector<Word>& first = cells_[begin].region;
  const std::vector<Word>& last = cells_[end - 1].region;
  std::size_t word = first.size() - 1;
  while (word > 0 && first[word] == last[word]) --word;
  const Word bit = std::bit_floor(first[word] ^ last[word]);
  std::size_t middle = begin;
  while ((cells_[middle].region[word] & bit) == 0) ++middle;
  const std::size_t left = build(begin, middle, depth + 1);
  const std::size_t right = build(middle, end, depth + 1);
  nodes_[number].left = left;
  nodes_[number].right = right;
  nodes_[number].hull.join(nodes_[left].hull);
  nodes_[number].hull.join(nodes_[right].hull);
  return number;
}

struct CellTree::Search {
  const CellTree& tree;
  const CellSteps& steps;
  const CellBounds& image;
  const std::vector<Index>* known;
  std::vector<CellProgram>& scratch;  // one for each level
  const Refused& refused;
  std::vector<Index> found;

  void descend(std::size_t number, const CellProgram& parent, std::size_t depth) {
    const Node& node = tree.nodes_[number];
    if (!image.meets(node.hull)) {
      if (refused) refused(node.begin, node.end, node.hull, nullptr);
      return;
    }
    if (known != nullptr) {
      const auto first =
          std::lower_bound(known->begin(), known->end(), static_cast<Index>(node.begin));
      if (first == known->end() || *first >= static_cast<Index>(node.end)) return;
    }
    CellProgram& program = scratch[depth];
    program.copy_used(parent);
    if (!steps.enter(program, node.hull.lower, node.hull.upper)) {
      if (refused) refused(node.begin, node.end, node.hull, &program);
      return;
    }
    if (node.left == 0) {
      found.push_back(static_cast<Index>(node.begin));
      return;
    }
    descend(node.left, program, depth + 1);
    descend(node.right, program, depth + 1);
  }
};

std::vector<Index> CellTree::successors(const CellSteps& steps, const CellBounds& image,
                                        const std::vector<Index>* known,
                                        std::vector<CellProgram>& scratch,
                                        const Refused& refused) const {
  if (nodes_.empty()) return {};
  scratch.resize(std::max(scratch.size(), depth_ + 1));
  Search search{*this, steps, image, known, scratch, refused, {}};
  search.descend(0, steps.base(), 0);
  return std::move(search.found);
}

}  // namespace rnndyn

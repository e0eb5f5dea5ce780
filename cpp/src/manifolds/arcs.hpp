// Manifolds of one dimension as branches: what of them lies how far from the cycle, along the
// curve.
//
// On each side of each point of the cycle a branch begins. A step of the map takes one branch to
// another, and the pieces of one more step continue those of the last one, in the same order.
#pragma once

#include <vector>

#include "manifolds/polytope.hpp"

namespace rnndyn {

class Arcs {
 public:
  // Branches that are complete up to max_length need no more pieces.
  Arcs(const CanonicalMap& map, const std::vector<AffineStep>& around, const Matrix& points,
       ManifoldKind kind, double max_length);

  // Takes up the pieces of a tree, those from the first that is not known yet up to `end`.
  void take(const std::vector<ManifoldPiece>& pieces, std::size_t end);
  // What of the children of a piece continues its branch, in the order in which it does. What has
  // left the box on its way, or never hung together with it, does not.
  std::vector<ManifoldPiece> following(const std::vector<ManifoldPiece>& pieces,
                                       std::vector<ManifoldPiece>&& children);
  // Whether the next step from a piece leads to a branch that is not complete, or to one that such
  // branches come out of.
  bool goes_on(const ManifoldPiece& piece, std::size_t number) const;
  // Looks which branches are complete; goes_on() tells of the last look.
  void look();
  // Cuts complete branches at max_length, but for pieces that others were made of.
  void cut(ManifoldTree& tree, const Vector& reach);

 private:
  // A piece as an arrow away from the cycle; that of a local set begins at the point of the cycle
  // and stands for its two sides.
  struct Part {
    Index branch = -1;
    Vector near, far, along;
    double start = 0.0;

    double length() const { return (far - near).norm(); }
    double end() const { return start + length(); }
  };
  struct Tip {
    Vector point;
    double length = 0.0;
  };

  Index order() const { return points_.cols(); }
  // Branch 2 q + 1 begins at point q in the direction of its local set's line, 2 q against it.
  Index next(Index branch) const;
  Part local_part(const ManifoldPiece& piece);
  // A child, and how far along its parent the states are that it comes from or goes to.
  Part part_of(const ManifoldPiece& child, const ManifoldPiece& parent, const Part& before,
               double& place) const;
  bool is_complete(const Part& part) const;
  // Cuts a piece that nothing was made of at max_length, where it goes on beyond.
  void shorten(ManifoldPiece& piece, std::size_t number, const Vector& reach) const;

  const CanonicalMap& map_;
  const std::vector<AffineStep>& around_;
  Matrix points_;
  bool stable_;
  double max_length_;
  std::vector<Part> parts_;
  std::vector<Tip> tips_;
  std::vector<char> complete_;  // of each branch: it and all that come out of it
};

}  // namespace rnndyn

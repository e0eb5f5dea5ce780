// One step of the search in the pre-activations alone, for networks with few units.
//
// Between the units the map is linear, so a cycle's pre-activations p_t obey a system of their own,
// whatever the number of states: with the activities q_t = D_t p_t,
//   p_t = c + sum_j C_j q_{t-1-j},  C_j = W2 A^j G W1,  G = (I - A^k)^-1,  c = W2 (I - A)^-1 h1 +
//   h2,
// indices of time modulo the order k. The C_j are made once per order; a candidate is a dense
// system in the active pre-activations only. Its true orbit differs from the linear one by what the
// units do otherwise than the itinerary says, e_s = relu(p_s) - q_s:
//   p_t += sum_{s < t} B_{t-1-s} e_s,  B_j = W2 A^j W1.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "kernels/newton.hpp"

namespace rnndyn::kernels {

// Made once per order; shared by all threads of a search.
struct ReducedTables {
  Index order = 0;
  std::size_t words = 1;     // of a region
  std::vector<Index> units;  // those that can change the map; H of them
  // For unit v: column v of C_0, ..., C_{k-1}, C_0, ..., C_{k-2}, (2 k - 1) H numbers, so that what
  // it does to the whole cycle lies in one piece wherever it begins.
  std::vector<double> responses;
  std::vector<double> later;     // for unit v: column v of B_0, ..., B_{k-2}
  std::vector<double> constant;  // c, of the units, once for each time
  double largest_constant = 0.0, largest_response = 0.0;
  double growth = 1.0;  // what rounding errors in the C_j and B_j may have grown by
};

// The tables must outlive the kernel. It has no orbits to read: make_newton's kernel has.
std::unique_ptr<Newton> make_reduced_newton(const ReducedTables& tables);

// Floating-point operations for an itinerary of which so many bits are set.
double reduced_newton_flops(Index n_units, Index order, double n_active);

}  // namespace rnndyn::kernels

// Registers of the instruction set that a file is compiled for. For kernels only: other rooms are
// compiled for the baseline and would see other sizes.
#pragma once

#include <Eigen/Dense>

#include "rnndyn/types.hpp"

namespace rnndyn::lyapunov {

template <class Real>
using Packet = typename Eigen::internal::packet_traits<Real>::type;

template <class Real>
inline constexpr Index packet_size = Eigen::internal::packet_traits<Real>::size;

template <class Real>
constexpr Index whole_packets(Index rows) {
  return (rows + packet_size<Real> - 1) / packet_size<Real> * packet_size<Real>;
}

}  // namespace rnndyn::lyapunov

// Numbers and bits that every room shares, without Eigen, so that the kernels can use them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace rnndyn {

using Index = std::ptrdiff_t;  // the same as Eigen::Index

// 64 bits of a region; unit i is bit i % 64 of word i / 64. A region has at least one word.
using Word = std::uint64_t;

inline bool get_bit(const Word* region, Index unit) {
  return ((region[unit / 64] >> (unit % 64)) & 1U) != 0;
}
inline void set_bit(Word* region, Index unit, bool value) {
  const Word mask = Word{1} << (unit % 64);
  region[unit / 64] = value ? (region[unit / 64] | mask) : (region[unit / 64] & ~mask);
}

}  // namespace rnndyn

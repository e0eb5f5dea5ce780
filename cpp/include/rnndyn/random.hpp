// Counter-based random numbers: Philox4x64-10 (Salmon, Moraes, Dror, Shaw, SC 2011), bit for bit
// the generator of numpy.random.Philox. A stream is addressed, never advanced by another stream,
// so a restart draws the same numbers whichever thread runs it.
#pragma once

#include <array>
#include <cstdint>

namespace rnndyn {

using PhiloxBlock = std::array<std::uint64_t, 4>;
PhiloxBlock philox4x64(PhiloxBlock counter, std::array<std::uint64_t, 2> key);

class RandomStream {
 public:
  // Every (seed, topic, task) is a stream of its own with 2^64 blocks.
  RandomStream(std::uint64_t seed, std::uint64_t topic, std::uint64_t task)
      : key_{seed, topic}, counter_{0, task, 0, 0}, block_{}, used_(4) {}

  std::uint64_t next() {
    if (used_ == 4) {
      block_ = philox4x64(counter_, key_);
      ++counter_[0];
      used_ = 0;
    }
    return block_[used_++];
  }
  // Uniform in [0, 1) on a grid of 2^-53.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  // Uniform in 0 ... n-1; the bias of at most n / 2^53 is far below what a search can notice.
  std::uint64_t below(std::uint64_t n) {
    return static_cast<std::uint64_t>(uniform() * static_cast<double>(n));
  }
  double normal();

 private:
  std::array<std::uint64_t, 2> key_;
  PhiloxBlock counter_;
  PhiloxBlock block_;
  unsigned used_;
};

}  // namespace rnndyn

// Where itineraries led that were solved before: a flat hash table from hash to outcome.
#pragma once

#include <cstdint>
#include <vector>

namespace rnndyn {

// Newton's method is deterministic in symbol space, so an itinerary met again leads where it led
// before. 64-bit hashes stand in for itineraries: with 4 million entries the chance of any mix-up
// is below 1e-6, and what it would cost is one restart.
class VisitedItineraries {
 public:
  static constexpr std::int32_t kUnknown = -2;

  VisitedItineraries() : slots_(1024) {}

  std::int32_t lookup(std::uint64_t hash) const {
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].outcome == kUnknown) return kUnknown;
      if (slots_[i].hash == hash) return slots_[i].outcome;
    }
  }
  // Beyond kMaxEntries nothing is remembered any more; the search then only repeats work.
  void insert(std::uint64_t hash, std::int32_t outcome) {
    if (n_entries_ >= kMaxEntries) return;
    if (2 * n_entries_ >= slots_.size()) grow();
    if (place(hash, outcome)) ++n_entries_;
  }

 private:
  static constexpr std::size_t kMaxEntries = std::size_t{1} << 22;
  struct Slot {
    std::uint64_t hash = 0;
    std::int32_t outcome = kUnknown;
  };

  bool place(std::uint64_t hash, std::int32_t outcome) {
    for (std::size_t i = hash & (slots_.size() - 1);; i = (i + 1) & (slots_.size() - 1)) {
      if (slots_[i].outcome == kUnknown) {
        slots_[i] = {hash, outcome};
        return true;
      }
      if (slots_[i].hash == hash) return false;
    }
  }
  void grow() {
    std::vector<Slot> old(2 * slots_.size());
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.outcome != kUnknown) place(slot.hash, slot.outcome);
    }
  }

  std::vector<Slot> slots_;
  std::size_t n_entries_ = 0;
};

}  // namespace rnndyn

// Threads, and how a long call hears of Ctrl-C and of its time limit.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>

namespace rnndyn {

// Runs task(item, thread) for item = 0 ... n_items-1 on at most n_threads threads, the caller being
// thread 0. Items are handed out in order, to whichever thread is free; a result must therefore be
// stored by item, never appended, and no item may wait for another. The first exception is rethrown
// in the caller after all threads have come back; items not yet begun are then skipped.
//
// Other threads only help: they sleep until they are called, and the caller waits for none that has
// not begun by the time all items are taken. On a busy machine the caller then does the work alone.
void parallel_for(std::size_t n_items, int n_threads,
                  const std::function<void(std::size_t item, int thread)>& task);

// n_threads, or 1 for so few operations in all that calling others would not pay: it takes some
// ten microseconds until they come.
int threads_worth(double n_operations, int n_threads);

enum class StopReason { none, time_limit, interrupt };

// Made by the thread that starts a long call. Any thread may ask; only that thread calls `poll`
// (which may enter Python), at most every 20 ms.
class Control {
 public:
  using Clock = std::chrono::steady_clock;
  // time_limit in seconds, infinity for none; poll returns false to stop the call.
  Control(double time_limit, std::function<bool()> poll);

  bool stop_requested();
  // Work of so many seconds is not to count: the time limit moves, and is no longer reached if it
  // was by that work alone.
  void exclude(double seconds);
  StopReason reason() const { return reason_.load(std::memory_order_relaxed); }
  double seconds() const;

 private:
  std::thread::id owner_;
  std::function<bool()> poll_;
  Clock::time_point start_, next_poll_;
  std::atomic<double> time_limit_;
  std::atomic<StopReason> reason_;
};

}  // namespace rnndyn

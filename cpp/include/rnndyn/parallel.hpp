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
  // Whether there is time for work of so many seconds that cannot be divided; if not, the time
  // limit counts as reached.
  bool has_time_for(double seconds);
  // While it lives, time does not count.
  class Pause;
  StopReason reason() const { return reason_.load(std::memory_order_relaxed); }
  double seconds() const;

 private:
  std::thread::id owner_;
  std::function<bool()> poll_;
  Clock::time_point start_, next_poll_;
  std::atomic<double> time_limit_;
  std::atomic<StopReason> reason_;
};

class Control::Pause {
 public:
  explicit Pause(Control& control);
  ~Pause();
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;

 private:
  Control& control_;
  double begun_, time_limit_;
};

// Thrown out of work that is of no use half done, and caught by whoever began that work.
struct Stopped {};

// The looks at the clock of such work, about one for every million operations: ordinary networks
// notice nothing of them. Without a control there are none.
class Looks {
 public:
  explicit Looks(Control* control) : control_(control) {}

  Control* control() const { return control_; }
  // So many floating-point operations have been done. Throws Stopped when the call is to end.
  void after(double n_operations) {
    if (control_ == nullptr || (since_ += n_operations) < kBetween) return;
    since_ = 0.0;
    if (control_->stop_requested()) throw Stopped();
  }
  // So many follow that cannot be divided. Throws Stopped where there is no time for them.
  void before(double n_operations) {
    if (control_ == nullptr || n_operations < kBetween) return;
    if (!control_->has_time_for(n_operations / kPerSecond)) throw Stopped();
  }

 private:
  static constexpr double kBetween = 1e6;
  static constexpr double kPerSecond = 1e9;

  Control* control_;
  double since_ = 0.0;
};

}  // namespace rnndyn

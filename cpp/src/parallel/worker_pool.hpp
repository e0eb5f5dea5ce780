// Threads that sleep until there is work for them.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>

namespace rnndyn {

// Work that threads take part in from where they come in until nothing is left of it.
class SharedWork {
 public:
  SharedWork() = default;
  SharedWork(const SharedWork&) = delete;
  SharedWork& operator=(const SharedWork&) = delete;
  virtual ~SharedWork() = default;
  // What one thread does; `thread` counts from 0, the one that brought the work. Must not throw.
  virtual void take_part(int thread) noexcept = 0;
};

class WorkerPool {
 public:
  // The pool of this process. It is never destroyed: threads that sleep need no end, and at the end
  // of a process they could not be waited for everywhere (a DLL is unloaded without its threads). A
  // process that was forked has none of its parent's threads and gets a pool of its own.
  static WorkerPool& of_this_process();

  // Takes part in the work, with up to n_helpers others where they are free; returns when all who
  // came have left. May be called from any thread, also from within work.
  void run(SharedWork& work, int n_helpers);

 private:
  struct Call {
    SharedWork* work;
    int n_wanted;      // helpers that may still come
    int n_begun = 0;   // helpers that came
    int n_inside = 0;  // and have not left yet
    std::condition_variable all_left;
  };

  WorkerPool() = default;
  void add_workers(int n_helpers);
  void serve();

  std::mutex mutex_;
  std::condition_variable called_;
  std::deque<Call*> calls_;  // that still want helpers, the oldest first
  int n_workers_ = 0, n_asleep_ = 0;
};

}  // namespace rnndyn

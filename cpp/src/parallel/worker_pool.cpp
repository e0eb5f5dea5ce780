#include "parallel/worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

namespace rnndyn {
namespace {

long process_number() {
#if defined(__unix__) || defined(__APPLE__)
  return static_cast<long>(getpid());
#else
  return 0;
#endif
}

}  // namespace

WorkerPool& WorkerPool::of_this_process() {
  // No lock: one that another thread held at the fork would stay locked in the child.
  struct Owned {
    long process;
    WorkerPool pool;
  };
  static std::atomic<Owned*> current{nullptr};
  const long process = process_number();
  Owned* known = current.load(std::memory_order_acquire);
  while (known == nullptr || known->process != process) {
    auto* fresh = new Owned{process, {}};
    if (current.compare_exchange_strong(known, fresh, std::memory_order_acq_rel))
      return fresh->pool;
    delete fresh;  // another thread was first
  }
  return known->pool;
}

void WorkerPool::run(SharedWork& work, int n_helpers) {
  Call call{&work, n_helpers, 0, 0, {}};
  {
    const std::lock_guard lock(mutex_);
    calls_.push_back(&call);
    add_workers(n_helpers);
  }
  for (int i = 0; i < n_helpers; ++i) called_.notify_one();
  work.take_part(0);
  std::unique_lock lock(mutex_);
  // Nothing is left, so whoever has not come need not.
  std::erase(calls_, &call);
  call.all_left.wait(lock, [&] { return call.n_inside == 0; });
}

// As many as are wanted and not there, but in all no more than there are processors, or than one
// call may want: calls from many threads share them.
void WorkerPool::add_workers(int n_helpers) {
  const int most = std::max(n_helpers, static_cast<int>(std::thread::hardware_concurrency()) - 1);
  int n_wanted = 0;
  for (const Call* call : calls_) n_wanted += call->n_wanted;
  const int n_missing = std::min(n_wanted - n_asleep_, most - n_workers_);
  try {
    for (int i = 0; i < n_missing; ++i) {
      std::thread([this] { serve(); }).detach();
      ++n_workers_;
    }
  } catch (const std::system_error&) {
    // The system has no more threads: those that are there do the work.
  }
}

void WorkerPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++n_asleep_;
    called_.wait(lock, [&] { return !calls_.empty(); });
    --n_asleep_;
    Call& call = *calls_.front();
    if (--call.n_wanted == 0) calls_.pop_front();
    const int thread = ++call.n_begun;
    ++call.n_inside;
    lock.unlock();
    call.work->take_part(thread);
    lock.lock();
    // Under the lock: the caller may take the call away as soon as it has it.
    if (--call.n_inside == 0) call.all_left.notify_one();
  }
}

}  // namespace rnndyn

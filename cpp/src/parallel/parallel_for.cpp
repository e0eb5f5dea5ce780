#include <algorithm>
#include <exception>
#include <mutex>

#include "parallel/worker_pool.hpp"
#include "rnndyn/parallel.hpp"

namespace rnndyn {
namespace {

constexpr double kOperationsWorthThreads = 4e6;  // about a millisecond

class Items final : public SharedWork {
 public:
  Items(std::size_t n_items, const std::function<void(std::size_t, int)>& task)
      : n_items_(n_items), task_(task), next_(0) {}

  void take_part(int thread) noexcept override {
    for (;;) {
      const std::size_t item = next_.fetch_add(1, std::memory_order_relaxed);
      if (item >= n_items_) return;
      try {
        task_(item, thread);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
        next_.store(n_items_, std::memory_order_relaxed);
      }
    }
  }
  void finish() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::size_t n_items_;
  const std::function<void(std::size_t, int)>& task_;
  std::atomic<std::size_t> next_;
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

void parallel_for(std::size_t n_items, int n_threads,
                  const std::function<void(std::size_t, int)>& task) {
  Items items(n_items, task);
  const int size = static_cast<int>(std::min(static_cast<std::size_t>(std::max(1, n_threads)),
                                             std::max<std::size_t>(1, n_items)));
  if (size == 1) {
    items.take_part(0);
  } else {
    WorkerPool::of_this_process().run(items, size - 1);
  }
  items.finish();
}

int threads_worth(double n_operations, int n_threads) {
  return n_operations < kOperationsWorthThreads ? 1 : std::max(1, n_threads);
}

}  // namespace rnndyn

#include <algorithm>
#include <exception>
#include <mutex>
#include <vector>

#include "rnndyn/parallel.hpp"

#if defined(_OPENMP)
#include <omp.h>
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif
#endif

namespace rnndyn {
namespace {

// What every thread of a team runs; shared by both ways of making a team.
class Team {
 public:
  Team(std::size_t n_items, const std::function<void(std::size_t, int)>& task)
      : n_items_(n_items), task_(task), next_(0) {}

  void work(int thread) noexcept {
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

void run_with_std_threads(Team& team, int n_threads) {
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(n_threads - 1));
  for (int i = 1; i < n_threads; ++i) threads.emplace_back([&team, i] { team.work(i); });
  team.work(0);
  for (std::thread& thread : threads) thread.join();
}

#if defined(_OPENMP)
// libgomp's pool does not survive fork(): a parallel region in the child waits for ever. A child
// process therefore makes its own threads.
bool is_forked_child() {
#if defined(__unix__) || defined(__APPLE__)
  static const pid_t first_process = getpid();
  return getpid() != first_process;
#else
  return false;
#endif
}
#endif

}  // namespace

void parallel_for(std::size_t n_items, int n_threads,
                  const std::function<void(std::size_t, int)>& task) {
  Team team(n_items, task);
  const int size = static_cast<int>(std::min(static_cast<std::size_t>(std::max(1, n_threads)),
                                             std::max<std::size_t>(1, n_items)));
#if defined(_OPENMP)
  const bool forked = is_forked_child();  // first called before any region, so it knows its parent
  if (size == 1) {
    team.work(0);
  } else if (forked) {
    run_with_std_threads(team, size);
  } else {
    // Caller is thread 0 of the team; OpenMP may give fewer threads than asked for.
#pragma omp parallel num_threads(size)
    team.work(omp_get_thread_num());
  }
#else
  if (size == 1) {
    team.work(0);
  } else {
    run_with_std_threads(team, size);
  }
#endif
  team.finish();
}

}  // namespace rnndyn

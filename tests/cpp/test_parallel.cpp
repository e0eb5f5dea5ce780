#include <doctest/doctest.h>

#include <chrono>
#include <ctime>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "rnndyn/parallel.hpp"
#include "rnndyn/random.hpp"

using namespace rnndyn;

TEST_CASE("every item runs exactly once, whatever the number of threads") {
  for (const int n_threads : {1, 2, 4, 7}) {
    std::vector<std::atomic<int>> runs(1000);
    parallel_for(runs.size(), n_threads, [&](std::size_t item, int thread) {
      CHECK(thread >= 0);
      CHECK(thread < n_threads);
      ++runs[item];
    });
    for (const auto& n : runs) CHECK(n == 1);
  }
  parallel_for(0, 4, [](std::size_t, int) { FAIL("no item to run"); });
}

TEST_CASE("an exception reaches the caller") {
  for (const int n_threads : {1, 4}) {
    const auto task = [](std::size_t item, int) {
      if (item == 17) throw std::runtime_error("item 17");
    };
    CHECK_THROWS_AS(parallel_for(100, n_threads, task), std::runtime_error);
  }
}

TEST_CASE("work may bring work of its own, from many threads at once") {
  std::atomic<int> n_runs{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 5; ++caller) {
    callers.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        parallel_for(6, 3, [&](std::size_t, int) {
          parallel_for(7, 4, [&](std::size_t, int thread) {
            CHECK(thread < 4);
            ++n_runs;
          });
        });
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(n_runs == 5 * 20 * 6 * 7);
}

// Clock of the processor time of all threads.
TEST_CASE("threads sleep while there is nothing for them") {
  const auto start = std::chrono::steady_clock::now();
  const std::clock_t used = std::clock();
  for (int round = 0; round < 200; ++round) {
    parallel_for(4, 4, [](std::size_t item, int) {
      if (item == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    });
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  CHECK(static_cast<double>(std::clock() - used) / CLOCKS_PER_SEC < 0.3 * wall.count());
}

TEST_CASE("little work is not shared") {
  CHECK(threads_worth(1e3, 8) == 1);
  CHECK(threads_worth(1e9, 8) == 8);
  CHECK(threads_worth(1e9, 0) == 1);
}

TEST_CASE("control stops at the time limit and when polled so") {
  Control at_once(0.0, {});
  CHECK(at_once.stop_requested());
  CHECK(at_once.reason() == StopReason::time_limit);
  int polls = 0;
  Control interrupted(std::numeric_limits<double>::infinity(), [&] { return ++polls < 3; });
  while (!interrupted.stop_requested()) {
  }
  CHECK(polls == 3);
  CHECK(interrupted.reason() == StopReason::interrupt);
}

TEST_CASE("looks at the clock come with the work, and end it") {
  constexpr double kForever = std::numeric_limits<double>::infinity();
  int polls = 0;
  Control control(kForever, [&] {
    ++polls;
    return false;
  });
  Looks looks(&control);
  CHECK_NOTHROW(looks.after(1.0));  // not worth a look
  CHECK(polls == 0);
  CHECK_THROWS_AS(looks.after(1e7), Stopped);
  CHECK(polls == 1);
  CHECK(control.reason() == StopReason::interrupt);
  Looks none(nullptr);
  CHECK_NOTHROW(none.after(1e12));
  CHECK_NOTHROW(none.before(1e12));
}

TEST_CASE("work that cannot be divided is not begun where it would not end in time") {
  Control control(1e3, {});
  Looks looks(&control);
  CHECK_NOTHROW(looks.before(1e9));
  CHECK(control.reason() == StopReason::none);
  CHECK_THROWS_AS(looks.before(1e14), Stopped);
  CHECK(control.reason() == StopReason::time_limit);
}

TEST_CASE("time within a pause does not count") {
  Control control(0.05, {});
  {
    const Control::Pause pause(control);
    std::this_thread::sleep_for(std::chrono::milliseconds(80));
    CHECK(!control.stop_requested());
  }
  CHECK(!control.stop_requested());
  CHECK(!control.has_time_for(1.0));
  CHECK(control.stop_requested());
}

TEST_CASE("random streams are addressed, not advanced") {
  RandomStream a(1, 2, 3);
  RandomStream b(1, 2, 3);
  RandomStream other(1, 2, 4);
  bool differs = false;
  for (int i = 0; i < 100; ++i) {
    const auto value = a.next();
    CHECK(value == b.next());
    differs = differs || value != other.next();
  }
  CHECK(differs);
  RandomStream uniform(5, 0, 0);
  double sum = 0.0;
  for (int i = 0; i < 10000; ++i) {
    const double u = uniform.uniform();
    REQUIRE(u >= 0.0);
    REQUIRE(u < 1.0);
    sum += u;
  }
  CHECK(sum / 10000 == doctest::Approx(0.5).epsilon(0.02));
}

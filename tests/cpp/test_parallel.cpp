#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
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

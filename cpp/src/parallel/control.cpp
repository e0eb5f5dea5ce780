#include <limits>
#include <utility>

#include "rnndyn/parallel.hpp"

namespace rnndyn {

Control::Control(double time_limit, std::function<bool()> poll)
    : owner_(std::this_thread::get_id()),
      poll_(std::move(poll)),
      start_(Clock::now()),
      next_poll_(start_),
      time_limit_(time_limit),
      reason_(StopReason::none) {}

double Control::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

bool Control::has_time_for(double seconds) {
  if (stop_requested()) return false;
  if (this->seconds() + seconds <= time_limit_.load(std::memory_order_relaxed)) return true;
  reason_.store(StopReason::time_limit, std::memory_order_relaxed);
  return false;
}

Control::Pause::Pause(Control& control)
    : control_(control),
      begun_(control.seconds()),
      time_limit_(control.time_limit_.exchange(std::numeric_limits<double>::infinity())) {}

Control::Pause::~Pause() { control_.time_limit_.store(time_limit_ + control_.seconds() - begun_); }

bool Control::stop_requested() {
  if (reason() != StopReason::none) return true;
  const auto now = Clock::now();
  if (std::chrono::duration<double>(now - start_).count() >
      time_limit_.load(std::memory_order_relaxed)) {
    reason_.store(StopReason::time_limit, std::memory_order_relaxed);
    return true;
  }
  if (poll_ && std::this_thread::get_id() == owner_ && now >= next_poll_) {
    next_poll_ = now + std::chrono::milliseconds(20);
    if (!poll_()) {
      reason_.store(StopReason::interrupt, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

}  // namespace rnndyn

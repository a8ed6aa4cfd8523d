// Threads for answers that take longer than a handler may: queries, biographies, digests. And moments at which to do
// something.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

/// Thread-safe. Jobs run in the order they came, on one of the threads; they must not throw.
class WorkPool {
 public:
  /// background: behind everybody else, where the system can (Linux): for what nobody waits for.
  enum class Priority : std::uint8_t { normal, background };
  /// `waiting_max`: jobs that have not begun; more are refused.
  WorkPool(unsigned threads, std::size_t waiting_max, Priority priority = Priority::normal);
  ~WorkPool() { stop(); }
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  /// False: too many wait already, or it was stopped; `job` is destroyed without having run.
  [[nodiscard]] bool post(std::function<void()> job);
  /// Runs `job` (short) after `delay`, unless the pool is stopped before; not counted among those that wait.
  void post_later(std::chrono::milliseconds delay, std::function<void()> job);
  [[nodiscard]] std::size_t waiting() const;
  /// Waits for the jobs that have begun, drops the others. Idempotent.
  void stop();

 private:
  void work();
  const Priority priority_;
  const std::size_t waiting_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> later_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace weir

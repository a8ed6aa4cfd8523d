// The log that feeds are opened over.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "runtime/adapters/memory/memory_event_log.h"
#include "runtime/ports/rng.h"
#include "tests/support/catch.h"

namespace weir {

class CountingRng final : public Rng {
 public:
  [[nodiscard]] std::uint64_t next() override { return ++value_; }

 private:
  std::uint64_t value_ = 0;
};

/// A log in memory whose work is done when append() returns.
class InstantLog {
 public:
  InstantLog() {
    CountingRng rng;
    log_ = open_memory_log(std::make_shared<MemoryDisk>(1, rng),
                           [this](std::function<void()> task) { tasks_.push_back(std::move(task)); });
  }
  ~InstantLog() {
    log_->close();
    work();
  }
  InstantLog(const InstantLog&) = delete;
  InstantLog& operator=(const InstantLog&) = delete;
  [[nodiscard]] const EventLog& log() const { return *log_; }
  void append(AppendGroup group) {
    int done = 0;
    REQUIRE(log_->append(std::move(group), [&](Result<void> result) { done += result ? 1 : 100; }).has_value());
    work();
    REQUIRE(done == 1);
  }
  void append_position(std::string source, std::string position) {
    AppendGroup group;
    group.positions.push_back({std::move(source), std::move(position)});
    append(std::move(group));
  }

 private:
  void work() {
    while (!tasks_.empty()) {
      const auto task = std::move(tasks_.front());
      tasks_.pop_front();
      task();
    }
  }
  std::deque<std::function<void()>> tasks_;
  std::unique_ptr<MemoryEventLog> log_;
};

}  // namespace weir

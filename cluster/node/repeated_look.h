// A look at something every now and then, on a thread of its own: because what follows from it takes long, and nobody
// is to wait.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace weir {

class RepeatedLook {
 public:
  RepeatedLook(std::chrono::milliseconds interval, std::function<void()> look)
      : thread_([this, interval, look = std::move(look)] {
          std::unique_lock lock(mutex_);
          while (!wake_.wait_for(lock, interval, [this] { return ending_; })) {
            lock.unlock();
            look();
            lock.lock();
          }
        }) {}
  RepeatedLook(const RepeatedLook&) = delete;
  RepeatedLook& operator=(const RepeatedLook&) = delete;
  /// After it nobody looks any more. Waits for a look that is under way.
  ~RepeatedLook() {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ending_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace weir

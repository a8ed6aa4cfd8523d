#include "runtime/adapters/system/work_pool.h"

#include <sys/resource.h>
#include <unistd.h>

#include <utility>

namespace weir {

namespace {
constexpr int kBackgroundNice = 10;
}

WorkPool::WorkPool(unsigned threads, std::size_t waiting_max, Priority priority) : priority_(priority), waiting_max_(waiting_max) {
  for (unsigned i = 0; i < threads; ++i) threads_.emplace_back([this] { work(); });
}

bool WorkPool::post(std::function<void()> job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_ || jobs_.size() >= waiting_max_) return false;
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return true;
}

void WorkPool::post_later(std::chrono::milliseconds delay, std::function<void()> job) {
  {
    const std::scoped_lock lock(mutex_);
    if (stopped_) return;
    later_.emplace(std::chrono::steady_clock::now() + delay, std::move(job));
  }
  wake_.notify_one();
}

std::size_t WorkPool::waiting() const {
  const std::scoped_lock lock(mutex_);
  return jobs_.size();
}

void WorkPool::stop() {
  std::deque<std::function<void()>> jobs;
  std::multimap<std::chrono::steady_clock::time_point, std::function<void()>> later;
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    jobs.swap(jobs_);
    later.swap(later_);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_)
    if (thread.joinable()) thread.join();
  // What they hold (replies, pictures) goes outside the lock.
}

void WorkPool::work() {
  // Of this thread alone; refused, it is a thread like any other.
  if (priority_ == Priority::background) static_cast<void>(::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kBackgroundNice));
  std::unique_lock lock(mutex_);
  for (;;) {
    if (stopped_) return;
    std::function<void()> job;
    if (!later_.empty() && later_.begin()->first <= std::chrono::steady_clock::now()) {
      job = std::move(later_.begin()->second);
      later_.erase(later_.begin());
    } else if (!jobs_.empty()) {
      job = std::move(jobs_.front());
      jobs_.pop_front();
    } else if (later_.empty()) {
      wake_.wait(lock);
      continue;
    } else {
      // A copy: another thread may take that entry meanwhile.
      const auto when = later_.begin()->first;
      wake_.wait_until(lock, when);
      continue;
    }
    lock.unlock();
    job();
    job = nullptr;
    lock.lock();
  }
}

}  // namespace weir

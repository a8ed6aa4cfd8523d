#include "cluster/cli/signals.h"

#include <csignal>
#include <unistd.h>

#include "runtime/adapters/system/mapped_marks.h"

namespace weir::cli {

namespace {

std::atomic<int> first{0};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may touch it");

void on_signal(int number) {
  int none = 0;
  if (first.compare_exchange_strong(none, number)) return;
  MappedMarks::ends_on_purpose();  // whatever a stage has in its hands is not to blame
  ::_exit(128 + number);
}

}  // namespace

const std::atomic<int>& watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGTERM, &action, nullptr);
  ::sigaction(SIGINT, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write, not the end of the node
  return first;
}

}  // namespace weir::cli

#include "cluster/cli/bench_path_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "runtime/adapters/system/system_clock.h"

namespace weir::cli {

namespace {

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double wall_seconds() {
  static const SystemClock clock;
  return std::chrono::duration<double>(clock.now()).count();
}

/// 0 where the kernel does not count.
std::uint64_t written_bytes() {
  std::ifstream file("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value)
    if (name == "write_bytes:") return value;
  return 0;
}

Result<std::string> output_of(const std::vector<std::string>& command) {
  int pipe[2];
  if (::pipe2(pipe, O_CLOEXEC) != 0) return fail(Errc::io_failed, "pipe: {}", std::strerror(errno));
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(pipe[1], STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(pipe[1]);
  std::string text;
  char buffer[64 * 1024];
  for (ssize_t count = 0; child > 0 && (count = ::read(pipe[0], buffer, sizeof buffer)) != 0;) {
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  ::close(pipe[0]);
  if (child < 0) return fail(Errc::io_failed, "fork: {}", std::strerror(errno));
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(
        Errc::internal, "{} {}", command[0],
        WIFEXITED(status) && WEXITSTATUS(status) == 127 ? "cannot be run; it is built with the tests" : "failed");
  return text;
}

}  // namespace

void PathMeter::begin() {
  cpu_ = cpu_seconds();
  written_ = written_bytes();
  wall_ = wall_seconds();
}

void PathMeter::end() {
  measured_.wall_seconds = wall_seconds() - wall_;
  measured_.cpu_seconds = cpu_seconds() - cpu_;
  measured_.bytes_written = written_bytes() - written_;
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  measured_.peak_kib = static_cast<std::uint64_t>(used.ru_maxrss);
}

std::string PathMeter::to_json() const {
  const nlohmann::ordered_json json = {{"cpu_seconds", measured_.cpu_seconds},
                                       {"wall_seconds", measured_.wall_seconds},
                                       {"peak_kib", measured_.peak_kib},
                                       {"bytes_written", measured_.bytes_written}};
  return json.dump();
}

Result<PathMeasurement> run_measured(const std::vector<std::string>& command) {
  WEIR_ASSIGN(const std::string text, output_of(command));
  try {
    const auto json = nlohmann::json::parse(text);
    PathMeasurement measured;
    measured.cpu_seconds = json.at("cpu_seconds");
    measured.wall_seconds = json.at("wall_seconds");
    measured.peak_kib = json.at("peak_kib");
    measured.bytes_written = json.at("bytes_written");
    if (json.contains("answers")) measured.answers = json.at("answers").dump();
    return measured;
  } catch (const nlohmann::json::exception& e) {
    return fail(Errc::internal, "{} printed no measurement: {}", command[0], e.what());
  }
}

}  // namespace weir::cli

// An HTTP server that says what a test wants it to say, byte for byte: slow, wrong, cut off, or nothing at all. Counts
// what clients do.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace weir::test {

struct ScriptRequest {
  std::string method;
  std::string target;
  std::string head;  // request line and headers, as they came
  std::string body;
};

struct ScriptReply {
  enum class Then : std::uint8_t {
    keep,   // the connection stays open for the next request
    close,  // closed after the bytes
    reset,  // closed with a reset after the bytes
    hang,   // stays open, and nothing more is said on it
    hold,   // the bytes wait for release(); then as keep
  };
  std::string bytes;
  Then then = Then::keep;
};

/// "HTTP/1.1 200 OK" with Content-Length.
[[nodiscard]] std::string http_bytes(int status, std::string_view body, std::string_view headers = {});

struct ScriptCounts {
  std::uint64_t connections = 0;       // accepted so far
  std::uint64_t connections_most = 0;  // open at once, most
  std::uint64_t requests = 0;          // whole ones so far
  std::uint64_t held = 0;              // answers that wait for release()
};

/// On 127.0.0.1, a thread of its own. Thread-safe.
class ScriptServer {
 public:
  /// Called on the server's thread for each whole request.
  using Script = std::function<ScriptReply(const ScriptRequest&)>;
  /// Port 0: a free one.
  explicit ScriptServer(Script script, std::uint16_t port = 0);
  ScriptServer(const ScriptServer&) = delete;
  ScriptServer& operator=(const ScriptServer&) = delete;
  /// Closes all.
  ~ScriptServer();

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// "http://127.0.0.1:4711".
  [[nodiscard]] std::string url() const;
  /// Says what is held, on all connections.
  void release();
  [[nodiscard]] ScriptCounts counts() const;
  /// Whether so many requests have come, or come within 20 s.
  [[nodiscard]] bool wait_for_requests(std::uint64_t requests) const;

 private:
  struct Connection {
    std::string unread;
    std::string held;
    bool hung = false;
  };
  void run();
  void accept();
  /// False: the connection is to be forgotten.
  [[nodiscard]] bool receive(int fd, Connection& connection);
  [[nodiscard]] bool answer(int fd, Connection& connection);
  void wake() const;

  Script script_;
  std::uint16_t port_ = 0;
  int listening_ = -1;
  int wake_[2] = {-1, -1};
  mutable std::mutex mutex_;
  mutable std::condition_variable came_;
  ScriptCounts counts_;
  bool releasing_ = false;
  bool closing_ = false;
  std::map<int, Connection> connections_;  // of the thread alone
  std::thread thread_;
};

}  // namespace weir::test

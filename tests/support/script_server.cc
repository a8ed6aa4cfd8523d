#include "tests/support/script_server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>

#include "tests/support/http_socket.h"

namespace weir::test {

namespace {

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

std::string http_bytes(int status, std::string_view body, std::string_view headers) {
  return fmt::format("HTTP/1.1 {} Whatever\r\n{}Content-Length: {}\r\n\r\n{}", status, headers, body.size(), body);
}

ScriptServer::ScriptServer(Script script, std::uint16_t port) : script_(std::move(script)) {
  listening_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listening_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listening_, 1'024) != 0 ||
      ::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size) != 0 || ::pipe2(wake_, O_CLOEXEC) != 0) {
    throw std::runtime_error("the test's server cannot listen");
  }
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

ScriptServer::~ScriptServer() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  wake();
  thread_.join();
  for (const auto& [fd, connection] : connections_) ::close(fd);
  for (const int fd : {listening_, wake_[0], wake_[1]}) ::close(fd);
}

std::string ScriptServer::url() const {
  return fmt::format("http://127.0.0.1:{}", port_);
}

void ScriptServer::wake() const {
  static_cast<void>(!::write(wake_[1], "x", 1));
}

void ScriptServer::release() {
  {
    const std::scoped_lock lock(mutex_);
    releasing_ = true;
  }
  wake();
}

ScriptCounts ScriptServer::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

bool ScriptServer::wait_for_requests(std::uint64_t requests) const {
  std::unique_lock lock(mutex_);
  return came_.wait_for(lock, std::chrono::seconds(20), [&] { return counts_.requests >= requests; });
}

void ScriptServer::run() {
  for (;;) {
    std::vector<pollfd> fds{{listening_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    for (const auto& [fd, connection] : connections_) fds.push_back({fd, POLLIN, 0});
    if (::poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[1].revents != 0) {
      std::array<char, 64> bytes{};
      static_cast<void>(!::read(wake_[0], bytes.data(), bytes.size()));
    }
    bool releasing = false;
    {
      const std::scoped_lock lock(mutex_);
      if (closing_) return;
      releasing = std::exchange(releasing_, false);
      if (releasing) counts_.held = 0;
    }
    for (auto& [fd, connection] : connections_) {
      if (!releasing || connection.held.empty()) continue;
      static_cast<void>(send_all(fd, std::exchange(connection.held, {})));
    }
    for (std::size_t i = 2; i < fds.size(); ++i) {
      if (fds[i].revents == 0 || receive(fds[i].fd, connections_.at(fds[i].fd))) continue;
      ::close(fds[i].fd);
      connections_.erase(fds[i].fd);
    }
    if (fds[0].revents != 0) accept();
  }
}

void ScriptServer::accept() {
  const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
  if (fd < 0) return;
  connections_.emplace(fd, Connection{});
  const std::scoped_lock lock(mutex_);
  ++counts_.connections;
  counts_.connections_most = std::max<std::uint64_t>(counts_.connections_most, connections_.size());
}

bool ScriptServer::receive(int fd, Connection& connection) {
  std::array<char, 16 * 1024> bytes{};
  const ssize_t count = ::recv(fd, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  connection.unread.append(bytes.data(), static_cast<std::size_t>(count));
  while (!connection.hung && connection.unread.find("\r\n\r\n") != std::string::npos) {
    const std::size_t before = connection.unread.size();
    if (!answer(fd, connection)) return false;
    if (connection.unread.size() == before) break;
  }
  return true;
}

bool ScriptServer::answer(int fd, Connection& connection) {
  RawAnswer reader;  // finds headers in requests as well
  const std::size_t end = connection.unread.find("\r\n\r\n") + 4;
  reader.head = connection.unread.substr(0, end - 2);
  const std::size_t size = std::strtoull(reader.header("content-length").c_str(), nullptr, 10);
  if (connection.unread.size() < end + size) return true;
  ScriptRequest request;
  request.method = reader.head.substr(0, reader.head.find(' '));
  const std::size_t target = request.method.size() + 1;
  request.target = reader.head.substr(target, reader.head.find(' ', target) - target);
  request.head = reader.head;
  request.body = connection.unread.substr(end, size);
  connection.unread.erase(0, end + size);
  ScriptReply reply = script_(request);
  const bool held = reply.then == ScriptReply::Then::hold;
  {
    const std::scoped_lock lock(mutex_);
    ++counts_.requests;
    counts_.held += held ? 1 : 0;
    came_.notify_all();
  }
  if (held) {
    connection.held = std::move(reply.bytes);
    return true;
  }
  if (!send_all(fd, reply.bytes)) return false;
  if (reply.then == ScriptReply::Then::reset) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  connection.hung = reply.then == ScriptReply::Then::hang;
  return reply.then == ScriptReply::Then::keep || connection.hung;
}

}  // namespace weir::test

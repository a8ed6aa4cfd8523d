#include "tests/support/http_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace weir::test {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return result;
}

bool ready(int fd, short what, std::chrono::steady_clock::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    pollfd one{fd, what, 0};
    const int found = ::poll(&one, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (found > 0) return true;
    if (found == 0) return false;
    if (errno != EINTR) return false;
  }
}

}  // namespace

std::string RawAnswer::header(std::string_view name) const {
  const std::string wanted = "\r\n" + lower(name) + ": ";
  const std::size_t at = lower(head).find(wanted);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + wanted.size();
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

HttpSocket::HttpSocket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
HttpSocket::HttpSocket(std::uint16_t port) : HttpSocket() {
  connect(port);
}
HttpSocket::HttpSocket(HttpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_), unread_(std::move(other.unread_)) {}
HttpSocket::~HttpSocket() {
  if (fd_ >= 0) ::close(fd_);
}

bool HttpSocket::connect(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  connected_ = fd_ >= 0 && ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  const int on = 1;
  if (connected_) ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return connected_;
}

std::size_t HttpSocket::send_some(std::string_view bytes) {
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

bool HttpSocket::send(std::string_view bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    if (!ready(fd_, POLLOUT, std::chrono::steady_clock::now() + patience)) return false;
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool HttpSocket::receive(std::chrono::steady_clock::time_point until) {
  if (!ready(fd_, POLLIN, until)) return false;
  std::array<char, 64 * 1024> bytes{};
  const ssize_t count = ::recv(fd_, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  unread_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::optional<RawAnswer> HttpSocket::answer(bool head_only, std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  std::size_t end;
  while ((end = unread_.find("\r\n\r\n")) == std::string::npos)
    if (!receive(until)) return std::nullopt;
  RawAnswer answer;
  answer.head = unread_.substr(0, end + 2);
  if (!answer.head.starts_with("HTTP/1.1 ")) return std::nullopt;
  answer.status = std::atoi(answer.head.c_str() + 9);
  const bool bodiless = head_only || answer.status == 100 || answer.status == 204 || answer.status == 304;
  const std::size_t size =
      bodiless ? 0 : static_cast<std::size_t>(std::strtoull(answer.header("content-length").c_str(), nullptr, 10));
  while (unread_.size() < end + 4 + size)
    if (!receive(until)) return std::nullopt;
  answer.body = unread_.substr(end + 4, size);
  unread_.erase(0, end + 4 + size);
  return answer;
}

bool HttpSocket::closed(std::chrono::milliseconds patience) {
  const auto until = std::chrono::steady_clock::now() + patience;
  if (!unread_.empty() || !ready(fd_, POLLIN, until)) return false;
  char byte = 0;
  return ::recv(fd_, &byte, 1, 0) <= 0;
}

void HttpSocket::finish() {
  ::shutdown(fd_, SHUT_WR);
}

void HttpSocket::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(fd_, -1));
}

std::optional<RawAnswer> HttpSocket::ask(std::string_view method, std::string_view target, std::string_view headers,
                                         std::string_view body) {
  std::string request = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n{}", method, target, headers);
  if (!body.empty()) request += fmt::format("Content-Length: {}\r\n", body.size());
  request += "\r\n";
  request += body;
  if (!send(request)) return std::nullopt;
  return answer(method == "HEAD");
}

}  // namespace weir::test

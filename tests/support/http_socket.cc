#include "tests/support/http_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
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

std::atomic<bool> speaks_tls{false};

/// Takes whatever certificate it is shown: what is tested is the server.
std::shared_ptr<SSL> new_tls(int fd) {
  static const std::shared_ptr<SSL_CTX> context = [] {
    std::signal(SIGPIPE, SIG_IGN);  // the library writes as it likes
    std::shared_ptr<SSL_CTX> made(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_mode(made.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(made.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
    return made;
  }();
  std::shared_ptr<SSL> tls(SSL_new(context.get()), &SSL_free);
  SSL_set_fd(tls.get(), fd);
  SSL_set_connect_state(tls.get());
  return tls;
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

void HttpSocket::speak_tls(bool on) noexcept {
  speaks_tls = on;
}

HttpSocket::HttpSocket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
HttpSocket::HttpSocket(std::uint16_t port) : HttpSocket() {
  connect(port);
}
HttpSocket::HttpSocket(HttpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      tls_(std::move(other.tls_)),
      held_back_(std::move(other.held_back_)),
      connected_(other.connected_),
      unread_(std::move(other.unread_)) {}
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
  if (connected_ && speaks_tls) {
    ::fcntl(fd_, F_SETFL, ::fcntl(fd_, F_GETFL) | O_NONBLOCK);
    tls_ = new_tls(fd_);
  }
  return connected_;
}

bool HttpSocket::secure_send(std::string_view bytes, std::chrono::milliseconds patience) {
  while (!bytes.empty()) {
    ERR_clear_error();
    const int sent = SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    const int error = SSL_get_error(tls_.get(), sent);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
    const short what = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    if (ready(fd_, what, std::chrono::steady_clock::now() + patience)) continue;
    if (patience.count() == 0) held_back_ = bytes;
    return false;
  }
  return true;
}

std::size_t HttpSocket::send_some(std::string_view bytes) {
  if (tls_) {
    // What TLS did not take at once it wants to see again, so it counts as taken.
    if (const std::string before = std::exchange(held_back_, {}); !before.empty() && !secure_send(before, {})) return 0;
    const bool sent = secure_send(bytes, {});
    return sent || !held_back_.empty() ? bytes.size() : 0;
  }
  const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent < 0 ? 0 : static_cast<std::size_t>(sent);
}

bool HttpSocket::send(std::string_view bytes, std::chrono::milliseconds patience) {
  if (tls_) {
    const std::string before = std::exchange(held_back_, {});
    return secure_send(before, patience) && secure_send(bytes, patience);
  }
  while (!bytes.empty()) {
    if (!ready(fd_, POLLOUT, std::chrono::steady_clock::now() + patience)) return false;
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

int HttpSocket::receive_some(char* to, std::size_t size, std::chrono::steady_clock::time_point until) {
  if (!tls_) return ready(fd_, POLLIN, until) ? static_cast<int>(std::max<ssize_t>(::recv(fd_, to, size, 0), 0)) : -1;
  for (;;) {
    if (const std::string before = std::exchange(held_back_, {}); !before.empty()) static_cast<void>(secure_send(before, {}));
    ERR_clear_error();
    const int count = SSL_read(tls_.get(), to, static_cast<int>(size));
    if (count > 0) return count;
    const int error = SSL_get_error(tls_.get(), count);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return 0;
    const bool both = !held_back_.empty() || error == SSL_ERROR_WANT_WRITE;
    if (!ready(fd_, both ? POLLIN | POLLOUT : POLLIN, until)) return -1;
  }
}

bool HttpSocket::receive(std::chrono::steady_clock::time_point until) {
  std::array<char, 64 * 1024> bytes{};
  const int count = receive_some(bytes.data(), bytes.size(), until);
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
  char byte = 0;
  return unread_.empty() && receive_some(&byte, 1, until) == 0;
}

void HttpSocket::finish() {
  if (tls_) static_cast<void>(SSL_shutdown(tls_.get()));
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

// A client that says what it likes: bytes in, bytes out, every wait with a deadline. For tests of servers and of
// clients' errors.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct ssl_st;

namespace weir::test {

struct RawAnswer {
  int status = 0;
  std::string head;  // without the empty line
  std::string body;
  /// The value of a header, "" if there is none.
  [[nodiscard]] std::string header(std::string_view name) const;
};

class HttpSocket {
 public:
  /// What sockets that are made from now on speak: TLS, whoever the server is, or plain HTTP. The greeting comes with the first byte that is
  /// sent or waited for.
  static void speak_tls(bool on) noexcept;

  /// Connects to 127.0.0.1:`port`; connected() says whether it worked.
  explicit HttpSocket(std::uint16_t port);
  /// Only makes the socket.
  HttpSocket();
  HttpSocket(HttpSocket&& other) noexcept;
  HttpSocket& operator=(HttpSocket&&) = delete;
  ~HttpSocket();

  bool connect(std::uint16_t port);
  [[nodiscard]] bool connected() const noexcept { return connected_; }
  /// False: the other side closed, or took nothing for `patience`.
  bool send(std::string_view bytes, std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// As much as the other side takes at once.
  std::size_t send_some(std::string_view bytes);
  /// The next whole answer; nullopt: closed, or nothing came for `patience`. `head_only`: it has no body (HEAD).
  std::optional<RawAnswer> answer(bool head_only = false,
                                  std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// Whether the other side closes within `patience`, with nothing more to read.
  bool closed(std::chrono::milliseconds patience = std::chrono::seconds(20));
  /// Ends our side of the stream.
  void finish();
  /// Closes with a reset.
  void reset();

  /// One request over it: what is usual, and `body` with its Content-Length.
  std::optional<RawAnswer> ask(std::string_view method, std::string_view target, std::string_view headers = {},
                               std::string_view body = {});

 private:
  /// False: closed, or the time is over.
  bool receive(std::chrono::steady_clock::time_point until);
  /// Bytes that were read, 0: the end, -1: nothing within the time.
  int receive_some(char* to, std::size_t size, std::chrono::steady_clock::time_point until);
  [[nodiscard]] bool secure_send(std::string_view bytes, std::chrono::milliseconds patience);
  int fd_ = -1;
  std::shared_ptr<ssl_st> tls_;  // null: plain
  std::string held_back_;        // taken by send_some, and not yet by TLS
  bool connected_ = false;
  std::string unread_;
};

}  // namespace weir::test

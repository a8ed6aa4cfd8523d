#include "runtime/adapters/http/tls_wire.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/base/invariant.h"

namespace weir::http {

namespace {

/// What one record of TLS holds: more in one call only makes several of them.
constexpr std::size_t kRecordBytes = 16 * 1024;

int socket_of(BIO* bio) noexcept {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

bool comes_later(int number) noexcept {
  return number == EAGAIN || number == EWOULDBLOCK || number == EINTR;
}

// OpenSSL's own BIO writes with write(): a client that is gone would end the process with SIGPIPE.
int bio_write(BIO* bio, const char* bytes, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t sent = ::send(socket_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
  if (sent < 0 && comes_later(errno)) BIO_set_retry_write(bio);
  return static_cast<int>(sent);
}

int bio_read(BIO* bio, char* to, int size) {
  BIO_clear_retry_flags(bio);
  const ssize_t got = ::recv(socket_of(bio), to, static_cast<std::size_t>(size), 0);
  if (got < 0 && comes_later(errno)) BIO_set_retry_read(bio);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return static_cast<int>(got);
}

long bio_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_FLUSH) return 1;
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return 0;
}

BIO_METHOD* bio_method() {
  // Once per process, as the library wants it; never given back.
  static BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "weir socket");
    INVARIANT(made != nullptr, "OpenSSL gives a kind of BIO");
    BIO_meth_set_write(made, &bio_write);
    BIO_meth_set_read(made, &bio_read);
    BIO_meth_set_ctrl(made, &bio_control);
    return made;
  }();
  return method;
}

}  // namespace

TlsWire::TlsWire(std::shared_ptr<const TlsIdentity> identity, int socket)
    : identity_(std::move(identity)), ssl_(SSL_new(identity_->context())) {
  BIO* const bio = BIO_new(bio_method());
  INVARIANT(ssl_ != nullptr && bio != nullptr, "OpenSSL has memory for a connection");
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(socket)));
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_, bio, bio);
  SSL_set_accept_state(ssl_);
}

TlsWire::~TlsWire() {
  SSL_free(ssl_);
}

TlsWire::Step TlsWire::step_of(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      return Step::wait_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::wait_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::ended;
    default:
      break;  // numbers of the library: all others are the end
  }
  failed_ = true;
  return Step::failed;
}

TlsWire::Step TlsWire::greet() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return Step::done;
  const Step step = step_of(result);
  const int reason = ERR_GET_REASON(ERR_peek_error());
  ERR_clear_error();
  if (step == Step::failed && (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST))
    return Step::plain_http;
  return step;
}

TlsWire::Step TlsWire::read(char* to, std::size_t size, std::size_t& count) {
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_, to, size, &count);
  if (result == 1) return Step::done;
  const Step step = step_of(result);
  ERR_clear_error();
  return step;
}

TlsWire::Step TlsWire::write(std::string_view first, std::string_view second, std::size_t& count) {
  // Head and body of a small answer in one record, and one packet.
  std::array<char, kRecordBytes> both;
  std::string_view bytes = first.empty() ? second : first;
  if (!first.empty() && first.size() < both.size() && !second.empty()) {
    const std::size_t more = std::min(second.size(), both.size() - first.size());
    std::memcpy(both.data(), first.data(), first.size());
    std::memcpy(both.data() + first.size(), second.data(), more);
    bytes = {both.data(), first.size() + more};
  }
  bytes = bytes.substr(0, kRecordBytes);
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_, bytes.data(), bytes.size(), &count);
  if (result == 1) return Step::done;
  const Step step = step_of(result);
  ERR_clear_error();
  return step;
}

void TlsWire::end() noexcept {
  ERR_clear_error();
  if (!failed_ && SSL_is_init_finished(ssl_) == 1) static_cast<void>(SSL_shutdown(ssl_));
  ERR_clear_error();
}

}  // namespace weir::http

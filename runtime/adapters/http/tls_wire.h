// TLS over one socket that is never waited for: every step says how far it came and what it waits for.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "runtime/adapters/http/tls_identity.h"

struct ssl_st;

namespace weir::http {

/// Not thread-safe. The socket must outlive it and be non-blocking; nobody else may read or write it meanwhile.
class TlsWire {
 public:
  enum class Step : std::uint8_t {
    done,
    wait_read,   // again when the socket can be read
    wait_write,  // again when it can be written
    ended,       // the other side has said all it will say
    plain_http,  // of the greeting: it is a request in plain HTTP
    failed,      // no TLS, or none that both sides speak; nothing more may be done with it
  };
  TlsWire(std::shared_ptr<const TlsIdentity> identity, int socket);
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;
  ~TlsWire();

  /// Until it is done.
  [[nodiscard]] Step greet();
  /// `done`: `count` bytes, at least 1, are in `to`.
  [[nodiscard]] Step read(char* to, std::size_t size, std::size_t& count);
  /// Writes the beginning of `first` and `second` behind each other; `done`: `count` bytes of them. After wait_read or
  /// wait_write the same bytes must be offered again, wherever they then lie.
  [[nodiscard]] Step write(std::string_view first, std::string_view second, std::size_t& count);
  /// Says that nothing more will come, as far as the socket takes it.
  void end() noexcept;

 private:
  [[nodiscard]] Step step_of(int result);
  std::shared_ptr<const TlsIdentity> identity_;
  ssl_st* ssl_;
  bool failed_ = false;
};

}  // namespace weir::http

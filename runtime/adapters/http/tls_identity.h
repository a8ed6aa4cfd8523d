// What a server shows to those who speak TLS with it: a certificate, its chain, and its key; checked, and exchanged
// while it runs.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/secret.h"
#include "runtime/ports/clock.h"

struct ssl_ctx_st;

namespace weir {

/// TLS 1.2 with ECDHE and AES-GCM or ChaCha20-Poly1305, and TLS 1.3 with its own; no renegotiation, no compression.
/// Immutable; thread-safe.
class TlsIdentity {
 public:
  /// Both in PEM: the certificate itself first, then those that signed it; the key without a passphrase. `now` decides
  /// whether the certificate holds. Error config_invalid, with which of the two is wrong, why, and what to do: no PEM,
  /// a passphrase, a key of another certificate, too weak for today, a certificate that is over or has not begun.
  enum class Part : std::uint8_t { certificate, key };
  struct Wrong {
    Part part;
    std::string what;
  };
  [[nodiscard]] static tl::expected<std::shared_ptr<const TlsIdentity>, Wrong> make(std::string_view certificate,
                                                                                    const Secret& key, UnixMicros now);
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;
  ~TlsIdentity();

  /// The last moment of the certificate.
  [[nodiscard]] UnixMicros ends() const noexcept { return ends_; }
  /// What it is for, as clients compare it: "localhost, 127.0.0.1"; empty: it names no host, and no client will take
  /// it.
  [[nodiscard]] const std::string& names() const noexcept { return names_; }
  [[nodiscard]] ssl_ctx_st* context() const noexcept { return context_; }

 private:
  TlsIdentity() = default;
  ssl_ctx_st* context_ = nullptr;
  UnixMicros ends_ = 0;
  std::string names_;
};

/// The identity that new connections are shown; connections that are there keep theirs. Thread-safe.
class TlsIdentities {
 public:
  explicit TlsIdentities(std::shared_ptr<const TlsIdentity> first) : current_(std::move(first)) {}
  void use(std::shared_ptr<const TlsIdentity> next) {
    const std::scoped_lock lock(mutex_);
    current_ = std::move(next);
  }
  [[nodiscard]] std::shared_ptr<const TlsIdentity> current() const {
    const std::scoped_lock lock(mutex_);
    return current_;
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsIdentity> current_;
};

}  // namespace weir

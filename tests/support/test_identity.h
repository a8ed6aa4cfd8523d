// Certificates and keys made on the spot, sound and otherwise. For tests of TLS.
#pragma once
#include <chrono>
#include <memory>
#include <string>
#include <vector>

struct x509_st;
struct evp_pkey_st;

namespace weir::test {

/// PEM.
struct TestIdentity {
  std::string certificate;
  std::string key;
};

struct TestWishes {
  std::vector<std::string> names = {"DNS:localhost", "IP:127.0.0.1"};
  std::chrono::seconds begins = std::chrono::hours(-1);  // from now on
  std::chrono::seconds ends = std::chrono::hours(24);
  int rsa_bits = 0;  // 0: a key on the curve P-256
};

/// An authority of the test's own.
class TestAuthority {
 public:
  TestAuthority();
  [[nodiscard]] const std::string& certificate() const noexcept { return certificate_; }
  [[nodiscard]] TestIdentity make(const TestWishes& wishes = {}) const;

 private:
  std::shared_ptr<x509_st> own_;
  std::shared_ptr<evp_pkey_st> key_;
  std::string certificate_;
};

}  // namespace weir::test

#include "runtime/event/sha256.h"

#include <openssl/evp.h>

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

struct Sha256::Context {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  EVP_MD_CTX* hash = EVP_MD_CTX_new();
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    EVP_MD_CTX_free(hash);
    EVP_MD_free(algorithm);
  }
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  INVARIANT(context_->algorithm != nullptr, "OpenSSL offers SHA-256");
  INVARIANT(context_->hash != nullptr, "OpenSSL gives a hash context");
}
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::begin() {
  INVARIANT(EVP_DigestInit_ex2(context_->hash, context_->algorithm, nullptr) == 1, "SHA-256 begins");
}

void Sha256::add(std::string_view part) {
  INVARIANT(EVP_DigestUpdate(context_->hash, part.data(), part.size()) == 1, "SHA-256 takes bytes");
}

void Sha256::finish_hex(char* to, std::size_t bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  INVARIANT(EVP_DigestFinal_ex(context_->hash, digest, &size) == 1, "SHA-256 ends");
  INVARIANT(bytes <= size, "a digest of SHA-256 has 32 bytes");
  weir::write_hex({reinterpret_cast<const char*>(digest), bytes}, to);
}

void Sha256::write_hex(std::string_view text, char* to) {
  begin();
  add(text);
  finish_hex(to);
}

}  // namespace weir

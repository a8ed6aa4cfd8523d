#include "runtime/adapters/http/tls_identity.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>

#include "runtime/base/time_text.h"

namespace weir {

namespace {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* held) const noexcept {
    release(held);
  }
};
using Bio = std::unique_ptr<BIO, Releaser<&BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Releaser<&X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Releaser<&EVP_PKEY_free>>;
using Context = std::unique_ptr<SSL_CTX, Releaser<&SSL_CTX_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Releaser<&GENERAL_NAMES_free>>;

using Part = TlsIdentity::Part;
template <class... Args>
tl::unexpected<TlsIdentity::Wrong> wrong(Part part, fmt::format_string<Args...> text, Args&&... args) {
  ERR_clear_error();
  return tl::unexpected<TlsIdentity::Wrong>({part, fmt::format(text, std::forward<Args>(args)...)});
}

/// The library's own words for its last error, without what they were about.
std::string library_reason() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "OpenSSL gives no reason" : reason;
}

Bio memory(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Called for a key with a passphrase, which nobody is there to type.
int no_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

UnixMicros micros_of(const ASN1_TIME* time) {
  ASN1_TIME* const epoch = ASN1_TIME_set(nullptr, 0);
  int days = 0, seconds = 0;
  const bool known = epoch != nullptr && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1;
  ASN1_TIME_free(epoch);
  return known ? (static_cast<UnixMicros>(days) * 86'400 + seconds) * 1'000'000 : 0;
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  char text[INET6_ADDRSTRLEN] = {};
  const int size = ASN1_STRING_length(address);
  const int family = size == 4 ? AF_INET : AF_INET6;
  if (size != 4 && size != 16) return {};
  return ::inet_ntop(family, ASN1_STRING_get0_data(address), text, sizeof text) == nullptr ? std::string()
                                                                                           : std::string(text);
}

std::string names_of(X509* certificate) {
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::string all;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    std::string text;
    if (name->type == GEN_DNS) {
      const auto* data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name->d.dNSName));
      text.assign(data, static_cast<std::size_t>(ASN1_STRING_length(name->d.dNSName)));
      // It goes into a log: a name of the DNS has nothing else.
      for (char& c : text)
        if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
    } else if (name->type == GEN_IPADD) {
      text = address_text(name->d.iPAddress);
    }
    if (!text.empty()) all += (all.empty() ? "" : ", ") + text;
  }
  return all;
}

/// Only what keeps what was said secret when the key becomes known, and cannot be changed on the way.
constexpr const char* kCiphersOf12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

Context make_context() {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return nullptr;
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(),
                      SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                          // A body says itself where it ends, so an end without a word is not taken for one.
                          SSL_OP_IGNORE_UNEXPECTED_EOF);
  // What cannot be written at once is offered again, from wherever it then lies; idle connections hold no buffers.
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // clients keep their tickets
  SSL_CTX_set_read_ahead(context.get(), 1);
  if (SSL_CTX_set_cipher_list(context.get(), kCiphersOf12) != 1) return nullptr;
  return context;
}

}  // namespace

tl::expected<std::shared_ptr<const TlsIdentity>, TlsIdentity::Wrong> TlsIdentity::make(std::string_view certificate_pem,
                                                                                       const Secret& key_pem,
                                                                                       UnixMicros now) {
  ERR_clear_error();
  const Bio text = memory(certificate_pem);
  const Certificate own(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  if (!own)
    return wrong(Part::certificate,
                 "it has no certificate in PEM (-----BEGIN CERTIFICATE-----); the node's own comes first, then those "
                 "that signed it");
  const UnixMicros begins = micros_of(X509_get0_notBefore(own.get())), ends = micros_of(X509_get0_notAfter(own.get()));
  if (now > ends)
    return wrong(Part::certificate, "the certificate ended at {}; no client takes it any more: put a renewed one here",
                 to_rfc3339(ends));
  if (now < begins)
    return wrong(Part::certificate, "the certificate begins at {}; is the clock of this machine right?",
                 to_rfc3339(begins));
  Context context = make_context();
  if (!context) return wrong(Part::certificate, "OpenSSL cannot be set up: {}", library_reason());
  if (SSL_CTX_use_certificate(context.get(), own.get()) != 1)
    return wrong(Part::certificate,
                 "the certificate cannot be used: {}; RSA needs 2048 bits or more, and SHA-1 is no signature today",
                 library_reason());
  while (Certificate next{PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)}) {
    if (SSL_CTX_add1_chain_cert(context.get(), next.get()) != 1)
      return wrong(Part::certificate, "a certificate behind the first cannot be used: {}", library_reason());
  }
  if (const auto reason = ERR_GET_REASON(ERR_peek_last_error()); reason != 0 && reason != PEM_R_NO_START_LINE)
    return wrong(Part::certificate, "what stands behind the first certificate is damaged: {}", library_reason());
  ERR_clear_error();
  bool asked = false;
  const Bio key_text = memory(key_pem.reveal());
  const Key key(PEM_read_bio_PrivateKey(key_text.get(), nullptr, &no_passphrase, &asked));
  if (asked)
    return wrong(
        Part::key,
        "the key has a passphrase, and nobody is there to type it: openssl pkey -in KEY -out NODE.key takes it off");
  if (!key) return wrong(Part::key, "it has no private key in PEM (-----BEGIN PRIVATE KEY-----)");
  if (X509_check_private_key(own.get(), key.get()) != 1)
    return wrong(Part::key, "this key is not that of the certificate; both come from the same request");
  if (SSL_CTX_use_PrivateKey(context.get(), key.get()) != 1)
    return wrong(Part::key, "the key cannot be used: {}", library_reason());
  const std::shared_ptr<TlsIdentity> made(new TlsIdentity);
  made->context_ = context.release();
  made->ends_ = ends;
  made->names_ = names_of(own.get());
  return made;
}

TlsIdentity::~TlsIdentity() {
  SSL_CTX_free(context_);
}

}  // namespace weir

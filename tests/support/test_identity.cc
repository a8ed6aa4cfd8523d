#include "tests/support/test_identity.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace weir::test {

namespace {

using Certificate = std::shared_ptr<X509>;
using Key = std::shared_ptr<EVP_PKEY>;

void must(bool done) {
  if (done) return;
  ERR_print_errors_fp(stderr);
  std::abort();
}

std::string text_of(const std::shared_ptr<BIO>& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string pem(X509* certificate) {
  const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), &BIO_free);
  must(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_of(bio);
}

std::string pem(EVP_PKEY* key) {
  const std::shared_ptr<BIO> bio(BIO_new(BIO_s_mem()), &BIO_free);
  must(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_of(bio);
}

Key new_key(int rsa_bits) {
  EVP_PKEY* const key = rsa_bits == 0 ? EVP_EC_gen("P-256") : EVP_RSA_gen(static_cast<unsigned>(rsa_bits));
  must(key != nullptr);
  return {key, &EVP_PKEY_free};
}

void extend(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  must(made != nullptr && X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

Certificate new_certificate(const Key& key, const char* name, std::chrono::seconds begins, std::chrono::seconds ends) {
  static long serial = 0;
  const Certificate made(X509_new(), &X509_free);
  must(made != nullptr && X509_set_version(made.get(), 2) == 1);
  must(ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial) == 1);
  must(X509_gmtime_adj(X509_getm_notBefore(made.get()), static_cast<long>(begins.count())) != nullptr);
  must(X509_gmtime_adj(X509_getm_notAfter(made.get()), static_cast<long>(ends.count())) != nullptr);
  must(X509_set_pubkey(made.get(), key.get()) == 1);
  must(X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                                  reinterpret_cast<const unsigned char*>(name), -1, -1, 0) == 1);
  return made;
}

}  // namespace

TestAuthority::TestAuthority() : key_(new_key(0)) {
  own_ = new_certificate(key_, "weir test authority", std::chrono::hours(-24), std::chrono::hours(48));
  must(X509_set_issuer_name(own_.get(), X509_get_subject_name(own_.get())) == 1);
  extend(own_.get(), own_.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(own_.get(), own_.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(own_.get(), own_.get(), NID_subject_key_identifier, "hash");
  must(X509_sign(own_.get(), key_.get(), EVP_sha256()) > 0);
  certificate_ = pem(own_.get());
}

TestIdentity TestAuthority::make(const TestWishes& wishes) const {
  const Key key = new_key(wishes.rsa_bits);
  const Certificate made = new_certificate(key, "weir test node", wishes.begins, wishes.ends);
  must(X509_set_issuer_name(made.get(), X509_get_subject_name(own_.get())) == 1);
  extend(made.get(), own_.get(), NID_basic_constraints, "CA:FALSE");
  std::string names;
  for (const std::string& name : wishes.names) names += (names.empty() ? "" : ",") + name;
  if (!names.empty()) extend(made.get(), own_.get(), NID_subject_alt_name, names);
  must(X509_sign(made.get(), key_.get(), EVP_sha256()) > 0);
  return {pem(made.get()), pem(key.get())};
}

}  // namespace weir::test

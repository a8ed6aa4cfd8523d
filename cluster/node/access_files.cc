#include "cluster/node/access_files.h"

#include <fmt/format.h>

#include "runtime/adapters/system/secret_file.h"
#include "runtime/base/time_text.h"

namespace weir {

namespace {

constexpr std::size_t kPemBytesMax = 1024 * 1024;

/// "n.yaml:3:14: "http.tokens_file": ", or with the `--set` it came from.
std::string prefix_of(const NamedFile& file, std::string_view key) {
  const ConfigPlace& place = file.place;
  const std::string where =
      place.line == 0 ? place.file : fmt::format("{}:{}:{}", place.file, place.line, place.column);
  return fmt::format("{}: \"{}\": {}: ", where, key, file.name);
}

}  // namespace

Result<std::shared_ptr<const AccessTokens>> read_tokens(const NamedFile& file) {
  const auto text = read_small_file(file.name, AccessTokens::kFileBytesMax, Closed::to_others);
  if (!text) return fail(Errc::config_invalid, "{}{}", prefix_of(file, "http.tokens_file"), text.error().context);
  WEIR_ASSIGN(AccessTokens tokens, AccessTokens::parse(*text, file.name));
  return std::make_shared<const AccessTokens>(std::move(tokens));
}

Result<std::shared_ptr<const TlsIdentity>> read_identity(const HttpTlsConfig& files, UnixMicros now) {
  const auto certificate = read_small_file(files.certificate.name, kPemBytesMax, Closed::no);
  if (!certificate)
    return fail(Errc::config_invalid, "{}{}", prefix_of(files.certificate, "http.tls.certificate_file"),
                certificate.error().context);
  auto key = read_small_file(files.key.name, kPemBytesMax, Closed::to_others);
  if (!key) return fail(Errc::config_invalid, "{}{}", prefix_of(files.key, "http.tls.key_file"), key.error().context);
  auto identity = TlsIdentity::make(*certificate, Secret(std::move(*key)), now);
  if (identity) return std::move(*identity);
  const bool of_key = identity.error().part == TlsIdentity::Part::key;
  return fail(
      Errc::config_invalid, "{}{}",
      of_key ? prefix_of(files.key, "http.tls.key_file") : prefix_of(files.certificate, "http.tls.certificate_file"),
      identity.error().what);
}

Result<void> check_access_files(const NodeConfig& node, UnixMicros now) {
  std::string findings;
  const auto note = [&findings](const Error& error) { findings += (findings.empty() ? "" : "\n") + error.context; };
  if (node.http_tokens)
    if (const auto tokens = read_tokens(*node.http_tokens); !tokens) note(tokens.error());
  if (node.http_tls)
    if (const auto identity = read_identity(*node.http_tls, now); !identity) note(identity.error());
  if (findings.empty()) return {};
  return fail(Errc::config_invalid, "{}", findings);
}

std::string describe_identity(const TlsIdentity& identity) {
  return fmt::format(
      "certificate for {}, good until {}",
      identity.names().empty() ? "no name (it has no subjectAltName, so clients refuse it)" : identity.names(),
      to_rfc3339(identity.ends()));
}

}  // namespace weir

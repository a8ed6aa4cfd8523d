#include "cluster/node/doorkeeper.h"

#include <fmt/format.h>

#include "cluster/node/access_files.h"
#include "runtime/base/time_text.h"

namespace weir {

Result<std::unique_ptr<Doorkeeper>> Doorkeeper::open(const NodeConfig& node, const Clock& clock, Logbook& logbook,
                                                     const FileLooks& looks) {
  // All findings at once; what follows is read again, so that no change in between goes unseen.
  WEIR_TRY(check_access_files(node, clock.wall()));
  std::unique_ptr<Doorkeeper> made(new Doorkeeper(node, clock, logbook));
  if (node.http_tokens) {
    made->tokens_files_.emplace(std::vector{node.http_tokens->name}, looks);
    WEIR_ASSIGN(const std::string text, made->use_tokens());
    logbook.write(LogLevel::info, "access", text);
  }
  if (node.http_tls) {
    made->tls_files_.emplace(std::vector{node.http_tls->certificate.name, node.http_tls->key.name}, looks);
    WEIR_ASSIGN(const std::string text, made->use_identity());
    logbook.write(LogLevel::info, "access", text);
  }
  return made;
}

void Doorkeeper::watch(std::chrono::milliseconds interval) {
  if (tokens_files_ || tls_files_) looking_.emplace(interval, [this] { look(); });
}

void Doorkeeper::look() {
  look_at(tokens_files_, "http.tokens_file", tokens_gauges_, &Doorkeeper::use_tokens);
  look_at(tls_files_, "http.tls", tls_gauges_, &Doorkeeper::use_identity);
}

void Doorkeeper::look_at(std::optional<SettledFiles>& files, std::string_view what, AccessGauges& gauges,
                         Result<std::string> (Doorkeeper::*use)()) {
  if (!files || !files->look()) return;
  const auto used = (this->*use)();
  gauges.stale.store(!used);
  if (used) {
    gauges.changes.fetch_add(1);
    logbook_.write(LogLevel::info, "access", fmt::format("{} changed; from now on {}", what, *used));
    return;
  }
  gauges.refusals.fetch_add(1);
  std::string why = used.error().context;
  for (std::size_t at = 0; (at = why.find('\n', at)) != std::string::npos; at += 2) why.replace(at, 1, "; ");
  logbook_.write(LogLevel::warn, "access",
                 fmt::format("{} changed and cannot be used: {}. What was read before goes on counting; a mended file "
                             "is read within seconds",
                             what, why));
}

Result<std::string> Doorkeeper::use_tokens() {
  WEIR_ASSIGN(auto tokens, read_tokens(*node_.http_tokens));
  std::string text = fmt::format("{} {} may ask", tokens->size(), tokens->size() == 1 ? "token" : "tokens");
  gate_.use(std::move(tokens));
  return text;
}

Result<std::string> Doorkeeper::use_identity() {
  WEIR_ASSIGN(auto identity, read_identity(*node_.http_tls, clock_.wall()));
  std::string text = "new connections see the " + describe_identity(*identity);
  const auto soon = std::chrono::duration_cast<std::chrono::microseconds>(kSoonOver).count();
  if (identity->ends() - clock_.wall() < soon)
    logbook_.write(
        LogLevel::warn, "access",
        fmt::format(
            "the certificate of http.tls ends at {}: put a renewed one in its place, it counts without a restart",
            to_rfc3339(identity->ends())));
  if (!identities_) {
    identities_ = std::make_shared<TlsIdentities>(std::move(identity));
  } else {
    identities_->use(std::move(identity));
  }
  return text;
}

}  // namespace weir

// Who may ask a node, and what it shows to those who ask: from the files that its node file names, read again while it
// runs.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "cluster/api/access_gate.h"
#include "cluster/node/repeated_look.h"
#include "cluster/node/settled_files.h"
#include "runtime/adapters/http/tls_identity.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/file_looks.h"
#include "runtime/ports/logbook.h"
#include "runtime/ports/node_config.h"

namespace weir {

/// What the metrics say of one set of files.
struct AccessGauges {
  std::atomic<std::uint64_t> changes{0};   // taken into use since the start
  std::atomic<std::uint64_t> refusals{0};  // states of the files that could not be used
  std::atomic<bool> stale{false};          // the files hold such a state now
};

/// Thread-safe after open(). What it was opened with must outlive it.
class Doorkeeper {
 public:
  /// A certificate with less than this left is named when it is read.
  static constexpr std::chrono::hours kSoonOver{14 * 24};

  /// Reads the files that `node` names; where it names none, everybody on this machine may ask everything in plain
  /// HTTP. Error config_invalid: what is wrong with them, as check_access_files() has it.
  [[nodiscard]] static Result<std::unique_ptr<Doorkeeper>> open(const NodeConfig& node, const Clock& clock,
                                                                Logbook& logbook, const FileLooks& looks);
  Doorkeeper(const Doorkeeper&) = delete;
  Doorkeeper& operator=(const Doorkeeper&) = delete;

  /// Looks at the files every `interval` until it goes. Once.
  void watch(std::chrono::milliseconds interval);
  /// One look at all files: what has changed and come to rest is read. Sound files count from now on; of those that are
  /// not the log says why, once for each state of them, and what was read before goes on counting.
  void look();

  [[nodiscard]] AccessGate& gate() noexcept { return gate_; }
  [[nodiscard]] const AccessGate& gate() const noexcept { return gate_; }
  /// Null: plain HTTP.
  [[nodiscard]] const std::shared_ptr<TlsIdentities>& identities() const noexcept { return identities_; }
  /// Null: there are no such files.
  [[nodiscard]] const AccessGauges* tokens_gauges() const noexcept {
    return node_.http_tokens ? &tokens_gauges_ : nullptr;
  }
  [[nodiscard]] const AccessGauges* tls_gauges() const noexcept { return node_.http_tls ? &tls_gauges_ : nullptr; }

 private:
  Doorkeeper(const NodeConfig& node, const Clock& clock, Logbook& logbook)
      : node_(node), clock_(clock), logbook_(logbook), gate_(clock, logbook) {}
  /// What was taken into use, for the log.
  [[nodiscard]] Result<std::string> use_tokens();
  [[nodiscard]] Result<std::string> use_identity();
  void look_at(std::optional<SettledFiles>& files, std::string_view what, AccessGauges& gauges,
               Result<std::string> (Doorkeeper::*use)());

  const NodeConfig& node_;
  const Clock& clock_;
  Logbook& logbook_;
  AccessGate gate_;
  std::shared_ptr<TlsIdentities> identities_;
  std::optional<SettledFiles> tokens_files_, tls_files_;
  AccessGauges tokens_gauges_, tls_gauges_;
  std::optional<RepeatedLook> looking_;  // last: its thread uses the others
};

}  // namespace weir

// The files of a node that say who may ask it and prove who answers: read, checked, ready to be used.
#pragma once
#include <memory>

#include "runtime/adapters/http/tls_identity.h"
#include "runtime/ports/access.h"
#include "runtime/ports/clock.h"
#include "runtime/ports/node_config.h"

namespace weir {

/// Error config_invalid: the place in the node file and the file when it cannot be read, else every finding with its
/// place in the tokens file. Nothing of what stands in the file is in it.
[[nodiscard]] Result<std::shared_ptr<const AccessTokens>> read_tokens(const NamedFile& file);

/// Error config_invalid: the place in the node file, the file, and what is wrong with it. `now` decides whether the
/// certificate holds.
[[nodiscard]] Result<std::shared_ptr<const TlsIdentity>> read_identity(const HttpTlsConfig& files, UnixMicros now);

/// Whether a node with this configuration would find its files sound. Error config_invalid: everything that is wrong
/// with them.
[[nodiscard]] Result<void> check_access_files(const NodeConfig& node, UnixMicros now);

/// "certificate for localhost, 127.0.0.1, good until 2027-01-31T00:00:00Z", for the log.
[[nodiscard]] std::string describe_identity(const TlsIdentity& identity);

}  // namespace weir

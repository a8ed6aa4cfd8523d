#include "runtime/adapters/embedded_log/log_identity.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"

namespace weir::journal {

namespace {
constexpr std::string_view kMagic = "WEIRLOG\n";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kBytes = 64;
}  // namespace

std::string encode_identity(const LogIdentity& identity) {
  std::string bytes(kBytes, '\0');
  bytes.replace(0, kMagic.size(), kMagic);
  store(bytes.data() + 12, kVersion);
  store(bytes.data() + 16, identity.log_id.low);
  store(bytes.data() + 24, identity.log_id.high);
  store(bytes.data() + 32, identity.segment_bytes);
  store(bytes.data() + 40, identity.partitions);
  store(bytes.data() + 44, identity.ready ? std::uint32_t{1} : std::uint32_t{0});
  store(bytes.data() + 8, crc32c(std::string_view(bytes).substr(12)));
  return bytes;
}

Result<LogIdentity> decode_identity(std::string_view bytes) {
  const bool ours = bytes.size() >= kBytes && bytes.starts_with(kMagic);
  if (ours && load<std::uint32_t>(bytes.data() + 12) > kVersion &&
      load<std::uint32_t>(bytes.data() + 8) == crc32c(bytes.substr(12))) {
    return fail(Errc::format_newer, "the log was written by a newer weir (format {}, this one reads up to {})",
                load<std::uint32_t>(bytes.data() + 12), kVersion);
  }
  if (!ours || bytes.size() != kBytes || load<std::uint32_t>(bytes.data() + 8) != crc32c(bytes.substr(12))) {
    return fail(Errc::log_damaged, "the log's identity file is damaged");
  }
  LogIdentity identity;
  identity.log_id = {load<std::uint64_t>(bytes.data() + 16), load<std::uint64_t>(bytes.data() + 24)};
  identity.segment_bytes = load<std::uint64_t>(bytes.data() + 32);
  identity.partitions = load<std::uint32_t>(bytes.data() + 40);
  identity.ready = load<std::uint32_t>(bytes.data() + 44) == 1;
  return identity;
}

namespace {

Result<void> check_no_segments(FileOps& files, const std::string& directory) {
  for (const char* name : {"ingest", "output"}) {
    const auto names = files.list(directory + "/" + name);
    if (!names && names.error().code != Errc::not_found) return fail(names.error());
    if (!names) continue;
    const bool segments =
        std::any_of(names->begin(), names->end(), [](const std::string& n) { return n.starts_with("segment-"); });
    if (segments) {
      return fail(Errc::log_damaged, "{}: there are segments, but the log's identity file ({}) is missing", directory,
                  kIdentityName);
    }
  }
  return {};
}

}  // namespace

Result<LogIdentity> load_identity(FileOps& files, const std::string& directory) {
  const std::string path = directory + "/" + kIdentityName;
  const auto bytes = read_file(files, path, 4096);
  if (!bytes && bytes.error().code == Errc::not_found) WEIR_TRY(check_no_segments(files, directory));
  if (!bytes) return fail(bytes.error());
  auto identity = decode_identity(*bytes);
  if (!identity) identity.error().context = path + ": " + identity.error().context;
  return identity;
}

Result<void> save_identity(FileOps& files, const std::string& directory, const LogIdentity& identity) {
  return replace_file(files, directory, kIdentityName, encode_identity(identity));
}

}  // namespace weir::journal

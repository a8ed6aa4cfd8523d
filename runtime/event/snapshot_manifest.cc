#include "runtime/event/snapshot_manifest.h"

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <charconv>
#include <cstring>
#include <set>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/event/formats.capnp.h"

namespace weir {

namespace {

constexpr std::uint64_t kMagic = 0x3130'4e53'5249'4557;  // "WEIRSN01"
constexpr std::size_t kHead = 24;                        // magic, XXH3-128 of the rest
constexpr std::size_t kNameMax = 255;                    // what file systems take
constexpr std::size_t kIdDigits = 8;

void put(wire::Digest::Builder to, const Digest128& from) {
  to.setLow(from.low);
  to.setHigh(from.high);
}
Digest128 get(wire::Digest::Reader from) { return {from.getLow(), from.getHigh()}; }
std::string get(capnp::Text::Reader from) { return {from.cStr(), from.size()}; }
capnp::Text::Reader text(const std::string& from) { return {from.c_str(), from.size()}; }

/// A name that stays inside the directory it is written to.
bool plain(std::string_view name) {
  return !name.empty() && name.size() <= kNameMax && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

Result<void> check(const SnapshotManifest& manifest) {
  if (manifest.files.empty()) return fail(Errc::state_damaged, "the manifest names no file");
  std::set<std::string_view> names;
  for (const SnapshotFile& file : manifest.files) {
    if (!plain(file.name)) return fail(Errc::state_damaged, "the manifest names a file '{}' that cannot be one of a state", file.name);
    if (!names.insert(file.name).second) return fail(Errc::state_damaged, "the manifest names the file '{}' twice", file.name);
  }
  return {};
}

SnapshotManifest read(wire::SnapshotManifest::Reader root) {
  SnapshotManifest manifest;
  manifest.pipeline = get(root.getPipeline());
  manifest.partition = PartitionId{root.getPartition()};
  manifest.log_id = get(root.getLogId());
  manifest.sequence = CommitSequence{root.getSequence()};
  manifest.committed = Offset{root.getCommitted()};
  manifest.epoch = Epoch{root.getEpoch()};
  manifest.partition_time = root.getPartitionTime();
  manifest.rules_hash = get(root.getRulesHash());
  manifest.created_at = root.getCreatedAt();
  manifest.wall_hash = get(root.getWallHash());
  for (const auto view : root.getViews()) manifest.views.push_back({get(view.getName()), get(view.getHash())});
  manifest.state_format = root.getStateFormat();
  manifest.digest_version = root.getDigestVersion();
  manifest.state_digest = get(root.getStateDigest());
  manifest.answer_digest = get(root.getAnswerDigest());
  for (const auto file : root.getFiles()) manifest.files.push_back({get(file.getName()), file.getSize(), get(file.getChecksum())});
  return manifest;
}

Result<void> check_versions(wire::SnapshotManifest::Reader root) {
  if (root.getFormatVersion() > kSnapshotFormatVersion)
    return fail(Errc::format_newer, "snapshot format {}, this weir reads up to {}: use the weir that wrote it, or a newer one",
                root.getFormatVersion(), kSnapshotFormatVersion);
  if (root.getStateFormat() > kStateFormatVersion)
    return fail(Errc::format_newer, "state format {}, this weir reads up to {}: use the weir that wrote it, or a newer one",
                root.getStateFormat(), kStateFormatVersion);
  return {};
}

}  // namespace

std::string SnapshotManifest::id() const {
  const std::string bytes = encode();
  const Digest128 checksum{load<std::uint64_t>(bytes.data() + 8), load<std::uint64_t>(bytes.data() + 16)};
  return fmt::format("{}-{}-{}", partition.value, sequence.value, to_hex(checksum).substr(0, kIdDigits));
}

std::uint64_t SnapshotManifest::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const SnapshotFile& file : files) sum += file.size;
  return sum;
}

std::string SnapshotManifest::encode() const {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::SnapshotManifest>();
  root.setFormatVersion(kSnapshotFormatVersion);
  root.setPipeline(text(pipeline));
  root.setPartition(partition.value);
  put(root.initLogId(), log_id);
  root.setSequence(sequence.value);
  root.setCommitted(committed.value);
  root.setEpoch(epoch.value);
  root.setPartitionTime(partition_time);
  root.setCreatedAt(created_at);
  put(root.initWallHash(), wall_hash);
  put(root.initRulesHash(), rules_hash);
  auto view_list = root.initViews(static_cast<unsigned>(views.size()));
  for (unsigned i = 0; i < view_list.size(); ++i) {
    view_list[i].setName(text(views[i].name));
    put(view_list[i].initHash(), views[i].hash);
  }
  root.setStateFormat(state_format);
  root.setDigestVersion(digest_version);
  put(root.initStateDigest(), state_digest);
  put(root.initAnswerDigest(), answer_digest);
  auto file_list = root.initFiles(static_cast<unsigned>(files.size()));
  for (unsigned i = 0; i < file_list.size(); ++i) {
    file_list[i].setName(text(files[i].name));
    file_list[i].setSize(files[i].size);
    put(file_list[i].initChecksum(), files[i].checksum);
  }
  const auto words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  std::string out(kHead, '\0');
  out.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  const Digest128 checksum = xxh3_128(std::string_view(out).substr(kHead));
  store(out.data(), kMagic);
  store(out.data() + 8, checksum.low);
  store(out.data() + 16, checksum.high);
  return out;
}

Result<SnapshotManifest> SnapshotManifest::decode(std::string_view bytes) {
  if (bytes.size() <= kHead || load<std::uint64_t>(bytes.data()) != kMagic || (bytes.size() - kHead) % sizeof(capnp::word) != 0)
    return fail(Errc::state_damaged, "no manifest of a snapshot");
  const std::string_view body = bytes.substr(kHead);
  if (xxh3_128(body) != Digest128{load<std::uint64_t>(bytes.data() + 8), load<std::uint64_t>(bytes.data() + 16)})
    return fail(Errc::state_damaged, "the checksum of the manifest does not match");
  try {
    auto words = kj::heapArray<capnp::word>(body.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), body.data(), body.size());
    capnp::ReaderOptions limits;
    limits.traversalLimitInWords = 4 * words.size() + 64;
    limits.nestingLimit = 16;
    capnp::FlatArrayMessageReader reader(words, limits);
    const auto root = reader.getRoot<wire::SnapshotManifest>();
    WEIR_TRY(check_versions(root));
    SnapshotManifest manifest = read(root);
    WEIR_TRY(check(manifest));
    return manifest;
  } catch (const kj::Exception& e) {
    return fail(Errc::state_damaged, "the manifest cannot be read: {}", e.getDescription().cStr());
  }
}

std::optional<SnapshotName> parse_snapshot_id(std::string_view id) noexcept {
  const std::size_t first = id.find('-');
  const std::size_t second = first == std::string_view::npos ? first : id.find('-', first + 1);
  if (second == std::string_view::npos || id.size() - second - 1 != kIdDigits) return std::nullopt;
  const auto number = [](std::string_view digits, auto& to) {
    if (digits.empty() || (digits.size() > 1 && digits.front() == '0')) return false;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), to);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  SnapshotName name;
  if (!number(id.substr(0, first), name.partition.value) || !number(id.substr(first + 1, second - first - 1), name.sequence.value))
    return std::nullopt;
  if (id.substr(second + 1).find_first_not_of("0123456789abcdef") != std::string_view::npos) return std::nullopt;
  return name;
}

}  // namespace weir

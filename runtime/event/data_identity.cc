#include "runtime/event/data_identity.h"

#include <charconv>

#include <capnp/message.h>
#include <capnp/serialize.h>
#include <kj/exception.h>

#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/event/formats.capnp.h"

namespace weir {

namespace {
constexpr std::uint64_t kMagic = 0x3130'4449'5249'4557;  // "WEIRID01"
constexpr std::size_t kHead = 24;                        // magic, XXH3-128 of the rest
}  // namespace

std::string DataIdentity::encode() const {
  capnp::MallocMessageBuilder message;
  auto root = message.initRoot<wire::DataIdentity>();
  root.setFormatVersion(format_version);
  root.setPipeline(pipeline);
  root.setPartitions(partitions);
  const Digest128 hash = xxh3_128(wall_text);
  root.initWallHash().setLow(hash.low);
  root.getWallHash().setHigh(hash.high);
  root.initLogId().setLow(log_id.low);
  root.getLogId().setHigh(log_id.high);
  root.setCreatedAt(created_at);
  root.setWallText(wall_text);
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

Result<DataIdentity> DataIdentity::decode(std::string_view bytes) {
  if (bytes.size() < kHead || load<std::uint64_t>(bytes.data()) != kMagic ||
      (bytes.size() - kHead) % sizeof(capnp::word) != 0)
    return fail(Errc::state_damaged, "not an identity file of weir");
  const std::string_view body = bytes.substr(kHead);
  if (xxh3_128(body) != Digest128{load<std::uint64_t>(bytes.data() + 8), load<std::uint64_t>(bytes.data() + 16)})
    return fail(Errc::state_damaged, "the checksum of the identity file does not match");
  try {
    auto words = kj::heapArray<capnp::word>(body.size() / sizeof(capnp::word));
    std::memcpy(words.begin(), body.data(), body.size());
    capnp::FlatArrayMessageReader reader(words);
    const auto root = reader.getRoot<wire::DataIdentity>();
    DataIdentity identity;
    identity.format_version = root.getFormatVersion();
    if (identity.format_version > kDataFormatVersion)
      return fail(Errc::format_newer,
                  "data format {}, this weir reads up to {}: use the weir that wrote it, or a newer one",
                  identity.format_version, kDataFormatVersion);
    identity.pipeline = root.getPipeline().cStr();
    identity.partitions = root.getPartitions();
    identity.wall_text = root.getWallText().cStr();
    identity.created_at = root.getCreatedAt();
    identity.log_id = {root.getLogId().getLow(), root.getLogId().getHigh()};
    return identity;
  } catch (const kj::Exception& e) {
    return fail(Errc::state_damaged, "the identity file cannot be read: {}", e.getDescription().cStr());
  }
}

namespace {

/// The value of `key` in a wall text (wall_text in runtime/ports/pipeline_config.h): lines of `key=value`. Texts inside
/// carry their length, so a line's end inside one would need a look; ids and names of fields have none.
std::string wall_value(std::string_view wall, std::string_view key) {
  while (!wall.empty()) {
    const std::size_t end = wall.find('\n');
    const std::string_view line = wall.substr(0, end);
    if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
      return std::string(line.substr(key.size() + 1));
    if (end == std::string_view::npos) break;
    wall.remove_prefix(end + 1);
  }
  return {};
}

/// A canonical list of paths ("2 p1 2:id p2 1:a 1:b") as people write it: [id, a.b]. What is no such list stays as it
/// is.
std::string readable_paths(std::string_view text) {
  std::vector<std::string> paths;
  std::size_t at = text.find(' ');
  while (at != std::string_view::npos && at + 1 < text.size()) {
    ++at;
    const bool begins = text[at] == 'p' || text[at] == 'e';
    if (begins) {
      paths.emplace_back();
      at = text.find(' ', at);
      continue;
    }
    const std::size_t colon = text.find(':', at);
    if (colon == std::string_view::npos || paths.empty()) return std::string(text);
    std::size_t length = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + colon, length);
    if (error != std::errc{} || end != text.data() + colon || colon + 1 + length > text.size())
      return std::string(text);
    if (!paths.back().empty()) paths.back() += '.';
    paths.back().append(text.substr(colon + 1, length));
    at = colon + 1 + length;
    if (at >= text.size()) break;
  }
  if (paths.empty()) return std::string(text);
  std::string out;
  for (const std::string& path : paths) out += (out.empty() ? "" : ", ") + path;
  return "[" + out + "]";
}

constexpr std::string_view kAnew = "or start a new directory and ingest again";

}  // namespace

std::vector<IdentityDifference> identity_differences(const DataIdentity& stored, const DataIdentity& wanted) {
  std::vector<IdentityDifference> out;
  if (stored.pipeline != wanted.pipeline)
    return {{"pipeline", stored.pipeline, wanted.pipeline, "the data belongs to another pipeline",
             "give each pipeline a directory of its own"}};
  if (stored.partitions != wanted.partitions)
    out.push_back({"partitions", std::to_string(stored.partitions), std::to_string(wanted.partitions),
                   "the number decides where every event lies",
                   fmt::format("write {} back, {}", stored.partitions, kAnew)});
  const std::string id = wall_value(stored.wall_text, "id"), wanted_id = wall_value(wanted.wall_text, "id");
  if (id != wanted_id)
    out.push_back({"record.id", readable_paths(id), readable_paths(wanted_id),
                   "ids decide where events lie and what is a repeat",
                   fmt::format("write {} back, {}", readable_paths(id), kAnew)});
  struct Part {
    const char* key;
    const char* what;
    const char* why;
  };
  for (const Part& part : {Part{"partition_by", "partition_by", "it decides where every event lies"},
                           Part{"dedupe_key", "dedupe key", "it decides what is a repeat"},
                           Part{"formats", "stored formats", "this weir cannot read what is stored"}}) {
    const std::string before = wall_value(stored.wall_text, part.key), now = wall_value(wanted.wall_text, part.key);
    if (before != now)
      out.push_back({part.what, before, now, part.why, fmt::format("use the weir that wrote the data, {}", kAnew)});
  }
  if (out.empty() && stored.wall_text != wanted.wall_text)
    out.push_back({"the pipeline's wall text", stored.wall_text, wanted.wall_text, "it may never change",
                   fmt::format("write it back, {}", kAnew)});
  return out;
}

Result<void> check_identity(const DataIdentity& stored, const DataIdentity& wanted) {
  std::string text;
  for (const IdentityDifference& difference : identity_differences(stored, wanted))
    text += fmt::format("{}{} cannot change from {} to {} under existing data ({}): {}", text.empty() ? "" : "\n",
                        difference.what, difference.stored, difference.wanted, difference.why, difference.todo);
  if (text.empty()) return {};
  return fail(Errc::data_foreign, "{}", text);
}

}  // namespace weir

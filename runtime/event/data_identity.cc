#include "runtime/event/data_identity.h"

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
  if (bytes.size() < kHead || load<std::uint64_t>(bytes.data()) != kMagic || (bytes.size() - kHead) % sizeof(capnp::word) != 0)
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
      return fail(Errc::format_newer, "data format {}, this weir reads up to {}: use the weir that wrote it, or a newer one",
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

Result<void> check_identity(const DataIdentity& stored, const DataIdentity& wanted) {
  if (stored.pipeline != wanted.pipeline)
    return fail(Errc::data_foreign, "the data belongs to pipeline '{}', not '{}': give each pipeline a directory of its own", stored.pipeline,
                wanted.pipeline);
  if (stored.partitions != wanted.partitions)
    return fail(Errc::data_foreign,
                "the data has {} partitions, the pipeline file says {}: the number cannot change under existing data; write {} back, or "
                "start a new directory and ingest again",
                stored.partitions, wanted.partitions, stored.partitions);
  if (stored.wall_text != wanted.wall_text)
    return fail(Errc::data_foreign,
                "what may never change under existing data has changed: stored {}; now {}: write it back, or start a new directory and "
                "ingest again",
                stored.wall_text, wanted.wall_text);
  return {};
}

}  // namespace weir

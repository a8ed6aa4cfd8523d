#include "actors/doors/router.h"

#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

namespace {
EventIdRule with_source(EventIdRule rule, const std::string& door) {
  rule.source = door;
  return rule;
}
}  // namespace

Router::Router(RouterConfig config) : config_(std::move(config)), finder_(with_source(config_.id, config_.door)) {
  INVARIANT(config_.partitions != 0, "a pipeline has at least one partition");
  INVARIANT(config_.door.size() <= 1024, "a door's name is at most 1 KiB");
  builders_.reserve(config_.partitions);
  for (std::uint32_t i = 0; i < config_.partitions; ++i) builders_.emplace_back(config_.batch_events_max);
}

std::vector<std::string> Router::set_csv_header(std::string_view header, const std::vector<std::string>& columns) {
  INVARIANT(empty(), "records under an older header are taken before a new one");
  csv_header_ = header;
  return finder_.set_csv_columns(columns, config_.separator);
}

EventIdFinder::Id Router::id_of(const Frame& frame) {
  const auto id = config_.format == FrameFormat::csv ? finder_.csv(frame.raw) : finder_.json(frame.raw);
  // The digest of a cut frame is that of all its bytes, not of those that were kept.
  if (!frame.digest.empty() && (id.flags & frame_flag::id_digest) != 0) return finder_.digest(frame.digest);
  return id;
}

bool Router::add(const Frame& frame) {
  INVARIANT(!ready_, "a group that is ready is taken before more is added");
  const EventIdFinder::Id id = id_of(frame);
  IngestBatchBuilder& builder = builders_[partition_of(id.text, config_.partitions).value];
  builder.add({frame.raw, id.text, static_cast<std::uint16_t>(frame.flags | id.flags), frame.note, frame.line});
  ++events_;
  bytes_ += frame.raw.size() + sizeof(FrameEntry);
  ready_ = builder.full() || bytes_ >= config_.group_bytes_max;
  return ready_;
}

AppendGroup Router::take(UnixMicros accepted_at) {
  INVARIANT(!empty(), "only what was collected can be taken");
  AppendGroup group;
  IngestHeader header;
  header.format = config_.format;
  header.accepted_at = accepted_at;
  header.door = config_.door;
  header.csv_header = csv_header_;
  for (std::uint32_t i = 0; i < config_.partitions; ++i) {
    if (builders_[i].count() == 0) continue;
    const std::uint32_t count = builders_[i].count();
    group.batches.push_back({PartitionId{i}, count, builders_[i].finish(header)});
  }
  events_ = 0;
  bytes_ = 0;
  ready_ = false;
  return group;
}

}  // namespace weir

#include "tests/bench/roofline/packed_output.h"

#include <capnp/message.h>
#include <capnp/serialize.h>

#include <cstring>

#include "runtime/event/formats.capnp.h"

namespace weir::roofline {

namespace {

// The layout of a packed batch's header and of a body's prefix, as commit_body.cc writes them.
constexpr std::uint32_t kBatchMagic = 0x31424f57;  // "WOB1"
constexpr std::uint32_t kBodyMagic = 0x31424357;   // "WCB1"
struct WireBatch {
  std::uint32_t magic = kBatchMagic;
  std::uint16_t version = 1;
  std::uint16_t attributes = 1;
  std::uint32_t size = 0;
  std::uint32_t area_length = 0;
  std::uint64_t first_offset = 0;
  std::uint32_t outcomes = 0;
  std::uint32_t records = 0;
  std::uint32_t letters = 0;
  std::uint32_t offsets = 0;
  std::uint64_t reserved[3] = {};
};
static_assert(sizeof(WireBatch) == 64);

constexpr std::string_view kType = "order";

}  // namespace

void PackedOutput::begin(std::uint64_t first, std::string_view source) {
  first_ = first;
  static_cast<void>(bytes_.extend(sizeof(WireBatch)));
  area_ = bytes_.size();
  static_cast<void>(put(kType));
  source_ = put(source);
  source_length_ = static_cast<std::uint16_t>(source.size());
}

std::uint32_t PackedOutput::put(std::string_view text) {
  return static_cast<std::uint32_t>(bytes_.append(text) - area_);
}

void PackedOutput::served(const OutcomeEntry& head, std::size_t payload, std::size_t id_at, std::int64_t event_time) {
  const auto place = static_cast<std::uint32_t>(here() - payload);
  const auto index = static_cast<std::uint32_t>(outcomes_.size());
  OutcomeEntry& entry = outcomes_.emplace_back(head);
  entry.outcome = Outcome::served;
  entry.id_offset = place + static_cast<std::uint32_t>(id_at);
  entry.first_record = static_cast<std::uint32_t>(records_.size());
  entry.record_count = 1;
  records_.push_back({event_time, index, place, static_cast<std::uint32_t>(payload), 0, 0});
}

void PackedOutput::duplicate(const OutcomeEntry& head, std::string_view id) {
  OutcomeEntry& entry = outcomes_.emplace_back(head);
  entry.outcome = Outcome::duplicate;
  entry.id_offset = put(id);
  entry.first_record = static_cast<std::uint32_t>(records_.size());
}

void PackedOutput::dead_letter(const OutcomeEntry& head, std::string_view original, std::size_t id_at,
                               std::string_view stage, std::string_view reason, std::string_view details,
                               std::uint64_t line) {
  LetterEntry letter{};
  letter.outcome_index = static_cast<std::uint32_t>(outcomes_.size());
  letter.original_offset = put(original);
  letter.original_length = static_cast<std::uint32_t>(original.size());
  letter.details_offset = put(details);
  letter.details_length = static_cast<std::uint32_t>(details.size());
  letter.door_offset = source_;
  letter.door_length = source_length_;
  letter.attempts = 1;
  letter.stage_offset = put(stage);
  letter.stage_length = static_cast<std::uint16_t>(stage.size());
  letter.reason_offset = put(reason);
  letter.reason_length = static_cast<std::uint16_t>(reason.size());
  letter.format = 1;
  letter.line = line;
  OutcomeEntry& entry = outcomes_.emplace_back(head);
  entry.outcome = Outcome::dead_lettered;
  entry.id_offset = letter.original_offset + static_cast<std::uint32_t>(id_at);
  entry.first_record = static_cast<std::uint32_t>(letters_.size());
  letters_.push_back(letter);
}

void PackedOutput::end() {
  bytes_.align(8);
  WireBatch wire;
  wire.area_length = here();
  wire.first_offset = first_;
  wire.outcomes = static_cast<std::uint32_t>(outcomes_.size());
  wire.records = static_cast<std::uint32_t>(records_.size());
  wire.letters = static_cast<std::uint32_t>(letters_.size());
  const auto table = [this](const auto& entries) {
    bytes_.append({reinterpret_cast<const char*>(entries.data()), entries.size() * sizeof(entries[0])});
  };
  table(outcomes_);
  table(records_);
  table(letters_);
  AttributeEntry attributes{};
  attributes.type_length = kType.size();
  attributes.source_offset = source_;
  attributes.source_length = source_length_;
  bytes_.append({reinterpret_cast<const char*>(&attributes), sizeof attributes});
  const std::size_t start = area_ - sizeof(WireBatch);
  wire.size = static_cast<std::uint32_t>(bytes_.size() - start);
  std::memcpy(bytes_.data() + start, &wire, sizeof wire);
  outcomes_.clear();
  records_.clear();
  letters_.clear();
  ++batches_;
}

std::string_view PackedOutput::head(CommitMeta& meta) {
  capnp::word scratch[128] = {};
  capnp::MallocMessageBuilder message{kj::ArrayPtr<capnp::word>(scratch, 128)};
  auto root = message.initRoot<wire::CommitMeta>();
  root.setIncarnation(meta.incarnation);
  root.setPartitionTime(meta.partition_time);
  auto ledger = root.initLedger();
  ledger.setServed(meta.ledger.served);
  ledger.setDuplicate(meta.ledger.duplicate);
  ledger.setDeadLettered(meta.ledger.dead_lettered);
  ledger.setRecords(meta.ledger.records);
  ledger.setConflicts(meta.ledger.conflicts);
  auto sum = root.initStateSum();
  sum.setLow(meta.state_sum.low);
  sum.setHigh(meta.state_sum.high);
  root.setEventTimeMax(meta.event_time_max);
  root.setBatches(batches_);
  root.setCommittedAt(meta.committed_at);
  const kj::Array<capnp::word> words = capnp::messageToFlatArray(message);
  const auto bytes = words.asBytes();
  head_.resize(8);
  store(head_.data(), kBodyMagic);
  store(head_.data() + 4, static_cast<std::uint32_t>(words.size()));
  head_.append(reinterpret_cast<const char*>(bytes.begin()), bytes.size());
  return head_;
}

void PackedOutput::clear() {
  bytes_.clear();
  batches_ = 0;
}

}  // namespace weir::roofline

#include "runtime/engine/audit.h"

#include <algorithm>
#include <limits>
#include <map>

#include <fmt/format.h>

#include "runtime/base/base64.h"
#include "runtime/base/bytes.h"
#include "runtime/base/hash.h"
#include "runtime/base/json_text.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/letters.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

// at, 8 | length of who, 4 | length of id, 4 | who | id | the record. Little-endian. Part of the stored format.
constexpr std::size_t kHead = 16;

std::string audit_key(CommitSequence sequence, std::uint32_t number) {
  KeyBuffer key;
  key.append(key_space::audit);
  append_offset(key, Offset{sequence.value});
  for (int shift = 24; shift >= 0; shift -= 8) key.append(static_cast<char>(number >> shift & 0xff));
  return std::string(key.view());
}

std::string payload_json(std::string_view name, std::string_view bytes) {
  if (is_valid_utf8(bytes)) return fmt::format(R"("{}":{})", name, to_json_string(bytes));
  return fmt::format(R"("{}_base64":"{}")", name, to_base64(bytes));
}

std::string before_json(const StoredLetter& stored, LetterOrder::Kind kind) {
  std::string json = fmt::format(R"({{"outcome":"dead_lettered","stage":{},"reason":{},"attempts":{},"digest":"{}")", to_json_string(stored.letter.stage),
                                 to_json_string(stored.letter.reason), stored.letter.attempts, to_hex(xxh3_128(given_bytes(stored.letter))));
  if (!stored.letter.edited.empty()) json += R"(,"edited":true)";
  if (kind == LetterOrder::Kind::edit) json += "," + payload_json("payload", given_bytes(stored.letter));
  return json + "}";
}

std::string after_json(const OutcomeBatch& batch, std::uint32_t index, LetterOrder::Kind kind) {
  const OutcomeEntry& outcome = batch.outcome(index);
  std::string json = fmt::format(R"({{"outcome":"{}")", to_string(outcome.outcome));
  if (outcome.outcome == Outcome::retrying || outcome.outcome == Outcome::dead_lettered) {
    const LetterView letter = batch.letter(outcome.first_record);
    json += fmt::format(R"(,"digest":"{}")", to_hex(xxh3_128(given_bytes(letter))));
    if (kind == LetterOrder::Kind::edit) json += "," + payload_json("payload", given_bytes(letter));
  }
  return json + "}";
}

/// Where the outcomes of letters stand that the orders changed.
struct Changed {
  const OutcomeBatch* batch;
  std::uint32_t index;
};
std::map<Offset, Changed> changed_by(const CommitBody& body) {
  std::map<Offset, Changed> changed;
  for (const OutcomeBatch& batch : body.batches) {
    for (std::uint32_t i = 0; batch.redecided() && i < batch.outcomes(); ++i) {
      if ((batch.outcome(i).flags & outcome_flag::from_letter) != 0) changed[batch.offset(i)] = {&batch, i};
    }
  }
  return changed;
}

/// Views into the bytes it was read from.
struct Record {
  AuditPlace place;
  std::string_view who, id, json;
};

Result<Record> read_record(PartitionId partition, std::string_view key, std::string_view bytes) {
  const auto damaged = [&] { return fail(Errc::state_damaged, "partition {}: an audit record of {} bytes is damaged", partition.value, bytes.size()); };
  if (key.size() != 13 || bytes.size() < kHead) return damaged();
  Record record;
  record.place.at = load<std::int64_t>(bytes.data());
  record.place.partition = partition;
  const auto sequence = offset_at_end(key.substr(0, 9));
  if (!sequence) return damaged();
  record.place.sequence = CommitSequence{sequence->value};
  for (const char byte : key.substr(9)) record.place.number = record.place.number << 8 | static_cast<std::uint8_t>(byte);
  const std::size_t who = load<std::uint32_t>(bytes.data() + 8);
  const std::size_t id = load<std::uint32_t>(bytes.data() + 12);
  if (who > bytes.size() - kHead || id > bytes.size() - kHead - who) return damaged();
  record.who = bytes.substr(kHead, who);
  record.id = bytes.substr(kHead + who, id);
  record.json = bytes.substr(kHead + who + id);
  return record;
}

bool matches(const Record& record, const AuditFilter& filter) {
  return (!filter.id || record.id == *filter.id) && (!filter.who || record.who == *filter.who) && (!filter.from || record.place.at >= *filter.from) &&
         (!filter.to || record.place.at < *filter.to) && (!filter.after || record.place > *filter.after);
}

}  // namespace

Result<void> apply_audit(PartitionId partition, CommitSequence sequence, const CommitBody& body, Delta& delta,
                         const std::function<Result<std::optional<std::string>>(std::string_view key)>& current) {
  if (body.orders.empty()) return {};
  const std::map<Offset, Changed> changed = changed_by(body);
  std::uint32_t number = 0;
  for (const LetterOrder& order : body.orders) {
    for (const Offset offset : order.offsets) {
      const auto found = changed.find(offset);
      if (found == changed.end()) return fail(Errc::log_damaged, "commit {}: an order for offset {} that it does not change", sequence.value, offset.value);
      WEIR_ASSIGN(const auto bytes, current(letter_key(offset)));
      if (!bytes) return fail(Errc::state_damaged, "commit {}: an order for offset {}, where no dead letter is", sequence.value, offset.value);
      WEIR_ASSIGN(const StoredLetter before, decode_letter(*bytes));
      const std::string json = fmt::format(
          R"({{"at":"{}","change":"{}","who":{},"role":{},"why":{},"id":{},"partition":{},"offset":{},"commit":{},"before":{},"after":{}}})",
          to_rfc3339(body.meta.committed_at), to_string(order.kind), to_json_string(order.who), to_json_string(order.role), to_json_string(order.why),
          to_json_string(before.id), partition.value, offset.value, sequence.value, before_json(before, order.kind),
          after_json(*found->second.batch, found->second.index, order.kind));
      std::string value(kHead, '\0');
      store(value.data(), body.meta.committed_at);
      store(value.data() + 8, static_cast<std::uint32_t>(order.who.size()));
      store(value.data() + 12, static_cast<std::uint32_t>(before.id.size()));
      value.append(order.who).append(before.id).append(json);
      delta.put(audit_key(sequence, number++), value);
    }
  }
  return {};
}

Result<std::optional<AuditPlace>> query_audit(const std::vector<PartitionPicture>& partitions, const AuditFilter& filter,
                                              const std::function<bool(std::string_view json)>& visit) {
  // Of each partition no more than the limit are the oldest of all. Only places are kept: a record may hold the bytes of two frames.
  const std::size_t most = filter.limit == 0 ? std::numeric_limits<std::size_t>::max() : filter.limit + 1;
  std::map<AuditPlace, const PartitionPicture*> places;
  for (const PartitionPicture& partition : partitions) {
    Result<void> good;
    const std::string prefix(1, key_space::audit);
    WEIR_TRY(partition.state->scan(prefix, prefix_end(prefix), [&](std::string_view key, std::string_view bytes) {
      const auto record = read_record(partition.partition, key, bytes);
      if (!record) {
        good = fail(record.error());
        return false;
      }
      if (!matches(*record, filter)) return true;
      places.emplace(record->place, &partition);
      if (places.size() > most) places.erase(std::prev(places.end()));
      return true;
    }));
    WEIR_TRY(good);
  }
  std::uint64_t given = 0;
  for (auto at = places.begin(); at != places.end(); ++at) {
    const auto& [place, partition] = *at;
    const std::string key = audit_key(place.sequence, place.number);
    WEIR_ASSIGN(const auto bytes, partition->state->get(key));
    if (!bytes) return fail(Errc::state_damaged, "partition {}: the audit record of commit {} is missing", place.partition.value, place.sequence.value);
    WEIR_ASSIGN(const Record record, read_record(place.partition, key, *bytes));
    const bool go_on = visit(record.json) && ++given != filter.limit;
    if (!go_on) return std::next(at) == places.end() ? std::nullopt : std::optional(place);
  }
  return std::optional<AuditPlace>{};
}

}  // namespace weir

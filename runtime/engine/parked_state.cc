#include "runtime/engine/parked_state.h"

#include <array>

#include "runtime/base/bytes.h"
#include "runtime/base/fail_point.h"
#include "runtime/engine/view_key.h"

namespace weir {

namespace {

// version | 1: held, 2: behind its id | frame flags, 2 | attempts, 4 | format, 4 | line, 8 | accepted at, 8 | digest, 16 | first at, 8 | due at, 8 |
// lengths of nine texts, 4 each | the texts. Little-endian. Part of the stored format.
constexpr char kVersion = 1;
constexpr std::size_t kTexts = 9;
constexpr std::size_t kLengths = 60;
constexpr std::size_t kFixed = kLengths + 4 * kTexts;

/// In the order in which they are stored.
template <class Event>
auto texts_of(Event& event) {
  return std::array{&event.id, &event.key, &event.door, &event.stage, &event.reason, &event.details, &event.csv_header, &event.original, &event.edited};
}

}  // namespace

std::string encode_parked(const ParkedEvent& event) {
  std::string bytes(kFixed, '\0');
  char* at = bytes.data();
  at[0] = kVersion;
  at[1] = static_cast<char>((event.held ? 1 : 0) | (event.behind_id ? 2 : 0));
  store(at + 2, event.frame_flags);
  store(at + 4, event.attempts);
  store(at + 8, event.format);
  store(at + 12, event.line);
  store(at + 20, event.accepted_at);
  store(at + 28, event.digest.low);
  store(at + 36, event.digest.high);
  store(at + 44, event.first_at);
  store(at + 52, event.due_at);
  const auto texts = texts_of(event);
  for (std::size_t i = 0; i < kTexts; ++i) store(at + kLengths + 4 * i, static_cast<std::uint32_t>(texts[i]->size()));
  for (const std::string* text : texts) bytes.append(*text);
  return bytes;
}

Result<ParkedEvent> decode_parked(Offset offset, std::string_view bytes) {
  if (bytes.empty()) return fail(Errc::state_damaged, "the parked event of offset {} is empty", offset.value);
  if (bytes[0] != kVersion)
    return fail(Errc::format_newer, "the parked event of offset {} has version {}, this weir reads {}", offset.value, static_cast<int>(bytes[0]),
                static_cast<int>(kVersion));
  if (bytes.size() < kFixed) return fail(Errc::state_damaged, "the parked event of offset {} is cut off at {} bytes", offset.value, bytes.size());
  ParkedEvent event;
  const char* at = bytes.data();
  event.offset = offset;
  event.held = (at[1] & 1) != 0;
  event.behind_id = (at[1] & 2) != 0;
  event.frame_flags = load<std::uint16_t>(at + 2);
  event.attempts = load<std::uint32_t>(at + 4);
  event.format = load<std::uint32_t>(at + 8);
  event.line = load<std::uint64_t>(at + 12);
  event.accepted_at = load<std::int64_t>(at + 20);
  event.digest = {load<std::uint64_t>(at + 28), load<std::uint64_t>(at + 36)};
  event.first_at = load<std::int64_t>(at + 44);
  event.due_at = load<std::int64_t>(at + 52);
  std::string_view rest = bytes.substr(kFixed);
  const auto texts = texts_of(event);
  for (std::size_t i = 0; i < kTexts; ++i) {
    const std::size_t length = load<std::uint32_t>(at + kLengths + 4 * i);
    if (length > rest.size()) return fail(Errc::state_damaged, "the parked event of offset {} has a text that ends behind it", offset.value);
    texts[i]->assign(rest.substr(0, length));
    rest.remove_prefix(length);
  }
  if (!rest.empty()) return fail(Errc::state_damaged, "the parked event of offset {} has {} bytes too many", offset.value, rest.size());
  return event;
}

void apply_parked(const OutcomeBatch& batch, Delta& delta) {
  if (!batch.redecided() && batch.parks() == 0) return;
  for (std::uint32_t i = 0; i < batch.outcomes(); ++i) {
    if (batch.outcome(i).outcome == Outcome::retrying) {
      if (!WEIR_DEFECT("parked_not_flushed")) delta.put(parked_key(batch.offset(i)), encode_parked(parked_event_of(batch, i)));
    } else if (batch.redecided()) {
      delta.erase(parked_key(batch.offset(i)));  // or it was none: a dead letter that was redriven
    }
  }
}

Result<void> read_parked(const StateReader& stored, RetrySet& to) {
  Result<void> good;
  WEIR_TRY(stored.scan(std::string(1, key_space::parked), std::string(1, key_space::parked + 1), [&](std::string_view key, std::string_view bytes) {
    const auto offset = offset_at_end(key);
    auto event = offset ? decode_parked(*offset, bytes) : fail(Errc::state_damaged, "a parked event has no offset");
    good = event ? to.add(std::move(*event)) : fail(std::move(event.error()));
    return good.has_value();
  }));
  return good;
}

}  // namespace weir

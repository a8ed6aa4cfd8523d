// What weir does for a plugin while it makes what the plugin has, decides an event, writes, reads or adds a record: the functions of weir_host.
#pragma once
#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/abi.h>

#include "runtime/base/ids.h"
#include "runtime/engine/field_ref.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/field_plan.h"
#include "runtime/ports/plugin_kinds.h"
#include "runtime/ports/record_source.h"

/// The fields of a stage, or of who only reads records.
struct weir_fields {
  weir::FieldPlan* plan = nullptr;     // null: of who only reads records
  std::vector<weir::FieldRef> fields;  // by the numbers that the plugin gets
  std::vector<weir::Slot> written;     // likewise; kNoSlot: only read
  std::vector<weir::FieldPath> paths;  // likewise, in place of both, of who only reads records
  std::string wrong;                   // what was wrong with a path
};

namespace weir {

class PendingMail;

/// What a plugin did with one event. Reused.
struct PluginAnswer {
  std::uint32_t verdict = WEIR_PASS;
  std::string reason, detail;
  std::string mistake;  // of the plugin; empty: none
  std::string no_text;  // the field it gave a text that is not UTF-8; empty: none
  bool too_many = false;
};

/// A record, or a dead letter, that a plugin only reads.
struct PluginRecord {
  std::string_view payload;  // a JSON object, of `arena`; of a view empty
  std::string_view id, type, source;
  std::int64_t event_time = 0;
  PartitionId partition;
  ChainArena* arena = nullptr;
  std::span<const std::string_view> tokens;  // of a view, by the numbers that the plugin gets, in place of the payload
};

}  // namespace weir

/// What a plugin shows of a row.
struct weir_row {
  std::vector<std::string> tokens;  // one for each column
  std::string mistake;              // of the plugin; empty: none
};

/// An event that a plugin has in its hands, or one of its parts.
struct weir_event {
  weir::ChainBatch* batch = nullptr;
  weir::ChainEvent* event = nullptr;  // of a part: &part
  const weir_fields* fields = nullptr;
  weir::PluginAnswer* answer = nullptr;  // of the event; its parts have the same
  bool splits = false;
  std::deque<weir_event>* parts = nullptr;  // of an event, where its parts go; of a part: null
  weir::ChainEvent part;
  const weir::PluginRecord* record = nullptr;  // then nothing of the above but `fields` is there
  const std::shared_ptr<weir::PendingMail>* mail = nullptr;  // of an event that may wait for its answer: where that goes
  std::uint64_t ticket = 0;                                  // likewise: whose it is
  bool completing = false;                                   // a completion was made for it
};

/// What one poll of a source gives.
struct weir_source_out {
  std::vector<weir::PolledRecord> records;
  std::size_t bytes = 0;
  std::string mistake;  // of the plugin; empty: none
};

namespace weir {

/// One for all plugins of the process.
[[nodiscard]] const weir_host& plugin_host();

/// Where a plugin says why it could not; its text is cut off behind that.
struct PluginMessage {
  std::array<char, 1'024> text;
  weir_message raw{text.data(), text.size(), 0};
  [[nodiscard]] std::string_view view() const { return {text.data(), std::min(static_cast<std::size_t>(raw.size), text.size())}; }
};

/// What a plugin says, for people: on one line, as UTF-8.
[[nodiscard]] std::string shown(std::string_view said);

/// For `create` of a kind: `values` must outlive what is made of them.
[[nodiscard]] std::vector<weir_key_value> key_values(const PluginKind& kind, const std::vector<std::string>& values);

}  // namespace weir

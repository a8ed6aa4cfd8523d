// What weir does for a plugin while it makes a stage or decides an event: the functions of weir_host.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <weir/abi.h>

#include "runtime/engine/field_ref.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/field_plan.h"

/// A stage that is being made.
struct weir_fields {
  weir::FieldPlan* plan;
  std::vector<weir::FieldRef> fields;  // by the numbers that the plugin gets
  std::vector<weir::Slot> written;     // likewise; kNoSlot: only read
  std::string wrong;                   // what was wrong with a path
};

namespace weir {

/// What a plugin did with one event. Reused.
struct PluginAnswer {
  std::uint32_t verdict = WEIR_PASS;
  std::string reason, detail;
  std::string mistake;  // of the plugin; empty: none
  std::string no_text;  // the field it gave a text that is not UTF-8; empty: none
  bool too_many = false;
};

}  // namespace weir

/// An event that a plugin has in its hands, or one of its parts.
struct weir_event {
  weir::ChainBatch* batch = nullptr;
  weir::ChainEvent* event = nullptr;  // of a part: &part
  const weir_fields* fields = nullptr;
  weir::PluginAnswer* answer = nullptr;  // of the event; its parts have the same
  bool splits = false;
  std::deque<weir_event>* parts = nullptr;  // of an event, where its parts go; of a part: null
  weir::ChainEvent part;
};

namespace weir {

/// One for all plugins of the process.
[[nodiscard]] const weir_host& plugin_host();

}  // namespace weir

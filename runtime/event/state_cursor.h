// The cursor a state flush carries: how far the state has applied the output log, and with which views.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/base/result.h"
#include "runtime/event/commit_body.h"

namespace weir {

/// One view as this partition's state has it. Field meanings: runtime/event/formats.capnp, ViewState.
struct ViewState {
  std::string name;  // empty: rows of a view that was replaced, being erased
  Digest128 hash;
  std::uint32_t prefix = 0;
  std::int64_t complete_since = kNoTime;
  CommitSequence through;
  std::int64_t dropped_before = kNoTime;
  friend bool operator==(const ViewState&, const ViewState&) = default;
};

struct StateCursor {
  CommitSequence sequence;
  Offset committed;
  Epoch epoch;
  CommitMeta meta;
  Digest128 log_id;
  std::uint64_t flushes = 0;
  std::uint64_t letter_bytes = 0;
  std::vector<ViewState> views;
  friend bool operator==(const StateCursor&, const StateCursor&) = default;

  [[nodiscard]] std::string encode() const;
  /// Errors: state_damaged, format_newer.
  [[nodiscard]] static Result<StateCursor> decode(std::string_view bytes);
};

}  // namespace weir

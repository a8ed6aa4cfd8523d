// What the window's tests have in common: an index nothing of which leaves memory, and stages that the bytes of an event tell what
// to do.
#pragma once
#include <string>

#include "actors/partition/window.h"
#include "tests/support/catch.h"

namespace weir::window_test {

/// Nothing leaves memory in these tests: no flush is ever reported.
class NoReader final : public DedupeReader {
 public:
  Result<DedupeBlock> block(std::uint64_t) const override { return fail(Errc::internal, "nothing was flushed"); }
  Result<std::optional<FoundEntry>> open_letter(std::string_view) const override { return std::optional<FoundEntry>{}; }
};

/// The payload is the raw frame; one that says "huge" does not fit.
class RawEncoder final : public ChainEncoder {
 public:
  bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out, TokenTable*) const override {
    for (const ChainEvent& part : parts) {
      if (part.verdict != Verdict::pass) continue;
      const std::string_view raw = batch.raw(part).raw;
      // Of a split event only the last record shows it: those before it are taken back.
      if (raw.find("huge") != std::string_view::npos && (!part.split || part.part == 2)) return false;
      const std::uint16_t attributes = out.attributes("t", "s");
      out.begin_record().append(std::string(raw) + (part.split ? std::to_string(part.part) : ""));
      out.end_record(part.event_time, attributes);
    }
    return true;
  }
  std::shared_ptr<TokenTable> token_table() const override { return nullptr; }
};

/// The event time stands behind the last colon; a frame that says "torn" cannot be read and so has none.
inline std::int64_t time_of(std::string_view raw) { return std::stoll(std::string(raw.substr(raw.rfind(':') + 1))); }

inline std::shared_ptr<const RulesVersion> version_of(const ChainEncoder& encoder, Digest128 hash = {}) {
  return std::make_shared<RulesVersion>(RulesVersion{hash, {std::shared_ptr<void>(), &encoder}});
}

/// What the stages of these tests do: decided by the bytes alone. "split" makes three parts, of which one "less" leaves out
/// the middle one and one "worse" rejects the last.
inline void run_stages(ChainBatch& batch) {
  const FieldPlan plan;
  ChainSplit split(batch, plan);
  for (ChainEvent& event : batch.events()) {
    const std::string_view raw = batch.raw(event).raw;
    if (raw.find("split") == std::string_view::npos) {
      split.keep(event);
      continue;
    }
    for (int i = 0; i < 3; ++i) {
      ChainEvent* const part = split.add_part(event);
      REQUIRE(part != nullptr);
      if (i == 1 && raw.find("less") != std::string_view::npos) batch.filter(*part);
      if (i == 2 && raw.find("worse") != std::string_view::npos) batch.reject(*part, "transform", "field_type", "worse");
    }
  }
  split.finish();
  for (ChainEvent& event : batch.events()) {
    const std::string_view raw = batch.raw(event).raw;
    if (raw.find("torn") != std::string_view::npos) {
      batch.reject(event, "parse", "time", "torn");
      continue;
    }
    event.event_time = time_of(raw);
    if (raw.find("bad") != std::string_view::npos) batch.reject(event, "validate", "field_range", "bad");
    if (raw.find("skip") != std::string_view::npos) batch.filter(event);
  }
}

}  // namespace weir::window_test

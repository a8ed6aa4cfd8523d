// Commits for sinks to read, and a pipeline with one sink.
#pragma once
#include <fmt/format.h>

#include <string>
#include <vector>

#include "runtime/event/commit_body.h"
#include "runtime/event/log_records.h"
#include "runtime/ports/pipeline_config.h"
#include "tests/support/catch.h"

namespace weir::test {

/// 2026-11-27T12:00:00Z.
inline constexpr std::int64_t kNoon = 1'795'780'800'000'000;

struct CommittedRecord {
  std::string id;
  std::string payload;
  std::string type = {};
  std::int64_t time = kNoon;
};

/// Commit `sequence` of these records, a dead letter for each payload that is none, made at `committed_at`.
inline CommitRecord commit_of(std::uint64_t sequence, const std::vector<CommittedRecord>& records, std::int64_t committed_at = kNoon, std::uint64_t records_before = 0) {
  OutcomeBatchBuilder out{Offset{(sequence - 1) * 100}};
  CommitBody body;
  body.meta.ledger.records = records_before;
  for (const CommittedRecord& record : records) {
    const OutcomeBatchBuilder::Event event{record.id, {1, 2}, record.time};
    if (!record.payload.starts_with('{')) {
      LetterView letter;
      letter.original = record.payload;
      letter.stage = "validate";
      letter.reason = "field_range";
      letter.details = "[]";
      letter.door = "http";
      out.add(event, Outcome::dead_lettered);
      out.letter(letter);
      continue;
    }
    out.add(event, Outcome::served);
    const std::uint16_t attributes = out.attributes(record.type, "shop");
    out.begin_record().append(record.payload);
    out.end_record(record.time, attributes);
    ++body.meta.ledger.records;
  }
  body.meta.committed_at = committed_at;
  body.batches.push_back(out.finish());
  std::string bytes;
  for (const SharedBytes& piece : body.encode()) bytes += piece.view();
  return {Epoch{1}, CommitSequence{sequence}, Offset{0}, Offset{0}, SharedBytes::copy_of(bytes)};
}

inline PipelineConfig pipeline_with(SinkConfig sink) {
  PipelineConfig pipeline;
  pipeline.name = "p";
  sink.name = "s";
  pipeline.sinks.push_back(std::move(sink));
  return pipeline;
}

}  // namespace weir::test

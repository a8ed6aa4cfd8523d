// How a record or a dead letter is written to a sink: which of them, as which text, into which folder.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/ids.h"
#include "runtime/event/json_tree.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/sinks_config.h"

namespace weir {

struct PlacedLetter;

/// Valid during the call.
struct SinkRecord {
  std::string_view payload;  // a JSON object, one line: the record, or the letter as `weir dlq export` writes it
  std::string_view id;       // of the event
  std::string_view type;
  std::string_view source;
  std::int64_t event_time = 0;  // of a letter: when it was accepted
  PartitionId partition;
  std::uint16_t index = 0;  // of the record within its event
  const PlacedLetter* letter = nullptr;  // of a dead letter
  CommitSequence sequence;
};

/// Not thread-safe. `sink` must outlive it.
class SinkTextWriter {
 public:
  /// `columns`: of CSV, as the cursor has them; empty: learned from the first record.
  SinkTextWriter(const SinkConfig& sink, const PipelineConfig& pipeline, std::vector<std::string> columns);

  /// `when` holds.
  [[nodiscard]] bool wanted(const SinkRecord& record) const;
  /// Appends the record as one line without its end. Of CSV it fixes the columns where they are not known yet.
  void append(const SinkRecord& record, std::string& to);
  /// Appends the folder of partition_by: `date=2026-11-27/Country=France`.
  void append_folder(const SinkRecord& record, std::string& to) const;
  /// Appends what tells this record from all others of the pipeline: the event's id; with `#INDEX` where stages split events; of a letter
  /// its place and the commit that made it.
  void append_id(const SinkRecord& record, std::string& to) const;
  /// Of CSV: the header line without its end; empty before the columns are known.
  [[nodiscard]] std::string header() const;
  /// What has been learned, for the cursor.
  [[nodiscard]] const std::vector<std::string>& learned() const noexcept { return learned_; }

 private:
  void append_csv(const SinkRecord& record, std::string& to);
  void append_cloud_event(const SinkRecord& record, std::string& to) const;
  void learn(std::string_view payload);

  const SinkConfig* sink_;
  std::string pipeline_;
  bool splits_;
  std::vector<SinkFolder> folders_;
  std::vector<FieldPath> columns_;
  std::vector<std::string> learned_;
  JsonTree tree_;
};

}  // namespace weir

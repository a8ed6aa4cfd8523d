// The chain of one pipeline, compiled: how an event is read, which stages it goes through, how its records are written.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/engine/field_ref.h"
#include "runtime/engine/reference_table.h"
#include "runtime/engine/time_reader.h"
#include "runtime/engine/view_set.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/commit_body.h"
#include "runtime/event/field_plan.h"
#include "runtime/event/splice.h"
#include "runtime/event/stage.h"
#include "runtime/ports/pipeline_config.h"
#include "runtime/ports/script.h"

namespace weir {

/// What a stage may ask for while it is compiled.
struct StageContext {
  FieldPlan& fields;
  ReferenceTables& tables;
  const ReadFile& read;  // of other files; only while the stage is compiled
  const ScriptEngine* scripts = nullptr;  // set by the wiring, where stages may have scripts
};
/// Makes the stage of a kind; the wiring knows them all. Errors: config_invalid, or of the tables.
using StageFactory = std::function<Result<std::unique_ptr<Stage>>(const StageConfig& config, StageContext& context)>;

/// Immutable after compile() and shared by all partitions and threads. Every function here is pure.
class ChainPlan {
 public:
  /// `view_paths`: the payload values that views want with every record (ViewSet::paths()).
  /// Errors: config_invalid (time rule), what the stages and their tables say.
  [[nodiscard]] static Result<std::unique_ptr<const ChainPlan>> compile(const PipelineConfig& config,
                                                                        std::span<const FieldPath> view_paths,
                                                                        const StageFactory& factory,
                                                                        const ReadFile& read);

  [[nodiscard]] const FieldPlan& fields() const noexcept { return fields_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Stage>>& stages() const noexcept { return stages_; }
  [[nodiscard]] ParserOptions parser_options() const noexcept { return {csv_separator_}; }

  /// The first step of the chain: reads every event of the batch and its time. `parser` was made with fields() and
  /// parser_options(), for this partition. Rejects, stage "parse": malformed, too_large, encoding, time, and of
  /// CloudEvents field_missing, field_type, field_range for what their envelope lacks.
  void read(ChainBatch& batch, DocumentParser& parser) const;

  /// The last step: the records of one decided event (its parts that pass) into `out`, behind its outcome. False when
  /// they are together longer than event_bytes_max: the caller takes the outcome back (its rows in `places` are taken
  /// back here). `places` may be null, else has one column per view path and gets one row per record.
  [[nodiscard]] bool encode(const ChainBatch& batch, std::span<const ChainEvent> parts, OutcomeBatchBuilder& out,
                            TokenTable* places) const;

 private:
  ChainPlan() = default;
  [[nodiscard]] Result<void> compile_time(const TimeRule& rule);
  [[nodiscard]] bool refused_frame(ChainBatch& batch, ChainEvent& event) const;
  void read_time(ChainBatch& batch, ChainEvent& event) const;
  void read_cloud_time(ChainBatch& batch, ChainEvent& event) const;
  void take_time(ChainBatch& batch, ChainEvent& event, const Value& value) const;
  void reject_frame(ChainBatch& batch, ChainEvent& event, const ParseProblem& problem) const;

  FieldPlan fields_;
  std::vector<std::unique_ptr<Stage>> stages_;
  std::optional<PaddedText> type_;
  bool timed_ = false;  // events have a time of their own
  FieldRef time_field_;
  std::vector<std::string> time_path_;
  TimeReader time_reader_;
  char csv_separator_ = ',';
  std::uint64_t event_bytes_max_ = 0;
  std::vector<Slot> view_notes_;  // per view path, its place in fields().noted()
  Slot id_note_ = kNoSlot;        // likewise of the field that is the id; kNoSlot: it is not one field
};

}  // namespace weir

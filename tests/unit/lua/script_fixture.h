// One script and events in memory: the adapter alone, without stages.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "runtime/adapters/lua/lua_engine.h"
#include "runtime/base/json_text.h"
#include "runtime/event/splice.h"

namespace weir::test {

/// A running script. Every call of run() is a batch of its own.
class Scripted {
 public:
  explicit Scripted(const std::string& text, std::uint64_t instructions_max = ScriptConfig{}.instructions_max,
                    std::uint64_t memory_bytes_max = ScriptConfig{}.memory_bytes_max,
                    ScriptEntry entry = ScriptEntry::transform) {
    auto script = LuaEngine{}.load({"folder/t.lua", instructions_max, memory_bytes_max}, text, entry, plan_);
    if (!script) {
      problem_ = script.error().context;
      return;
    }
    script_ = std::move(*script);
    state_ = script_->start();
    parser_.emplace(plan_);
  }
  /// Why it cannot be read, or "good".
  [[nodiscard]] const std::string& problem() const { return problem_; }

  /// Of each event its records, one a line, or `filtered`, or `script ["why"]`.
  std::vector<std::string> run(const std::vector<std::string>& frames) {
    begin(frames);
    std::vector<std::string> out;
    ScriptAnswer answer;
    for (ChainEvent& event : batch_->events()) {
      state_->transform(*batch_, event, answer);
      fault_ = answer.kind == ScriptAnswer::Kind::fault;
      switch (answer.kind) {
        case ScriptAnswer::Kind::keep:
          out.push_back(record(event.document));
          break;
        case ScriptAnswer::Kind::filter:
          out.emplace_back("filtered");
          break;
        case ScriptAnswer::Kind::reject:
        case ScriptAnswer::Kind::fault:
          out.push_back("script [" + to_json_string(answer.text) + "]");
          break;
        case ScriptAnswer::Kind::split:
          out.emplace_back();
          for (const Document& part : answer.parts) out.back() += (out.back().empty() ? "" : "\n") + record(part);
          break;
      }
    }
    return out;
  }
  std::string one(const std::string& frame) { return run({frame}).front(); }
  /// The last event was a fault, not a refusal.
  [[nodiscard]] bool fault() const { return fault_; }

  ScriptViolations violations(const std::string& frame) {
    begin({frame});
    ScriptViolations found;
    state_->validate(*batch_, batch_->events().front(), found);
    return found;
  }

 private:
  void begin(const std::vector<std::string>& frames) {
    IngestBatchBuilder builder;
    std::size_t serial = 0;
    for (const std::string& frame : frames) {
      const std::string id = "id-" + std::to_string(serial++);
      builder.add({frame, id, 0, {}, serial});
    }
    IngestHeader header;
    header.format = FrameFormat::json;
    header.accepted_at = 1'000'000;
    header.door = "file:test";
    batch_->begin(IngestBatch::decode(builder.finish(header)).value(), PartitionId{3});
    state_->between_batches();
    for (std::uint32_t i = 0; i < frames.size(); ++i) {
      batch_->add(i);
      ChainEvent& event = batch_->events().back();
      ParseProblem problem;
      if (!parser_->parse_json(batch_->raw(event).raw, batch_->arena(), event.document, problem))
        throw std::runtime_error("the frame of a test is broken: " + std::string(problem.what));
    }
  }
  [[nodiscard]] std::string record(const Document& document) const {
    ByteArena out;
    encode_document(document, plan_, out);
    return std::string(out.view());
  }

  FieldPlan plan_;
  std::string problem_ = "good";
  std::unique_ptr<const Script> script_;
  std::unique_ptr<ScriptState> state_;
  std::optional<DocumentParser> parser_;
  std::unique_ptr<ChainBatch> batch_ = std::make_unique<ChainBatch>();
  bool fault_ = false;
};

/// What becomes of one event where the function's body is `body`.
inline std::string body_of(const std::string& body, const std::string& frame) {
  return Scripted("function transform(e) " + body + " end").one(frame);
}
inline std::string problem_of(const std::string& text) {
  return Scripted(text).problem();
}

}  // namespace weir::test

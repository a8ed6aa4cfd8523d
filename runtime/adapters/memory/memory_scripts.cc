#include "runtime/adapters/memory/memory_scripts.h"

#include "runtime/base/bytes.h"
#include "runtime/base/invariant.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/splice.h"

namespace weir {
namespace {

class MemoryScriptState;

class MemoryScript final : public Script {
 public:
  MemoryScript(MemoryScripts::Transform transform, MemoryScripts::Validate validate, const FieldPlan& plan)
      : transform_(std::move(transform)), validate_(std::move(validate)), plan_(plan) {}
  std::unique_ptr<ScriptState> start() const override;

 private:
  friend class MemoryScriptState;
  MemoryScripts::Transform transform_;
  MemoryScripts::Validate validate_;
  const FieldPlan& plan_;
};

class MemoryScriptState final : public ScriptState {
 public:
  explicit MemoryScriptState(const MemoryScript& script) : script_(script), parser_(script.plan_) {}

  void transform(ChainBatch& batch, ChainEvent& event, ScriptAnswer& answer) override {
    const MemoryScripts::Answer given = script_.transform_(record(event));
    answer.kind = given.kind;
    answer.text = batch.arena().copy(given.text);
    answer.parts.clear();
    for (const std::string& text : given.records) {
      Document document;
      ParseProblem problem;
      INVARIANT(parser_.parse_json(batch.arena().copy(text), batch.arena(), document, problem),
                "a test's record is JSON");
      answer.parts.push_back(document);
    }
    if (given.kind != ScriptAnswer::Kind::keep || answer.parts.empty()) return;
    event.document = answer.parts.front();
    answer.parts.clear();
  }
  void validate(ChainBatch&, ChainEvent& event, ScriptViolations& violations) override {
    violations = script_.validate_(record(event));
  }
  void between_batches() override { parser_.between_batches(); }

 private:
  [[nodiscard]] std::string record(const ChainEvent& event) const {
    ByteArena out;
    encode_document(event.document, script_.plan_, out);
    return std::string(out.view());
  }
  const MemoryScript& script_;
  DocumentParser parser_;
};

std::unique_ptr<ScriptState> MemoryScript::start() const {
  return std::make_unique<MemoryScriptState>(*this);
}

}  // namespace

Result<std::unique_ptr<const Script>> MemoryScripts::load(const ScriptConfig& config, std::string_view,
                                                          ScriptEntry entry, FieldPlan& plan) const {
  const auto transform = transforms_.find(config.file);
  const auto validate = validates_.find(config.file);
  if (entry == ScriptEntry::transform && transform != transforms_.end())
    return std::unique_ptr<const Script>(std::make_unique<MemoryScript>(transform->second, Validate{}, plan));
  if (entry == ScriptEntry::validate && validate != validates_.end())
    return std::unique_ptr<const Script>(std::make_unique<MemoryScript>(Transform{}, validate->second, plan));
  return fail(Errc::config_invalid, "{}:1: the file does not define function {}(e)", config.file, to_string(entry));
}

}  // namespace weir

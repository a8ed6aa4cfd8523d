// Scripts of users, and events that they get: what is refused is told why, an answer is legal, and the same in every
// state.
#include <optional>

#include "runtime/adapters/lua/lua_engine.h"
#include "runtime/base/json_text.h"
#include "runtime/event/document_parser.h"
#include "runtime/event/splice.h"
#include "tests/fuzz/target.h"

namespace weir::fuzz {

namespace {

/// The last line that begins so is the event.
constexpr std::string_view kEvent = "\n--{";

constexpr std::size_t kTextMax = kScriptTextMax + std::string_view("…").size();  // which stands for what is cut off

/// What one state makes of one event, as text.
class Once {
 public:
  Once(const Script& script, const FieldPlan& plan, const IngestBatch& input)
      : state_(script.start()), plan_(plan), parser_(plan) {
    batch_.begin(input, PartitionId{3});
    batch_.add(0);
    ParseProblem problem;
    good_ = parser_.parse_json(batch_.raw(event()).raw, batch_.arena(), event().document, problem);
  }
  [[nodiscard]] bool good() const { return good_; }

  std::string transform() {
    ScriptAnswer answer;
    state_->transform(batch_, event(), answer);
    promise(answer.text.size() <= kTextMax && is_valid_utf8(answer.text),
            "a reason is text, not longer than its limit");
    std::string out = std::to_string(static_cast<int>(answer.kind)) + " " + std::string(answer.text);
    if (answer.kind == ScriptAnswer::Kind::keep) out += record(event().document);
    for (const Document& part : answer.parts) out += record(part);
    return out;
  }
  std::string validate() {
    ScriptViolations found;
    state_->validate(batch_, event(), found);
    promise(found.list.size() <= kScriptViolationsMax, "violations have a limit");
    std::string out = found.fault ? "fault" : "done";
    for (const ScriptViolation& one : found.list) {
      promise(one.message.size() <= kTextMax && is_valid_utf8(one.message) && one.rule.size() <= 64,
              "a violation is text, not longer than its limit");
      out += "\n" + one.rule + " " + one.message;
    }
    return out;
  }

 private:
  [[nodiscard]] ChainEvent& event() { return batch_.events().front(); }
  std::string record(const Document& document) {
    ByteArena out;
    encode_document(document, plan_, out);
    const Padded text(out.view());
    static const FieldPlan nothing;
    DocumentParser reader(nothing);
    ChainArena arena;
    Document read;
    ParseProblem problem;
    promise(reader.parse_json(text.view(), arena, read, problem), "what a script leaves is a JSON object");
    return "\n" + std::string(out.view());
  }

  std::unique_ptr<ScriptState> state_;
  const FieldPlan& plan_;
  DocumentParser parser_;
  ChainBatch batch_;
  bool good_ = false;
};

IngestBatch batch_of(std::string_view frame) {
  IngestBatchBuilder builder;
  builder.add({frame, "id", 0, {}, 1});
  return IngestBatch::decode(builder.finish({FrameFormat::json, 1'000'000, 0, "fuzz", {}})).value();
}

}  // namespace

void run(std::string_view input) {
  const std::size_t at = input.rfind(kEvent);
  const std::string_view text = input.substr(0, at);
  const IngestBatch event =
      batch_of(at == std::string_view::npos ? R"({"id":"o1","amount":1.50})" : input.substr(at + kEvent.size() - 1));
  for (const ScriptEntry entry : {ScriptEntry::transform, ScriptEntry::validate}) {
    FieldPlan plan;
    const auto script = LuaEngine{}.load({"t.lua", 20'000, 512 * 1024}, text, entry, plan);
    if (!script) {
      promise(script.error().code == Errc::config_invalid && script.error().context.find("t.lua") != std::string::npos,
              "a script that is refused is told why, and where");
      continue;
    }
    Once first(**script, plan, event), second(**script, plan, event);
    if (!first.good()) return;
    if (entry == ScriptEntry::transform) {
      promise(first.transform() == second.transform(), "an event gets the same answer in every state");
    } else {
      promise(first.validate() == second.validate(), "an event gets the same violations in every state");
    }
  }
}

}  // namespace weir::fuzz

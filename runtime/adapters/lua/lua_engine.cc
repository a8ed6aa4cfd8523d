#include "runtime/adapters/lua/lua_engine.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/adapters/lua/answers.h"
#include "runtime/adapters/lua/field_names.h"
#include "runtime/adapters/lua/sandbox.h"

namespace weir {
namespace {

std::string last_part(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

/// Cut to kScriptTextMax and made valid UTF-8, in the batch's arena.
std::string_view shown(ChainBatch& batch, std::string_view text) {
  return batch.arena().copy(lua::printable(text));
}

struct Program {
  lua::SandboxSource source;
  ScriptConfig config;
  const FieldPlan& plan;
  lua_CFunction job;

  [[nodiscard]] std::unique_ptr<lua::Sandbox> start(std::string& problem) const {
    return std::make_unique<lua::Sandbox>(source, plan, config.memory_bytes_max, job, problem);
  }
};

class LuaState final : public ScriptState {
 public:
  explicit LuaState(std::shared_ptr<const Program> program) : program_(std::move(program)), parser_(program_->plan) {
    renew();
  }

  void transform(ChainBatch& batch, ChainEvent& event, ScriptAnswer& answer) override {
    lua::TransformJob job{batch, event, parser_, answer};
    std::string message;
    if (run(
            &job, [&job] { job.answer.parts.clear(); }, event, message))
      return;
    answer.kind = ScriptAnswer::Kind::fault;
    answer.text = shown(batch, message);
  }

  void validate(ChainBatch& batch, ChainEvent& event, ScriptViolations& violations) override {
    lua::ValidateJob job{batch, event, violations};
    std::string message;
    if (run(
            &job, [&violations] { violations = {}; }, event, message))
      return;
    violations.fault = true;
    violations.list = {{"", "", lua::printable(message)}};
  }

  void between_batches() override { parser_.between_batches(); }

 private:
  /// `reset` undoes what a failed first attempt has put into the job.
  template <class Reset>
  bool run(void* job, Reset reset, ChainEvent& event, std::string& message) {
    using Outcome = lua::Sandbox::Outcome;
    const Document before = event.document;
    if (!fresh_) slots_.assign(event.document.slots, event.document.slots + program_->plan.size());
    reset();
    sandbox_->host().allow_bytes(fresh_);
    Outcome outcome = sandbox_->run(job, program_->config.instructions_max, message);
    if (outcome == Outcome::memory && !fresh_) {
      // What earlier events left behind must not decide.
      renew();
      event.document = before;
      std::copy(slots_.begin(), slots_.end(), event.document.slots);
      reset();
      outcome = sandbox_->run(job, program_->config.instructions_max, message);
    }
    fresh_ = false;
    if (outcome == Outcome::memory) renew();
    return outcome == Outcome::done;
  }

  void renew() {
    std::string problem;
    sandbox_ = program_->start(problem);
    // It was read before, and reading it depends on nothing else.
    if (!problem.empty()) throw std::runtime_error("a script that could be read cannot be read again: " + problem);
    fresh_ = true;
  }

  std::shared_ptr<const Program> program_;
  DocumentParser parser_;
  std::unique_ptr<lua::Sandbox> sandbox_;
  std::vector<Value> slots_;  // of the event before the script ran
  bool fresh_ = false;        // no event has been here
};

class LuaScript final : public Script {
 public:
  explicit LuaScript(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
  std::unique_ptr<ScriptState> start() const override { return std::make_unique<LuaState>(program_); }

 private:
  std::shared_ptr<const Program> program_;
};

}  // namespace

Result<std::unique_ptr<const Script>> LuaEngine::load(const ScriptConfig& config, std::string_view text,
                                                      ScriptEntry entry, FieldPlan& plan) const {
  if (text.size() > kScriptBytesMax)
    return fail(Errc::config_invalid, "{}: the script is longer than 1 MiB", config.file);
  const std::string name = last_part(config.file);
  auto program =
      std::make_shared<Program>(Program{{name, std::string(text), std::string(to_string(entry))},
                                        config,
                                        plan,
                                        entry == ScriptEntry::transform ? lua::run_transform : lua::run_validate});
  std::string problem;
  (void)program->start(problem);
  if (!problem.empty()) {
    // The message names the last part of the file; a person who has to open it needs all of it.
    return fail(Errc::config_invalid, "{}{}", config.file, problem.substr(name.size()));
  }
  for (const std::string& field : lua::guess_field_names(text)) {
    if (entry == ScriptEntry::transform) {
      (void)plan.touch(field);
    } else {
      (void)plan.want(field);
    }
  }
  return std::unique_ptr<const Script>(std::make_unique<LuaScript>(std::move(program)));
}

}  // namespace weir

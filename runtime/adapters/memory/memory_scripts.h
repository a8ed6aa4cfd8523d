// Scripts that are functions of the test: what a stage does with a script's answers is shown without a language.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/ports/script.h"

namespace weir {

/// Give it its functions, then load() finds them by file. Not thread-safe while it is filled.
class MemoryScripts final : public ScriptEngine {
 public:
  /// What `transform` answers: `records`, JSON objects, are what a keep (exactly one) or a split leaves.
  struct Answer {
    ScriptAnswer::Kind kind = ScriptAnswer::Kind::keep;
    std::string text;
    std::vector<std::string> records;
  };
  /// Called with the event's record as JSON.
  using Transform = std::function<Answer(const std::string& record)>;
  using Validate = std::function<ScriptViolations(const std::string& record)>;

  void add(const std::string& file, Transform transform) { transforms_[file] = std::move(transform); }
  void add(const std::string& file, Validate validate) { validates_[file] = std::move(validate); }

  /// Error config_invalid: there is no such function; the text of the file does not matter.
  [[nodiscard]] Result<std::unique_ptr<const Script>> load(const ScriptConfig& config, std::string_view text,
                                                           ScriptEntry entry, FieldPlan& plan) const override;

 private:
  std::map<std::string, Transform> transforms_;
  std::map<std::string, Validate> validates_;
};

}  // namespace weir

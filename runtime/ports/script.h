// Scripts: a user's function over one event, in a language of its own, under limits. A script is a pure function of the
// event: no clock, no chance, nothing kept from one event to the next, so any state of it gives the same answer.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/event/chain_batch.h"
#include "runtime/event/document.h"
#include "runtime/event/field_plan.h"
#include "runtime/ports/script_config.h"

namespace weir {

/// What a script is called for, and by which name: `transform` or `validate`.
enum class ScriptEntry : std::uint8_t { transform, validate };
[[nodiscard]] constexpr std::string_view to_string(ScriptEntry entry) noexcept {
  return entry == ScriptEntry::transform ? "transform" : "validate";
}

/// What `transform` made of one event. Views live as long as the batch; spans until the next call of the same state.
struct ScriptAnswer {
  enum class Kind : std::uint8_t {
    keep,    // the event's document has been changed in place
    filter,  // nothing is to leave
    reject,  // the script refuses the event; `text` says why
    split,   // `parts`, 1..kEventPartsMax documents, take the event's place
    fault,   // the script failed or went over a limit; `text` is its message with the line
  };
  Kind kind = Kind::keep;
  std::string_view text;
  std::vector<Document> parts;
};

/// What `validate` has against an event: at least one of these is there. `rule` is `[A-Za-z0-9_.-]`, at most 64 bytes.
struct ScriptViolation {
  std::string rule;
  std::string field;  // whatever the script calls it
  std::string message;
};
struct ScriptViolations {
  bool fault = false;  // the script failed or went over a limit: one entry has the message that says how
  std::vector<ScriptViolation> list;
  std::uint64_t left_out = 0;  // beyond kScriptViolationsMax
};
inline constexpr std::size_t kScriptViolationsMax = 100;  // of one event; what is beyond is counted
inline constexpr std::size_t kScriptTextMax = 1'024;      // bytes of a message or reason; what is beyond is cut off

/// One running copy of a script. For one partition and one thread at a time. Usable after every outcome; a fault of one
/// event changes nothing for the next.
class ScriptState {
 public:
  virtual ~ScriptState() = default;
  /// The event's verdict is pass. Of fault, reject and filter its document is void: it may be half changed.
  virtual void transform(ChainBatch& batch, ChainEvent& event, ScriptAnswer& answer) = 0;
  /// Leaves the event as it is. `violations` is cleared first; empty: nothing against it.
  virtual void validate(ChainBatch& batch, ChainEvent& event, ScriptViolations& violations) = 0;
  /// Call where no document made here is in use any more.
  virtual void between_batches() = 0;
};

/// A script that was read, checked and run once. Immutable, shared by all partitions and threads.
class Script {
 public:
  virtual ~Script() = default;
  /// A new running copy, as any other. The plan it was loaded with is complete by now. Throws when there is no memory.
  [[nodiscard]] virtual std::unique_ptr<ScriptState> start() const = 0;
};

class ScriptEngine {
 public:
  virtual ~ScriptEngine() = default;
  /// Reads the script `text` of `config.file` and tells `plan`, which must outlive what is made here, the fields it
  /// looks at (all others are found as well, by name). Error config_invalid, with `file:line`: it does not parse, fails
  /// when it is read, goes over a limit, or does not define the function.
  [[nodiscard]] virtual Result<std::unique_ptr<const Script>> load(const ScriptConfig& config, std::string_view text,
                                                                   ScriptEntry entry, FieldPlan& plan) const = 0;
};

}  // namespace weir

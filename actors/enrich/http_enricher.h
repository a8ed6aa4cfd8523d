// enrich with `http`: adds what a server answers for a key. Events wait in their round while it is asked; nothing else does.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/enrich/http_lookup.h"
#include "actors/enrich/missing_rule.h"
#include "runtime/base/secret.h"
#include "runtime/engine/chain_plan.h"
#include "runtime/engine/condition.h"
#include "runtime/engine/waiting_stage.h"

namespace weir {

/// What LookupWork does with events. Outlives it.
struct LookupRules {
  std::string name;    // of the stage
  std::string server;  // "https://geo.example"
  Condition when;
  std::vector<FieldRef> key;
  std::vector<Slot> add;  // fields, in the order of HttpLookupConfig::answer
  MissingRule missing;
  std::uint32_t calls_max = 1;
};

/// An event whose key the server knows gets the fields of its answer: any value of JSON, and what the answer does not have is missing. One
/// whose key it does not know (404), or who has none, is treated as with a table. While the server gives no answer (it is down, slow, or its
/// breaker is open) the verdict is retry, reason lookup; an event that it refuses is rejected, reason stage:lookup.
class HttpEnricher final : public WaitingStage {
 public:
  /// `config.body` is an EnrichConfig with `http`; `retry` that of the pipeline. Errors: config_invalid, of reading a header's file.
  [[nodiscard]] static Result<std::unique_ptr<Stage>> compile(const StageConfig& config, const RetrySettings& retry, StageContext& context);

  [[nodiscard]] std::string_view name() const noexcept override { return rules_.name; }
  [[nodiscard]] std::string_view kind() const noexcept override { return "enrich"; }
  [[nodiscard]] std::unique_ptr<StageWork> make_work(const StagePorts& ports, StageWorkHost host) const override;

 private:
  HttpEnricher() = default;
  LookupRules rules_;
  HttpLookupConfig config_;
  std::map<std::string, Secret> files_;  // what the headers' files held
};

}  // namespace weir

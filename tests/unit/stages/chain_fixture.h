// A whole chain in memory: frames in, records and dead letters out. Nothing but deciders.
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/engine/chain_plan.h"

namespace weir::test {

FieldPath path(const std::string& text);
Constant number(const std::string& text);
Constant string(const std::string& text);

FieldRule rule(const std::string& field, FieldType type);
template <class Body>
StageConfig stage(const std::string& kind, Body body) {
  StageConfig config;
  config.kind = kind;
  config.name = kind;
  config.body = std::move(body);
  return config;
}
Expression copy(const std::string& field);
Expression constant(Constant value);
Expression form(Expression::Kind kind, std::vector<Expression> arguments, int scale = 0);

Result<std::unique_ptr<Stage>> make_stage(const StageConfig& config, StageContext& context);

/// What became of one event.
struct Fate {
  Verdict verdict = Verdict::pass;
  std::string record;
  std::string type;
  std::string source;
  std::string stage;
  std::string reason;
  std::string details;
  std::int64_t time = 0;
};

class Chain {
 public:
  Chain();
  Chain(Chain&&) noexcept;
  ~Chain();

  PipelineConfig config;
  std::map<std::string, std::string> files;
  std::vector<FieldPath> view_paths;
  std::string csv_header;
  bool cloud_events = false;
  StageFactory factory = make_stage;

  [[nodiscard]] Result<void> compile();
  [[nodiscard]] const ChainPlan& plan() const { return *plan_; }

  struct Frame {
    std::string_view raw;
    std::uint16_t flags = 0;
    std::string_view note = {};
  };
  std::vector<Fate> run_frames(const std::vector<Frame>& frames);
  std::vector<Fate> run(const std::vector<std::string>& frames);
  Fate one(const std::string& frame);
  [[nodiscard]] ChainBatch& batch() { return *batch_; }
  /// The values of the views' paths of the last run's records.
  [[nodiscard]] const std::vector<std::vector<std::string>>& tokens() const { return tokens_; }

 private:
  std::vector<Fate> fates();

  std::unique_ptr<const ChainPlan> plan_;
  std::optional<DocumentParser> parser_;
  std::unique_ptr<ChainBatch> batch_ = std::make_unique<ChainBatch>();
  std::unique_ptr<StageScratch> scratch_ = std::make_unique<StageScratch>();
  std::vector<std::vector<std::string>> tokens_;
  bool fits_ = true;
};

}  // namespace weir::test

#include "runtime/engine/condition.h"

#include <algorithm>

namespace weir {

Result<Condition> Condition::compile(const std::optional<WhenConfig>& config, FieldPlan& plan) {
  Condition condition;
  if (!config) return condition;
  Test test;
  WEIR_ASSIGN(test.field, FieldRef::compile(config->path, plan));
  test.one_of.emplace_back(config->equals);
  condition.any_.emplace_back().push_back(std::move(test));
  return condition;
}

Result<Condition> Condition::compile(const ConditionConfig& config, FieldPlan& plan) {
  Condition condition;
  for (const std::vector<FieldTest>& all : config.any) {
    std::vector<Test>& tests = condition.any_.emplace_back();
    for (const FieldTest& from : all) {
      Test test;
      WEIR_ASSIGN(test.field, FieldRef::compile(from.path, plan));
      for (const Constant& constant : from.one_of) test.one_of.emplace_back(constant);
      for (const Constant& constant : from.none_of) test.none_of.emplace_back(constant);
      test.exists = from.exists;
      for (const auto& [text, bound] : {std::pair{&from.min, &test.min}, std::pair{&from.max, &test.max},
                                        std::pair{&from.above, &test.above}, std::pair{&from.below, &test.below}}) {
        if (!*text) continue;
        const auto number = Decimal::parse(**text);
        if (!number) return fail(Errc::config_invalid, "the bound {} of {} is no decimal", **text, from.path.text);
        *bound = *number;
      }
      tests.push_back(std::move(test));
    }
  }
  return condition;
}

bool Condition::all_hold(const std::vector<Test>& all, const ChainEvent& event, ChainBatch& batch) {
  return std::all_of(all.begin(), all.end(),
                     [&](const Test& test) { return test.holds(test.field.read(event, batch), batch.arena()); });
}

bool Condition::Test::holds(const Value& value, ChainArena& arena) const {
  const auto same = [&](const ConstantValue& constant) { return constant.equals(value, arena); };
  if (exists && *exists == value.absent()) return false;
  if (!one_of.empty() && std::none_of(one_of.begin(), one_of.end(), same)) return false;
  if (std::any_of(none_of.begin(), none_of.end(), same)) return false;
  if (!bounded()) return true;
  const auto number = to_decimal(value, arena);
  return number && (!min || *number >= *min) && (!max || *number <= *max) && (!above || *number > *above) &&
         (!below || *number < *below);
}

}  // namespace weir

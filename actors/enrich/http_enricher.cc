#include "actors/enrich/http_enricher.h"

#include "actors/enrich/lookup_work.h"
#include "runtime/base/hash.h"
#include "runtime/base/invariant.h"

namespace weir {

Result<std::unique_ptr<Stage>> HttpEnricher::compile(const StageConfig& config, const RetrySettings& retry, StageContext& context) {
  const auto& enrich = std::get<EnrichConfig>(config.body);
  auto stage = std::unique_ptr<HttpEnricher>(new HttpEnricher);
  stage->config_ = *enrich.http;
  stage->config_.retry = {.attempts_max = retry.attempts_max,
                          .retry_age_max = retry.retry_age_max,
                          .backoff_min = retry.backoff_min,
                          .backoff_max = retry.backoff_max};
  const ReadFile remember = [&](const std::string& name) -> Result<std::string> {
    WEIR_ASSIGN(std::string text, context.read(name));
    stage->files_.insert_or_assign(name, Secret(text));
    return text;
  };
  // The first one is thrown away: what it says against the configuration is said before there are events.
  const auto first = HttpLookup::make(stage->config_, remember, 0);
  if (!first) return fail(first.error().code, "stage \"{}\": http.{}", config.name, first.error().context);
  WEIR_ASSIGN(const UrlTemplate url, UrlTemplate::compile(stage->config_.url));
  INVARIANT(enrich.key.size() == url.names().size(), "a key has one field for each part of the address");
  INVARIANT(enrich.add.size() == stage->config_.answer.size(), "each field that is added has a place in the answer");
  LookupRules& rules = stage->rules_;
  rules.name = config.name;
  rules.server = url.server();
  WEIR_ASSIGN(rules.when, Condition::compile(config.when, context.fields));
  for (const FieldPath& path : enrich.key) {
    WEIR_ASSIGN(FieldRef field, FieldRef::compile(path, context.fields));
    rules.key.push_back(std::move(field));
  }
  for (const auto& [field, path] : enrich.add) rules.add.push_back(context.fields.touch(field));
  rules.missing = MissingRule(enrich, context.fields);
  rules.calls_max = stage->config_.calls_max;
  return std::unique_ptr<Stage>(std::move(stage));
}

std::unique_ptr<StageWork> HttpEnricher::make_work(const StagePorts& ports, StageWorkHost host) const {
  const std::uint64_t seed = xxh3_64(rules_.name, ports.seed ^ ports.partition.value);
  auto lookup = HttpLookup::make(config_, [this](const std::string& name) -> Result<std::string> { return std::string(files_.at(name).reveal()); }, seed);
  INVARIANT(lookup.has_value(), "what compile() took is good");
  return std::make_unique<LookupWork>(rules_, std::move(*lookup), seed, ports, std::move(host));
}

}  // namespace weir

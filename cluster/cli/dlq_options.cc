#include "cluster/cli/dlq_options.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/adapters/yaml/tests_keys.h"
#include "runtime/base/suggest.h"

namespace weir::cli {

void add_filters(Level app, LetterOptions& options) {
  app.add_option("--id", options.id, "Only letters of this event").type_name("ID");
  app.add_option("--stage", options.stage, "Only letters of this stage").type_name("STAGE");
  // Behind a colon stand the names of rules and of the user's own stages.
  const auto known = [](const std::string& reason) {
    const std::vector<std::string>& reasons = yaml::letter_reasons();
    if (reason.find(':') != std::string::npos || std::find(reasons.begin(), reasons.end(), reason) != reasons.end()) return std::string();
    const auto near = nearest(reason, reasons);
    return fmt::format("there is no reason '{}'{}; allowed are {}, rule:NAME, STAGE:REASON", reason,
                       near ? fmt::format(" (did you mean {}?)", *near) : "", fmt::join(reasons, ", "));
  };
  app.add_option("--reason", options.reason, "Only letters with this reason").type_name("REASON").check(known);
  app.add_option("--from", options.from, "Only events accepted at this time or later: 2026-03-01 or 2026-03-01T09:00:00Z").type_name("TIME");
  app.add_option("--to", options.to, "Only events accepted before it").type_name("TIME");
  app.add_option("--where", options.where, "Only events whose original record has this value: a column of CSV, or a dotted path of JSON; may be repeated, all must hold")
      .type_name("FIELD=VALUE")
      .repeatable();
}

Result<LetterFilter> filter_of(const LetterOptions& options, std::uint64_t limit, char separator) {
  LetterFilter filter;
  if (!options.id.empty()) filter.id = options.id;
  if (!options.stage.empty()) filter.stage = options.stage;
  if (!options.reason.empty()) filter.reason = options.reason;
  WEIR_ASSIGN(filter.accepted_from, time_option("--from", options.from));
  WEIR_ASSIGN(filter.accepted_to, time_option("--to", options.to));
  for (const std::string& text : options.where) {
    auto condition = parse_field_condition(text);
    if (!condition) return fail(condition.error().code, "--where {}", condition.error().context);
    filter.where.push_back(std::move(*condition));
  }
  filter.separator = separator;
  filter.limit = limit;
  return filter;
}

Result<std::string> parameters_of(const LetterOptions& options) {
  WEIR_ASSIGN(const LetterFilter filter, filter_of(options, 0));
  std::string target;
  const auto add = [&target](const std::string& name, const std::string& value) {
    if (!value.empty()) target += fmt::format("&{}={}", name, percent_encoded(value));
  };
  add("id", options.id);
  add("stage", options.stage);
  add("reason", options.reason);
  add("from", options.from);
  add("to", options.to);
  // An empty value chooses, too.
  for (const FieldCondition& condition : filter.where)
    target += fmt::format("&where.{}={}", percent_encoded(condition.name), percent_encoded(condition.value));
  return target;
}

}  // namespace weir::cli

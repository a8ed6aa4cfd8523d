#include "runtime/adapters/yaml/synonyms.h"

#include <algorithm>
#include <iterator>

namespace weir::yaml {
namespace {

struct Synonym {
  std::string_view other;
  std::string_view ours;
};

// By place in the files. A word may stand here for several of ours: the one that is allowed where it was found is meant.
constexpr Synonym kSynonyms[] = {
    // measures
    {"avg", "average"},
    {"mean", "average"},
    {"total", "sum"},
    {"maximum", "max"},
    {"minimum", "min"},
    {"unique", "distinct"},
    {"uniques", "distinct"},
    {"nunique", "distinct"},
    {"cardinality", "distinct"},
    {"count_distinct", "distinct"},
    {"distinct_count", "distinct"},
    {"approx_count_distinct", "distinct"},
    // windows
    {"second", "1s"},
    {"minute", "1m"},
    {"hour", "1h"},
    {"hourly", "1h"},
    {"daily", "day"},
    {"weekly", "week"},
    {"monthly", "month"},
    {"yearly", "year"},
    {"annual", "year"},
    // views
    {"aggregate", "measures"},
    {"aggregates", "measures"},
    {"aggregations", "measures"},
    {"metrics", "measures"},
    {"key", "latest"},
    {"last", "latest"},
    {"keys", "group_by"},
    {"dimensions", "group_by"},
    {"partition_by", "group_by"},
    {"columns", "fields"},
    {"retention", "retain"},
    {"ttl", "retain"},
    {"where", "when"},
    {"condition", "when"},
    {"if", "when"},
    // what is asked of servers, and trying again
    {"timeout", "deadline"},
    {"circuit_breaker", "breaker"},
    {"concurrency", "calls_max"},
    {"max_attempts", "attempts_max"},
    {"retries", "attempts_max"},
    // the HTTP door of a node
    {"token", "tokens_file"},
    {"tokens", "tokens_file"},
    {"auth", "tokens_file"},
    {"ssl", "tls"},
    {"cert", "certificate_file"},
    {"cert_file", "certificate_file"},
    {"crt_file", "certificate_file"},
    {"certificate", "certificate_file"},
    {"key", "key_file"},
    {"private_key", "key_file"},
    // sections
    {"name", "pipeline"},
    {"steps", "stages"},
    {"processors", "stages"},
    {"transforms", "stages"},
    {"input", "inputs"},
    {"sources", "inputs"},
    {"deduplication", "dedupe"},
    // stages
    {"lookup", "enrich"},
    {"join", "enrich"},
    {"map", "transform"},
    {"check", "validate"},
    // types
    {"int", "integer"},
    {"int64", "integer"},
    {"long", "integer"},
    {"bigint", "integer"},
    {"float", "decimal"},
    {"double", "decimal"},
    {"number", "decimal"},
    {"numeric", "decimal"},
    {"bool", "boolean"},
    {"text", "string"},
    {"str", "string"},
    {"varchar", "string"},
    {"map", "object"},
    {"struct", "object"},
    {"list", "array"},
    // field rules and comparisons
    {"regex", "pattern"},
    {"enum", "one_of"},
    {"in", "one_of"},
    {"eq", "one_of"},
    {"equals", "one_of"},
    {"ne", "not"},
    {"not_in", "not"},
    {"gt", "above"},
    {"exclusive_min", "above"},
    {"greater_than", "above"},
    {"gte", "min"},
    {"ge", "min"},
    {"minimum", "min"},
    {"lt", "below"},
    {"exclusive_max", "below"},
    {"less_than", "below"},
    {"lte", "max"},
    {"le", "max"},
    {"maximum", "max"},
    {"min_length", "length_min"},
    {"max_length", "length_max"},
    // relations
    {"=", "=="},
    {"<>", "!="},
    {"=<", "<="},
    {"=>", ">="},
    // forms of transform
    {"mul", "multiply"},
    {"times", "multiply"},
    {"product", "multiply"},
    {"sub", "subtract"},
    {"minus", "subtract"},
    {"plus", "add"},
    {"sum", "add"},
    {"div", "divide"},
    {"concatenate", "concat"},
    {"join", "concat"},
    {"lowercase", "lower"},
    {"uppercase", "upper"},
    {"strip", "trim"},
    {"substr", "substring"},
    {"field", "copy"},
    {"path", "copy"},
    {"constant", "const"},
    {"literal", "const"},
    {"value", "const"},
    {"sha256", "hash"},
    {"ifnull", "coalesce"},
    {"default", "coalesce"},
    {"first_of", "coalesce"},
    {"number", "to_number"},
    {"string", "to_string"},
    {"strftime", "date_format"},
    {"extract", "date_part"},
    // parts of a date
    {"dow", "weekday"},
    {"day_of_week", "weekday"},
    {"dayofweek", "weekday"},
    {"doy", "day_of_year"},
    // formats
    {"jsonl", "ndjson"},
    {"jsonlines", "ndjson"},
    {"tsv", "csv"},
    {"iso8601", "rfc3339"},
    {"iso", "rfc3339"},
    {"epoch", "unix"},
    {"epoch_ms", "unix_ms"},
    {"millis", "unix_ms"},
    {"micros", "unix_us"},
    // inputs
    {"rest", "http"},
    {"webhook", "http"},
    {"directory", "files"},
    {"folder", "files"},
    {"paths", "include"},
    {"path", "include"},
    // words of single keys
    {"dlq", "dead_letter"},
    {"reject", "dead_letter"},
    {"skip", "pass"},
    {"warning", "warn"},
    {"fatal", "error"},
    {"verbose", "debug"},
};

bool same(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
    return lower(x) == lower(y);
  });
}

}  // namespace

std::optional<std::string_view> meant_by(std::string_view found, const std::vector<std::string>& allowed) {
  for (const Synonym& synonym : kSynonyms) {
    if (same(synonym.other, found) && std::find(allowed.begin(), allowed.end(), synonym.ours) != allowed.end())
      return synonym.ours;
  }
  return std::nullopt;
}

}  // namespace weir::yaml

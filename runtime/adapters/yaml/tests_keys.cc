#include "runtime/adapters/yaml/tests_keys.h"

#include "runtime/adapters/yaml/config_shapes.h"

namespace weir::yaml {
namespace {

using Form = Shape::Form;
constexpr std::size_t kRowsMax = 10'000;

/// A list means exactly these rows, in any order.
Shape rows(Shape row) {
  Shape open = map({
      key("contains", list(row, 0, kRowsMax), "at least these"),
      key("count", integer(0, 1'000'000'000), "how many there are in all"),
  });
  open.some_of.push_back({"contains", "count"});
  return either({list(std::move(row), 0, kRowsMax), std::move(open)});
}

Shape input() {
  Shape made = map({
      key("text", shape(Form::text), "the bytes themselves").example("\"a,b\\n1,2\\n\""),
      key("events",
          list(
              either({map_of(shape(Form::text), named("value"), 0, kAny), pattern("^[^\\n]+$", "a line as it stands")}),
              1, kAny),
          "one event each; a text is taken as it stands, for what is no JSON")
          .example("[{id: a, amount: 1.50}]"),
      key("file", shape(Form::file), "a file, .gz and .zst are read through"),
      key("format", words({"json", "ndjson", "csv", "cloudevents", "geojson"}), "how it is written")
          .otherwise("by the file's name, else that of the pipeline; of events ndjson or cloudevents"),
      key("at", pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}", "a time such as 2026-01-31T08:00:00Z, or a day"),
          "when it is accepted")
          .otherwise("with the input before it; the first one in 2100, behind every event's own time"),
      key("after", between(Form::duration, "1us", "3650d"), "so long behind the input before it")
          .contradicts("at")
          .example("8d"),
  });
  made.one_of.push_back({"text", "events", "file"});
  return made;
}

Shape expectation() {
  std::vector<Key> counts;
  for (const std::string& name : ledger_names())
    counts.push_back(key(name, integer(0, 1'000'000'000), "as `weir ledger` counts it"));
  const Shape row = map_of(shape(Form::text), named("value"), 1, kAny);
  Shape made = map({
      key("ledger", map(std::move(counts)), "counts over all partitions; those that are named"),
      key("dead_letters", rows(named("letter")), "what is refused").example("[{stage: validate, reason: field_range}]"),
      key("views", map_of(shape(Form::name), rows(row), 0, 256), "rows as `weir query` gives them, by view")
          .example("{revenue: [{country: FR, amount: 15.30}]}"),
      key("sinks", map_of(shape(Form::name), rows(row), 0, 64), "what each sink takes, by sink: its lines of JSON; of format: csv each as {line: TEXT}. Nothing is written")
          .example("{archive: [{country: FR}]}"),
      key("records", rows(row),
          "records behind the stages; beside their fields they have @id, @index, @time, @type, @source, @partition")
          .example("{count: 2}"),
  });
  made.some_of.push_back({"ledger", "dead_letters", "views", "sinks", "records"});
  return made;
}

}  // namespace

const std::vector<std::string>& ledger_names() {
  static const std::vector<std::string> names = {"accepted",  "served",   "filtered", "duplicate",  "dead_lettered",
                                                 "shed",      "expired",  "dropped",  "superseded", "retrying",
                                                 "in_flight", "redriven", "edited",   "records"};
  return names;
}

const std::vector<std::string>& letter_fields() {
  static const std::vector<std::string> names = {"id",          "partition", "offset",         "door",
                                                 "accepted_at", "stage",     "reason",         "details",
                                                 "attempts",    "original",  "original_base64"};
  return names;
}

const std::vector<std::string>& letter_reasons() {
  static const std::vector<std::string> reasons = {"malformed",    "too_large",         "encoding", "field_missing",
                                                   "field_type",   "field_range",       "schema",   "time",
                                                   "number_range", "enrich_miss",       "script",   "conflict",
                                                   "late",         "retries_exhausted", "poison",   "output_too_large"};
  return reasons;
}

Shape test_letter_shape() {
  std::vector<Key> keys;
  for (const std::string& field : letter_fields()) {
    if (field == "stage") {
      keys.push_back(key(field, shape(Form::text), "parse, dedupe, late, encode, or a stage of the pipeline"));
    } else if (field == "reason") {
      keys.push_back(key(field, either({words(letter_reasons()), pattern(":", "rule:NAME")}), "why it was refused"));
    } else if (field == "details") {
      keys.push_back(key(field, named("value"), "a text: part of one of them; a list: all of them"));
    } else {
      keys.push_back(key(field, named("value"), "as `weir dlq list --output json` has it"));
    }
  }
  Shape made = map(std::move(keys));
  made.some_of.push_back(letter_fields());
  return made;
}

Shape test_value_shape() {
  return either(
      {shape(Form::constant), list(named("value"), 0, kAny), map_of(shape(Form::text), named("value"), 0, kAny)});
}

Shape tests_shape() {
  return list(
      map({
          key("name", shape(Form::text), "what it shows; unique in its file")
              .required()
              .example("a repeat counts once"),
          key("lookups",
              map_of(shape(Form::name), map_of(shape(Form::text), either({integer(100, 599), map_of(shape(Form::text), named("value"), 0, kAny)}), 0, 10'000), 0, 64),
              "what the servers of enrich stages answer, by stage and key: a map is a 200 with it, a number a status. The parts of a key "
              "stand in the order of the address with / between them; a key that is not there is not known (404)")
              .otherwise("no server knows anything")
              .example("{geo: {France: {region: {name: EU}}, Spain: 503}}"),
          key("input", either({input(), list(input(), 1, 100)}), "what comes in, one after the other").required(),
          key("expect", expectation(), "what must come of it; only what is named is compared").required(),
      }),
      0, 1'000);
}

}  // namespace weir::yaml

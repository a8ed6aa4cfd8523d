// The keys of a pipeline file. Their defaults are those of the structs in runtime/ports.
#include "runtime/adapters/yaml/config_shapes.h"
#include "runtime/adapters/yaml/dependency_keys.h"
#include "runtime/adapters/yaml/inputs_keys.h"
#include "runtime/adapters/yaml/plugin_keys.h"
#include "runtime/adapters/yaml/retention_keys.h"
#include "runtime/adapters/yaml/sinks_keys.h"
#include "runtime/adapters/yaml/tests_keys.h"
#include "runtime/ports/pipeline_config.h"

namespace weir::yaml {
namespace {

using Form = Shape::Form;

Shape columns() {
  return some(shape(Form::text), 8);
}

Shape table() {
  return map({
      key("file", shape(Form::file), "CSV file with a header line, or JSON").required().example("countries.csv"),
      key("key", columns(), "its key column, or several").required().example("Country"),
      key("format", words({"csv", "json", "ndjson"}), "how the file is written").silently("").otherwise("by its name"),
  });
}

/// {type: order}, or a field and its value.
Shape when() {
  return map_of(path(), shape(Form::constant), 1, 1);
}
KeyBuilder when_key(const std::string& what) {
  return key("when", when(), "only for events where this field has this value; `type` is the event's type")
      .otherwise("every " + what)
      .example("{type: order}");
}

Shape zone() {
  return pattern("^(UTC|[Zz]|[+-].+)$", "UTC or a fixed offset such as +02:00");
}

Shape record() {
  const RecordConfig defaults;
  const Shape time_map = map({
      key("field", path(false), "field that holds the event's time").required().example("ts"),
      key("format",
          either({words({"rfc3339", "unix", "unix_ms", "unix_us"}),
                  pattern("%", "a strptime format such as \"%Y-%m-%d %H:%M:%S\"")}),
          "how the time is written")
          .required()
          .example("unix_ms"),
      key("zone", zone(), "zone of a strptime format that has none of its own").silently(defaults.time.zone),
  });
  return map({
      key("format", words({"json", "ndjson", "csv", "cloudevents", "geojson"}), "format of what comes in")
          .otherwise("by Content-Type or file name"),
      key("id",
          either({words({"digest"}), path(), list(path(), 1, 8),
                  map({key("fields", some(path(), 8), "fields whose values are joined")
                           .required()
                           .example("[id, updated]")})}),
          "what makes two events the same one: `digest` of the raw bytes, a field, or several; an event without a text or "
          "number there gets its digest")
          .by_default("digest")
          .example("id"),
      key("time", either({words({"acceptance"}), time_map}), "where the event's time is read")
          .by_default("acceptance")
          .example("{field: ts, format: unix_ms}"),
      key("type", shape(Form::text), "type of every event").otherwise("that of CloudEvents, else none").example("sale"),
      key("csv",
          map({
              key("record_lines_max", integer(1, 10'000), "lines a quoted field may span")
                  .by_default(std::to_string(defaults.csv.record_lines_max)),
              key("separator", words({",", ";", "\t", "|"}), "between fields").silently("\",\""),
          }),
          "details of CSV")
          .silently(""),
  });
}

Shape dedupe() {
  const DedupeConfig defaults;
  return map({
      key("remember", between(Form::duration, "1m", "3650d"),
          "how long an id is known at least, in acceptance time; up to a sixteenth later it goes, with the next commit")
          .by_default(format_duration(defaults.remember)),
      key("ids_max", between(Form::count, "1K", "4G"), "ids remembered at most; then doors answer 429")
          .by_default(format_count(defaults.ids_max)),
      key("on_conflict", words({"dead_letter", "ignore"}), "what becomes of an event with a known id and other bytes")
          .by_default("dead_letter"),
  });
}

/// `more`: keys beside those of the field's own rule.
Shape field_rule(std::vector<Key> more = {}) {
  const std::vector<std::string> numeric = {"integer", "decimal"};
  const std::vector<std::string> text = {"string"};
  const Shape length = integer(0, 16u << 20);
  std::vector<Key> keys = {
      key("type", words({"string", "integer", "decimal", "boolean", "object", "array", "any"}),
          "JSON type it leaves with")
          .by_default("any"),
      key("required", shape(Form::boolean), "must be there").by_default("true"),
      key("nullable", shape(Form::boolean), "may be null").by_default("false"),
      key("coerce", shape(Form::boolean), "text is read as the type").otherwise("true for CSV, else false"),
      key("min", shape(Form::decimal), "smallest value, inclusive").needs("type", numeric).example("0"),
      key("max", shape(Form::decimal), "greatest value, inclusive").needs("type", numeric).example("100"),
      key("above", shape(Form::decimal), "lower bound, exclusive")
          .needs("type", numeric)
          .contradicts("min")
          .example("0"),
      key("below", shape(Form::decimal), "upper bound, exclusive")
          .needs("type", numeric)
          .contradicts("max")
          .example("100"),
      key("length_min", length, "code points at least").needs("type", text),
      key("length_max", length, "code points at most").needs("type", text).example("64"),
      key("one_of", list(shape(Form::constant), 1, 10'000), "the values allowed").example("[GBP, EUR]"),
      key("pattern", shape(Form::text), "regular expression (RE2) that is found in the text")
          .needs("type", text)
          .example("\"^B-[0-9]+$\""),
  };
  keys.insert(keys.end(), more.begin(), more.end());
  return map(std::move(keys));
}

/// A named rule about one field without a type: a bound or a length says which one is meant.
Shape untyped_rule(const std::vector<Key>& common, std::vector<Key> keys) {
  keys.insert(keys.end(), common.begin(), common.end());
  return map(std::move(keys));
}

/// A check with a name of its own: of one field, or of how several stand to each other.
Shape named_rule() {
  const Key when = when_key("event");
  const Key field = key("field", path(), "the field that is checked").required();
  const Shape operand =
      either({path(), shape(Form::decimal), map({key("const", shape(Form::constant), "a constant").required()})});
  Shape compare = list(either({words({"==", "!=", "<", "<=", ">", ">="}), operand}), 3, 3);
  compare.what = "comparison";  // two operands with a relation between them
  const std::vector<Key> common = {field, key("required", shape(Form::boolean), "must be there").by_default("true"),
                                   key("nullable", shape(Form::boolean), "may be null").by_default("false"), when};
  const Shape length = integer(0, 16u << 20);
  const Shape several = list(path(), 2, 32);
  // The one with a type last: what is shown of a rule without one must not gain a type by default.
  std::vector<Shape> kinds = {
      titled("a number within bounds", untyped_rule(common, {key("min", shape(Form::decimal), "smallest value, inclusive"),
                            key("max", shape(Form::decimal), "greatest value, inclusive"),
                            key("above", shape(Form::decimal), "lower bound, exclusive").contradicts("min"),
                            key("below", shape(Form::decimal), "upper bound, exclusive").contradicts("max")})),
      titled("the length and pattern of a text", untyped_rule(common, {key("length_min", length, "code points at least"), key("length_max", length, "code points at most"),
                            key("pattern", shape(Form::text), "regular expression (RE2) that is found in the text")})),
      titled("two operands compared", map({key("compare", compare, "two operands with a relation between them").required().example("[from, \"<\", to]"),
           key("as", words({"number", "text", "time"}), "what is compared").otherwise("what the values are"),
           key("required", shape(Form::boolean), "both must be there").by_default("true"),
           key("nullable", shape(Form::boolean), "they may be null").by_default("false"), when})),
  };
  for (const auto& [presence, words] : {std::pair{"at_least_one", "at least one of some fields"},
                                        {"at_most_one", "at most one of some fields"},
                                        {"exactly_one", "exactly one of some fields"},
                                        {"all_or_none", "all of some fields or none"}})
    kinds.push_back(titled(words, map({key(presence, several, "of these fields are there").required().example("[email, phone]"), when})));
  kinds.push_back(titled("a field of any type, as under `fields`", field_rule({field, when})));
  return either(std::move(kinds));
}

/// Keys that stand inside a stage or beside it.
std::vector<Key> with_extras(std::vector<Key> keys) {
  keys.push_back(
      key("name", shape(Form::name), "name in messages, metrics and dead letters; unique").otherwise("the kind"));
  keys.push_back(when_key("event"));
  return keys;
}

Shape script() {
  const ScriptConfig defaults;
  return either({shape(Form::file),
                 map({
                     key("file", shape(Form::file), "the script").required(),
                     key("instructions_max", between(Form::count, "1K", "1G"), "instructions of one call at most")
                         .by_default(format_count(defaults.instructions_max)),
                     key("memory_bytes_max", between(Form::size, "256KiB", "1GiB"), "memory of one partition's script at most")
                         .by_default(format_size(defaults.memory_bytes_max)),
                 })});
}

Shape validate() {
  Shape made = map(with_extras({
      key("fields", map_of(path(false), field_rule(), 1, kAny), "the fields that are checked")
          .example("{Quantity: {type: integer, min: 1}}"),
      key("schema", shape(Form::file), "JSON Schema (draft 7) the event must fit").example("booking.schema.json"),
      key("rules",
          map_of(shape(Form::name), named_rule(), 1, 256,
                 {key("lua", script(), "Lua that lists what it has against an event").example("rules.lua")}),
          "checks with names: what fails has reason rule:NAME; lua: a script that lists violations")
          .example("{paid: {field: deposit, above: 0}}"),
  }));
  made.some_of.push_back({"fields", "schema", "rules"});
  return made;
}

Shape enrich() {
  Shape made = map(with_extras({
      key("table", table(), "the table that is looked up").example("{file: countries.csv, key: Country}"),
      key("http", http_lookup_shape(), "the server that is asked, in place of a table").example("{url: \"https://geo.example/v1/{country}\"}"),
      key("key", some(path(), 8), "fields of the event, one for each key column")
          .otherwise("the names of the key columns; of `http` the fields in its address")
          .needs("table"),
      key("add", map_of(path(false), shape(Form::text), 1, kAny), "field: column of the table, or path in the server's answer (at most 256)")
          .required()
          .example("{region: region}"),
      key("missing", either({words({"pass", "reject"}), map_of(path(false), shape(Form::constant), 1, kAny)}),
          "when there is no such key: pass without, dead-letter, or these values")
          .by_default("pass")
          .example("{region: unknown}"),
  }));
  made.one_of.push_back({"table", "http"});
  return made;
}

Shape operands(std::size_t min, std::size_t max) {
  return list(named("expression"), min, max);
}
Shape of_with(Shape of, const Key& other) {
  return map({key("of", std::move(of), "the value").required(), other});
}

Shape time_text() {
  return either({words({"rfc3339", "unix", "unix_ms", "unix_us"}), pattern("%", "a pattern such as \"%Y-%m-%d\"")});
}
Key of_key() {
  return key("of", named("expression"), "the value").required();
}

/// Keys of date_part and date_format beside their own.
std::vector<Key> with_times(std::vector<Key> keys) {
  const TimeText defaults;
  keys.push_back(key("from", time_text(), "how the value is written; @time needs none").silently("rfc3339"));
  keys.push_back(key("from_zone", zone(), "its zone, when the pattern has none").silently(defaults.zone).needs("from"));
  keys.push_back(key("zone", zone(), "zone of the result").silently(defaults.zone));
  return keys;
}

Shape date_part() {
  return map(with_times({
      of_key(),
      key("part",
          words({"year", "quarter", "month", "week", "week_year", "day", "day_of_year", "weekday", "hour", "minute",
                 "second", "microsecond"}),
          "the part; weeks are those of ISO 8601")
          .required(),
  }));
}
Shape date_format() {
  return map(with_times({of_key(), key("to", time_text(), "how the result is written").required()}));
}
Shape substring() {
  Shape made = map({
      of_key(),
      key("start", between(Form::integer, "-16777216", "16777216"), "first character, from 0; negative: from the end")
          .otherwise("the first one"),
      key("length", integer(0, 1u << 24), "characters at most").otherwise("to the end"),
  });
  made.some_of.push_back({"start", "length"});
  return made;
}
Shape replace() {
  return map({of_key(), key("find", pattern("[\\s\\S]", "a text of 1 to 256 bytes"), "what is replaced").required(),
              key("with", pattern("^", "a text of at most 256 bytes"), "what stands there instead").required()});
}
Shape mask() {
  const Shape character = either({pattern("^[\\s\\S]{1,4}$", "one character"), integer(0, 9)});
  return either(
      {named("expression"), map({
                                of_key(),
                                key("keep_first", integer(0, 1'000), "characters left as they are").by_default("0"),
                                key("keep_last", integer(0, 1'000), "the same at the end").by_default("0"),
                                key("with", character, "what hides one character").by_default("\"*\""),
                            })});
}
Shape hash() {
  return either({named("expression"),
                 map({of_key(), key("with", words({"sha256", "xxh3_128"}), "the hash").by_default("sha256")})});
}
Shape bucket() {
  return map({
      of_key(),
      key("below", map_of(pattern("^-?[0-9]+(\\.[0-9]+)?$", "a number"), shape(Form::constant), 1, 64),
          "rising bounds, exclusive, and the constant of each")
          .required()
          .example("{3: micro, 5: light}"),
      key("else", shape(Form::constant), "at or above the last bound").required(),
      key("missing", shape(Form::constant), "of missing and null").otherwise("such an event is rejected"),
  });
}

std::vector<Key> forms() {
  const Shape one = named("expression");
  const Key scale = key("scale", integer(0, 18), "digits behind the point").required();
  return {
      key("copy", path(), "the value of a field"),
      key("const", shape(Form::constant), "a constant").example("GBP"),
      key("add", operands(2, 64), "exact sum"),
      key("subtract", operands(2, 2), "exact difference"),
      key("multiply", operands(2, 64), "exact product").example("[Quantity, UnitPrice]"),
      key("divide", of_with(operands(2, 2), scale), "quotient, half-even").example("{of: [a, b], scale: 4}"),
      key("round", of_with(one, scale), "half-even").example("{of: amount, scale: 2}"),
      key("concat", operands(2, 64), "texts joined"),
      key("lower", one, "lower case"),
      key("upper", one, "upper case"),
      key("ip_prefix", of_with(one, key("bits", integer(0, 128), "bits kept").required()), "network of an address")
          .example("{of: ip, bits: 24}"),
      key("lookup",
          map({
              key("table", table(), "the table").required(),
              key("key", either({one, list(one, 1, 8)}), "one value for each key column").required(),
              key("column", shape(Form::text), "the column taken").required(),
          }),
          "one value from a table")
          .example("{table: {file: rates.csv, key: currency}, key: currency, column: rate}"),
      key("trim", one, "no white space at either end"),
      key("substring", substring(), "part of a text, in characters").example("{of: code, start: 0, length: 3}"),
      key("replace", replace(), "every occurrence of a text").example("{of: phone, find: \" \", with: \"\"}"),
      key("mask", mask(), "characters hidden").example("{of: card, keep_last: 4}"),
      key("hash", hash(), "hash of the text as lower-case hex").example("email"),
      key("to_string", one, "the spelling of a number or boolean"),
      key("to_number", one, "the number a text reads as"),
      key("date_part", date_part(), "a part of a time, as a number").example("{of: \"@time\", part: hour}"),
      key("date_format", date_format(), "a time, written anew").example("{of: \"@time\", to: \"%Y-%m-%d\"}"),
      key("bucket", bucket(), "the constant of the first bound above a number")
          .example("{of: mag, below: {3: micro, 5: light}, else: strong}"),
      key("coalesce", operands(2, 64), "the first one that has a value").example("[nickname, name]"),
  };
}

Shape expression() {
  return either({path(), shape(Form::decimal), one_key(forms())});
}

Shape split() {
  const SplitConfig defaults;
  return either(
      {path(false),
       map({
           key("field", path(false), "the array").required(),
           key("as", path(false), "top-level field that takes the element").otherwise("the field itself, if top-level"),
           key("parts_max", integer(1, 4'096), "more elements reject the event")
               .by_default(std::to_string(defaults.parts_max)),
           key("missing", words({"pass", "reject"}), "without the array: the event stays whole, or is rejected")
               .by_default("reject"),
       })});
}

/// {FIELD: value, list or comparisons}, or a list of such maps, one of which must hold.
Shape condition() {
  const Shape values = either({shape(Form::constant), list(shape(Form::constant), 1, 1'000)});
  Shape comparisons = map({
      key("one_of", values, "one of these"),
      key("not", values, "none of these"),
      key("min", shape(Form::decimal), "smallest number, inclusive"),
      key("max", shape(Form::decimal), "greatest number, inclusive"),
      key("above", shape(Form::decimal), "lower bound, exclusive").contradicts("min"),
      key("below", shape(Form::decimal), "upper bound, exclusive").contradicts("max"),
      key("exists", shape(Form::boolean), "there and not null"),
  });
  comparisons.some_of.push_back({"one_of", "not", "min", "max", "above", "below", "exists"});
  const Shape tests =
      map_of(path(), either({shape(Form::constant), list(shape(Form::constant), 1, 1'000), comparisons}), 1, 64);
  return either({tests, list(tests, 1, 64)});
}

Shape transform() {
  Shape made = map(with_extras({
      key("split", split(), "one record for each element of an array; comes first").example("lines"),
      key("set", map_of(path(false), named("expression"), 1, kAny),
          "fields written, in this order; later ones see earlier ones")
          .example("{amount: {multiply: [Quantity, UnitPrice]}}"),
      key("filter",
          one_key({key("keep", condition(), "events for which it holds go on").example("{Country: France}"),
                   key("drop", condition(), "the others go on").example("{Quantity: {below: 0}}")}),
          "which events go on, after `set`")
          .example("{keep: {Country: France}}"),
      key("drop", list(path(false), 1, kAny), "fields taken away, last").example("[Description]"),
      key("script", script(), "Lua that makes the record; instead of everything else")
          .contradicts("split")
          .contradicts("set")
          .contradicts("filter")
          .contradicts("drop")
          .example("amounts.lua"),
  }));
  made.some_of.push_back({"split", "set", "filter", "drop", "script"});
  return made;
}

Shape stage(const PluginKinds& plugins) {
  std::vector<Key> kinds = {
      key("validate", validate(), "checks and converts fields; what fails is a dead letter"),
      key("enrich", enrich(), "adds fields from a table"),
      key("transform", transform(), "splits, computes, filters"),
  };
  for (const auto& kind : plugins.stages) kinds.push_back(key(kind->name, map(with_extras(plugin_keys(*kind))), "a stage of " + kind->file));
  std::vector<std::string> names;
  for (const Key& kind : kinds) names.push_back(kind.name);
  Shape made = map(with_extras(std::move(kinds)));
  made.one_of.push_back(std::move(names));
  return made;
}

Shape view(const PluginKinds& plugins) {
  const bool own = plugins.views.empty();  // then group_by and windows belong to measures, and to nothing else
  const auto with_measures = [own](KeyBuilder made) { return own ? std::move(made).needs("measures") : made; };
  const Shape window = either({words({"day", "week", "month", "year"}), between(Form::duration, "1s", "366d")});
  const Shape measure =
      either({words({"count"}),
              one_key({
                  key("sum", path(), "exact sum"),
                  key("min", path(), "least value"),
                  key("max", path(), "greatest value"),
                  key("average", path(), "sum / count, six digits more"),
                  key("distinct", path(), "how many different values; past a limit an estimate, as its row says"),
              })});
  std::vector<Key> keys = {
      key("latest", path(), "keeps the newest record for each value of this field").example("\"@id\""),
      key("fields", some(path(false), 256), "fields of the record that are kept")
          .otherwise("the whole record")
          .needs("latest"),
      with_measures(key("group_by", some(path(), 8), "a row for each value of these fields").otherwise("one row")),
      with_measures(key("windows", some(window, 8), "a row for each window of event time: a calendar unit or a duration").otherwise("no windows").example("[day, 5m]")),
      key("measures", map_of(shape(Form::name), measure, 1, 64), "what is computed")
          .example("{revenue: {sum: amount}, lines: count}"),
      key("retain", between(Form::duration, "1m", "36500d"), "hides windows that ended longer ago")
          .otherwise("for ever")
          .needs("windows")
          .example("400d"),
      when_key("event"),
  };
  std::vector<std::string> kinds = {"latest", "measures"};
  for (const auto& kind : plugins.views) {
    keys.push_back(key(kind->name, map(plugin_keys(*kind)), "a view of " + kind->file));
    kinds.push_back(kind->name);
  }
  Shape made = map(std::move(keys));
  made.one_of.push_back(std::move(kinds));
  return made;
}

}  // namespace

const ConfigKeys& pipeline_keys() {
  static const ConfigKeys keys = pipeline_keys({});
  return keys;
}

ConfigKeys pipeline_keys(const PluginKinds& plugins) {
  const PipelineConfig defaults;
  ConfigKeys made;
  made.shapes = {{"expression", expression()}, {"value", test_value_shape()}, {"letter", test_letter_shape()}};
  made.root = map({
      key("pipeline", shape(Form::name), "its name; the same name is the same pipeline").required().example("retail"),
      key("partitions", integer(1, 1'024), "parts that work side by side; fixed for existing data")
          .by_default(std::to_string(defaults.partitions)),
      key("record", record(), "how bytes become events with an id and a time"),
      key("dedupe", dedupe(), "how repeats are told"),
      key("stages", list(stage(plugins), 0, 64), "what is done to an event, in this order").otherwise("none"),
      key("views", map_of(shape(Form::name), view(plugins), 0, 256), "the questions that can be asked").otherwise("none"),
      key("late",
          map({
              key("after", between(Form::duration, "1s", "36500d"), "below the greatest event time of the partition")
                  .required(),
              key("then", words({"accept", "expire", "dead_letter"}), "what becomes of it").by_default("accept"),
          }),
          "when an event is late")
          .otherwise("no event is late")
          .example("{after: 7d, then: expire}"),
      key("retry", retry_shape(), "what becomes of an event that a stage cannot decide now, for a reason that may pass"),
      dead_letters_key(),
      biography_key(),
      key("inputs", inputs_shape(plugins),
          "where `weir up` takes events from (`weir run` reads what its command line names): a kind of input, or a "
          "name of your own over one, for several of a kind")
          .by_default("{http: {}}")
          .example("{http: {}, files: {include: [\"incoming/*.csv\"], follow: true}}"),
      key("sinks", sinks_shape(when_key("record"), plugins), "where records, or dead letters, are written; each reads the log by itself, at its own pace").otherwise("none"),
      key("limits",
          map({key("event_bytes_max", between(Form::size, "1KiB", "16MiB"), "a longer event is a dead letter")
                   .by_default(format_size(defaults.limits.event_bytes_max)),
               key("poison_crashes_max", integer(1, 100), "an event that crashed a stage so often is a dead letter, reason poison")
                   .by_default(std::to_string(defaults.limits.poison_crashes_max)),
               key("stage_stall_max", between(Form::duration, "1s", "1h"),
                   "a stage that works on one event (one of ours: on one batch of up to 512) for longer has hung: the process is aborted, and that one blamed")
                   .by_default(format_duration(defaults.limits.stage_stall_max))}),
          "bounds of one event"),
      key("tests", tests_shape(), "examples of what must come of what; `weir test` runs them, a node does not")
          .otherwise("none"),
  });
  return made;
}

}  // namespace weir::yaml

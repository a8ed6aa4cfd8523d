// The section `tests`: inputs and expectations. What a test names must be there: a misspelt view or field would be a
// test that can never fail, or never pass.
#include <algorithm>
#include <filesystem>
#include <functional>

#include "runtime/adapters/yaml/reader.h"
#include "runtime/adapters/yaml/tests_keys.h"
#include "runtime/adapters/yaml/tests_reader.h"
#include "runtime/base/time_text.h"
#include "runtime/ports/pipeline_tests.h"

namespace weir::yaml {
namespace {

using std::chrono::microseconds;
constexpr std::size_t kTestsMax = 1'000;
constexpr std::size_t kInputsMax = 100;
constexpr std::size_t kRowsMax = 10'000;
constexpr std::size_t kNameMax = 200;
constexpr microseconds kDay = std::chrono::hours(24);

const std::vector<std::string> kEnvelope = {"@id", "@index", "@time", "@type", "@source", "@partition"};

bool one_of(const std::string& word, const std::vector<std::string>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// ---- inputs

class InputReader {
 public:
  InputReader(Context& context, const PipelineConfig& pipeline, bool files, const Node& node, const std::string& name)
      : context_(context), pipeline_(pipeline), files_(files), node_(node), name_(name), map_(context, node, name) {}

  /// `before`: when the input in front of this one is accepted; none: this is the first.
  void read(std::optional<std::int64_t> before, TestInput& out) {
    out.place = node_.place;
    const Node* text = map_.take("text");
    const Node* events = map_.take("events");
    const Node* file = map_.take("file");
    const Node* format = map_.take("format");
    if (format != nullptr) read_format(*format, out);
    read_times(before, out);
    map_.finish();
    if (!map_.valid()) return;
    if ((text != nullptr) + (events != nullptr) + (file != nullptr) != 1) {
      context_.findings.add(node_.place, fmt::format("\"{}\" must have exactly one of text, events and file", name_));
      return;
    }
    if (text != nullptr) read_text(context_, *text, map_.path("text"), out.text);
    if (events != nullptr) read_events(*events, out);
    if (file != nullptr) read_file(*file, out);
    if (text != nullptr && format == nullptr) check_format();
  }

 private:
  void read_format(const Node& node, TestInput& out) {
    read_enum(context_, node, map_.path("format"),
              std::vector<std::pair<std::string, RecordFormat>>{{"json", RecordFormat::json},
                                                                {"ndjson", RecordFormat::ndjson},
                                                                {"csv", RecordFormat::csv},
                                                                {"cloudevents", RecordFormat::cloudevents},
                                                                {"geojson", RecordFormat::geojson}},
              out.format);
  }

  void read_times(std::optional<std::int64_t> before, TestInput& out) {
    const Node* at = map_.take("at");
    const Node* after = map_.take("after");
    out.accepted_at = before.value_or(kTestAcceptedAt);
    if (at != nullptr && after != nullptr) {
      context_.findings.add(
          after->place,
          fmt::format("\"{}\" and \"at\" both say when the input is accepted; keep one of them", map_.path("after")));
    } else if (after != nullptr) {
      microseconds pause{};
      if (!read_duration(context_, *after, map_.path("after"), {microseconds(1), 3'650 * kDay}, pause)) return;
      if (!before) {
        context_.findings.add(
            after->place,
            fmt::format("\"{}\" needs an input before it; write at: TIME in the first one", map_.path("after")));
        return;
      }
      out.accepted_at += pause.count();
    } else if (at != nullptr) {
      const std::string text = at->text.size() == 10 ? at->text + "T00:00:00Z" : at->text;
      const auto time = at->kind == Node::Kind::scalar ? parse_rfc3339(text) : std::nullopt;
      if (!time) {
        context_.findings.add(at->place,
                              fmt::format("\"{}\" must be a time such as 2026-01-31T08:00:00Z, or a day; found {}",
                                          map_.path("at"), describe_found(*at)));
        return;
      }
      if (before && *time < *before) {
        context_.findings.add(at->place, fmt::format("\"{}\" lies before {}, when the input in front of it is accepted",
                                                     map_.path("at"), to_rfc3339(*before)));
        return;
      }
      out.accepted_at = *time;
    }
  }

  /// A map is an event, a text is a line as it stands: for what is no JSON.
  void read_events(const Node& node, TestInput& out) {
    const std::string name = map_.path("events");
    if (out.format == RecordFormat::any) {
      out.format =
          pipeline_.record.format == RecordFormat::cloudevents ? RecordFormat::cloudevents : RecordFormat::ndjson;
    } else if (out.format != RecordFormat::ndjson && out.format != RecordFormat::cloudevents) {
      context_.findings.add(node_.place,
                            fmt::format("\"{}\" are ndjson or cloudevents; another format needs text or file", name));
    }
    if (node.kind != Node::Kind::list || node.items.empty()) {
      context_.findings.add(
          node.place, fmt::format("\"{}\" must be a list of events such as [{{id: a, amount: 1.50}}], found {}", name,
                                  describe_found(node)));
      return;
    }
    for (const Node& item : node.items) {
      if (item.kind == Node::Kind::map) {
        append_json(out.text, test_value(item));
      } else if (is_text(item) && !item.text.empty() && item.text.find('\n') == std::string::npos) {
        out.text += item.text;
      } else {
        context_.findings.add(
            item.place, fmt::format("\"{}\" holds {}; an event is a map, or a text of one line that is taken as it is",
                                    name, describe_found(item)));
      }
      out.text += '\n';
    }
  }

  void read_file(const Node& node, TestInput& out) {
    std::string file;
    if (!read_text(context_, node, map_.path("file"), file)) return;
    const std::filesystem::path path(file);
    out.file = path.is_absolute() || context_.folder.empty()
                   ? file
                   : (std::filesystem::path(context_.folder) / path).lexically_normal().string();
    if (!files_) return;
    std::error_code error;
    if (std::filesystem::is_regular_file(out.file, error)) return;
    context_.findings.add(node.place, fmt::format("the input \"{}\" cannot be read: {}", out.file,
                                                  std::filesystem::exists(out.file, error) ? "it is not a regular file"
                                                                                           : "there is no such file"));
  }

  /// A file's name may say its format; a text has none.
  void check_format() {
    if (pipeline_.record.format != RecordFormat::any) return;
    context_.findings.add(node_.place,
                          fmt::format("\"{}\" needs a format, because the pipeline's record has none; write "
                                      "format: json, ndjson, csv, cloudevents or geojson",
                                      name_));
  }

  Context& context_;
  const PipelineConfig& pipeline_;
  bool files_;
  const Node& node_;
  std::string name_;
  MapReader map_;
};

void read_inputs(Context& context, const PipelineConfig& pipeline, bool files, const Node& node,
                 const std::string& name, TestConfig& out) {
  if (node.kind != Node::Kind::list)
    return InputReader(context, pipeline, files, node, name).read(std::nullopt, out.inputs.emplace_back());
  if (node.items.empty() || node.items.size() > kInputsMax) {
    context.findings.add(node.place, fmt::format("\"{}\" must be one input or a list of 1 to {}, found {}", name,
                                                 kInputsMax, node.items.size()));
    return;
  }
  std::optional<std::int64_t> before;
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    TestInput input;
    InputReader(context, pipeline, files, node.items[i], fmt::format("{}.{}", name, i)).read(before, input);
    before = input.accepted_at;
    out.inputs.push_back(std::move(input));
  }
}

// ---- expectations

/// Which keys a row may name, and what they may say; `check` gets each row's entries.
using EntryCheck = std::function<void(const Entry& entry, const std::string& name)>;

void read_rows(Context& context, const Node& node, const std::string& name, const EntryCheck& check,
               ExpectedRows& out) {
  out.place = node.place;
  const Node* list = &node;
  if (node.kind == Node::Kind::map) {
    MapReader map(context, node, name);
    list = map.take("contains");
    const Node* count = map.take("count");
    map.finish();
    out.contains = list != nullptr;
    std::uint64_t rows = 0;
    if (count != nullptr &&
        read_integer(context, *count, map.path("count"), Range<std::uint64_t>{0, 1'000'000'000}, rows))
      out.count = rows;
    if (list == nullptr && count == nullptr) {
      context.findings.add(
          node.place,
          fmt::format("\"{}\" must be a list (exactly these), {{contains: [...]}} or {{count: N}}; found {}", name,
                      describe_found(node)));
    }
    if (list == nullptr) return;
  }
  if (list->kind != Node::Kind::list || list->items.size() > kRowsMax) {
    context.findings.add(
        list->place,
        fmt::format("\"{}\" must be a list of at most {} (exactly these), {{contains: [...]}} or {{count: N}}; "
                    "found {}",
                    name, kRowsMax,
                    list->kind == Node::Kind::list ? fmt::format("{}", list->items.size()) : describe_found(*list)));
    return;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& item = list->items[i];
    const std::string item_name = fmt::format("{}.{}", name, i);
    if (item.kind != Node::Kind::map || item.entries.empty()) {
      context.findings.add(item.place, fmt::format("\"{}\" must be a map of fields and values, found {}", item_name,
                                                   describe_found(item)));
      continue;
    }
    for (const Entry& entry : item.entries) check(entry, item_name);
    out.rows.push_back(test_value(item));
  }
}

class ExpectationReader {
 public:
  /// `whole`: nothing of the pipeline itself was wrong, so that what it does not have is known.
  ExpectationReader(Context& context, const PipelineConfig& pipeline, bool whole)
      : context_(context), pipeline_(pipeline), whole_(whole) {
    stages_ = {"parse", "dedupe", "late", "encode"};
    reasons_ = letter_reasons();
    for (const StageConfig& stage : pipeline.stages) {
      stages_.push_back(stage.name);
      const auto* validate = std::get_if<ValidateConfig>(&stage.body);
      if (validate == nullptr) continue;
      for (const NamedRule& rule : validate->rules) reasons_.push_back("rule:" + rule.name);
      if (validate->script) reasons_.push_back("rule:lua");
      scripted_ = scripted_ || validate->script.has_value();
    }
    for (const ViewConfig& view : pipeline.views) views_.push_back(view.name);
    for (const SinkConfig& sink : pipeline.sinks) sinks_.push_back(sink.name);
  }

  void read(const Node& node, const std::string& name, TestExpectation& out) {
    MapReader map(context_, node, name);
    const Node* ledger = map.take("ledger");
    const Node* letters = map.take("dead_letters");
    const Node* views = map.take("views");
    const Node* sinks = map.take("sinks");
    const Node* records = map.take("records");
    map.finish();
    if (!map.valid()) return;
    if (node.entries.empty()) {
      context_.findings.add(node.place,
                            fmt::format("\"{}\" must name at least one of ledger, dead_letters, views, sinks, records", name));
    }
    if (ledger != nullptr) read_ledger(*ledger, map.path("ledger"), out);
    if (letters != nullptr) read_letters(*letters, map.path("dead_letters"), out.dead_letters.emplace());
    if (views != nullptr) read_views(*views, map.path("views"), out);
    if (sinks != nullptr) read_sinks(*sinks, map.path("sinks"), out);
    if (records == nullptr) return;
    read_rows(
        context_, *records, map.path("records"),
        [this](const Entry& entry, const std::string& where) {
          if (entry.key.starts_with("@")) known(entry, where, kEnvelope);
        },
        out.records.emplace());
  }

 private:
  void known(const Entry& entry, const std::string& where, const std::vector<std::string>& allowed) {
    if (one_of(entry.key, allowed)) return;
    context_.findings.add(entry.place, fmt::format("\"{}\" names \"{}\", which is not there; allowed: {}{}", where,
                                                   entry.key, join(allowed), did_you_mean(entry.key, allowed)));
  }

  void read_ledger(const Node& node, const std::string& name, TestExpectation& out) {
    MapReader map(context_, node, name);
    for (const std::string& key : ledger_names()) {
      const Node* count = map.take(key);
      std::uint64_t value = 0;
      if (count != nullptr &&
          read_integer(context_, *count, map.path(key), Range<std::uint64_t>{0, 1'000'000'000}, value))
        out.ledger.emplace_back(key, value);
    }
    map.finish();
  }

  void read_letters(const Node& node, const std::string& name, ExpectedRows& out) {
    read_rows(
        context_, node, name,
        [this](const Entry& entry, const std::string& where) {
          known(entry, where, letter_fields());
          const std::string& said = entry.value.text;
          if (entry.key == "stage" && whole_ && !one_of(said, stages_)) {
            context_.findings.add(entry.value.place,
                                  fmt::format("\"{}.stage\" names no stage of this pipeline: {}; allowed: {}{}", where,
                                              describe_found(entry.value), join(stages_), did_you_mean(said, stages_)));
          }
          // Behind another word than `rule` stand a user's own reasons; a script names rules of its own.
          const bool own = said.find(':') != std::string::npos && (scripted_ || !said.starts_with("rule:"));
          if (entry.key != "reason" || own || !whole_ || one_of(said, reasons_)) return;
          context_.findings.add(entry.value.place,
                                fmt::format("\"{}.reason\" must be one of {}; found {}{}", where, join(reasons_),
                                            describe_found(entry.value), did_you_mean(said, reasons_)));
        },
        out);
  }

  void read_views(const Node& node, const std::string& name, TestExpectation& out) {
    MapReader map(context_, node, name);
    if (!map.valid()) return;
    for (const Entry& entry : node.entries) {
      const auto view = std::find_if(pipeline_.views.begin(), pipeline_.views.end(),
                                     [&](const ViewConfig& v) { return v.name == entry.key; });
      if (view == pipeline_.views.end() && !whole_) continue;
      if (view == pipeline_.views.end()) {
        context_.findings.add(
            entry.place, fmt::format("\"{}\" names the view \"{}\", which this pipeline does not have; allowed: {}{}",
                                     name, entry.key, join(views_), did_you_mean(entry.key, views_)));
        continue;
      }
      const std::vector<std::string> fields = fields_of(*view);
      ExpectedRows rows;
      read_rows(
          context_, entry.value, map.path(entry.key),
          [&](const Entry& field, const std::string& where) {
            if (whole_ && !fields.empty()) known(field, where, fields);
          },
          rows);
      out.views.emplace_back(entry.key, std::move(rows));
    }
  }

  /// What a sink writes may have any field.
  void read_sinks(const Node& node, const std::string& name, TestExpectation& out) {
    MapReader map(context_, node, name);
    if (!map.valid()) return;
    for (const Entry& entry : node.entries) {
      if (whole_) known(entry, name, sinks_);
      read_rows(context_, entry.value, map.path(entry.key), [](const Entry&, const std::string&) {}, out.sinks.emplace_back(entry.key, ExpectedRows{}).second);
    }
  }

  /// Empty: whatever the record has.
  static std::vector<std::string> fields_of(const ViewConfig& view) {
    std::vector<std::string> fields;
    if (view.latest) {
      if (view.fields.empty()) return fields;
      fields = {"id", "time"};
      const auto add = [&fields](const FieldPath& path) {
        if (!one_of(path.text, fields)) fields.push_back(path.text);
        if (path.text == "id" || path.text == "time") fields.push_back("record." + path.text);
      };
      if (view.latest->text != "@id" && view.latest->text != "@time") add(*view.latest);
      for (const FieldPath& path : view.fields) add(path);
      return fields;
    }
    for (const FieldPath& path : view.group_by) fields.push_back(path.text);
    if (!view.windows.empty()) fields.insert(fields.end(), {"window", "window_start"});
    for (const MeasureConfig& measure : view.measures) {
      fields.push_back(measure.name);
      if (measure.kind == MeasureKind::distinct) fields.push_back(approximate_column(measure.name));
    }
    if (view.plugin) {
      fields.insert(fields.end(), view.plugin->kind->columns.begin(), view.plugin->kind->columns.end());
      fields.emplace_back(kFailedColumn);
    }
    return fields;
  }

  Context& context_;
  const PipelineConfig& pipeline_;
  bool whole_;
  std::vector<std::string> stages_, views_, sinks_, reasons_;
  bool scripted_ = false;  // rules of a script have whatever names it gives them
};

struct TestsContext {
  Context& context;
  const PipelineConfig& pipeline;
  bool files;  // those that inputs name must be there
  bool whole;  // of ExpectationReader
};

void read_test(const TestsContext& tests, const Node& node, const std::string& name, std::vector<TestConfig>& out) {
  Context& context = tests.context;
  TestConfig test;
  test.place = node.place;
  MapReader map(context, node, name);
  const Node* test_name = map.require("name", "what the test shows");
  const Node* lookups = map.take("lookups");
  const Node* input = map.require("input", "{events: [...]}, {text: ...} or {file: FILE}");
  const Node* expect = map.require("expect", "{ledger: {...}, dead_letters: [...], views: {...}, sinks: {...}, records: [...]}");
  map.finish();
  if (test_name != nullptr && read_text(context, *test_name, map.path("name"), test.name)) {
    if (test.name.size() > kNameMax || test.name.find('\n') != std::string::npos) {
      context.findings.add(test_name->place,
                           fmt::format("\"{}\" must be one line of at most {} characters", map.path("name"), kNameMax));
    }
    for (const TestConfig& other : out) {
      if (other.name != test.name) continue;
      context.findings.add(
          test_name->place,
          fmt::format("a second test is called \"{}\", the first one stands in line {}", test.name, other.place.line));
    }
  }
  if (lookups != nullptr) read_test_lookups(context, tests.pipeline, tests.whole, *lookups, map.path("lookups"), test.lookups);
  if (input != nullptr) read_inputs(context, tests.pipeline, tests.files, *input, map.path("input"), test);
  if (expect != nullptr) ExpectationReader(context, tests.pipeline, tests.whole).read(*expect, map.path("expect"), test.expect);
  out.push_back(std::move(test));
}

}  // namespace

void read_tests(Context& context, const Node& node, const PipelineConfig& pipeline, std::vector<TestConfig>& out,
                bool files) {
  if (node.kind != Node::Kind::list || node.items.size() > kTestsMax) {
    context.findings.add(
        node.place, node.kind == Node::Kind::list
                        ? fmt::format("\"tests\" must have at most {} tests, found {}", kTestsMax, node.items.size())
                        : fmt::format("\"tests\" must be a list, each item with name, input and expect; found {}",
                                      describe_found(node)));
    return;
  }
  const TestsContext tests{context, pipeline, files, context.findings.empty()};
  for (std::size_t i = 0; i < node.items.size(); ++i) read_test(tests, node.items[i], fmt::format("tests.{}", i), out);
}

}  // namespace weir::yaml

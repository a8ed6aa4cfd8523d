#include "cluster/node/pipeline_test.h"

#include <fmt/format.h>

#include <algorithm>

#include "cluster/node/framed_input.h"
#include "cluster/node/lookup_answers.h"
#include "runtime/adapters/yaml/tests_keys.h"
#include "runtime/base/time_text.h"
#include "runtime/engine/letters_query.h"
#include "runtime/engine/query.h"

namespace weir {

namespace {

/// Arbitrary: a hint, not a report.
constexpr std::size_t kLettersShown = 5;

TestValue text_value(std::string text) {
  TestValue value;
  value.kind = TestValue::Kind::string;
  value.text = std::move(text);
  return value;
}
TestValue number_value(std::uint64_t number) {
  TestValue value;
  value.kind = TestValue::Kind::number;
  value.text = std::to_string(number);
  return value;
}

Result<TestValue> value_of(const Row& row) {
  std::string json;
  append_row_json(json, row);
  return parse_test_value(json);
}

/// Inputs accepted at the same time are one life of the node; between two times it is stopped and started again.
Result<void> run_inputs(const CompiledPipeline& pipeline, const TestConfig& test, const StepsWrapper& wrap,
                        MemoryMachine& machine) {
  std::vector<DoorGroup> groups;
  for (std::size_t i = 0; i < test.inputs.size(); ++i) {
    const TestInput& input = test.inputs[i];
    FramedInputConfig config;
    config.name = input.file.empty() ? fmt::format("input {}", i + 1) : input.file;
    if (!input.file.empty()) config.door = "file:" + input.file;
    config.format = input.format;
    config.accepted_at = input.accepted_at;
    WEIR_ASSIGN(auto framed, input.file.empty() ? frame_text(pipeline.config(), input.text, config)
                                                : frame_file(pipeline.config(), config));
    groups.insert(groups.end(), std::make_move_iterator(framed.begin()), std::make_move_iterator(framed.end()));
    if (i + 1 < test.inputs.size() && test.inputs[i + 1].accepted_at == input.accepted_at) continue;
    WEIR_TRY(machine.run(std::exchange(groups, {}), input.accepted_at, wrap));
  }
  return {};
}

/// Fields that tell the rows of a view apart.
std::vector<std::string> key_fields(const View& view) {
  if (view.latest) return {view.id_in_key() ? std::string("id") : view.config.latest->text};
  std::vector<std::string> key;
  for (const FieldPath& path : view.config.group_by) key.push_back(path.text);
  if (!view.config.windows.empty()) key.insert(key.end(), {"window", "window_start"});
  return key;
}

/// Of a letter what somebody who writes a test looks for.
RowNames letter_names() {
  return {"dead_letters", {"id"}, {"id", "stage", "reason", "details", "original", "original_base64"}, "details"};
}

/// Letters that nobody spoke of are often why something else is not as expected.
Result<void> add_letters(const MemoryAnswers& answers, std::vector<std::string>& to) {
  WEIR_ASSIGN(const auto rows, letter_rows(answers));
  for (const TestValue& row : rows) {
    if (to.size() == kLettersShown) break;
    to.push_back(shown_row(letter_names(), row));
  }
  return {};
}

Result<void> compare(const CompiledPipeline& pipeline, const TestExpectation& expect, const MemoryAnswers& answers,
                     std::vector<Difference>& to) {
  for (const auto& [name, count] : expect.ledger) {
    const std::uint64_t actual = ledger_count(answers, name);
    if (actual != count) to.push_back({"ledger." + name, std::to_string(count), std::to_string(actual), ""});
  }
  if (!answers.balanced)
    to.push_back({"ledger", "", "", "it does not balance: a fault of weir, whatever the test says", true});
  if (expect.dead_letters) {
    WEIR_ASSIGN(const auto rows, letter_rows(answers));
    compare_rows(letter_names(), *expect.dead_letters, rows, to);
  }
  for (const auto& [name, rows] : expect.views) {
    WEIR_ASSIGN(const auto actual, view_rows(answers, pipeline.views(), name));
    compare_rows({"views." + name, key_fields(*pipeline.views().find(name)), {}, {}}, rows, actual, to);
  }
  for (const auto& [name, rows] : expect.sinks) {
    WEIR_ASSIGN(const auto actual, sink_rows(answers, pipeline.config(), name));
    compare_rows({"sinks." + name, {"id"}, {}, {}}, rows, actual, to);
  }
  if (expect.records) {
    WEIR_ASSIGN(const auto rows, record_rows(answers));
    compare_rows({"records", {"@id", "@index"}, {}, {}}, *expect.records, rows, to);
  }
  return {};
}

}  // namespace

const std::vector<std::string>& ledger_counts() { return yaml::ledger_names(); }

std::uint64_t ledger_count(const MemoryAnswers& answers, const std::string& name) {
  const Ledger& ledger = answers.ledger;
  static const std::vector<std::pair<std::string, std::uint64_t Ledger::*>> kFields = {
      {"served", &Ledger::served},
      {"filtered", &Ledger::filtered},
      {"duplicate", &Ledger::duplicate},
      {"shed", &Ledger::shed},
      {"expired", &Ledger::expired},
      {"dropped", &Ledger::dropped},
      {"superseded", &Ledger::superseded},
      {"retrying", &Ledger::retrying},
      {"dead_lettered", &Ledger::dead_lettered},
      {"redriven", &Ledger::redriven},
      {"edited", &Ledger::edited},
      {"records", &Ledger::records}};
  if (name == "accepted") return answers.accepted;
  for (const auto& [field, member] : kFields) {
    if (field == name) return ledger.*member;
  }
  return answers.in_flight;
}

TestOutcome run_test(const CompiledPipeline& pipeline, const TestConfig& test, const TestOnlookers& onlookers) {
  TestOutcome outcome;
  auto servers = LookupAnswers::make(pipeline.config(), test.lookups);
  if (!servers) {
    outcome.error = "lookups: " + servers.error().context;
    return outcome;
  }
  MemoryMachine machine(pipeline, [&servers](const HttpFetchRequest& request) { return servers->answer(request); });
  Result<void> done = run_inputs(pipeline, test, onlookers.steps, machine);
  outcome.unanswered = servers->unanswered();
  if (done) {
    auto answers = machine.answers();
    if (answers && onlookers.answers) onlookers.answers(*answers);
    done =
        answers ? compare(pipeline, test.expect, *answers, outcome.differences) : Result<void>(fail(answers.error()));
    if (done && !outcome.passed() && !test.expect.dead_letters) done = add_letters(*answers, outcome.letters);
  }
  if (!done) outcome.error = done.error().context.empty() ? describe(done.error()) : done.error().context;
  return outcome;
}

Result<std::vector<TestValue>> view_rows(const MemoryAnswers& answers, const ViewSet& views, const std::string& view) {
  std::vector<TestValue> rows;
  QueryRequest request;
  request.view = view;
  request.limit = 0;
  request.count_total = false;
  Result<void> good;
  WEIR_TRY(query_view(answers.pictures, views, request, [&](const Row& row) {
    auto value = value_of(row);
    if (value) {
      rows.push_back(std::move(*value));
    } else {
      good = fail(value.error());
    }
    return good.has_value();
  }));
  WEIR_TRY(good);
  return rows;
}

Result<std::vector<TestValue>> letter_rows(const MemoryAnswers& answers) {
  std::vector<TestValue> rows;
  Result<void> good;
  WEIR_TRY(query_letters(answers.pictures, {}, [&](const PlacedLetter& letter) {
    auto value = value_of(letter_row(letter));
    if (value) {
      rows.push_back(std::move(*value));
    } else {
      good = fail(value.error());
    }
    return good.has_value();
  }));
  WEIR_TRY(good);
  return rows;
}

Result<std::vector<TestValue>> sink_rows(const MemoryAnswers& answers, const PipelineConfig& config, const std::string& sink) {
  const auto found = std::find_if(config.sinks.begin(), config.sinks.end(), [&](const SinkConfig& one) { return one.name == sink; });
  if (found == config.sinks.end()) return fail(Errc::not_found, "the pipeline has no sink \"{}\"", sink);
  std::vector<TestValue> rows;
  for (const SunkRecord& record : answers.sunk) {
    if (record.sink != sink) continue;
    if (text_of(*found).format == SinkFormat::csv) {
      TestValue row;
      row.kind = TestValue::Kind::map;
      row.fields.emplace_back("line", text_value(record.text));
      rows.push_back(std::move(row));
    } else {
      WEIR_ASSIGN(TestValue row, parse_test_value(record.text));
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

Result<std::vector<TestValue>> record_rows(const MemoryAnswers& answers) {
  std::vector<TestValue> rows;
  for (const CuratedRecord& record : answers.records) {
    WEIR_ASSIGN(TestValue payload, parse_test_value(record.payload));
    TestValue row;
    row.kind = TestValue::Kind::map;
    row.fields.emplace_back("@id", text_value(record.id));
    row.fields.emplace_back("@index", number_value(record.index));
    row.fields.emplace_back("@time", text_value(to_rfc3339(record.event_time)));
    row.fields.emplace_back("@type", text_value(record.type));
    row.fields.emplace_back("@source", text_value(record.source));
    row.fields.emplace_back("@partition", number_value(record.partition.value));
    for (auto& field : payload.fields) row.fields.push_back(std::move(field));
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace weir

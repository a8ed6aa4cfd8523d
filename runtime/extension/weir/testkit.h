// A pipeline in memory, in virtual time: the engine of `weir run` without files, threads or waiting. The same events give the same
// answers, always; a thousand of these run in seconds.
//
//   weir::TestPipeline pipeline(R"(
//   pipeline: test
//   partitions: 1
//   stages: [{fraud_score: {threshold: 50}}]
//   )");
//   pipeline.feed(R"({"id": "a", "amount": 70})");
//   assert(pipeline.records().at(0)["score"] == "100");
//   assert(pipeline.ledger()["served"] == "1");
//
// Stages, sinks, sources and views that are linked into the test program are there by the names that WEIR_STAGE, WEIR_SINK, WEIR_SOURCE and
// WEIR_VIEW gave them; link weir::testkit. Sinks of weir's own take their records and write nothing, inputs of weir's own bring nothing.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weir/plugin.h>
#include <weir/testkit_abi.h>

namespace weir {
inline namespace sdk {

/// A pipeline that is refused (every finding with its place), an input that cannot be framed, a view or a sink that is not there, a sink
/// that is broken, or an engine that did not come to an end.
class TestkitError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A row of a view, a record, a dead letter, the ledger.
class TestRow {
 public:
  /// The field's text: strings without quotes, everything else as JSON. Throws TestkitError where there is no such field.
  [[nodiscard]] const std::string& operator[](std::string_view field) const {
    for (const Field& one : fields_) {
      if (one.name == field) return one.text;
    }
    throw TestkitError("the row " + json() + " has no field \"" + std::string(field) + "\"");
  }
  [[nodiscard]] bool has(std::string_view field) const noexcept {
    for (const Field& one : fields_) {
      if (one.name == field) return true;
    }
    return false;
  }
  /// The whole row on one line.
  [[nodiscard]] std::string json() const {
    std::string out = "{";
    for (const Field& one : fields_) out += (out.size() == 1 ? "\"" : ",\"") + one.name + "\":" + one.json;
    return out + "}";
  }

 private:
  friend class TestPipeline;
  struct Field {
    std::string name, text, json;
  };
  std::vector<Field> fields_;
};

/// Not thread-safe. Each has an engine of its own.
class TestPipeline {
 public:
  /// `yaml` is a pipeline file's text; file names inside are relative to the current folder.
  explicit TestPipeline(std::string_view yaml) : TestPipeline("test.yaml", yaml) {}
  [[nodiscard]] static TestPipeline from_file(std::string_view file) { return TestPipeline(file, {}); }

  /// Events are accepted now, and everything happens that they lead to. `format`: ndjson, json, csv, cloudevents, geojson. The same
  /// id again is a duplicate, as in real life.
  TestPipeline& feed(std::string_view events, std::string_view format = "ndjson") {
    weir_testkit_feed(kit_.get(), detail::to_abi(events), detail::to_abi(format));
    return checked();
  }
  /// The sources among the pipeline's `inputs` are opened where they were and asked until each has nothing at the moment, is unreachable, or has
  /// ended; and everything happens that their events lead to.
  TestPipeline& poll() {
    weir_testkit_poll(kit_.get());
    return checked();
  }
  /// Time passes, and what is due happens. It begins at 2100-01-01T00:00:00Z; by itself it passes only as the engine needs it, for
  /// commits and for the pauses of restarts and retries.
  TestPipeline& advance(std::chrono::microseconds time) {
    weir_testkit_advance(kit_.get(), time.count());
    return checked();
  }
  /// Of stages that answer later: events that wait for their answer now. While there are some, feed() and run() let 100 ms pass for what else
  /// is to be done, and advance() its time; what is due later waits, and poll() is refused. Answers are given where the test has the
  /// completions: by what stands in the stage for its server, on any thread.
  [[nodiscard]] std::uint64_t pending() const { return weir_testkit_pending(kit_.get()); }
  /// Everything happens that answers lead to which were given meanwhile.
  TestPipeline& run() {
    weir_testkit_run(kit_.get());
    return checked();
  }
  /// Waits, in real time, for the answers of threads that the stages have themselves, until no event is pending or parked.
  TestPipeline& wait() {
    weir_testkit_wait(kit_.get());
    return checked();
  }
  /// The stage of this name crashes, once, when it gets its `nth` event from now on (the first is 1). It is started again, and the
  /// event comes again. A sink of yours crashes when it has written the batch with its `nth` record, and before weir knows: another object
  /// gets that batch again. A source of yours crashes when it has given its `nth` record, and before that is durable.
  TestPipeline& crash(std::string_view name, std::uint64_t nth) {
    weir_testkit_crash(kit_.get(), detail::to_abi(name), nth);
    return checked();
  }
  /// How many crashes that were asked for have happened.
  [[nodiscard]] std::uint64_t crashes() const { return weir_testkit_crashes(kit_.get()); }

  /// What left the stages, with @id, @index, @time, @type, @source, @partition; by partition, in the order of the log.
  [[nodiscard]] std::vector<TestRow> records() { return rows(WEIR_TESTKIT_RECORDS, {}); }
  /// With id, partition, offset, door, accepted_at, stage, reason, details, attempts, original.
  [[nodiscard]] std::vector<TestRow> dead_letters() { return rows(WEIR_TESTKIT_DEAD_LETTERS, {}); }
  [[nodiscard]] std::vector<TestRow> view(std::string_view name) { return rows(WEIR_TESTKIT_VIEW, name); }
  /// What the sink of this name has taken: the record's fields; of CSV the field `line`.
  [[nodiscard]] std::vector<TestRow> sink(std::string_view name) { return rows(WEIR_TESTKIT_SINK, name); }
  /// accepted, served, filtered, duplicate, dead_lettered, …: how many events are what. `balanced` is true unless weir is broken.
  [[nodiscard]] TestRow ledger() { return rows(WEIR_TESTKIT_LEDGER, {}).at(0); }

 private:
  TestPipeline(std::string_view file, std::string_view yaml)
      : kit_(weir_testkit_open(detail::to_abi(file), detail::to_abi(yaml), &weir_plugin_open)) {
    (void)checked();
  }
  TestPipeline& checked() {
    if (const weir_text wrong = weir_testkit_error(kit_.get()); wrong.size != 0) throw TestkitError(std::string(detail::from_abi(wrong)));
    return *this;
  }
  static void take(void* to, weir_text name, weir_text text, weir_text json) {
    auto& rows = *static_cast<std::vector<TestRow>*>(to);
    if (name.size == 0) {
      rows.emplace_back();
    } else {
      rows.back().fields_.push_back({std::string(detail::from_abi(name)), std::string(detail::from_abi(text)), std::string(detail::from_abi(json))});
    }
  }
  [[nodiscard]] std::vector<TestRow> rows(std::uint32_t what, std::string_view name) {
    std::vector<TestRow> rows(1);
    weir_testkit_rows(kit_.get(), what, detail::to_abi(name), take, &rows);
    (void)checked();
    rows.pop_back();
    return rows;
  }

  struct Close {
    void operator()(weir_testkit* kit) const noexcept { weir_testkit_close(kit); }
  };
  std::unique_ptr<weir_testkit, Close> kit_;
};

}  // namespace sdk
}  // namespace weir

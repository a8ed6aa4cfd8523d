// When the files of a pipeline's stages are read again, and what is said of those that cannot be used.
#include <condition_variable>
#include <mutex>
#include <optional>

#include "cluster/node/rules_watch.h"
#include "runtime/adapters/memory/memory_files.h"
#include "tests/support/catch.h"

using namespace weir;

namespace {

class Lines final : public Logbook {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) noexcept override {
    lines.push_back((level == LogLevel::warn ? "warn " : "info ") + std::string(text));
  }
  std::vector<std::string> lines;
};

/// A pipeline with a table, a schema and a script, and the watch over their files.
struct Fixture {
  MemoryFiles files;
  Lines logbook;
  RulesGauges gauges;
  PipelineConfig config;
  ViewSet views = ViewSet::compile({}).value();
  CompiledRules compiled;
  std::optional<RulesWatch> watch;
  std::uint64_t reads_before = 0;

  Fixture() {
    files.write("t.csv", "k,v\na,1\n");
    files.write("s.json", R"({"required": ["k"]})");
    files.write("x.lua", "function transform(e) return e end");
    ValidateConfig validate;
    validate.schema = "s.json";
    EnrichConfig enrich;
    enrich.table = {"t.csv", {"k"}, {}};
    enrich.key = {FieldPath{{"k"}, "k"}};
    enrich.add = {{"v", "v"}};
    TransformConfig transform;
    transform.script = ScriptConfig{"x.lua"};
    add("validate", validate);
    add("enrich", enrich);
    add("transform", transform);
    compiled = compile_rules(config, views.paths(), reader()).value();
    watch.emplace(watched());
    REQUIRE(look() == nullptr);  // reads all once more
    reads_before = files.reads();
  }
  void add(const std::string& kind, auto body) {
    StageConfig stage;
    stage.kind = stage.name = kind;
    stage.body = std::move(body);
    config.stages.push_back(std::move(stage));
  }
  ReadFile reader() {
    return [this](const std::string& name) { return files.read(name); };
  }
  WatchedRules watched() { return {&config, &views, compiled, reader(), &files, &logbook, &gauges}; }
  std::shared_ptr<const ChainRules> look() { return watch->look(); }
  std::uint64_t reads() const { return files.reads() - reads_before; }
};

}  // namespace

TEST_CASE("files that do not change are never read again", "[rules_watch]") {
  Fixture f;
  CHECK(f.compiled.files.size() == 3);
  for (int i = 0; i < 10; ++i) CHECK(f.look() == nullptr);
  CHECK(f.reads() == 0);
  CHECK(f.logbook.lines.empty());
}

TEST_CASE("a changed file is read once it has settled, and makes new rules once", "[rules_watch]") {
  Fixture f;
  f.files.write("t.csv", "k,v\na,2\n");
  CHECK(f.look() == nullptr);  // it may still be written
  f.files.write("t.csv", "k,v\na,2\nb,3\n");
  CHECK(f.look() == nullptr);
  CHECK(f.reads() == 0);
  const auto fresh = f.look();
  REQUIRE(fresh);
  CHECK(f.gauges.changes == 1);
  CHECK_FALSE(f.gauges.stale);
  CHECK(fresh->version.hash != f.compiled.rules->version.hash);
  CHECK(fresh->version.hash == compile_rules(f.config, f.views.paths(), f.reader())->rules->version.hash);
  for (int i = 0; i < 3; ++i) CHECK(f.look() == nullptr);
  REQUIRE(f.logbook.lines.size() == 1);
  CHECK(f.logbook.lines[0].starts_with("info t.csv changed; from the next batch on rules "));
}

TEST_CASE("schemas and scripts change as tables do, several at a time", "[rules_watch]") {
  Fixture f;
  f.files.write("s.json", R"({"required": ["k", "w"]})");
  f.files.write("x.lua", "function transform(e) return nil end");
  CHECK(f.look() == nullptr);
  CHECK(f.look() != nullptr);
  REQUIRE(f.logbook.lines.size() == 1);
  CHECK(f.logbook.lines[0].starts_with("info s.json, x.lua changed; "));
}

TEST_CASE("another file moved to the name counts", "[rules_watch]") {
  Fixture f;
  f.files.replace("t.csv", "k,v\na,9\n");
  CHECK(f.look() == nullptr);
  CHECK(f.look() != nullptr);
}

TEST_CASE("a file touched without a change is read and makes nothing new", "[rules_watch]") {
  Fixture f;
  f.files.write("t.csv", "k,v\na,1\n");
  for (int i = 0; i < 3; ++i) CHECK(f.look() == nullptr);
  CHECK(f.reads() == 1);
  CHECK(f.logbook.lines.empty());
}

TEST_CASE("a file that cannot be used keeps the old rules, with one warning for each state of it", "[rules_watch]") {
  Fixture f;
  f.files.write("t.csv", "k,v\na,1\n\"b");
  for (int i = 0; i < 5; ++i) CHECK(f.look() == nullptr);
  REQUIRE(f.logbook.lines.size() == 1);
  CHECK(f.logbook.lines[0] ==
        "warn t.csv changed and cannot be used: t.csv:3:1: a quoted field does not end. What was read before goes on "
        "deciding; a mended file is read within seconds");
  CHECK(f.gauges.stale);
  CHECK(f.gauges.refusals == 1);
  f.files.write("t.csv", "k,w\na,1\n");
  for (int i = 0; i < 5; ++i) CHECK(f.look() == nullptr);
  REQUIRE(f.logbook.lines.size() == 2);
  CHECK(f.logbook.lines[1].find("has no column \"v\"") != std::string::npos);
  f.files.remove("t.csv");
  for (int i = 0; i < 5; ++i) CHECK(f.look() == nullptr);
  REQUIRE(f.logbook.lines.size() == 3);
  CHECK(f.logbook.lines[2].find("t.csv: cannot be opened") != std::string::npos);
  CHECK(f.gauges.refusals == 3);
  f.files.write("t.csv", "k,v\na,1\n");  // as it was
  for (int i = 0; i < 3; ++i) CHECK(f.look() == nullptr);
  CHECK_FALSE(f.gauges.stale);
  CHECK(f.logbook.lines.size() == 4);
  CHECK(f.logbook.lines[3] == "info the files of the stages are again what decides events");
  f.files.write("t.csv", "k,v\na,2\n");
  CHECK(f.look() == nullptr);
  CHECK(f.look() != nullptr);
  CHECK(f.gauges.refusals == 3);
}

TEST_CASE("while one file is broken a change of another one is not used, and both are named", "[rules_watch]") {
  // Rules are one whole: half of a change might be worse than none.
  Fixture f;
  f.files.write("x.lua", "function transform(e) retrun e end");
  for (int i = 0; i < 3; ++i) CHECK(f.look() == nullptr);
  f.files.write("t.csv", "k,v\na,2\n");
  for (int i = 0; i < 3; ++i) CHECK(f.look() == nullptr);
  REQUIRE(f.logbook.lines.size() == 2);
  CHECK(f.logbook.lines[1] ==
        "warn t.csv, x.lua changed and cannot be used: x.lua:1: syntax error near 'e'. What was read before goes on "
        "deciding; a mended file is read within seconds");
  f.files.write("x.lua", "function transform(e) return e end");
  CHECK(f.look() == nullptr);
  CHECK(f.look() != nullptr);
  CHECK(f.logbook.lines[2].starts_with("info t.csv changed; "));
}

TEST_CASE("what changed while the pipeline was compiled is found by its content", "[rules_watch]") {
  Fixture f;
  f.files.write_unseen("t.csv", "k,v\na,7\n");
  RulesWatch late(f.watched());
  const auto fresh = late.look();
  REQUIRE(fresh);
  CHECK(fresh->version.hash != f.compiled.rules->version.hash);
}

TEST_CASE("a file that changes between its two readings is compiled again", "[rules_watch]") {
  // The same table for two stages: the second one finds another content.
  Fixture f;
  f.add("again", std::get<EnrichConfig>(f.config.stages[1].body));
  f.config.stages.back().kind = "enrich";
  std::get<EnrichConfig>(f.config.stages.back().body).table.key = {"v"};
  std::get<EnrichConfig>(f.config.stages.back().body).add = {{"w", "k"}};
  int read = 0;
  f.compiled = compile_rules(f.config, f.views.paths(), [&](const std::string& name) {
                 if (name == "t.csv" && ++read == 2) f.files.write_unseen("t.csv", "k,v\na,7\n");
                 return f.files.read(name);
               }).value();
  REQUIRE(read == 2);
  RulesWatch watch(f.watched());
  const auto fresh = watch.look();
  REQUIRE(fresh);
  CHECK(fresh->version.hash == compile_rules(f.config, f.views.paths(), f.reader())->rules->version.hash);
}

TEST_CASE("a file that never comes to rest is named once, and read when it does", "[rules_watch]") {
  Fixture f;
  for (std::uint32_t i = 0; i < 3 * RulesWatch::kRestlessLooks; ++i) {
    f.files.write("t.csv", "k,v\na," + std::to_string(i) + "\n");
    REQUIRE(f.look() == nullptr);
  }
  CHECK(f.reads() == 0);
  REQUIRE(f.logbook.lines.size() == 1);
  CHECK(f.logbook.lines[0].starts_with("warn t.csv has not been at rest for 60 looks; "));
  CHECK(f.look() != nullptr);
}

TEST_CASE("a watcher publishes from its own thread and ends when it is asked to", "[rules_watch]") {
  Fixture f;
  f.files.write_unseen("t.csv", "k,v\na,8\n");
  std::mutex mutex;
  std::condition_variable changed;
  std::shared_ptr<const ChainRules> published;
  {
    RulesWatcher watcher{RulesWatch(f.watched()), std::chrono::milliseconds(1),
                         [&](std::shared_ptr<const ChainRules> rules) {
                           const std::scoped_lock lock(mutex);
                           published = std::move(rules);
                           changed.notify_one();
                         }};
    std::unique_lock lock(mutex);
    REQUIRE(changed.wait_for(lock, std::chrono::seconds(60), [&] { return published != nullptr; }));
  }
  CHECK(published->version.hash != f.compiled.rules->version.hash);
  const RulesWatcher idle{RulesWatch(f.watched()), std::chrono::hours(1), [](const auto&) {}};
}

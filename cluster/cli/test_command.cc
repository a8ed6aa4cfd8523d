#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <map>

#include "cluster/cli/config_options.h"
#include "cluster/cli/data_options.h"
#include "cluster/cli/terminal.h"
#include "cluster/cli/test_report.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

namespace {

struct Options {
  ConfigOptions config;  // its layers, for each of the files
  std::vector<std::string> files;
  std::string filter;
  bool coverage = false;
  Output output = Output::table;
};

struct LoadedFile {
  std::string name;
  std::unique_ptr<CompiledPipeline> pipeline;
  std::vector<TestConfig> tests;  // those that the filter lets through
  std::map<std::string, ConfigPlace> places;
};

/// All files before any test: a typo in the last one should not cost a run of the first ones. The exit code of the
/// first one that is refused.
int load(const Options& options, std::vector<LoadedFile>& files) {
  const auto plugins = load_plugins(options.config);
  if (!plugins) return report(plugins.error());
  int code = kDone;
  for (const std::string& name : options.files) {
    ConfigSources sources = options.config.pipeline_sources();
    sources.file = name;
    auto config = YamlConfigLoader(*plugins).tests(sources);
    auto compiled = config ? CompiledPipeline::compile(std::move(config->pipeline))
                           : Result<std::unique_ptr<CompiledPipeline>>(fail(config.error()));
    if (!compiled) {
      fmt::print(stderr, "{}\n", compiled.error().context);
      if (code == kDone) code = exit_code(compiled.error().code);
      continue;
    }
    LoadedFile file{name, std::move(*compiled), {}, std::move(config->places)};
    for (TestConfig& test : config->tests) {
      if (test.name.find(options.filter) != std::string::npos) file.tests.push_back(std::move(test));
    }
    files.push_back(std::move(file));
  }
  return code;
}

int nothing_to_do(const Options& options) {
  if (!options.filter.empty()) {
    return report(Error{Errc::config_invalid, fmt::format("no test's name contains \"{}\"", options.filter)});
  }
  return report(Error{Errc::config_invalid,
                      "the files have no tests; write some under the key `tests`, for example\n"
                      "  tests:\n"
                      "    - name: an event is served\n"
                      "      input: {format: ndjson, events: [{id: a, type: x}]}\n"
                      "      expect: {ledger: {accepted: 1, served: 1}}"});
}

void print_csv(const std::vector<TestLine>& tests) {
  std::vector<Row> rows;
  for (const TestLine& test : tests) {
    Row row;
    row.fields = {text_cell("file", test.file),
                  number_cell("line", static_cast<std::uint64_t>(test.line)),
                  text_cell("name", test.name),
                  text_cell("result", test.outcome.passed() ? "ok" : "failed"),
                  number_cell("differences", test.outcome.differences.size()),
                  text_cell("error", test.outcome.error)};
    rows.push_back(std::move(row));
  }
  write_rows(Output::csv, {"file", "line", "name", "result", "differences", "error"}, rows);
}

int run(const Options& options) {
  std::vector<LoadedFile> files;
  if (const int code = load(options, files); code != kDone) return code;
  std::vector<TestLine> lines;
  std::vector<FileCoverage> coverages;
  std::size_t failed = 0;
  const bool text = options.output == Output::table;
  const bool colours = may_decorate(STDOUT_FILENO);
  for (const LoadedFile& file : files) {
    if (text) fmt::print("{}{}\n", file.name, file.tests.empty() ? ": no tests" : "");
    Coverage coverage(*file.pipeline, file.places);
    for (const TestConfig& test : file.tests) {
      TestLine line{test.place.file, test.place.line, test.name,
                    run_test(*file.pipeline, test, options.coverage ? coverage.onlookers() : TestOnlookers{})};
      failed += line.outcome.passed() ? 0 : 1;
      if (text) (void)to_stdout(test_text(line, colours));
      lines.push_back(std::move(line));
    }
    coverages.push_back({file.name, coverage.items()});
    if (text && options.coverage) (void)to_stdout(coverage_text(coverages.back()));
  }
  if (lines.empty()) return nothing_to_do(options);
  if (options.output == Output::json) (void)to_stdout(tests_json(lines, coverages, options.coverage) + "\n");
  if (options.output == Output::csv) print_csv(lines);
  if (text)
    fmt::print("{} test{}: {} ok, {} failed\n", lines.size(), lines.size() == 1 ? "" : "s", lines.size() - failed,
               failed);
  return failed == 0 ? kDone : kAnswerIsNo;
}

}  // namespace

Command make_test(Level root) {
  auto options = std::make_shared<Options>();
  const Level app = root.add_command(
      "test", "Run the `tests` of pipeline files on the real engine, in memory, and show what differs");
  app.footer(
      "Example: weir test configs/pipelines/retail.yaml --coverage\n"
      "Exit code 1: a test failed; 2: a file is wrong, or there is no test.");
  app.add_option("file", options->files, "Pipeline files").required().type_name("FILE");
  app.add_option("--filter", options->filter, "Only tests whose name contains this").type_name("TEXT");
  app.add_flag("--coverage", options->coverage,
                "Also name what no test reached: stages, conditions, rules, fields, table hits and misses, filters, "
                "scripts, views");
  add_layers(app, options->config);
  add_output(app, options->output);
  return {app, [options] { return run(*options); }};
}

}  // namespace weir::cli

// What the tests of this folder stand on: a pipeline file of their own.
#pragma once
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "cluster/node/pipeline_test.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"
#include "tests/support/catch.h"

namespace weir {

using Lines = std::vector<std::string>;

/// A pipeline file in a folder of its own, with what it needs beside it.
class Ground {
 public:
  Ground()
      : folder_(std::filesystem::temp_directory_path() /
                fmt::format("weir-pipeline-tests-{}", static_cast<const void*>(this))) {
    std::filesystem::create_directories(folder_);
  }
  ~Ground() { std::filesystem::remove_all(folder_); }
  Ground(const Ground&) = delete;
  Ground& operator=(const Ground&) = delete;

  std::string write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  [[nodiscard]] const std::vector<TestConfig>& tests() const { return tests_; }
  [[nodiscard]] const std::map<std::string, ConfigPlace>& places() const { return places_; }
  [[nodiscard]] const CompiledPipeline* pipeline() const { return pipeline_.get(); }
  const CompiledPipeline& load(const std::string& text) {
    auto config = YamlConfigLoader{}.tests({write("p.yaml", text), {}, {}});
    if (!config) FAIL(config.error().context);
    tests_ = std::move(config->tests);
    places_ = std::move(config->places);
    auto compiled = CompiledPipeline::compile(std::move(config->pipeline));
    if (!compiled) FAIL(describe(compiled.error()));
    pipeline_ = std::move(*compiled);
    return *pipeline_;
  }
  /// The outcome of the file's only test, as lines.
  std::vector<std::string> run(const std::string& pipeline, const std::string& test) {
    load(pipeline + "tests:\n" + test);
    REQUIRE(tests_.size() == 1);
    const TestOutcome outcome = run_test(*pipeline_, tests_[0]);
    std::vector<std::string> lines;
    if (!outcome.error.empty()) lines.push_back(outcome.error);
    for (const Difference& d : outcome.differences) lines.push_back(d.where + " | " + d.expected + " | " + d.actual);
    return lines;
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<CompiledPipeline> pipeline_;
  std::vector<TestConfig> tests_;
  std::map<std::string, ConfigPlace> places_;
};

}  // namespace weir

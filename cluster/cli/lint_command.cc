#include <fmt/format.h>

#include "cluster/cli/command.h"
#include "cluster/node/compiled_pipeline.h"
#include "runtime/adapters/yaml/yaml_config_loader.h"

namespace weir::cli {

Command make_lint(CLI::App& root) {
  struct Options {
    std::vector<std::string> files;
  };
  auto options = std::make_shared<Options>();
  CLI::App* app = root.add_subcommand("lint", "Everything a run would refuse in a pipeline file, all findings at once");
  app->footer("Example: weir lint configs/pipelines/retail.yaml");
  app->add_option("file", options->files, "Pipeline files")->required()->type_name("FILE");
  return {app, [options] {
            int code = kDone;
            for (const std::string& file : options->files) {
              auto config = YamlConfigLoader{}.pipeline(file, {});
              Result<void> good;
              if (!config) {
                good = fail(config.error());
              } else if (auto compiled = CompiledPipeline::compile(std::move(*config)); !compiled) {
                good = fail(compiled.error());
              }
              if (good) {
                fmt::print("{}: good\n", file);
              } else {
                code = kUsage;
                fmt::print(stderr, "{}\n", good.error().context);
              }
            }
            return code;
          }};
}

}  // namespace weir::cli

#include "cluster/cli/completion.h"
#include "cluster/cli/data_options.h"

namespace weir::cli {

Command make_completion(CLI::App& root) {
  auto shell = std::make_shared<std::string>();
  CLI::App* app =
      root.add_subcommand("completion", "A script that completes commands, options and values in bash or zsh");
  app->footer(
      "Example: weir completion bash > ~/.local/share/bash-completion/completions/weir\n"
      "         weir completion zsh > \"${fpath[1]}/_weir\"\n"
      "For this shell alone: source <(weir completion bash). The script knows this version's commands and options and "
      "never calls weir.");
  one_of(app->add_option("shell", *shell, "Whose script")->required(), {"bash", "zsh"});
  return {app, [shell, &root] {
            (void)to_stdout(*shell == "bash" ? bash_completion(describe(root)) : zsh_completion(describe(root)));
            return kDone;
          }};
}

}  // namespace weir::cli

#include "cluster/cli/completion.h"
#include "cluster/cli/data_options.h"

namespace weir::cli {

Command make_completion(Level root) {
  auto shell = std::make_shared<std::string>();
  const Level app =
      root.add_command("completion", "A script that completes commands, options and values in bash or zsh");
  app.footer(
      "Example: weir completion bash > ~/.local/share/bash-completion/completions/weir\n"
      "         weir completion zsh > \"${fpath[1]}/_weir\"\n"
      "For this shell alone: source <(weir completion bash). The script knows this version's commands and options and "
      "never calls weir.");
  app.add_option("shell", *shell, "Whose script").required().one_of({"bash", "zsh"});
  return {app, [shell, root] {
            (void)to_stdout(*shell == "bash" ? bash_completion(describe(root.app())) : zsh_completion(describe(root.app())));
            return kDone;
          }};
}

}  // namespace weir::cli

#include <fmt/format.h>

#include "cluster/cli/snapshot_trials.h"

namespace weir::cli {

Command make_replay(Level root) {
  auto options = std::make_shared<TrialOptions>();
  options->from = "zero";
  const Level app = root.add_command("replay", "Rebuild the state aside from the log, and compare it with the one there is");
  app.footer("Example: weir replay --verify --from zero\n"
             "         weir replay --verify --from 3-120345-9f8a01c2 --data ./sales\n"
             "`zero` is the first commit, or the oldest snapshot where the log no longer has it; `base` says which it was. Nothing that is there is changed.\n"
             "Exit code 1: a state comes out that is not the present one; the first difference is named.");
  add_trial_options(app, *options);
  auto verify = std::make_shared<bool>(false);
  app.add_flag("--verify", *verify, "Compare the two, and throw the rebuilt one away").required();
  app.add_option("--from", options->from, "zero, newest (snapshot), or the id of a snapshot").type_name("BASE").shown_default("zero");
  return {app, [options, verify] { return run_trials(*options); }};
}

}  // namespace weir::cli

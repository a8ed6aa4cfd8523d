// `weir snapshot verify` and `weir replay --verify`: the same trial, from another beginning.
#pragma once
#include <string>

#include "cluster/cli/data_options.h"
#include "cluster/cli/data_source.h"

namespace weir::cli {

struct TrialOptions {
  DataSource source;
  std::string from = "newest";  // newest, zero, or an id
  std::string snapshots;
  std::string scratch;
  DataPlugins plugins;
  Output output = Output::table;
};

/// Adds everything but where it begins.
void add_trial_options(Level command, TrialOptions& options);
/// Exit code 1: some partition cannot be rebuilt, or becomes another; the first difference is named.
[[nodiscard]] int run_trials(const TrialOptions& options);

}  // namespace weir::cli

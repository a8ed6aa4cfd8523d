// What all subcommands share: exit codes, messages, output formats. One file per subcommand beside this one.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cluster/cli/parser.h"
#include "runtime/base/error.h"
#include "runtime/base/result.h"

namespace weir::cli {

/// Exit codes are a contract with scripts.
inline constexpr int kDone = 0;         // done
inline constexpr int kAnswerIsNo = 1;   // done, and the answer is no: a ledger does not balance, damage was found
inline constexpr int kUsage = 2;        // usage or configuration is wrong
inline constexpr int kNotReady = 3;     // node not reachable or not ready
inline constexpr int kRefused = 4;      // not allowed, fenced, a limit
inline constexpr int kUnreadable = 5;   // input or data cannot be read
inline constexpr int kBroken = 70;      // weir itself is at fault (EX_SOFTWARE of sysexits.h); never "the answer is no"

[[nodiscard]] int exit_code(Errc code) noexcept;
/// Prints `weir: …` to stderr and gives the exit code.
[[nodiscard]] int report(const Error& error);
/// The same with the code chosen by the command.
[[nodiscard]] int report(const Error& error, int code);

enum class Output : std::uint8_t { table, json, csv };

/// Adds `--output table|json|csv`.
void add_output(Level command, Output& output);
/// Adds `--data DIR` (or WEIR_DATA).
void add_data(Level command, std::string& data, bool required);

/// The value of an option that is a time: 2011-12-01 or 2011-12-01T00:00:00Z, as microseconds since 1970; an empty one: nullopt. Error
/// invalid_argument.
[[nodiscard]] Result<std::optional<std::int64_t>> time_option(const std::string& option, const std::string& text);

/// Adds one subcommand; `run` is called after a successful parse and returns the exit code.
using Run = std::function<int()>;
struct Command {
  Level level;
  Run run;
};

[[nodiscard]] Command make_up(Level root);
[[nodiscard]] Command make_run(Level root);
[[nodiscard]] Command make_ingest(Level root);
[[nodiscard]] Command make_ledger(Level root);
[[nodiscard]] Command make_query(Level root);
[[nodiscard]] Command make_dlq(Level root);
[[nodiscard]] Command make_audit(Level root);
[[nodiscard]] Command make_digest(Level root);
[[nodiscard]] Command make_where(Level root);
[[nodiscard]] Command make_why_stuck(Level root);
[[nodiscard]] Command make_lint(Level root);
[[nodiscard]] Command make_config(Level root);
[[nodiscard]] Command make_plan(Level root);
[[nodiscard]] Command make_view(Level root);
[[nodiscard]] Command make_test(Level root);
[[nodiscard]] Command make_graph(Level root);
[[nodiscard]] Command make_try(Level root);
[[nodiscard]] Command make_new(Level root);
[[nodiscard]] Command make_snapshot(Level root);
[[nodiscard]] Command make_replay(Level root);
[[nodiscard]] Command make_tree(Level root);
[[nodiscard]] Command make_tap(Level root);
[[nodiscard]] Command make_partition(Level root);
[[nodiscard]] Command make_sink(Level root);
[[nodiscard]] Command make_journal(Level root);
[[nodiscard]] Command make_generate(Level root);
[[nodiscard]] Command make_bench(Level root);
[[nodiscard]] Command make_metrics(Level root);
[[nodiscard]] Command make_completion(Level root);

}  // namespace weir::cli
